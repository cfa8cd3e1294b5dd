//! YAML, JSON, base64 and digests.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256, Sha512};

use super::super::engine::{Args, Fault};
use super::super::value::{Map, NoJson, Value};
use super::super::yaml::{self, Numbers};
use super::super::{decode_base64, encode_base64, print};
use super::{Function, exactly};

pub(super) const TABLE: &[Function] = &[
    // The plain names swallow infinities, as Helm does; the others refuse them.
    exactly("toYaml", 1, |args| lenient(to_yaml(args)).map(Value::from)),
    exactly("mustToYaml", 1, |args| Ok(to_yaml(args)?.into())),
    exactly("fromYaml", 1, |args| {
        Ok(map_or_error(read_yaml(&args.string(0)?)))
    }),
    exactly("fromYamlArray", 1, |args| {
        Ok(list_or_error(read_yaml(&args.string(0)?)))
    }),
    exactly("toJson", 1, |args| lenient(to_json(args)).map(Value::from)),
    exactly("mustToJson", 1, |args| Ok(to_json(args)?.into())),
    exactly("toRawJson", 1, |args| {
        lenient(to_json(args)).map(|text| unescaped(&text).into())
    }),
    exactly("mustToRawJson", 1, |args| {
        Ok(unescaped(&to_json(args)?).into())
    }),
    exactly("toPrettyJson", 1, |args| {
        lenient(to_json(args)).map(|text| pretty(&text).into())
    }),
    exactly("mustToPrettyJson", 1, |args| {
        Ok(pretty(&to_json(args)?).into())
    }),
    exactly("fromJson", 1, |args| {
        Ok(map_or_error(read_json(&args.string(0)?)))
    }),
    exactly("fromJsonArray", 1, |args| {
        Ok(list_or_error(read_json(&args.string(0)?)))
    }),
    exactly("mustFromJson", 1, |args| {
        read_json(&args.string(0)?).map_err(Fault::new)
    }),
    exactly(
        "b64enc",
        1,
        |args| Ok(encode_base64(&args.bytes(0)?).into()),
    ),
    exactly("b64dec", 1, |args| {
        // The message becomes the value, as in Helm.
        Ok(match decode_base64(&args.string(0)?) {
            Ok(bytes) => Value::from_bytes(bytes),
            Err(place) => format!("illegal base64 data at input byte {place}").into(),
        })
    }),
    exactly("sha256sum", 1, |args| {
        Ok(hex(&Sha256::digest(args.bytes(0)?)).into())
    }),
    exactly("sha512sum", 1, |args| {
        Ok(hex(&Sha512::digest(args.bytes(0)?)).into())
    }),
];

/// Nothing instead of an infinity.
fn lenient(text: Result<String, NoJson>) -> Result<String, Fault> {
    match text {
        Err(NoJson::Number) => Ok(String::new()),
        text => Ok(text?),
    }
}

fn to_yaml(args: &Args<'_>) -> Result<String, NoJson> {
    let mut text = yaml::to_string(&args.any(0).to_json()?);
    text.pop();
    Ok(text)
}

fn to_json(args: &Args<'_>) -> Result<String, NoJson> {
    Ok(print::json(&args.any(0).to_json()?))
}

fn read_yaml(text: &str) -> Result<Value, String> {
    yaml::parse_document(text, "text", Numbers::Floats)
        .map(|json| Value::from(&json))
        .map_err(|error| error.to_string())
}

fn read_json(text: &str) -> Result<Value, String> {
    let json: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    Ok(Value::from(&yaml::floats(json)))
}

/// Helm puts what went wrong under the key `Error`.
fn map_or_error(read: Result<Value, String>) -> Value {
    let problem = match read {
        Ok(Value::Map(map)) => return map.into(),
        Ok(Value::Nil) => return Map::default().into(),
        Ok(other) => unmarshal_problem(&other, "map[string]interface {}"),
        Err(problem) => problem,
    };
    Value::Map([("Error", problem.into())].into_iter().collect())
}

/// What Go says when JSON is not of the kind wanted.
fn unmarshal_problem(found: &Value, wanted: &str) -> String {
    let kind = match found.kind() {
        "slice" => "array",
        "map" => "object",
        "float64" => "number",
        other => other,
    };
    format!("json: cannot unmarshal {kind} into Go value of type {wanted}")
}

fn list_or_error(read: Result<Value, String>) -> Value {
    let problem = match read {
        Ok(list @ Value::List(_)) => return list,
        Ok(Value::Nil) => return Value::strings::<String>([]),
        Ok(other) => unmarshal_problem(&other, "[]interface {}"),
        Err(problem) => problem,
    };
    Value::strings([problem])
}

/// JSON text without the escapes that only HTML needs.
fn unescaped(json: &str) -> String {
    json.replace("\\u003c", "<")
        .replace("\\u003e", ">")
        .replace("\\u0026", "&")
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
