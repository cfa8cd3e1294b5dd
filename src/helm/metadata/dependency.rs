//! One entry of a chart's dependencies.

use serde_json::{Value as Json, json};

use super::super::value::Value;
use super::MetadataError;
use super::fields::{field_of, list_field, plain_text, text_field, wrong};

/// A chart that another depends on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dependency {
    /// Its name; its alias as soon as the dependencies have been processed.
    pub name: String,
    /// The versions that will do, as a constraint.
    pub version: String,
    /// Where it is found.
    pub repository: String,
    /// Paths of values, the first that holds a boolean decides.
    pub condition: String,
    /// Names of values under `tags` that decide where no condition does.
    pub tags: Vec<String>,
    /// Whether it takes part.
    pub enabled: bool,
    /// Values of it that its parent takes over.
    pub import_values: Vec<Json>,
    /// What to call it instead of its name.
    pub alias: String,
}

impl Dependency {
    pub(super) fn parse(value: &Json) -> Result<Self, MetadataError> {
        let Json::Object(given) = value else {
            return Err(wrong("dependencies", "has one that is no map"));
        };
        let text = |field: &str| {
            text_field(given, "dependencies.", field).map(Option::<String>::unwrap_or_default)
        };
        let list = |field: &str| list_field(given, "dependencies.", field);
        let tags = list("tags")?.unwrap_or_default();
        Ok(Self {
            name: text("name")?,
            version: text("version")?,
            repository: text("repository")?,
            condition: text("condition")?,
            tags: tags
                .iter()
                .map(|tag| plain_text(tag, "dependencies.tags"))
                .collect::<Result<_, _>>()?,
            enabled: field_of(given, "enabled") == Some(&Json::Bool(true)),
            import_values: list("import-values")?.unwrap_or_default().to_vec(),
            alias: text("alias")?,
        })
    }

    /// What it is called among its siblings.
    pub(super) fn key(&self) -> &str {
        if self.alias.is_empty() {
            &self.name
        } else {
            &self.alias
        }
    }

    pub(super) fn to_json(&self) -> Json {
        let mut json = json!({"name": self.name, "repository": self.repository});
        let texts = [
            ("version", &self.version),
            ("condition", &self.condition),
            ("alias", &self.alias),
        ];
        for (field, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            json[field] = text.as_str().into();
        }
        if !self.tags.is_empty() {
            json["tags"] = json!(self.tags);
        }
        if self.enabled {
            json["enabled"] = true.into();
        }
        if !self.import_values.is_empty() {
            json["import-values"] = json!(self.import_values);
        }
        json
    }

    pub(super) fn to_template_value(&self) -> Value {
        let fields = [
            ("Name", Value::str(self.name.as_str())),
            ("Version", Value::str(self.version.as_str())),
            ("Repository", Value::str(self.repository.as_str())),
            ("Condition", Value::str(self.condition.as_str())),
            ("Tags", Value::strings(self.tags.iter().map(String::as_str))),
            ("Enabled", self.enabled.into()),
            (
                "ImportValues",
                self.import_values.iter().map(Value::from).collect(),
            ),
            ("Alias", Value::str(self.alias.as_str())),
        ];
        Value::Map(fields.into_iter().collect())
    }
}
