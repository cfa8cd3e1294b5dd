//! Helm's release record: what `helm list`, `history`, `upgrade` and `uninstall` read.
//!
//! Each revision of a release is one Secret. This module knows its name, its labels and the text
//! in it; storing it is for others. Fields that only a newer Helm knows survive a rewrite.

mod chart;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{decode_base64, encode_base64, print, yaml};

pub use chart::{Base64, RecordedChart, RecordedFile};

/// The type of the Secret.
pub const SECRET_TYPE: &str = "helm.sh/release.v1";
/// The key in the Secret's data.
pub const SECRET_KEY: &str = "release";

/// The largest record that is unpacked.
const MAX_SIZE: u64 = 100 << 20;

/// One revision of a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// The release's name.
    #[serde(default)]
    pub name: String,
    /// Its namespace.
    #[serde(default)]
    pub namespace: String,
    /// The revision, from 1.
    #[serde(default)]
    pub version: u64,
    /// The user's values, without the chart's defaults.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub config: Value,
    /// All objects, as [`super::Rendered::manifest_text`] yields them.
    #[serde(default)]
    pub manifest: String,
    /// The hooks.
    #[serde(default, deserialize_with = "or_default")]
    pub hooks: Vec<Hook>,
    /// When it happened and how it ended.
    #[serde(default)]
    pub info: Info,
    /// The chart it was made of.
    #[serde(default)]
    pub chart: RecordedChart,
    /// `ssa` when the objects were applied by the server; nothing means by the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apply_method: Option<String>,
    /// Fields we do not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// When a revision was made and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Info {
    /// When revision 1 was deployed, in RFC 3339.
    #[serde(default, deserialize_with = "or_default")]
    pub first_deployed: String,
    /// When this revision was deployed, in RFC 3339.
    #[serde(default, deserialize_with = "or_default")]
    pub last_deployed: String,
    /// When it was uninstalled; empty, which both Helm 3 and 4 understand, when it was not.
    #[serde(default, deserialize_with = "or_default")]
    pub deleted: String,
    /// One sentence for people.
    #[serde(default)]
    pub description: String,
    /// Where it stands.
    #[serde(default)]
    pub status: Status,
    /// The revision that this one went back to; 0 for one that is no rollback.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rollback_revision: u64,
    /// The rendered notes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// Fields we do not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Where a revision stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Installed and current.
    Deployed,
    /// Removed, with its history kept.
    Uninstalled,
    /// Replaced by a later revision.
    Superseded,
    /// Not installed fully.
    Failed,
    /// Being removed.
    Uninstalling,
    /// Being installed, or left over from that.
    PendingInstall,
    /// Being upgraded, or left over from that.
    PendingUpgrade,
    /// Being rolled back, or left over from that.
    PendingRollback,
    /// Anything else.
    #[default]
    #[serde(other)]
    Unknown,
}

/// A hook inside a record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hook {
    /// The object's name.
    #[serde(default)]
    pub name: String,
    /// Its kind.
    #[serde(default)]
    pub kind: String,
    /// The template it came from.
    #[serde(default)]
    pub path: String,
    /// The object's text.
    #[serde(default)]
    pub manifest: String,
    /// The moments it runs at.
    #[serde(default, deserialize_with = "or_default")]
    pub events: Vec<String>,
    /// When it ran last.
    #[serde(default)]
    pub last_run: Value,
    /// Lighter ones run first.
    #[serde(default)]
    pub weight: i64,
    /// When it is deleted.
    #[serde(default, deserialize_with = "or_default")]
    pub delete_policies: Vec<String>,
    /// When its logs are shown.
    #[serde(default, deserialize_with = "or_default")]
    pub output_log_policies: Vec<String>,
    /// Fields we do not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// When a record was written, as its labels say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// Created now, in seconds since 1970.
    Created(i64),
    /// Rewritten now, in seconds since 1970.
    Modified(i64),
}

