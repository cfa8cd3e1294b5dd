//! Helm without Helm: charts, values, the template engine, manifests and release records.
//!
//! Everything here is pure: nothing touches the network or the environment, and only
//! [`Chart::from_folder`] touches the disk. Applying what is rendered is for others. The module is
//! fenced: it uses nothing else of this crate.

mod archive;
mod capabilities;
mod chart;
mod coalesce;
mod constraint;
mod dependencies;
mod engine;
mod funcs;
mod glob;
mod ignore;
mod manifest;
mod metadata;
mod number;
mod output;
mod pattern;
mod print;
pub mod record;
pub mod schema;
mod set;
#[cfg(test)]
mod tests;
pub mod three_way;
mod value;
pub mod values;
pub mod yaml;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

pub use capabilities::{ApiVersions, Capabilities};
pub use chart::{Chart, ChartError, File};
pub use coalesce::CoalesceError;
pub use constraint::{Constraint, parse_version};
pub use engine::{LookupKey, Lookups, TemplateError};
pub use funcs::listed as functions;
pub use manifest::{Hook, Manifest, ManifestError, parse_manifest_text};
pub use metadata::{Dependency, Metadata, MetadataError};
pub use output::{NoTemplate, Selection};
use value::stray;
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

/// A chart as values make it: with the subcharts that take part, and with all defaults below the values.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The chart, its dependencies decided and its imports made. This is what a release record holds.
    pub chart: Chart,
    /// The user's values over those of the chart and all its subcharts.
    pub values: Value,
}

/// The outcome of a render.
#[derive(Clone, Debug, PartialEq)]
pub enum Rendering {
    /// Everything is known.
    Done(Rendered),
    /// Templates asked something of the cluster: find it out and render again.
    Needs(Needs),
}

/// What templates asked of the cluster and is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// These objects.
    pub lookups: Vec<LookupKey>,
    /// What it serves.
    pub api_versions: bool,
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

impl Prepared {
    /// The definitions of kinds in the files of `crds/`, one by one.
    pub fn crds(&self) -> Result<Vec<Manifest>, YamlError> {
        let mut found = Vec::new();
        for (source, file) in self.chart.crds() {
            let text = String::from_utf8_lossy(&file.data);
            for object in yaml::documents(&text, &source, yaml::Numbers::Kept)? {
                if !object.is_null() {
                    found.push(Manifest {
                        source: source.clone(),
                        text: String::new(),
                        object,
                    });
                }
            }
        }
        Ok(found)
    }
}

impl Rendered {
    /// The manifest as it is stored in the release record.
    pub fn manifest_text(&self) -> String {
        manifest::to_text(&self.manifests)
    }
}

/// A chart that cannot be used with these values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// The chart lends templates to others and installs nothing.
    #[error("`{0}` is a library chart, which cannot be installed")]
    Library(String),
    /// Subcharts are not there.
    #[error("found in Chart.yaml, but missing in charts/ directory: {}", .0.join(", "))]
    Missing(Vec<String>),
    /// The values do not fit the subcharts.
    #[error(transparent)]
    Values(#[from] CoalesceError),
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

/// Decides which subcharts take part, and puts the user's values over all defaults.
pub fn prepare(chart: &Chart, user: &Value) -> Result<Prepared, PrepareError> {
    if chart.metadata.is_library() {
        return Err(PrepareError::Library(chart.name().to_owned()));
    }
    let missing = dependencies::missing(chart);
    if !missing.is_empty() {
        let names = missing.into_iter().map(str::to_owned).collect();
        return Err(PrepareError::Missing(names));
    }
    let mut chart = chart.clone();
    dependencies::process(&mut chart, user)?;
    let values = coalesce::coalesce(&chart, user, coalesce::Nulls::Delete)?;
    let values = coalesce::to_json(&values)?;
    Ok(Prepared { chart, values })
}

/// The text of every template of a chart by its path, without a look at what the text means; or the
/// lookups that must be answered first.
pub fn render_texts(
    prepared: &Prepared,
    release: &ReleaseInfo,
    capabilities: &Capabilities,
    lookups: &Lookups,
) -> Result<Result<BTreeMap<String, String>, Vec<LookupKey>>, RenderError> {
    let Prepared { chart, values } = prepared;
    check_version(chart, capabilities)?;
    let texts = engine::render_files(chart, values, release, capabilities, lookups)?;
    Ok(match texts {
        engine::Texts::Rendered(files) => {
            let texts = files.into_iter();
            Ok(texts
                .map(|(path, text)| (path, letters_of(&text)))
                .collect())
        }
        engine::Texts::Needs(needs) => Err(needs),
    })
}

/// Renders a chart.
pub fn render(
    prepared: &Prepared,
    release: &ReleaseInfo,
    capabilities: &Capabilities,
    lookups: &Lookups,
) -> Result<Rendering, RenderError> {
    let Prepared { chart, values } = prepared;
    check_version(chart, capabilities)?;
    let texts = engine::render_files(chart, values, release, capabilities, lookups);
    let api_versions = capabilities.api_versions.are_needed();
    let mut files = match texts {
        Ok(engine::Texts::Needs(lookups)) => {
            return Ok(Rendering::Needs(Needs {
                lookups,
                api_versions,
            }));
        }
        // What failed may be right as soon as this is known.
        _ if api_versions => {
            return Ok(Rendering::Needs(Needs {
                api_versions,
                ..Needs::default()
            }));
        }
        Ok(engine::Texts::Rendered(files)) => files,
        Err(error) => return Err(error.into()),
    };
    let notes = files.remove(&format!("{}/templates/NOTES.txt", chart.name()));
    let notes = notes.map(|text| letters_of(&text));
    files.retain(|path, _| !path.ends_with("NOTES.txt"));
    let (manifests, hooks) = manifest::sort(&files)?;
    Ok(Rendering::Done(Rendered {
        manifests,
        hooks,
        notes,
    }))
}

/// A rendered text; bytes that belong to no letter are replaced one by one, as Go's JSON has them.
fn letters_of(text: &[u8]) -> String {
    stray::outside(&stray::text_of(text)).into_owned()
}

fn check_version(chart: &Chart, capabilities: &Capabilities) -> Result<(), RenderError> {
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

/// Like Go, ignores line breaks; the error is the place that Go names.
fn decode_base64(text: &[u8]) -> Result<Vec<u8>, usize> {
    BASE64
        .decode(without_breaks(text))
        .map_err(|_| corrupt_place(text))
}

/// What Go's decoders of base64 and base32 read of a text.
fn without_breaks(text: &[u8]) -> Vec<u8> {
    text.iter()
        .copied()
        .filter(|byte| !is_break(*byte))
        .collect()
}

fn is_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Where Go's decoder stops, which templates can see; that of the library looks at the length first.
fn corrupt_place(text: &[u8]) -> usize {
    let past_breaks = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|byte| is_break(**byte)).count()
    };
    let mut in_group = 0;
    for (place, byte) in text.iter().copied().enumerate() {
        match byte {
            byte if is_break(byte) => {}
            b'+' | b'/' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => in_group = (in_group + 1) % 4,
            b'=' if in_group == 2 => {
                let second = past_breaks(place + 1);
                return match text.get(second) {
                    None => text.len(),
                    Some(b'=') => past_breaks(second + 1),
                    Some(_) => second - 1,
                };
            }
            b'=' if in_group == 3 => return past_breaks(place + 1),
            _ => return place,
        }
    }
    text.len() - in_group
}
