//! Values as JSON, and JSON as values.

use serde_json::Value as Json;

use super::super::engine::Fault;
use super::{MAX_DEPTH, TooDeep, Value, stray};

/// Why a value has no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoJson {
    /// It holds an infinity, or something that is no number; Helm's `toYaml` swallows that.
    Number,
    /// It nests too deep.
    TooDeep,
}

impl From<NoJson> for Fault {
    fn from(reason: NoJson) -> Self {
        match reason {
            NoJson::Number => Self::new("an infinite number, or no number, has no JSON"),
            NoJson::TooDeep => TooDeep.into(),
        }
    }
}

/// What the JSON of a value is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    Json,
    Yaml,
    PrettyYaml,
}

impl Value {
    /// The value as JSON; floats stay floats, to be written as Go writes them.
    ///
    /// Go cannot marshal infinities, and `toYaml` and `toJson` then yield nothing.
    pub(crate) fn to_json(&self) -> Result<Json, NoJson> {
        self.to_json_at(0, For::Yaml)
    }

    /// The same, in which stray bytes stay for who writes it.
    pub(crate) fn to_json_with_strays(&self) -> Result<Json, NoJson> {
        self.to_json_at(0, For::Json)
    }

    /// The same for the library behind `toYamlPretty`, in which nil lists are empty ones.
    pub(crate) fn to_pretty_json(&self) -> Result<Json, NoJson> {
        self.to_json_at(0, For::PrettyYaml)
    }

    fn to_json_at(&self, depth: usize, wanted: For) -> Result<Json, NoJson> {
        if depth > MAX_DEPTH {
            return Err(NoJson::TooDeep);
        }
        let text = |text: &str| match wanted {
            For::Yaml => stray::outside(text).into_owned(),
            For::PrettyYaml | For::Json => text.to_owned(),
        };
        Ok(match self {
            Self::Nil => Json::Null,
            Self::Bool(truth) => (*truth).into(),
            Self::Int(number) | Self::Int64(number) => (*number).into(),
            Self::Float(number) => serde_json::Number::from_f64(*number)
                .ok_or(NoJson::Number)?
                .into(),
            Self::Str(held) => text(held).into(),
            Self::Bytes(bytes) => super::super::encode_base64(bytes).into(),
            Self::List(list) if list.is_nil() && wanted != For::PrettyYaml => Json::Null,
            Self::List(items) => items
                .iter()
                .map(|item| item.to_json_at(depth + 1, wanted))
                .collect::<Result<Vec<_>, _>>()?
                .into(),
            Self::Map(map) => Json::Object(
                map.entries()
                    .into_iter()
                    .map(|(key, value)| Ok((text(&key), value.to_json_at(depth + 1, wanted)?)))
                    .collect::<Result<_, NoJson>>()?,
            ),
            Self::Object(object) => object.serialized().to_json_at(depth + 1, wanted)?,
        })
    }
}

impl From<&Json> for Value {
    fn from(json: &Json) -> Self {
        match json {
            Json::Null => Self::Nil,
            Json::Bool(truth) => Self::Bool(*truth),
            Json::Number(number) => match number.as_i64() {
                Some(integer) => Self::Int64(integer),
                None => Self::Float(number.as_f64().unwrap_or(f64::MAX)),
            },
            Json::String(text) => Self::str(stray::from_outside(text)),
            Json::Array(items) => items.iter().map(Value::from).collect(),
            Json::Object(entries) => Self::Map(
                entries
                    .iter()
                    .map(|(key, value)| (stray::from_outside(key), Value::from(value)))
                    .collect(),
            ),
        }
    }
}
