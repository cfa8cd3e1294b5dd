//! A chart in memory: its files sorted into templates, values, schema and the rest.
//!
//! Where a chart comes from (built in, a repository, a registry) is for others; here it is files.

use std::path::Path;

use serde_json::{Map as JsonMap, Value as Json};

use super::value::{Map, Value};
use super::values::ReadValuesError;
use super::yaml::{self, Numbers, YamlError};
use super::{archive, ignore};

/// A file of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The path from the chart's root, with `/` between its parts.
    pub name: String,
    /// The content.
    pub data: Vec<u8>,
}

/// A chart without its dependencies.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What `Chart.yaml` says.
    pub metadata: Metadata,
    /// The files under `templates/`.
    pub templates: Vec<File>,
    /// All other files, as `.Files` shows them.
    pub files: Vec<File>,
    /// The default values, of `values.yaml`.
    pub values: Json,
    /// `values.yaml` as written.
    pub values_text: String,
    /// `values.schema.json` as written.
    pub schema: Option<Vec<u8>>,
}

/// What `Chart.yaml` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// The chart's name.
    pub name: String,
    /// The chart's own version.
    pub version: String,
    /// The version of what it installs.
    pub app_version: Option<String>,
    /// The Kubernetes versions it works with, as a constraint.
    pub kube_version: Option<String>,
    /// All fields as they stand there.
    pub fields: JsonMap<String, Json>,
}

/// Files that are no chart, or none we can use.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// There is no `Chart.yaml`.
    #[error("there is no `Chart.yaml`")]
    NoMetadata,
    /// A field of `Chart.yaml` is missing or cannot be.
    #[error("`Chart.yaml`: `{field}` {problem}")]
    Metadata {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A YAML file of the chart cannot be read.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// The default values are no map.
    #[error(transparent)]
    Values(#[from] ReadValuesError),
    /// A file that must be text is not.
    #[error("`{0}` is no UTF-8 text")]
    NotText(String),
    /// The chart has dependencies.
    #[error("the chart has subcharts (`{0}`), which are not supported yet")]
    Subcharts(String),
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file or folder.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The archive is damaged, too large or holds what no chart holds.
    #[error("the chart archive {0}")]
    Archive(String),
}

impl Chart {
    /// Sorts files into a chart.
    pub fn from_files(files: Vec<File>) -> Result<Self, ChartError> {
        let mut metadata = None;
        let mut chart = Self {
            metadata: Metadata::default(),
            templates: Vec::new(),
            files: Vec::new(),
            values: Json::Object(JsonMap::new()),
            values_text: String::new(),
            schema: None,
        };
        for file in files {
            match file.name.as_str() {
                "Chart.yaml" => metadata = Some(Metadata::parse(&text_of(&file)?)?),
                "values.yaml" => {
                    chart.values_text = text_of(&file)?;
                    chart.values = super::values::parse(&chart.values_text, "values.yaml")?;
                }
                "values.schema.json" => chart.schema = Some(file.data),
                "Chart.lock" => {}
                name if name.starts_with("templates/") => chart.templates.push(file),
                name if name.starts_with("charts/") && !is_hidden_or_signature(name) => {
                    return Err(ChartError::Subcharts(name.to_owned()));
                }
                _ => chart.files.push(file),
            }
        }
        chart.metadata = metadata.ok_or(ChartError::NoMetadata)?;
        Ok(chart)
    }

    /// Reads a chart from a folder, leaving out what its `.helmignore` names.
    pub fn from_folder(folder: &Path) -> Result<Self, ChartError> {
        Self::from_files(ignore::read_folder(folder)?)
    }

    /// Reads a chart from a gzipped tar archive.
    pub fn from_archive(bytes: &[u8]) -> Result<Self, ChartError> {
        Self::from_files(archive::read(bytes)?)
    }

    /// The chart's name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// The custom resource definitions, which Helm installs before anything else and never updates.
    pub fn crds(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| {
            file.name.starts_with("crds/")
                && [".yaml", ".yml", ".json"]
                    .iter()
                    .any(|ending| file.name.ends_with(ending))
        })
    }
}

