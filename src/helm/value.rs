//! The values templates compute with, with Go's notion of kind, truth and equality.
//!
//! Maps are shared and mutable, because `set`, `unset` and `merge` change the caller's map. `int`
//! and `int64` are told apart, because Go refuses one where a function wants the other.

mod list;
mod map;

use std::any::Any;
use std::rc::Rc;

use super::engine::{Args, Fault};
pub(crate) use list::{Items, List};
pub(crate) use map::{Entries, Map};

/// How deep a value may nest to be written as JSON or YAML.
const MAX_DEPTH: usize = 1000;

/// How many keys of a map a message shows.
const SHOWN_KEYS: usize = 8;

/// Why a value has no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoJson {
    /// It holds an infinity, or something that is no number; Helm's `toYaml` swallows that.
    Number,
    /// It nests deeper than anything readable.
    TooDeep,
}

impl From<NoJson> for Fault {
    fn from(reason: NoJson) -> Self {
        Self::new(match reason {
            NoJson::Number => "an infinite number, or no number, has no JSON",
            NoJson::TooDeep => "the value nests too deep",
        })
    }
}

/// A value inside a template.
#[derive(Clone)]
pub(crate) enum Value {
    /// Go's `nil`, and what a missing key yields.
    Nil,
    /// A boolean.
    Bool(bool),
    /// Go's `int`: literals, `len`, `int`.
    Int(i64),
    /// Go's `int64`: arithmetic, `--set`, `int64`.
    Int64(i64),
    /// Go's `float64`: every number of a values file.
    Float(f64),
    /// A string.
    Str(Rc<str>),
    /// A Go string that is not UTF-8, as a decoded secret may be.
    Binary(Rc<[u8]>),
    /// A Go `[]byte`.
    Bytes(Rc<[u8]>),
    /// A list.
    List(List),
    /// A map with string keys.
    Map(Map),
    /// Something with methods, such as `.Files`.
    Object(Rc<dyn Object>),
}

/// A built-in object: fields and methods instead of plain keys.
pub(crate) trait Object: Any {
    /// The name of the Go type, for messages.
    fn type_name(&self) -> &'static str;

    /// Its Go kind: `struct`, `map`, `slice` or `ptr`.
    fn kind(&self) -> &'static str {
        "struct"
    }

    /// The value of a field or key.
    fn field(&self, name: &str) -> Option<Value>;

    /// Calls a method; `None` when there is no such method.
    fn call(&self, method: &str, args: &Args<'_>) -> Option<Result<Value, Fault>>;

    /// The plain value this object ranges and serialises as.
    fn plain(&self) -> Value;

    /// What it is in JSON and YAML.
    fn serialized(&self) -> Value {
        self.plain()
    }

    /// What an action that consists of this object prints.
    fn printed(&self) -> Value {
        self.plain()
    }
}

impl Value {
    /// A string value.
    pub(crate) fn str(text: impl Into<Rc<str>>) -> Self {
        Self::Str(text.into())
    }

