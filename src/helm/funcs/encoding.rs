//! YAML, JSON, base64 and digests.

use std::fmt::Write as _;

use serde::Deserialize as _;

use super::super::engine::{Args, Fault};
use super::super::value::{Entries, Items, List, Map, NoJson, Value, stray};
use super::super::yaml::{self, Numbers};
use super::super::{decode_base64, encode_base64, without_breaks};
use super::{Row, gojson, pure};

pub(super) const TABLE: &[Row] = &[
    // The plain names swallow infinities, as Helm does; the others refuse them.
    pure("toYaml", "any", |args| lenient(args, to_yaml(args))),
    pure("mustToYaml", "any", |args| Ok(to_yaml(args)?.into())),
    pure("toYamlPretty", "any", |args| {
        let text = args.any(0).to_pretty_json().map(|json| {
            let mut text = yaml::to_pretty_string(&json);
            text.pop();
            text
        });
        Ok(text?.into())
    }),
    pure("fromYaml", "text", |args| {
        let read = read_yaml(&args.bytes(0)?);
        Ok(map_or_error(read, Map::default(), FROM_YAML))
    }),
    pure("fromYamlArray", "text", |args| {
        let read = read_yaml(&args.bytes(0)?);
        Ok(list_or_error(
            read,
            List::new(Vec::new(), Items::Any),
            FROM_YAML,
        ))
    }),
    pure("toJson", "any", |args| {
        lenient(args, args.any(0).to_json_text(true))
    }),
    pure("mustToJson", "any", |args| {
        Ok(args.any(0).to_json_text(true)?.into())
    }),
    pure("toRawJson", "any", |args| {
        Ok(args.any(0).to_json_text(false)?.into())
    }),
    pure("mustToRawJson", "any", |args| {
        Ok(args.any(0).to_json_text(false)?.into())
    }),
    pure("toPrettyJson", "any", |args| {
        lenient(
            args,
            args.any(0).to_json_text(true).map(|text| pretty(&text)),
        )
    }),
    pure("mustToPrettyJson", "any", |args| {
        Ok(pretty(&args.any(0).to_json_text(true)?).into())
    }),
    pure("fromJson", "text", |args| {
        let read = read_json(args)?;
        Ok(map_or_error(read, Map::nil(Entries::Any), ""))
    }),
    pure("fromJsonArray", "text", |args| {
        let read = read_json(args)?;
        Ok(list_or_error(read, List::nil(Items::Any), ""))
    }),
    pure("mustFromJson", "text", |args| {
        read_json(args)?.map_err(Fault::new)
    }),
    pure("b64enc", "text", |args| {
        Ok(encode_base64(&args.bytes(0)?).into())
    }),
    pure("b32enc", "text", |args| {
        Ok(encode_base32(&args.bytes(0)?).into())
    }),
    pure("b32dec", "text", |args| {
        Ok(match decode_base32(&args.bytes(0)?) {
            Ok(bytes) => Value::from_bytes(&bytes),
            Err(place) => format!("illegal base32 data at input byte {place}").into(),
        })
    }),
    pure("b64dec", "text", |args| {
        // The message becomes the value, as in Helm.
        Ok(match decode_base64(&args.bytes(0)?) {
            Ok(bytes) => Value::from_bytes(&bytes),
            Err(place) => format!("illegal base64 data at input byte {place}").into(),
        })
    }),
];

/// What Helm's message begins with when JSON came from YAML.
const FROM_YAML: &str = "error unmarshaling JSON: while decoding JSON: ";

/// The text, or nothing where Go finds none for the value, and keeps that to itself.
fn lenient(args: &Args<'_>, text: Result<String, NoJson>) -> Result<Value, Fault> {
    match text {
        Err(NoJson::Number | NoJson::Unreadable) => Ok("".into()),
        Err(NoJson::TooDeep) if args.any(0).is_circular() => Ok("".into()),
        text => Ok(text?.into()),
    }
}

fn to_yaml(args: &Args<'_>) -> Result<String, NoJson> {
    let mut text = yaml::to_string(&args.any(0).to_yaml_json()?);
    text.pop();
    Ok(text)
}

fn read_yaml(bytes: &[u8]) -> Result<Value, String> {
    yaml::utf8(bytes, "text")
        .and_then(|text| yaml::parse_document(text, "text", Numbers::Floats))
        .map(|json| Value::from(&json))
        .map_err(|error| format!("error converting YAML to JSON: {}", error.in_go))
}

