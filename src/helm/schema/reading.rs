//! Reading a schema without its words for people, which are two thirds of a large one and decide nothing.
//!
//! What is a keyword, a name or data at which place is the [core and the validation
//! vocabulary](https://json-schema.org/draft/2020-12) of JSON Schema, and `definitions` and `dependencies` of older drafts.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The JSON value of a schema; its syntax is checked whole.
pub(super) fn read(text: &[u8]) -> serde_json::Result<Value> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let schema = Place::Schema.deserialize(&mut reader)?;
    reader.end()?;
    Ok(schema)
}

/// What the keys of an object are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Keywords.
    Schema,
    /// Names, each with a schema.
    Names,
    /// Anything.
    Data,
    /// Words for people.
    Words,
}

impl Place {
    fn below(self, key: &str) -> Self {
        match (self, key) {
            (Self::Data, _) | (Self::Schema, "const" | "enum" | "default" | "examples") => {
                Self::Data
            }
            (
                Self::Schema,
                "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas"
                | "dependencies",
            ) => Self::Names,
            (Self::Schema, "description" | "title" | "$comment") | (Self::Words, _) => Self::Words,
            _ => Self::Schema,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Place {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        let kept = if self == Self::Words { "" } else { value };
        Ok(kept.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(Key(key)) = entries.next_key()? {
            let place = self.below(&key);
            let value = entries.next_value_seed(place)?;
            // Words that are none make a bad schema, and are left for it to be told.
            if !(place == Self::Words && value.is_string()) {
                object.insert(key.into_owned(), value);
            }
        }
        Ok(Value::Object(object))
    }
}

/// A key as it stands in the text, where it can.
#[derive(serde::Deserialize)]
struct Key<'k>(#[serde(borrow)] Cow<'k, str>);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_go_and_what_only_looks_like_them_stays() {
        let text = json!({
            "$comment": "x", "title": "x", "description": "x",
            "properties": {
                "description": {"type": "string", "description": "x"},
                "properties": {"properties": {"title": {"title": "x", "minimum": -1.5}}},
            },
            "allOf": [{"description": "x", "const": {"description": "stays"}}],
            "enum": [{"title": "stays"}],
            "title2": {"title": 5, "maximum": 18_446_744_073_709_551_615_u64},
        });
        let read = read(text.to_string().as_bytes()).unwrap();
        let wanted = json!({
            "properties": {
                "description": {"type": "string"},
                "properties": {"properties": {"title": {"minimum": -1.5}}},
            },
            "allOf": [{"const": {"description": "stays"}}],
            "enum": [{"title": "stays"}],
            "title2": {"title": 5, "maximum": 18_446_744_073_709_551_615_u64},
        });
        assert_eq!(read, wanted);
    }

    #[test]
    fn what_is_no_json_is_refused_as_ever() {
        for text in ["", "{", "{} {}", "{\"a\": nul}", "{\"a\": 1,}"] {
            let ours = read(text.as_bytes()).unwrap_err().to_string();
            let theirs = serde_json::from_str::<Value>(text).unwrap_err().to_string();
            assert_eq!(ours, theirs);
        }
    }
}