    /// A Go string of any bytes.
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::str(text),
            Err(error) => Self::Binary(error.into_bytes().into()),
        }
    }

    /// A list of strings.
    pub(crate) fn strings<T: Into<Rc<str>>>(items: impl IntoIterator<Item = T>) -> Self {
        let items = items.into_iter().map(Self::str).collect();
        Self::List(List::new(items, Items::Strings))
    }

    /// Go's truth: nil, zero, false and everything empty is false.
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(truth) => *truth,
            Self::Int(number) | Self::Int64(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::Binary(bytes) | Self::Bytes(bytes) => !bytes.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(map) => map.len() > 0,
            Self::Object(object) => match object.kind() {
                "map" | "slice" => object.plain().is_true(),
                _ => true,
            },
        }
    }

    /// The Go kind, as `kindOf` names it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "invalid",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Int64(_) => "int64",
            Self::Float(_) => "float64",
            Self::Str(_) | Self::Binary(_) => "string",
            Self::Bytes(_) | Self::List(_) => "slice",
            Self::Map(_) => "map",
            Self::Object(object) => object.kind(),
        }
    }

    /// The Go type, as `typeOf` and error messages name it.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "<nil>",
            Self::Bytes(_) => "[]uint8",
            Self::List(list) => list.type_name(),
            Self::Map(map) => map.type_name(),
            Self::Object(object) => object.type_name(),
            other => other.kind(),
        }
    }

    /// What a message may show of the value; text may be a secret and is only counted.
    pub(crate) fn shown(&self) -> Option<String> {
        Some(match self {
            Self::Nil | Self::Object(_) => return None,
            Self::Bool(truth) => truth.to_string(),
            Self::Int(number) | Self::Int64(number) => number.to_string(),
            Self::Float(number) => super::print::float_g(*number),
            Self::Str(text) => format!("text of {} letters", text.chars().count()),
            Self::Binary(bytes) | Self::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Self::List(items) => format!("a list of {} items", items.len()),
            Self::Map(map) if map.len() == 0 => "an empty map".to_owned(),
            Self::Map(map) => {
                let entries = map.entries();
                let keys = entries.iter().take(SHOWN_KEYS).map(|(key, _)| key.as_ref());
                let keys: Vec<&str> = keys.collect();
                let more = if entries.len() > SHOWN_KEYS {
                    ", ..."
                } else {
                    ""
                };
                format!("a map of {}{more}", keys.join(", "))
            }
        })
    }

    /// The number in an integer of either width.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Int(number) | Self::Int64(number) => Some(*number),
            _ => None,
        }
    }

    /// A copy that shares no map with this value.
    pub(crate) fn deep_copy(&self) -> Value {
        match self {
            Self::List(list) => Self::List(list.deep_copy()),
            Self::Map(map) => Self::Map(map.deep_copy()),
            other => other.clone(),
        }
    }

    /// Go's `reflect.DeepEqual`: kinds must match, `1` and `1.0` differ.
    pub(crate) fn deep_equal(&self, other: &Value) -> bool {
        match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Int(left), Self::Int(right)) | (Self::Int64(left), Self::Int64(right)) => {
                left == right
            }
            #[expect(clippy::float_cmp, reason = "Go compares floats exactly")]
            (Self::Float(left), Self::Float(right)) => left == right,
            (Self::Str(left), Self::Str(right)) => left == right,
            (Self::Binary(left), Self::Binary(right)) | (Self::Bytes(left), Self::Bytes(right)) => {
                left == right
            }
            (Self::List(left), Self::List(right)) => left.deep_equal(right),
            (Self::Map(left), Self::Map(right)) => left.deep_equal(right),
            (Self::Object(left), Self::Object(right)) => {
                left.type_name() == right.type_name() && left.plain().deep_equal(&right.plain())
            }
            _ => false,
        }
    }

    /// The value as JSON; floats stay floats, to be written as Go writes them.
    ///
    /// Go cannot marshal infinities, and `toYaml` and `toJson` then yield nothing.
    pub(crate) fn to_json(&self) -> Result<serde_json::Value, NoJson> {
        self.to_json_at(0, false)
    }

    /// The same for the library behind `toYamlPretty`, in which nil lists are empty ones.
    pub(crate) fn to_pretty_json(&self) -> Result<serde_json::Value, NoJson> {
        self.to_json_at(0, true)
    }

    fn to_json_at(&self, depth: usize, is_pretty: bool) -> Result<serde_json::Value, NoJson> {
        if depth > MAX_DEPTH {
            return Err(NoJson::TooDeep);
        }
        Ok(match self {
            Self::Nil => serde_json::Value::Null,
            Self::Bool(truth) => (*truth).into(),
            Self::Int(number) | Self::Int64(number) => (*number).into(),
            Self::Float(number) => serde_json::Number::from_f64(*number)
                .ok_or(NoJson::Number)?
                .into(),
            Self::Str(text) => text.as_ref().into(),
            Self::Binary(bytes) => String::from_utf8_lossy(bytes).into(),
            Self::Bytes(bytes) => super::encode_base64(bytes).into(),
            Self::List(list) if list.is_nil() && !is_pretty => serde_json::Value::Null,
            Self::List(items) => items
                .iter()
                .map(|item| item.to_json_at(depth + 1, is_pretty))
                .collect::<Result<Vec<_>, _>>()?
                .into(),
            Self::Map(map) => serde_json::Value::Object(
                map.entries()
                    .into_iter()
                    .map(|(key, value)| {
                        Ok((key.to_string(), value.to_json_at(depth + 1, is_pretty)?))
                    })
                    .collect::<Result<_, NoJson>>()?,
            ),
            Self::Object(object) => object.serialized().to_json_at(depth + 1, is_pretty)?,
        })
    }
}

impl From<&serde_json::Value> for Value {
    fn from(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Nil,
            serde_json::Value::Bool(truth) => Self::Bool(*truth),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(integer) => Self::Int64(integer),
                None => Self::Float(number.as_f64().unwrap_or(f64::MAX)),
            },
            serde_json::Value::String(text) => Self::str(text.as_str()),
            serde_json::Value::Array(items) => items.iter().map(Value::from).collect(),
            serde_json::Value::Object(entries) => Self::Map(
                entries
                    .iter()
                    .map(|(key, value)| (key.as_str(), Value::from(value)))
                    .collect(),
            ),
        }
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<T: IntoIterator<Item = Value>>(items: T) -> Self {
        Self::List(List::new(items.into_iter().collect(), Items::Any))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::str(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::str(text)
    }
}

impl From<Rc<str>> for Value {
    fn from(text: Rc<str>) -> Self {
        Self::Str(text)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}
