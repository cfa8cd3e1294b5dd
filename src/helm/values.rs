//! Values: reading them from YAML and merging layers.
//!
//! The grammar of `--set` lives in a file of its own, and so does what gives them the chart's defaults.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::yaml::{self, Numbers, YamlError};

pub use super::set::{SetError, set, set_file, set_json, set_literal, set_string};

/// Values that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadValuesError {
    /// The text is no YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// The document is a list or a plain value.
    #[error("`{0}` must hold a map of values")]
    NoMap(String),
}

/// Reads a values file: maps, in which every number is a float as in Helm; several documents are
/// merged.
///
/// Read numbers with `as_f64`; `as_i64` sees only those that `--set` made.
pub fn parse(text: &str, origin: &str) -> Result<Value, ReadValuesError> {
    // Helm ends the last line of the file, which a block of text that ends there keeps.
    let ended = if text.is_empty() || text.ends_with('\n') {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("{text}\n"))
    };
    let mut merged = Value::Object(Map::new());
    for document in yaml::documents(&ended, origin, Numbers::Floats)? {
        merge(&mut merged, as_map(document, origin)?);
    }
    Ok(merged)
}

fn as_map(value: Value, origin: &str) -> Result<Value, ReadValuesError> {
    match value {
        Value::Null => Ok(Value::Object(Map::new())),
        map @ Value::Object(_) => Ok(map),
        _ => Err(ReadValuesError::NoMap(origin.to_owned())),
    }
}

/// Puts below newly given values those that were given before, as `helm upgrade --reset-then-reuse-values` does: a null
/// takes back what was given, and where nothing was, it stays to delete a default of the chart later.
pub fn keep(given: &mut Value, before: &Value) {
    let (Value::Object(given), Value::Object(before)) = (given, before) else {
        return;
    };
    for (key, old) in before {
        match given.get_mut(key) {
            None => {
                given.insert(key.clone(), old.clone());
            }
            Some(Value::Null) => {
                given.remove(key);
            }
            Some(new) => keep(new, old),
        }
    }
}

/// Lays one layer of values over another, as several `--values` files are: maps are merged, all
/// else is replaced, and a null stays, to delete a default of the chart later.
pub fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                match base.get_mut(&key) {
                    Some(old) if old.is_object() && value.is_object() => merge(old, value),
                    _ => {
                        base.insert(key, value);
                    }
                }
            }
        }
        (base, over) => *base = over,
    }
}