/// A record that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The text is no base64.
    #[error("the release record is no base64")]
    Base64,
    /// The bytes do not unpack.
    #[error("the release record cannot be packed or unpacked")]
    Gzip(#[source] std::io::Error),
    /// It unpacks to more than any release needs.
    #[error("the release record is larger than 100 MiB")]
    TooLarge,
    /// The JSON is not that of a release.
    #[error("the release record is no valid release")]
    Json(#[source] serde_json::Error),
}

/// The name of the Secret of a revision.
pub fn secret_name(release: &str, revision: u64) -> String {
    format!("sh.helm.release.v1.{release}.v{revision}")
}

/// The labels of the Secret.
pub fn labels(release: &Release, stamp: Stamp) -> BTreeMap<String, String> {
    let (stamp, seconds) = match stamp {
        Stamp::Created(seconds) => ("createdAt", seconds),
        Stamp::Modified(seconds) => ("modifiedAt", seconds),
    };
    [
        ("name", release.name.clone()),
        ("owner", "helm".to_owned()),
        ("status", release.info.status.as_str().to_owned()),
        ("version", release.version.to_string()),
        (stamp, seconds.to_string()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

/// The text under [`SECRET_KEY`], which Kubernetes encodes once more.
pub fn encode(release: &Release) -> Result<String, RecordError> {
    let json = serde_json::to_value(release).map_err(RecordError::Json)?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let bytes = gzip
        .write_all(print::json(&json).as_bytes())
        .and_then(|()| gzip.finish())
        .map_err(RecordError::Gzip)?;
    Ok(encode_base64(&bytes))
}

/// Reads what [`encode`] or Helm wrote.
pub fn decode(text: &[u8]) -> Result<Release, RecordError> {
    let text = std::str::from_utf8(text).map_err(|_| RecordError::Base64)?;
    let bytes = decode_base64(text.trim().as_bytes()).map_err(|_| RecordError::Base64)?;
    // Very old records are not packed.
    let json = if bytes.starts_with(&[0x1f, 0x8b, 0x08]) {
        unpack(&bytes)?
    } else {
        bytes
    };
    let mut release: Release = serde_json::from_slice(&json).map_err(RecordError::Json)?;
    release.config = yaml::floats(release.config);
    release.chart.values = yaml::floats(release.chart.values);
    Ok(release)
}

fn unpack(bytes: &[u8]) -> Result<Vec<u8>, RecordError> {
    let mut json = Vec::new();
    MultiGzDecoder::new(bytes)
        .take(MAX_SIZE + 1)
        .read_to_end(&mut json)
        .map_err(RecordError::Gzip)?;
    if json.len() as u64 > MAX_SIZE {
        return Err(RecordError::TooLarge);
    }
    Ok(json)
}

impl Status {
    /// The status as Helm writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::Uninstalled => "uninstalled",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Uninstalling => "uninstalling",
            Self::PendingInstall => "pending-install",
            Self::PendingUpgrade => "pending-upgrade",
            Self::PendingRollback => "pending-rollback",
            Self::Unknown => "unknown",
        }
    }

    /// Whether an operation is under way, or was cut off.
    pub fn is_pending(self) -> bool {
        matches!(
            self,
            Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback
        )
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Go writes an empty list as null.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn release() -> Release {
        Release {
            name: "dev".to_owned(),
            namespace: "team-a".to_owned(),
            version: 3,
            config: json!({"replicas": 2.0, "note": "<&>"}),
            manifest: "---\n# Source: a/b.yaml\nkind: X\n".to_owned(),
            hooks: Vec::new(),
            info: Info {
                status: Status::PendingUpgrade,
                ..Info::default()
            },
            chart: RecordedChart::default(),
            apply_method: Some("ssa".to_owned()),
            other: Map::new(),
        }
    }

    #[test]
    fn a_record_survives_encoding_and_keeps_fields_we_do_not_know() {
        let mut release = release();
        release.other.insert("future".to_owned(), json!([1, "x"]));
        release
            .info
            .other
            .insert("resources".to_owned(), json!({"v1/Pod": [{}]}));
        let decoded = decode(encode(&release).unwrap().as_bytes()).unwrap();
        assert_eq!(decoded, release);
    }

    #[test]
    fn a_record_as_go_writes_it_is_read() {
        let json = json!({
            "name": "x", "version": 1, "config": {"a": 1}, "hooks": null,
            "info": {"deleted": "", "first_deployed": null, "status": "something-new"},
            "chart": {"metadata": {"name": "c"}, "templates": null, "files": null, "schema": null, "values": null, "lock": null},
        });
        let decoded = decode(encode_base64(json.to_string().as_bytes()).as_bytes()).unwrap();
        assert_eq!(decoded.info.status, Status::Unknown);
        assert_eq!(decoded.config, json!({"a": 1.0}));
        assert!(decode(b"???").is_err());
    }

    #[test]
    fn the_secret_is_named_and_labelled_as_helm_does() {
        assert_eq!(secret_name("dev", 3), "sh.helm.release.v1.dev.v3");
        let labels = labels(&release(), Stamp::Created(17));
        let text: Vec<String> = labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(
            text.join(","),
            "createdAt=17,name=dev,owner=helm,status=pending-upgrade,version=3"
        );
    }
}
