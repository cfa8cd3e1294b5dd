//! What a registry keeps under one reference: which blobs make up a chart.
//!
//! Media types are Helm's: <https://helm.sh/docs/topics/registries/#helm-chart-manifest>.

use serde::Deserialize;

/// The kinds of answer that are understood where a manifest is asked for.
pub(super) const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                                 application/vnd.docker.distribution.manifest.v2+json";
/// How large a manifest may be, in bytes; registries refuse larger ones.
pub(super) const LIMIT: usize = 4 << 20;

const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CHART: [&str; 2] = [
    "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
    // Of charts that were pushed when this was still an experiment.
    "application/tar+gzip",
];
const PROVENANCE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";

/// A blob, as a manifest names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::chart) struct Descriptor {
    pub(in crate::chart) media_type: String,
    /// `sha256:` and 64 digits.
    pub(in crate::chart) digest: String,
    /// In bytes.
    pub(in crate::chart) size: u64,
    artifact_type: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Manifest {
    config: Option<Descriptor>,
    layers: Vec<Descriptor>,
    manifests: Vec<Descriptor>,
}

/// What a manifest leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// A chart, and who vouches for it.
    Chart {
        archive: Descriptor,
        provenance: Option<Descriptor>,
    },
    /// The manifest of a chart, by its digest.
    Other(Descriptor),
}

/// Why a manifest leads to no chart.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoContent {
    /// It is none, and why.
    Broken(String),
    /// It is one of something else.
    Else(String),
}

/// What a manifest leads to.
pub(super) fn read(bytes: &[u8]) -> Result<Content, NoContent> {
    let manifest: Manifest = serde_json::from_slice(bytes)
        .map_err(|error| NoContent::Broken(format!("the manifest: {error}")))?;
    if !manifest.manifests.is_empty() {
        let mut charts = manifest
            .manifests
            .iter()
            .filter(|one| one.artifact_type == CONFIG);
        let only = || {
            let mut plain = manifest.manifests.iter();
            let first = plain.next().filter(|one| one.artifact_type.is_empty());
            first.filter(|_| plain.next().is_none())
        };
        return match charts.next().or_else(only) {
            Some(one) => checked(one).map(Content::Other),
            None => Err(NoContent::Else("a list of other things".to_owned())),
        };
    }
    let kind = manifest.config.unwrap_or_default().media_type;
    if kind != CONFIG {
        let what = if kind.contains("container.image") || kind.contains("oci.image") {
            "a container image".to_owned()
        } else if kind.is_empty() {
            "something without a kind".to_owned()
        } else {
            format!("an artifact of the kind `{}`", shown(&kind))
        };
        return Err(NoContent::Else(what));
    }
    let of = |kinds: &[&str]| {
        let layer = manifest
            .layers
            .iter()
            .find(|layer| kinds.contains(&layer.media_type.as_str()));
        layer.map(checked).transpose()
    };
    let archive = of(&CHART)?
        .ok_or_else(|| NoContent::Broken("the manifest names no archive of a chart".to_owned()))?;
    Ok(Content::Chart {
        archive,
        provenance: of(&[PROVENANCE])?,
    })
}

fn checked(descriptor: &Descriptor) -> Result<Descriptor, NoContent> {
    if is_digest(&descriptor.digest) {
        Ok(descriptor.clone())
    } else {
        Err(NoContent::Broken(
            "the manifest names a blob by something other than a SHA-256 digest".to_owned(),
        ))
    }
}

/// Whether a text is a digest that can be verified here.
pub(in crate::chart) fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|digits| {
        let is_digit = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
        digits.len() == 64 && digits.bytes().all(is_digit)
    })
}

fn shown(text: &str) -> String {
    let plain = text.chars().filter(|letter| !letter.is_control());
    plain.take(100).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn digest(digit: &str) -> String {
        format!("sha256:{}", digit.repeat(64))
    }

    fn read_json(manifest: &serde_json::Value) -> Result<Content, NoContent> {
        read(manifest.to_string().as_bytes())
    }

    #[test]
    fn a_chart_is_found_with_its_provenance() {
        let manifest = json!({
            "schemaVersion": 2,
            "config": {"mediaType": CONFIG, "digest": digest("0"), "size": 1},
            "layers": [
                {"mediaType": PROVENANCE, "digest": digest("1"), "size": 2},
                {"mediaType": CHART[0], "digest": digest("2"), "size": 3},
            ],
        });
        let Ok(Content::Chart {
            archive,
            provenance,
        }) = read_json(&manifest)
        else {
            panic!("it is a chart");
        };
        assert_eq!((archive.digest, archive.size), (digest("2"), 3));
        assert_eq!(provenance.map(|one| one.digest), Some(digest("1")));
    }

    #[test]
    fn a_list_leads_to_the_chart_in_it() {
        let chart = json!({"artifactType": CONFIG, "digest": digest("3"), "size": 1});
        let image = json!({"digest": digest("4"), "size": 1, "platform": {}});
        let found = |list: serde_json::Value| match read_json(&json!({ "manifests": list })) {
            Ok(Content::Other(one)) => one.digest,
            other => format!("{other:?}"),
        };
        assert_eq!(found(json!([image, chart])), digest("3"));
        assert_eq!(found(json!([image])), digest("4"));
        assert!(found(json!([image, image])).contains("Else"));
    }

    #[test]
    fn what_is_no_chart_is_told() {
        let of = |kind: &str| read_json(&json!({"config": {"mediaType": kind}, "layers": []}));
        assert_eq!(
            of("application/vnd.oci.image.config.v1+json"),
            Err(NoContent::Else("a container image".to_owned()))
        );
        assert!(matches!(of("application/x"), Err(NoContent::Else(_))));
        assert!(matches!(of(CONFIG), Err(NoContent::Broken(_))));
        assert!(matches!(read(b"<html>"), Err(NoContent::Broken(_))));
        let wrong = json!({
            "config": {"mediaType": CONFIG},
            "layers": [{"mediaType": CHART[0], "digest": "../../etc/passwd"}],
        });
        assert!(matches!(read_json(&wrong), Err(NoContent::Broken(_))));
    }
}
