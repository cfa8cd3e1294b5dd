//! Values as JSON, and JSON as values.

use serde_json::Value as Json;

use super::super::engine::Fault;
use super::super::{encode_base64, print};
use super::{TooDeep, Value, Walk, stray};

/// A line break for YAML 1.1, which folds lines that it ends.
const NEXT_LINE: char = '\u{85}';

/// How long a key may be, with its quotes, in letters as JSON has them.
const MAX_KEY: usize = 1024;

/// Why a value has no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoJson {
    /// It holds an infinity, or something that is no number.
    Number,
    /// It holds what Go's library for YAML, which is given JSON, does not read: a control character, a long key.
    Unreadable,
    /// It nests too deep.
    TooDeep,
}

impl From<TooDeep> for NoJson {
    fn from(_: TooDeep) -> Self {
        Self::TooDeep
    }
}

impl From<NoJson> for Fault {
    fn from(reason: NoJson) -> Self {
        match reason {
            NoJson::Number => Self::new("an infinite number, or no number, has no JSON"),
            NoJson::Unreadable => Self::new("control characters and long keys have no YAML"),
            NoJson::TooDeep => TooDeep.into(),
        }
    }
}

/// Whom the JSON is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    /// Us.
    Us,
    /// Go's library for YAML, which reads the JSON again.
    Yaml,
    /// The newer one, which is given the value itself.
    PrettyYaml,
}

impl For {
    /// A text as it arrives there.
    fn text(self, text: &str) -> Result<String, NoJson> {
        match self {
            Self::Us => Ok(stray::outside(text).into_owned()),
            Self::Yaml => read_back(&stray::outside(text)),
            Self::PrettyYaml => Ok(text.to_owned()),
        }
    }

    fn key(self, key: &str) -> Result<String, NoJson> {
        if self == Self::Yaml {
            let mut written = String::new();
            print::json_escape(&mut written, key, true);
            // A key lies in one line, and is not long.
            if key.contains(NEXT_LINE) || written.chars().count() + 2 > MAX_KEY {
                return Err(NoJson::Unreadable);
            }
        }
        self.text(key)
    }

    /// Whether nil lists and maps are null, and no empty ones.
    fn has_nil(self) -> bool {
        self != Self::PrettyYaml
    }
}

impl Value {
    /// The value as JSON; floats stay floats, to be written as Go writes them.
    pub(crate) fn to_json(&self) -> Result<Json, NoJson> {
        self.to_json_on(&mut Walk::new(), For::Us)
    }

    /// What `toYaml` writes: what Go's library makes of the JSON of the value.
    pub(crate) fn to_yaml_json(&self) -> Result<Json, NoJson> {
        self.to_json_on(&mut Walk::new(), For::Yaml)
    }

    /// The same for the library behind `toYamlPretty`: nil lists and maps are empty ones, and stray bytes stay.
    pub(crate) fn to_pretty_json(&self) -> Result<Json, NoJson> {
        self.to_json_on(&mut Walk::new(), For::PrettyYaml)
    }

    fn to_json_on(&self, walk: &mut Walk, wanted: For) -> Result<Json, NoJson> {
        walk.enter(self.cost_of_copy())?;
        let json = self.to_json_within(walk, wanted)?;
        walk.leave();
        Ok(json)
    }

