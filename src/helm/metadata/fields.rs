//! Fields of a YAML map as Go's decoder reads them into a struct.

use serde_json::{Map as JsonMap, Value as Json};

use super::super::print;
use super::MetadataError;

pub(super) fn wrong(field: impl Into<String>, problem: impl Into<String>) -> MetadataError {
    MetadataError::Field {
        field: field.into(),
        problem: problem.into(),
    }
}

/// A field by its name in any case, as Go's decoder finds it; null means that it is not there.
pub(in super::super) fn field_of<'f>(
    given: &'f JsonMap<String, Json>,
    name: &str,
) -> Option<&'f Json> {
    let found = given
        .iter()
        .rfind(|(key, _)| key.eq_ignore_ascii_case(name));
    found
        .map(|(_, value)| value)
        .filter(|value| !value.is_null())
}

pub(super) fn text_field(
    given: &JsonMap<String, Json>,
    above: &str,
    name: &str,
) -> Result<Option<String>, MetadataError> {
    let value = field_of(given, name);
    value
        .map(|value| plain_text(value, &format!("{above}{name}")))
        .transpose()
}

pub(super) fn list_field<'f>(
    given: &'f JsonMap<String, Json>,
    above: &str,
    name: &str,
) -> Result<Option<&'f [Json]>, MetadataError> {
    match field_of(given, name) {
        None => Ok(None),
        Some(Json::Array(items)) => Ok(Some(items)),
        Some(_) => Err(wrong(format!("{above}{name}"), "is no list")),
    }
}

/// A text on one line, without letters that do not print.
pub(super) fn plain_text(value: &Json, field: &str) -> Result<String, MetadataError> {
    let letters = text(value, field)?;
    let letters = letters.chars().filter_map(|letter| match letter {
        letter if letter.is_whitespace() => Some(' '),
        letter => (!letter.is_control()).then_some(letter),
    });
    Ok(letters.collect())
}

/// A text, as it stands there.
pub(super) fn text(value: &Json, field: &str) -> Result<String, MetadataError> {
    scalar_text(value).ok_or_else(|| wrong(field, "is no text"))
}

/// A text as Go's decoder takes it, which makes one of numbers and booleans.
pub(in super::super) fn scalar_text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Null => Some(String::new()),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Number(number) => Some(match number.as_f64() {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "Go writes such numbers as float32"
            )]
            Some(float) if number.is_f64() => {
                let shortest = (float as f32).to_string().parse();
                print::float_g(shortest.unwrap_or(float))
            }
            _ => number.to_string(),
        }),
        Json::Array(_) | Json::Object(_) => None,
    }
}
