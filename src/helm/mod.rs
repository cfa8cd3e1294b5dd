//! Helm without Helm: charts, values, the template engine, manifests and release records.
//!
//! Everything here is pure: nothing touches the network or the environment, and only
//! [`Chart::from_folder`] touches the disk. Applying what is rendered is for others. The module is
//! fenced: it uses nothing else of this crate.

mod archive;
mod chart;
mod constraint;
mod engine;
mod funcs;
mod glob;
mod ignore;
mod manifest;
mod print;
pub mod record;
pub mod schema;
mod set;
#[cfg(test)]
mod tests;
mod value;
pub mod values;
pub mod yaml;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

pub use chart::{Chart, ChartError, File, Metadata};
pub use engine::{LookupKey, Lookups, TemplateError};
pub use manifest::{Hook, Manifest, ManifestError, parse_manifest_text};
pub use yaml::YamlError;

/// What templates see as `.Release`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseInfo {
    /// The release's name.
    pub name: String,
    /// The namespace it goes into.
    pub namespace: String,
    /// From 1; an upgrade makes the next.
    pub revision: u64,
    /// Whether there is a release already.
    pub is_upgrade: bool,
}

/// What templates see as `.Capabilities`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The version of the cluster, for example `v1.36.3`.
    pub kube_version: String,
    /// Its group versions, and `group/version/Kind` for what charts ask in that form.
    pub api_versions: Vec<String>,
}

/// The outcome of a render.
#[derive(Clone, Debug, PartialEq)]
pub enum Rendering {
    /// Everything is known.
    Done(Rendered),
    /// Templates asked for objects of the cluster: find them and render again.
    Needs(Vec<LookupKey>),
}

/// What a chart and values make.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The objects, in install order.
    pub manifests: Vec<Manifest>,
    /// The hooks, in the same order.
    pub hooks: Vec<Hook>,
    /// The text of `NOTES.txt`.
    pub notes: Option<String>,
}

impl Rendered {
    /// The manifest as it is stored in the release record.
    pub fn manifest_text(&self) -> String {
        manifest::to_text(&self.manifests)
    }
}

/// A chart that cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A template fails.
    #[error(transparent)]
    Template(#[from] Box<TemplateError>),
    /// What the templates make is not usable.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The chart lends templates to others and installs nothing.
    #[error("`{0}` is a library chart, which cannot be installed")]
    Library(String),
    /// The chart does not work with this Kubernetes.
    #[error("chart `{chart}` needs Kubernetes `{wanted}`, which {found} is not")]
    KubeVersion {
        /// The chart.
        chart: String,
        /// The constraint of the chart.
        wanted: String,
        /// The version of the cluster.
        found: String,
    },
}

/// Renders a chart with values that [`values::coalesce`] made.
pub fn render(
    chart: &Chart,
    values: &Value,
    release: &ReleaseInfo,
    capabilities: &Capabilities,
    lookups: &Lookups,
) -> Result<Rendering, RenderError> {
    check_usable(chart, capabilities)?;
    let mut files = match engine::render_files(chart, values, release, capabilities, lookups)? {
        engine::Texts::Rendered(files) => files,
        engine::Texts::Needs(needs) => return Ok(Rendering::Needs(needs)),
    };
    let notes = files.remove(&format!("{}/templates/NOTES.txt", chart.name()));
    files.retain(|path, _| !path.ends_with("NOTES.txt"));
    let (manifests, hooks) = manifest::sort(&files)?;
    Ok(Rendering::Done(Rendered {
        manifests,
        hooks,
        notes,
    }))
}

fn check_usable(chart: &Chart, capabilities: &Capabilities) -> Result<(), RenderError> {
    if chart.metadata.is_library() {
        return Err(RenderError::Library(chart.name().to_owned()));
    }
    let Some(wanted) = &chart.metadata.kube_version else {
        return Ok(());
    };
    // Like Helm, without what a provider appends to the version.
    let version = constraint::parse_version(&capabilities.kube_version)
        .map(|version| semver::Version::new(version.major, version.minor, version.patch));
    let is_met = constraint::Constraint::parse(wanted)
        .zip(version)
        .is_some_and(|(constraint, version)| constraint.allows(&version));
    if is_met {
        return Ok(());
    }
    Err(RenderError::KubeVersion {
        chart: chart.name().to_owned(),
        wanted: wanted.clone(),
        found: capabilities.kube_version.clone(),
    })
}

/// Go's standard base64: padded, and lenient about the bits that padding leaves over.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

fn encode_base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// Like Go, ignores line breaks; the error is the place of the first wrong byte.
fn decode_base64(text: &str) -> Result<Vec<u8>, usize> {
    let text = text.replace(['\r', '\n'], "");
    BASE64.decode(&text).map_err(|error| match error {
        base64::DecodeError::InvalidByte(place, _)
        | base64::DecodeError::InvalidLastSymbol(place, _) => place,
        base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => {
            text.len() - text.len() % 4
        }
    })
}