fn read_json(args: &Args<'_>) -> Result<Result<Value, String>, Fault> {
    let text = args.string(0)?;
    let text = stray::outside(&text);
    let whole = gojson::with_whole_escapes(&text);
    let json: serde_json::Value = match serde_json::from_str(&whole) {
        Ok(json) => json,
        Err(error) => {
            return Ok(match gojson::problem(&args.bytes(0)?) {
                Some(problem) => Err(problem),
                // Go reads deeper than this library does unasked.
                None if error.to_string().starts_with("recursion limit") => {
                    let mut reader = serde_json::Deserializer::from_str(&whole);
                    reader.disable_recursion_limit();
                    let json = serde_json::Value::deserialize(&mut reader);
                    json.map(|json| Value::from(&yaml::floats(json)))
                        .map_err(|error| format!("json: {error}"))
                }
                // A number out of range is still known to be no map and no list.
                None if !text.trim_start().starts_with(['{', '[']) => {
                    Ok(Value::Float(f64::INFINITY))
                }
                None => Err(format!("json: {error}")),
            });
        }
    };
    Ok(Ok(Value::from(&yaml::floats(json))))
}

/// Helm puts what went wrong under the key `Error`; null is what the library makes of it.
fn map_or_error(read: Result<Value, String>, of_null: Map, from: &str) -> Value {
    let problem = match read {
        Ok(Value::Map(map)) => return map.into(),
        Ok(Value::Nil) => return of_null.into(),
        Ok(other) => unmarshal_problem(&other, "map[string]interface {}", from),
        Err(problem) => problem,
    };
    Value::Map([("Error", problem.into())].into_iter().collect())
}

/// What Go says when JSON is not of the kind wanted.
fn unmarshal_problem(found: &Value, wanted: &str, from: &str) -> String {
    let kind = match found.kind() {
        "slice" => "array",
        "map" => "object",
        "float64" => "number",
        other => other,
    };
    format!("{from}json: cannot unmarshal {kind} into Go value of type {wanted}")
}

fn list_or_error(read: Result<Value, String>, of_null: List, from: &str) -> Value {
    let problem = match read {
        Ok(list @ Value::List(_)) => return list,
        Ok(Value::Nil) => return Value::List(of_null),
        Ok(other) => unmarshal_problem(&other, "[]interface {}", from),
        Err(problem) => problem,
    };
    std::iter::once(Value::from(problem)).collect()
}

/// JSON text indented by two blanks, as Go's `MarshalIndent` does it.
fn pretty(json: &str) -> String {
    let mut out = String::new();
    let mut depth = 0;
    let (mut in_string, mut after_backslash) = (false, false);
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    let mut letters = json.chars().peekable();
    while let Some(letter) = letters.next() {
        if in_string {
            out.push(letter);
            in_string = after_backslash || letter != '"';
            after_backslash = !after_backslash && letter == '\\';
            continue;
        }
        match letter {
            '"' => {
                in_string = true;
                out.push(letter);
            }
            '{' | '[' if matches!(letters.peek(), Some('}' | ']')) => {
                out.push(letter);
                out.extend(letters.next());
            }
            '{' | '[' => {
                depth += 1;
                out.push(letter);
                line(&mut out, depth);
            }
            '}' | ']' => {
                depth -= 1;
                line(&mut out, depth);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            other => out.push(other),
        }
    }
    out
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn encode_base32(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(5) {
        let mut block = [0; 8];
        block[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(block);
        let letters = (chunk.len() * 8).div_ceil(5);
        for index in 0..8 {
            let five = usize::try_from(bits >> (35 - 5 * index) & 31).unwrap_or(0);
            out.push(if index < letters {
                char::from(BASE32[five])
            } else {
                '='
            });
        }
    }
    out
}

/// Like Go, ignores line breaks, and ends at padding; the error is the place that Go names.
fn decode_base32(text: &[u8]) -> Result<Vec<u8>, usize> {
    let text = without_breaks(text);
    let mut out = Vec::new();
    for (number, chunk) in text.chunks(8).enumerate() {
        let start = number * 8;
        let mut bits: u64 = 0;
        let mut letters = 0;
        for byte in chunk {
            let rest = text.len() - start - letters - 1;
            if *byte == b'=' && letters >= 2 && rest < 8 {
                check_padding(&text, start, letters)?;
                break;
            }
            let five = BASE32.iter().position(|known| known == byte);
            bits = bits << 5 | five.ok_or(start + letters)? as u64;
            letters += 1;
        }
        if letters == chunk.len() && letters < 8 {
            return Err(start);
        }
        let bytes = (bits << (5 * (8 - letters))).to_be_bytes();
        out.extend_from_slice(&bytes[3..3 + letters * 5 / 8]);
        if letters < 8 {
            break;
        }
    }
    Ok(out)
}

/// Checks what follows the letters of the last chunk.
fn check_padding(text: &[u8], start: usize, letters: usize) -> Result<(), usize> {
    let first = start + letters;
    let rest = text.len() - first - 1;
    if rest + letters < 7 {
        return Err(text.len());
    }
    let wanted = 7 - letters;
    let padding = text[first + 1..].iter().take(wanted);
    if let Some(wrong) = padding.into_iter().position(|byte| *byte != b'=') {
        return Err(first + wrong);
    }
    if matches!(letters, 3 | 6) {
        return Err(first);
    }
    Ok(())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
