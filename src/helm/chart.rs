//! A chart in memory: its files sorted into templates, values, schema, subcharts and the rest.
//!
//! Where a chart comes from (built in, a repository, a registry) is for others; here it is files. Which subcharts take
//! part is decided by values, in [`super::dependencies`].

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use serde_json::{Map as JsonMap, Value as Json};

use super::archive::Budget;
use super::metadata::{Metadata, MetadataError};
use super::schema::Schema;
use super::values::ReadValuesError;
use super::yaml::{self, Numbers, YamlError};
use super::{archive, ignore};

/// How deep subcharts may nest.
const MAX_LEVELS: usize = 32;

/// A file of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The path from the chart's root, with `/` between its parts.
    pub name: String,
    /// The content; copies share it.
    pub data: Bytes,
}

impl File {
    /// A file as it was found: a byte order mark is no part of its content.
    pub(super) fn found(name: String, data: Bytes) -> Self {
        let data = if data.starts_with(b"\xef\xbb\xbf") {
            data.slice(3..)
        } else {
            data
        };
        Self { name, data }
    }
}

/// A chart with its subcharts.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What `Chart.yaml` says.
    pub metadata: Metadata,
    /// What `Chart.lock` says; null without one.
    pub lock: Json,
    /// The files under `templates/`.
    pub templates: Vec<File>,
    /// All other files, as `.Files` shows them.
    pub files: Vec<File>,
    /// The default values, of `values.yaml`.
    pub values: Json,
    /// `values.yaml` as written.
    pub values_text: String,
    /// `values.schema.json`.
    pub schema: Option<Schema>,
    /// The charts in `charts/`.
    pub dependencies: Vec<Chart>,
}

/// Files that are no chart, or none we can use.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// There is no `Chart.yaml`.
    #[error("there is no `Chart.yaml`")]
    NoMetadata,
    /// `Chart.yaml` says what cannot be.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A YAML file of the chart cannot be read.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// The default values are no map.
    #[error(transparent)]
    Values(#[from] ReadValuesError),
    /// A file that must be text is not.
    #[error("`{0}` is no UTF-8 text")]
    NotText(String),
    /// A subchart is none.
    #[error("the subchart `{name}` of `{parent}` cannot be used")]
    Subchart {
        /// What lies in `charts/`.
        name: String,
        /// The chart it lies in.
        parent: String,
        /// What is wrong with it.
        source: Box<ChartError>,
    },
    /// Subcharts in subcharts, without an end in sight.
    #[error("subcharts nest more than {MAX_LEVELS} levels deep")]
    TooDeep,
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file or folder.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The folder is too large or holds what no chart holds.
    #[error("the chart's folder {0}")]
    Folder(String),
    /// The archive is damaged, too large or holds what no chart holds.
    #[error("the chart archive {0}")]
    Archive(String),
}

impl Chart {
    /// Sorts files into a chart.
    pub fn from_files(files: Vec<File>) -> Result<Self, ChartError> {
        Self::sorted(files, &mut Budget::default(), 0)
    }

    /// Reads a chart from a folder, leaving out what its `.helmignore` names.
    pub fn from_folder(folder: &Path) -> Result<Self, ChartError> {
        Self::from_files(ignore::read_folder(folder)?)
    }

    /// Reads a chart from a gzipped tar archive.
    pub fn from_archive(bytes: &[u8]) -> Result<Self, ChartError> {
        Self::unpacked(bytes, &mut Budget::default(), 0)
    }

    fn unpacked(bytes: &[u8], budget: &mut Budget, level: usize) -> Result<Self, ChartError> {
        Self::sorted(archive::read(bytes, budget)?, budget, level)
    }

