//! Values as JSON, and JSON as values.

use serde_json::Value as Json;

use super::super::engine::Fault;
use super::super::{encode_base64, print};
use super::{MAX_DEPTH, TooDeep, Value, stray};

/// A line break for YAML 1.1, which folds lines that it ends.
const NEXT_LINE: char = '\u{85}';

/// Why a value has no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoJson {
    /// It holds an infinity, or something that is no number.
    Number,
    /// It holds a letter that Go's library for YAML, which is given JSON, does not read.
    Letter,
    /// It nests too deep.
    TooDeep,
}

impl From<NoJson> for Fault {
    fn from(reason: NoJson) -> Self {
        match reason {
            NoJson::Number => Self::new("an infinite number, or no number, has no JSON"),
            NoJson::Letter => Self::new("a control character has no YAML"),
            NoJson::TooDeep => TooDeep.into(),
        }
    }
}

/// Which of Go's libraries for YAML the JSON is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    Yaml,
    PrettyYaml,
}

impl Value {
    /// The value as JSON; floats stay floats, to be written as Go writes them.
    ///
    pub(crate) fn to_json(&self) -> Result<Json, NoJson> {
        self.to_json_at(0, For::Yaml)
    }

    /// The same for the library behind `toYamlPretty`: nil lists and maps are empty ones, and stray bytes stay.
    pub(crate) fn to_pretty_json(&self) -> Result<Json, NoJson> {
        self.to_json_at(0, For::PrettyYaml)
    }

    fn to_json_at(&self, depth: usize, wanted: For) -> Result<Json, NoJson> {
        if depth > MAX_DEPTH {
            return Err(NoJson::TooDeep);
        }
        let text = |text: &str| match wanted {
            For::Yaml => read_back(&stray::outside(text)),
            For::PrettyYaml => Ok(text.to_owned()),
        };
        let key = |key: &str| match wanted {
            // A key that would be folded has a line break, which no key may have.
            For::Yaml if key.contains(NEXT_LINE) => Err(NoJson::Letter),
            _ => text(key),
        };
        Ok(match self {
            Self::Nil => Json::Null,
            Self::Bool(truth) => (*truth).into(),
            Self::Int(number) | Self::Int64(number) => (*number).into(),
            Self::Float(number) => serde_json::Number::from_f64(*number)
                .ok_or(NoJson::Number)?
                .into(),
            Self::Str(held) => text(held)?.into(),
            Self::Bytes(bytes) if wanted == For::PrettyYaml => bytes.to_vec().into(),
            Self::Bytes(bytes) => encode_base64(bytes).into(),
            Self::List(list) if list.is_nil() && wanted == For::Yaml => Json::Null,
            Self::List(items) => items
                .iter()
                .map(|item| item.to_json_at(depth + 1, wanted))
                .collect::<Result<Vec<_>, _>>()?
                .into(),
            Self::Map(map) if map.is_nil() && wanted == For::Yaml => Json::Null,
            Self::Map(map) => Json::Object(
                map.entries()
                    .into_iter()
                    .map(|(name, value)| Ok((key(&name)?, value.to_json_at(depth + 1, wanted)?)))
                    .collect::<Result<_, NoJson>>()?,
            ),
            Self::Object(object) => match object.fields() {
                Some(fields) => Json::Object(
                    fields
                        .into_iter()
                        .filter_map(|field| {
                            let name = match wanted {
                                For::Yaml => field.in_json()?.to_owned(),
                                For::PrettyYaml => field.name.to_lowercase(),
                            };
                            let value = field.value.to_json_at(depth + 1, wanted);
                            Some(value.map(|value| (name, value)))
                        })
                        .collect::<Result<_, NoJson>>()?,
                ),
                None => object.serialized().to_json_at(depth + 1, wanted)?,
            },
        })
    }

    /// The JSON text that Go's encoder writes: sorted keys, structs in their order, each stray byte an escaped
    /// replacement letter.
    pub(crate) fn to_json_text(&self) -> Result<String, NoJson> {
        let mut out = String::new();
        self.write_json(&mut out, 0)?;
        Ok(out)
    }

    fn write_json(&self, out: &mut String, depth: usize) -> Result<(), NoJson> {
        if depth > MAX_DEPTH {
            return Err(NoJson::TooDeep);
        }
        match self {
            Self::Nil => out.push_str("null"),
            Self::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
            Self::Int(number) | Self::Int64(number) => out.push_str(&number.to_string()),
            Self::Float(number) if number.is_finite() => out.push_str(&print::float_json(*number)),
            Self::Float(_) => return Err(NoJson::Number),
            Self::Str(text) => write_quoted(out, text),
            Self::Bytes(bytes) => write_quoted(out, &encode_base64(bytes)),
            Self::List(list) if list.is_nil() => out.push_str("null"),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write_json(out, depth + 1)?;
                }
                out.push(']');
            }
            Self::Map(map) if map.is_nil() => out.push_str("null"),
            Self::Map(map) => {
                let entries = map.entries();
                let entries = entries.iter().map(|(key, value)| (&**key, value));
                write_entries(out, entries, depth)?;
            }
            Self::Object(object) => match object.fields() {
                Some(fields) => {
                    let entries = fields
                        .iter()
                        .filter_map(|field| Some((field.in_json()?, &field.value)));
                    write_entries(out, entries, depth)?;
                }
                None => object.serialized().write_json(out, depth + 1)?,
            },
        }
        Ok(())
    }
}

/// The text that Go's library for YAML makes of the JSON of a text.
fn read_back(text: &str) -> Result<String, NoJson> {
    // The first bytes of what is looked for.
    if !text.bytes().any(|byte| matches!(byte, 0x7f | 0xc2 | 0xef)) {
        return Ok(text.to_owned());
    }
    let is_refused = |letter| {
        matches!(letter, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}') && letter != NEXT_LINE
    };
    if text.contains(is_refused) {
        return Err(NoJson::Letter);
    }
    let mut out = String::with_capacity(text.len());
    let mut breaks: usize = 0;
    let mut lines = text.split(NEXT_LINE).enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let is_last = lines.peek().is_none();
        breaks += usize::from(number > 0);
        let line = if number > 0 {
            line.trim_start_matches(' ')
        } else {
            line
        };
        let line = if is_last {
            line
        } else {
            line.trim_end_matches(' ')
        };
        if line.is_empty() && !is_last {
            continue;
        }
        match std::mem::take(&mut breaks) {
            0 => {}
            1 => out.push(' '),
            more => out.push_str(&"\n".repeat(more - 1)),
        }
        out.push_str(line);
    }
    Ok(out)
}

fn write_entries<'v>(
    out: &mut String,
    entries: impl Iterator<Item = (&'v str, &'v Value)>,
    depth: usize,
) -> Result<(), NoJson> {
    out.push('{');
    for (index, (key, value)) in entries.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_quoted(out, key);
        out.push(':');
        value.write_json(out, depth + 1)?;
    }
    out.push('}');
    Ok(())
}

fn write_quoted(out: &mut String, text: &str) {
    out.push('"');
    for chunk in stray::bytes_of(text).utf8_chunks() {
        print::json_escape(out, &stray::from_outside(chunk.valid()));
        for _ in chunk.invalid() {
            out.push_str("\\ufffd");
        }
    }
    out.push('"');
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
