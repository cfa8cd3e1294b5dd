//! Checking values against a chart's `values.schema.json`.

mod plain;
mod reading;

use bytes::Bytes;
use serde_json::Value;

use super::{Chart, Prepared};

/// One place where values break the schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", self.place())]
pub struct Violation {
    /// The key, for example `controlPlane.ingress.host`; empty for all values together.
    pub path: String,
    /// What the schema wants; without the value, which may be a secret.
    pub problem: String,
}

impl Violation {
    fn place(&self) -> String {
        if self.path.is_empty() {
            "the values".to_owned()
        } else {
            format!("`{}`", self.path)
        }
    }
}

/// A `values.schema.json`.
#[derive(Clone, Debug)]
pub struct Schema {
    text: Bytes,
}

impl Schema {
    pub(super) fn new(text: Bytes) -> Self {
        Self { text }
    }

    /// The file as written.
    pub fn text(&self) -> &Bytes {
        &self.text
    }
}

/// A schema that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The file is no JSON.
    #[error("`values.schema.json` of `{0}` is no valid JSON")]
    Json(String, #[source] serde_json::Error),
    /// The JSON is no schema.
    #[error("`values.schema.json` of `{0}` is no valid schema: {1}")]
    Invalid(String, String),
}

/// All violations, those of the chart first, then those of its subcharts; none means that the values are good.
pub fn validate(prepared: &Prepared) -> Result<Vec<Violation>, SchemaError> {
    let mut violations = Vec::new();
    check(&prepared.chart, &prepared.values, "", &mut violations)?;
    Ok(violations)
}

fn check(
    chart: &Chart,
    values: &Value,
    above: &str,
    violations: &mut Vec<Violation>,
) -> Result<(), SchemaError> {
    if let Some(schema) = &chart.schema {
        let origin = || chart.name().to_owned();
        let schema =
            reading::read(&schema.text).map_err(|error| SchemaError::Json(origin(), error))?;
        let verdict = plain::verdict(&schema, values);
        if verdict.is_good != Some(true) {
            let before = violations.len();
            let values = whole_numbers(values.clone());
            let validator = jsonschema::options()
                .with_retriever(NoRetriever)
                .build(&schema)
                .map_err(|error| SchemaError::Invalid(origin(), error.masked().to_string()))?;
            violations.extend(validator.iter_errors(&values).map(|error| Violation {
                path: dotted(above, &error.instance_path().to_string()),
                problem: error.masked().to_string(),
            }));
            if violations.len() == before && verdict.is_good == Some(false) {
                violations.push(Violation {
                    path: above.to_owned(),
                    problem: "the references of the schema lead in a circle".to_owned(),
                });
            }
        }
    }
    for subchart in &chart.dependencies {
        let name = subchart.name();
        if let Some(values) = values.get(name).filter(|values| !values.is_null()) {
            check(subchart, values, &join(above, name), violations)?;
        }
    }
    Ok(())
}

/// What a schema refers to elsewhere is not fetched: a chart may not make requests.
struct NoRetriever;

impl jsonschema::Retrieve for NoRetriever {
    fn retrieve(
        &self,
        uri: &jsonschema::Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        // Helm lets such a name stand for anything.
        if uri.as_str().starts_with("urn:") {
            return Ok(Value::Bool(true));
        }
        Err(format!("it refers to `{uri}`, which is not fetched").into())
    }
}

/// Whole floats as integers, as Helm's JSON shows them to the validator.
fn whole_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let text = super::print::json(&Value::Number(number.clone()));
            text.parse::<i64>()
                .map_or(Value::Number(number), Value::from)
        }
        Value::Array(items) => items.into_iter().map(whole_numbers).collect(),
        Value::Object(entries) => entries
            .into_iter()
            .map(|(key, value)| (key, whole_numbers(value)))
            .collect(),
        plain => plain,
    }
}

/// A JSON pointer as people write keys: `a.b[0]`.
fn dotted(above: &str, pointer: &str) -> String {
    let mut path = above.to_owned();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty() {
            path.extend(["[", part.as_str(), "]"]);
        } else {
            path = join(&path, &part);
        }
    }
    path
}

fn join(above: &str, key: &str) -> String {
    if above.is_empty() {
        key.to_owned()
    } else {
        format!("{above}.{key}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{File, prepare};
    use super::*;
    use serde_json::json;

    #[test]
    fn every_violation_is_found_and_no_value_shown() {
        let schema = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "a": {"type": "object", "properties": {"b": {"type": "array", "items": {"type": "integer"}}}},
                "c": {"type": "string"},
            },
        });
        let file = |name: &str, text: String| File {
            name: name.to_owned(),
            data: text.into(),
        };
        let chart = Chart::from_files(vec![
            file("Chart.yaml", "name: c\nversion: 1.0.0".to_owned()),
            file("values.schema.json", schema.to_string()),
            file("charts/s/Chart.yaml", "name: s\nversion: 1.0.0".to_owned()),
            file(
                "charts/s/values.schema.json",
                json!({"$schema": "http://json-schema.org/draft-04/schema#",
                    "properties": {"n": {"minimum": 2, "exclusiveMinimum": true}}})
                .to_string(),
            ),
        ]);
        let values = json!({"a": {"b": [1.0, "hunter2"]}, "c": 5.0, "s": {"n": 2.0}});
        let found = validate(&prepare(&chart.unwrap(), &values).unwrap()).unwrap();
        let text: Vec<String> = found.iter().map(ToString::to_string).collect();
        let all = text.join("\n");
        assert_eq!(found.len(), 4, "{all}");
        assert!(
            all.contains("`a.b[1]`") && all.contains("`s.n`") && !all.contains("hunter2"),
            "{all}"
        );
    }
}