    fn sorted(files: Vec<File>, budget: &mut Budget, level: usize) -> Result<Self, ChartError> {
        if level > MAX_LEVELS {
            return Err(ChartError::TooDeep);
        }
        let metadata = files.iter().rfind(|file| file.name == "Chart.yaml");
        let metadata = Metadata::parse(&text_of(metadata.ok_or(ChartError::NoMetadata)?)?)?;
        if level == 0 {
            metadata.check_format()?;
        }
        let mut chart = Self {
            metadata,
            lock: Json::Null,
            templates: Vec::new(),
            files: Vec::new(),
            values: Json::Object(JsonMap::new()),
            values_text: String::new(),
            schema: None,
            dependencies: Vec::new(),
        };
        let mut subcharts: BTreeMap<String, Vec<File>> = BTreeMap::new();
        for mut file in files {
            match file.name.as_str() {
                "Chart.yaml" => {}
                "values.schema.json" => chart.schema = Some(Schema::new(file.data)),
                "Chart.lock" => chart.lock = lock_of(&file)?,
                "values.yaml" => {
                    chart.values_text = text_of(&file)?;
                    chart.values = super::values::parse(&chart.values_text, "values.yaml")?;
                }
                // What came before `Chart.yaml` had dependencies of its own.
                "requirements.yaml" => {
                    chart.metadata.add_requirements(&text_of(&file)?)?;
                    chart.keep_in_first_version(file);
                }
                "requirements.lock" => {
                    chart.lock = lock_of(&file)?;
                    chart.keep_in_first_version(file);
                }
                name if name.starts_with("templates/") => chart.templates.push(file),
                name if name.starts_with("charts/") && !has_extension(name, "prov") => {
                    file.name.drain(.."charts/".len());
                    let folder = file.name.split('/').next().unwrap_or_default();
                    subcharts.entry(folder.to_owned()).or_default().push(file);
                }
                _ => chart.files.push(file),
            }
        }
        chart.metadata.check()?;
        for (name, files) in subcharts {
            if name.starts_with(['_', '.']) {
                continue;
            }
            let read = subchart(&name, files, budget, level + 1);
            chart
                .dependencies
                .push(read.map_err(|source| ChartError::Subchart {
                    name,
                    parent: chart.name().to_owned(),
                    source: Box::new(source),
                })?);
        }
        Ok(chart)
    }

    fn keep_in_first_version(&mut self, file: File) {
        if self.metadata.is_first_version() {
            self.files.push(file);
        }
    }

    /// The chart's name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// The files of `crds/`, of subcharts too, by the path that `# Source:` shows.
    ///
    /// They are installed before anything else, and never updated or deleted.
    pub fn crds(&self) -> Vec<(String, &File)> {
        let mut found = Vec::new();
        self.collect_crds(self.name(), &mut found);
        found
    }

    fn collect_crds<'c>(&'c self, path: &str, found: &mut Vec<(String, &'c File)>) {
        let own = self.files.iter().filter(|file| {
            let name = file.name.to_lowercase();
            file.name.starts_with("crds/")
                && ["yaml", "yml", "json"]
                    .iter()
                    .any(|known| has_extension(&name, known))
        });
        found.extend(own.map(|file| (format!("{path}/{}", file.name), file)));
        for subchart in &self.dependencies {
            subchart.collect_crds(&format!("{path}/charts/{}", subchart.name()), found);
        }
    }
}

fn subchart(
    name: &str,
    files: Vec<File>,
    budget: &mut Budget,
    level: usize,
) -> Result<Chart, ChartError> {
    if has_extension(name, "tgz") {
        return match files.first() {
            Some(file) if file.name == name => Chart::unpacked(&file.data, budget, level),
            _ => Err(ChartError::Archive("is a folder".to_owned())),
        };
    }
    let inner = files.into_iter().filter_map(|file| {
        let (_, inner) = file.name.split_once('/')?;
        Some(File {
            name: inner.to_owned(),
            data: file.data,
        })
    });
    Chart::sorted(inner.collect(), budget, level)
}

fn has_extension(name: &str, wanted: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension == wanted)
}

fn lock_of(file: &File) -> Result<Json, ChartError> {
    Ok(yaml::parse_document(
        &text_of(file)?,
        &file.name,
        Numbers::Kept,
    )?)
}

fn text_of(file: &File) -> Result<String, ChartError> {
    match std::str::from_utf8(&file.data) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()),
        Err(_) => Err(ChartError::NotText(file.name.clone())),
    }
}