    fn to_json_within(&self, walk: &mut Walk, wanted: For) -> Result<Json, NoJson> {
        Ok(match self {
            Self::Nil => Json::Null,
            Self::Bool(truth) => (*truth).into(),
            Self::Int(number) | Self::Int64(number) => (*number).into(),
            Self::Float(number) => serde_json::Number::from_f64(*number)
                .ok_or(NoJson::Number)?
                .into(),
            Self::Str(held) => wanted.text(held)?.into(),
            Self::Bytes(bytes) if wanted == For::PrettyYaml => bytes.to_vec().into(),
            Self::Bytes(bytes) => encode_base64(bytes).into(),
            Self::List(list) if list.is_nil() && wanted.has_nil() => Json::Null,
            Self::List(items) => items
                .iter()
                .map(|item| item.to_json_on(walk, wanted))
                .collect::<Result<Vec<_>, _>>()?
                .into(),
            Self::Map(map) if map.is_nil() && wanted.has_nil() => Json::Null,
            Self::Map(map) => Json::Object(
                map.entries()
                    .into_iter()
                    .map(|(name, value)| Ok((wanted.key(&name)?, value.to_json_on(walk, wanted)?)))
                    .collect::<Result<_, NoJson>>()?,
            ),
            Self::Object(object) => match object.fields() {
                Some(fields) => Json::Object(
                    fields
                        .into_iter()
                        .filter_map(|field| {
                            let name = match wanted {
                                For::Us | For::Yaml => field.in_json()?.to_owned(),
                                For::PrettyYaml => field.name.to_lowercase(),
                            };
                            let value = field.value.to_json_on(walk, wanted);
                            Some(value.map(|value| (name, value)))
                        })
                        .collect::<Result<_, NoJson>>()?,
                ),
                None => object.serialized().to_json_on(walk, wanted)?,
            },
        })
    }

    /// The JSON text that Go's encoder writes, with or without what only HTML needs: sorted keys, structs in their
    /// order, each stray byte an escaped replacement letter.
    pub(crate) fn to_json_text(&self, is_for_html: bool) -> Result<String, NoJson> {
        let mut writer = Writer {
            out: String::new(),
            walk: Walk::new(),
            is_for_html,
        };
        writer.value(self)?;
        Ok(writer.out)
    }
}

/// JSON text under way.
struct Writer {
    out: String,
    walk: Walk,
    is_for_html: bool,
}

impl Writer {
    fn value(&mut self, value: &Value) -> Result<(), NoJson> {
        self.walk.enter(value.text_length())?;
        match value {
            Value::Nil => self.out.push_str("null"),
            Value::Bool(truth) => self.out.push_str(if *truth { "true" } else { "false" }),
            Value::Int(number) | Value::Int64(number) => self.out.push_str(&number.to_string()),
            Value::Float(number) if number.is_finite() => {
                self.out.push_str(&print::float_json(*number));
            }
            Value::Float(_) => return Err(NoJson::Number),
            Value::Str(text) => self.quoted(text),
            Value::Bytes(bytes) => self.quoted(&encode_base64(bytes)),
            Value::List(list) if list.is_nil() => self.out.push_str("null"),
            Value::List(items) => {
                self.out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                    }
                    self.value(item)?;
                }
                self.out.push(']');
            }
            Value::Map(map) if map.is_nil() => self.out.push_str("null"),
            Value::Map(map) => {
                let entries = map.entries();
                self.entries(entries.iter().map(|(key, value)| (&**key, value)))?;
            }
            Value::Object(object) => match object.fields() {
                Some(fields) => {
                    let entries = fields.iter();
                    self.entries(
                        entries.filter_map(|field| Some((field.in_json()?, &field.value))),
                    )?;
                }
                None => self.value(&object.serialized())?,
            },
        }
        self.walk.leave();
        Ok(())
    }

    fn entries<'v>(
        &mut self,
        entries: impl Iterator<Item = (&'v str, &'v Value)>,
    ) -> Result<(), NoJson> {
        self.out.push('{');
        for (index, (key, value)) in entries.enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.quoted(key);
            self.out.push(':');
            self.value(value)?;
        }
        self.out.push('}');
        Ok(())
    }

    fn quoted(&mut self, text: &str) {
        self.out.push('"');
        for chunk in stray::bytes_of(text).utf8_chunks() {
            let valid = stray::from_outside(chunk.valid());
            print::json_escape(&mut self.out, &valid, self.is_for_html);
            for _ in chunk.invalid() {
                self.out.push_str("\\ufffd");
            }
        }
        self.out.push('"');
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
        return Err(NoJson::Unreadable);
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
