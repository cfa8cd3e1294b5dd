//! What `Chart.yaml` says, read as Go's decoder reads it and checked by Helm's rules.

mod dependency;
mod fields;

use serde_json::{Map as JsonMap, Value as Json};

use super::constraint;
use super::value::{Entries, Map, Value, stray};
use super::yaml::{self, Numbers, YamlError};
pub use dependency::Dependency;
pub(super) use fields::{field_of, scalar_text};
use fields::{list_field, plain_text, text, text_field, wrong};

/// The fields that hold text, with their names in Go.
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
/// The fields that hold a list of texts.
const LISTS: &[&str] = &["sources", "keywords"];
const FIRST_VERSION: &str = "v1";

/// What `Chart.yaml` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// The chart's name; as a subchart, its alias.
    pub name: String,
    /// The chart's own version.
    pub version: String,
    /// The version of what it installs.
    pub app_version: Option<String>,
    /// The Kubernetes versions it works with, as a constraint.
    pub kube_version: Option<String>,
    /// The charts it depends on.
    pub dependencies: Vec<Dependency>,
    /// All other fields that Helm knows, as they stand there.
    fields: JsonMap<String, Json>,
}

/// A `Chart.yaml` that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// The file is no YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// The file is a list or a plain value.
    #[error("`{0}` holds no map")]
    NoMap(&'static str),
    /// A field is missing or cannot be.
    #[error("`Chart.yaml`: `{field}` {problem}")]
    Field {
        /// The field.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Metadata {
    /// Reads the file; [`Self::check`] says whether a chart can be like this.
    pub(super) fn parse(text: &str) -> Result<Self, MetadataError> {
        let mut metadata = Self::default();
        metadata.read(text, "Chart.yaml")?;
        if metadata.text("apiVersion").is_empty() {
            let version = FIRST_VERSION.into();
            metadata.fields.insert("apiVersion".to_owned(), version);
        }
        Ok(metadata)
    }

    /// Reads a `requirements.yaml`, whose fields replace those of the same name.
    pub(super) fn add_requirements(&mut self, text: &str) -> Result<(), MetadataError> {
        self.read(text, "requirements.yaml")
    }

    fn read(&mut self, source: &str, file: &'static str) -> Result<(), MetadataError> {
        let given = match yaml::parse_document(source, file, Numbers::Kept)? {
            Json::Object(given) => given,
            Json::Null => JsonMap::new(),
            _ => return Err(MetadataError::NoMap(file)),
        };
        for (_, field) in TEXTS {
            if let Some(text) = text_field(&given, "", field)? {
                self.fields.insert((*field).to_owned(), text.into());
            }
        }
        for field in LISTS {
            if let Some(list) = list_field(&given, "", field)? {
                let texts = list.iter().map(|one| plain_text(one, field));
                let texts = texts.collect::<Result<Vec<_>, _>>()?;
                self.fields.insert((*field).to_owned(), texts.into());
            }
        }
        if let Some(value) = field_of(&given, "deprecated") {
            let truth = value
                .as_bool()
                .ok_or_else(|| wrong("deprecated", "is no boolean"))?;
            self.fields.insert("deprecated".to_owned(), truth.into());
        }
        if let Some(value) = field_of(&given, "annotations") {
            let Json::Object(annotations) = value else {
                return Err(wrong("annotations", "is no map"));
            };
            let texts = annotations.iter().map(|(key, value)| {
                let place = format!("annotations.{key}");
                Ok((key.clone(), text(value, &place)?.into()))
            });
            let texts = texts.collect::<Result<JsonMap<_, _>, MetadataError>>()?;
            self.fields.insert("annotations".to_owned(), texts.into());
        }
        if let Some(list) = list_field(&given, "", "maintainers")? {
            let all = list.iter().map(maintainer).collect::<Result<Vec<_>, _>>()?;
            self.fields.insert("maintainers".to_owned(), all.into());
        }
        if let Some(list) = list_field(&given, "", "dependencies")? {
            self.dependencies = list
                .iter()
                .map(Dependency::parse)
                .collect::<Result<_, _>>()?;
        }
        let given = |field| Some(self.text(field)).filter(|text| !text.is_empty());
        let (app_version, kube_version) = (
            given("appVersion").map(str::to_owned),
            given("kubeVersion").map(str::to_owned),
        );
        self.name = self.text("name").to_owned();
        self.version = self.text("version").to_owned();
        (self.app_version, self.kube_version) = (app_version, kube_version);
        Ok(())
    }

    /// Whether the chart is of a format that Helm renders: its `apiVersion`, which Helm looks at in the chart that
    /// is asked for, and not in those below it. Helm 4 reads `v3` too, as an experiment of its own.
    pub(super) fn check_format(&self) -> Result<(), MetadataError> {
        match self.text("apiVersion") {
            FIRST_VERSION | "v2" => Ok(()),
            other => Err(wrong(
                "apiVersion",
                format!("is `{other}`, and not `v1` or `v2`"),
            )),
        }
    }

    /// Helm's rules for what a chart must say of itself.
    pub(super) fn check(&self) -> Result<(), MetadataError> {
        let Self { name, version, .. } = self;
        if name.is_empty() {
            return Err(wrong("name", "is missing"));
        }
        if name.contains(['/', '\\']) || name == "." || name == ".." {
            return Err(wrong("name", "is no plain name"));
        }
        if version.is_empty() {
            return Err(wrong("version", "is missing"));
        }
        if constraint::parse_version(version).is_none() {
            return Err(wrong("version", "is no semantic version"));
        }
        if !["", "application", "library"].contains(&self.text("type")) {
            return Err(wrong("type", "is neither `application` nor `library`"));
        }
        for (place, dependency) in self.dependencies.iter().enumerate() {
            let key = dependency.key();
            let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
            if !dependency.alias.chars().all(is_plain) {
                let problem = format!("has the alias `{key}`, which is no plain name");
                return Err(wrong("dependencies", problem));
            }
            if self.dependencies[..place]
                .iter()
                .any(|earlier| earlier.key() == key)
            {
                let problem = format!("has more than one with the name or alias `{key}`");
                return Err(wrong("dependencies", problem));
            }
        }
        Ok(())
    }

    fn text(&self, field: &str) -> &str {
        self.fields.get(field).and_then(Json::as_str).unwrap_or("")
    }

    /// Whether the chart only lends templates to others.
    pub fn is_library(&self) -> bool {
        self.text("type") == "library"
    }

    /// Whether the chart is of the time when dependencies lay in a file of their own.
    pub(super) fn is_first_version(&self) -> bool {
        self.text("apiVersion") == FIRST_VERSION
    }

    /// Calls the chart something else, as an alias does.
    pub(super) fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        self.fields.insert("name".to_owned(), name.into());
    }

    /// The fields as they stand in a release record.
    pub fn to_json(&self) -> JsonMap<String, Json> {
        let is_given = |value: &Json| match value {
            Json::String(text) => !text.is_empty(),
            Json::Array(items) => !items.is_empty(),
            Json::Object(entries) => !entries.is_empty(),
            value => *value != Json::Bool(false),
        };
        let given = self.fields.iter().filter(|(_, value)| is_given(value));
        let mut fields: JsonMap<_, _> = given
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if !self.dependencies.is_empty() {
            let all = self.dependencies.iter().map(Dependency::to_json);
            fields.insert("dependencies".to_owned(), all.collect());
        }
        fields
    }

    /// `.Chart`, with the field names of Go's struct.
    pub(super) fn to_template_value(&self, is_root: bool) -> Value {
        let texts = TEXTS
            .iter()
            .map(|(name, field)| (*name, Value::str(stray::from_outside(self.text(field)))));
        let list = |key: &str| match self.fields.get(key) {
            Some(list @ Json::Array(_)) => Value::from(list),
            _ => Value::strings::<String>([]),
        };
        let annotations = match self.fields.get("annotations") {
            Some(Json::Object(entries)) => Map::of_strings(entries.iter().map(|(key, value)| {
                let text = value.as_str().unwrap_or_default();
                let (key, text) = (stray::from_outside(key), stray::from_outside(text));
                (key, text.into_owned())
            })),
            _ => Map::nil(Entries::Strings),
        };
        let dependencies = self.dependencies.iter().map(Dependency::to_template_value);
        let rest = [
            ("Sources", list("sources")),
            ("Keywords", list("keywords")),
            ("Maintainers", self.maintainers()),
            ("Annotations", annotations.into()),
            ("Dependencies", dependencies.collect()),
            ("Deprecated", self.is_deprecated().into()),
            ("IsRoot", is_root.into()),
        ];
        Value::Map(texts.chain(rest).collect())
    }

    /// Whether its makers have given it up.
    pub fn is_deprecated(&self) -> bool {
        let deprecated = self.fields.get("deprecated").and_then(Json::as_bool);
        deprecated.unwrap_or(false)
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

fn maintainer(value: &Json) -> Result<Json, MetadataError> {
    let Json::Object(given) = value else {
        return Err(wrong("maintainers", "has one that is no map"));
    };
    let mut fields = JsonMap::new();
    for field in ["name", "email", "url"] {
        if let Some(text) = text_field(given, "maintainers.", field)? {
            fields.insert(field.to_owned(), text.into());
        }
    }
    Ok(Json::Object(fields))
}
