//! YAML as Helm reads and writes it: the YAML 1.1 rules of Kubernetes' Go library.
//!
//! Reading and writing go through [`serde_json::Value`]; what a value means is for others.

mod compose;
mod emit;
mod key;
mod number;
mod order;
mod place;
mod plain;
mod read;
mod scalar;
mod shape;

pub(crate) use emit::to_pretty_string;
pub use emit::to_string;
pub use place::line_of;
pub use read::YamlError;
pub(crate) use read::{Numbers, documents, parse_document, utf8};

/// Reads the first document of a text from `origin`; an empty text is null, and integers stay integers.
pub fn parse(text: &str, origin: &str) -> Result<serde_json::Value, YamlError> {
    parse_document(text, origin, Numbers::Kept)
}

/// The same, read by the library whatever the text is like; for tests, which hold both ways against each other.
pub fn parse_by_library(text: &str, origin: &str) -> Result<serde_json::Value, YamlError> {
    read::parse_by_library(text, origin, Numbers::Kept)
}

/// The same value with every number a float, as Helm's values have them.
pub(crate) fn floats(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Number(number) => number
            .as_f64()
            .and_then(serde_json::Number::from_f64)
            .map_or(Value::Null, Value::Number),
        Value::Array(items) => items.into_iter().map(floats).collect(),
        Value::Object(entries) => entries
            .into_iter()
            .map(|(key, value)| (key, floats(value)))
            .collect(),
        plain => plain,
    }
}