impl Metadata {
    fn parse(text: &str) -> Result<Self, ChartError> {
        let wrong = |field, problem| ChartError::Metadata { field, problem };
        let Json::Object(mut fields) = yaml::parse_document(text, "Chart.yaml", Numbers::Kept)?
        else {
            return Err(wrong("name", "is missing"));
        };
        // Go reads numbers and booleans into these fields as the text they stand for.
        for field in [
            "name",
            "version",
            "appVersion",
            "kubeVersion",
            "apiVersion",
            "type",
        ] {
            if let Some(value @ (Json::Number(_) | Json::Bool(_))) = fields.get_mut(field) {
                *value = Json::String(value.to_string());
            }
        }
        if let Some(Json::Object(annotations)) = fields.get_mut("annotations") {
            for value in annotations.values_mut() {
                if !value.is_string() {
                    *value = Json::String(value.to_string());
                }
            }
        }
        if fields.get("apiVersion").is_none_or(Json::is_null) {
            fields.insert("apiVersion".to_owned(), "v1".into());
        }
        let field = |name: &str| {
            let text = fields.get(name).and_then(Json::as_str);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let name = field("name").ok_or_else(|| wrong("name", "is missing"))?;
        if name.contains(['/', '\\']) || name == "." || name == ".." {
            return Err(wrong("name", "is no plain name"));
        }
        let version = field("version").ok_or_else(|| wrong("version", "is missing"))?;
        let dependencies = fields.get("dependencies").and_then(Json::as_array);
        if let Some(first) = dependencies.and_then(|list| list.first()) {
            let name = first.get("name").and_then(Json::as_str).unwrap_or("?");
            return Err(ChartError::Subcharts(name.to_owned()));
        }
        Ok(Self {
            name,
            version,
            app_version: field("appVersion"),
            kube_version: field("kubeVersion"),
            fields,
        })
    }

    /// Whether the chart only lends templates to others.
    pub fn is_library(&self) -> bool {
        self.fields.get("type").and_then(Json::as_str) == Some("library")
    }

    /// `.Chart`, with the field names of Go's struct.
    pub(crate) fn to_template_value(&self) -> Value {
        const TEXTS: &[(&str, &str)] = &[
            ("Name", "name"),
            ("Home", "home"),
            ("Version", "version"),
            ("Description", "description"),
            ("Icon", "icon"),
            ("APIVersion", "apiVersion"),
            ("Condition", "condition"),
            ("Tags", "tags"),
            ("AppVersion", "appVersion"),
            ("KubeVersion", "kubeVersion"),
            ("Type", "type"),
        ];
        let texts = TEXTS.iter().map(|(name, key)| {
            let text = self.fields.get(*key).and_then(Json::as_str).unwrap_or("");
            (*name, Value::str(text))
        });
        let list = |key: &str| match self.fields.get(key) {
            Some(list @ Json::Array(_)) => Value::from(list),
            _ => Value::strings::<String>([]),
        };
        let annotations = match self.fields.get("annotations") {
            Some(map @ Json::Object(_)) => Value::from(map),
            _ => Value::Map(Map::default()),
        };
        let deprecated = self.fields.get("deprecated").and_then(Json::as_bool);
        let rest = [
            ("Sources", list("sources")),
            ("Keywords", list("keywords")),
            ("Maintainers", self.maintainers()),
            ("Annotations", annotations),
            ("Dependencies", list("dependencies")),
            ("Deprecated", deprecated.unwrap_or(false).into()),
            ("IsRoot", true.into()),
        ];
        Value::Map(texts.chain(rest).collect())
    }

    fn maintainers(&self) -> Value {
        let maintainers = self.fields.get("maintainers").and_then(Json::as_array);
        let field = |one: &Json, key: &str| {
            Value::str(one.get(key).and_then(Json::as_str).unwrap_or_default())
        };
        maintainers
            .into_iter()
            .flatten()
            .map(|one| {
                let fields = [
                    ("Name", field(one, "name")),
                    ("Email", field(one, "email")),
                    ("URL", field(one, "url")),
                ];
                Value::Map(fields.into_iter().collect())
            })
            .collect()
    }
}

fn text_of(file: &File) -> Result<String, ChartError> {
    match std::str::from_utf8(&file.data) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()),
        Err(_) => Err(ChartError::NotText(file.name.clone())),
    }
}

fn is_hidden_or_signature(name: &str) -> bool {
    let inner = name.strip_prefix("charts/").unwrap_or(name);
    inner.starts_with(['_', '.']) || !inner.contains('/') && !is_archive(inner)
}

fn is_archive(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "tgz")
}
