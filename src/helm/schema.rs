//! Checking values against a chart's `values.schema.json`.

use serde_json::Value;

/// One place where values break the schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: {problem}")]
pub struct Violation {
    /// The key, for example `controlPlane.ingress.host`; empty for all values together.
    pub path: String,
    /// What the schema wants; without the value, which may be a secret.
    pub problem: String,
}

/// A schema that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The file is no JSON.
    #[error("`values.schema.json` is no valid JSON")]
    Json(#[source] serde_json::Error),
    /// The JSON is no schema.
    #[error("`values.schema.json` is no valid schema: {0}")]
    Invalid(String),
}

/// All violations, in the order of the schema; none means that the values are good.
pub fn validate(schema: &[u8], values: &Value) -> Result<Vec<Violation>, SchemaError> {
    let schema: Value = serde_json::from_slice(schema).map_err(SchemaError::Json)?;
    let validator = jsonschema::validator_for(&schema)
        .map_err(|error| SchemaError::Invalid(error.masked().to_string()))?;
    let values = whole_numbers(values.clone());
    Ok(validator
        .iter_errors(&values)
        .map(|error| Violation {
            path: dotted(&error.instance_path().to_string()),
            problem: error.masked().to_string(),
        })
        .collect())
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
fn dotted(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty() {
            path.extend(["[", part.as_str(), "]"]);
            continue;
        }
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(&part);
    }
    path
}

#[cfg(test)]
mod tests {
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
        let values = json!({"a": {"b": [1.0, "hunter2"]}, "c": 5.0, "d": 1});
        let found = validate(schema.to_string().as_bytes(), &values).unwrap();
        let text: Vec<String> = found.iter().map(ToString::to_string).collect();
        let all = text.join("\n");
        assert_eq!(found.len(), 3, "{all}");
        assert!(
            all.contains("`a.b[1]`") && !all.contains("hunter2"),
            "{all}"
        );
    }
}
