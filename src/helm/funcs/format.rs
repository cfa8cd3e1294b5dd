//! Go's `print` family: formats with verbs, widths and precisions.

use std::fmt::Write as _;

use super::super::engine::{Args, Fault};
use super::super::print;
use super::super::value::Value;
use super::flow::sprint_all;
use super::{Function, at_least};

pub(super) const TABLE: &[Function] = &[
    at_least("print", 0, |args| Ok(sprint_all(args.all()).into())),
    at_least("println", 0, |args| {
        let words: Vec<String> = args.all().iter().map(print::sprint).collect();
        Ok(format!("{}\n", words.join(" ")).into())
    }),
    at_least("printf", 1, |args| {
        format_go(&args.string(0)?, args).map(Value::from)
    }),
];

/// The widest field a format may ask for.
const MAX_WIDTH: usize = 1 << 16;

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "Go's five independent flags")]
struct Spec {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

fn format_go(format: &str, args: &Args<'_>) -> Result<String, Fault> {
    let mut out = String::new();
    let mut letters = format.chars().peekable();
    let mut next = 1;
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let mut spec = Spec::default();
        while let Some(flag) = letters.peek().copied() {
            match flag {
                '+' => spec.plus = true,
                '-' => spec.minus = true,
                '#' => spec.sharp = true,
                ' ' => spec.space = true,
                '0' => spec.zero = true,
                _ => break,
            }
            letters.next();
        }
        if matches!(letters.peek(), Some('*' | '[')) {
            return Err(Fault::new("`*` and `[n]` in formats are not supported yet"));
        }
        spec.width = number(&mut letters)?;
        if letters.peek() == Some(&'.') {
            letters.next();
            spec.precision = Some(number(&mut letters)?.unwrap_or(0));
        }
        let Some(verb) = letters.next() else {
            out.push_str("%!(NOVERB)");
            break;
        };
        if verb == '%' {
            out.push('%');
        } else if next < args.len() {
            out.push_str(&verb_of(&spec, verb, args.any(next))?);
            next += 1;
        } else {
            let _ = write!(out, "%!{verb}(MISSING)");
        }
    }
    if next < args.len() {
        let extra: Vec<String> = args.rest(next).iter().map(typed).collect();
        let _ = write!(out, "%!(EXTRA {})", extra.join(", "));
    }
    Ok(out)
}

fn number(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Option<usize>, Fault> {
    let mut digits = String::new();
    while let Some(digit) = letters.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    if digits.is_empty() {
        return Ok(None);
    }
    match digits.parse() {
        Ok(width) if width <= MAX_WIDTH => Ok(Some(width)),
        _ => Err(Fault::new("the width in the format is too large")),
    }
}

fn typed(value: &Value) -> String {
    match value {
        Value::Nil => "<nil>".to_owned(),
        value => format!("{}={}", value.type_name(), print::sprint(value)),
    }
}

fn bad_verb(verb: char, value: &Value) -> String {
    format!("%!{verb}({})", typed(value))
}

fn verb_of(spec: &Spec, verb: char, value: &Value) -> Result<String, Fault> {
    if verb == 'T' {
        return Ok(pad(spec, value.type_name().to_owned(), false));
    }
    if verb == 'v' && spec.sharp {
        return Err(Fault::new("`%#v` is not supported yet"));
    }
    Ok(match value {
        Value::Nil if verb == 'v' => pad(spec, "<nil>".to_owned(), false),
        Value::Nil => format!("%!{verb}(<nil>)"),
        Value::Bool(truth) => match verb {
            't' | 'v' => pad(spec, truth.to_string(), false),
            _ => bad_verb(verb, value),
        },
        Value::Int(number) | Value::Int64(number) => integer(spec, verb, *number, value),
        Value::Float(number) => float(spec, verb, *number, value)?,
        Value::Str(text) => string(spec, verb, text.as_bytes(), text, value),
        Value::Binary(bytes) => match verb {
            'x' | 'X' => string(spec, verb, bytes, "", value),
            _ => return Err(Fault::new("the value is no UTF-8 text")),
        },
        Value::Bytes(bytes) => match verb {
            's' | 'q' | 'x' | 'X' => {
                let text = String::from_utf8_lossy(bytes);
                string(spec, verb, bytes, &text, value)
            }
            _ => pad(spec, print::sprint(value), false),
        },
        Value::List(items) => {
            let items = items
                .iter()
                .map(|item| nested(spec, verb, item))
                .collect::<Result<Vec<_>, _>>()?;
            format!("[{}]", items.join(" "))
        }
        Value::Map(map) => {
            let mut parts = Vec::new();
            for (key, item) in map.entries() {
                let key = verb_of(spec, verb, &Value::Str(key))?;
                parts.push(format!("{key}:{}", nested(spec, verb, &item)?));
            }
            format!("map[{}]", parts.join(" "))
        }
        Value::Object(object) => verb_of(spec, verb, &object.plain())?,
    })
}

/// Inside a list or map, nil is shown whatever the verb.
fn nested(spec: &Spec, verb: char, value: &Value) -> Result<String, Fault> {
    match value {
        Value::Nil => Ok(pad(spec, "<nil>".to_owned(), false)),
        value => verb_of(spec, verb, value),
    }
}

fn integer(spec: &Spec, verb: char, number: i64, value: &Value) -> String {
    let magnitude = number.unsigned_abs();
    let (prefix, digits) = match verb {
        'd' | 'v' => ("", magnitude.to_string()),
        'b' => (if spec.sharp { "0b" } else { "" }, format!("{magnitude:b}")),
        'o' => (if spec.sharp { "0" } else { "" }, format!("{magnitude:o}")),
        'O' => ("0o", format!("{magnitude:o}")),
        'x' => (if spec.sharp { "0x" } else { "" }, format!("{magnitude:x}")),
        'X' => (if spec.sharp { "0X" } else { "" }, format!("{magnitude:X}")),
        'c' | 'q' | 'U' => {
            let letter = u32::try_from(number).ok().and_then(char::from_u32);
            let letter = letter.unwrap_or('\u{fffd}');
            let text = match verb {
                'c' => letter.to_string(),
                'q' => format!("'{letter}'"),
                _ => format!("U+{number:04X}"),
            };
            return pad(spec, text, false);
        }
        _ => return bad_verb(verb, value),
    };
    let digits = match spec.precision {
        Some(0) if number == 0 => String::new(),
        Some(least) => format!("{digits:0>least$}"),
        None => digits,
    };
    let sign = sign_of(spec, number < 0);
    signed(spec, sign, prefix, &digits, spec.precision.is_none())
}

fn float(spec: &Spec, verb: char, number: f64, value: &Value) -> Result<String, Fault> {
    let magnitude = number.abs();
    let text = match (verb, spec.precision) {
        _ if !number.is_finite() => {
            let text = if number.is_nan() { "NaN" } else { "Inf" };
            let sign = if number.is_nan() {
                ""
            } else {
                sign_of(spec, number < 0.0)
            };
            let sign = if sign.is_empty() && number > 0.0 && verb == 'v' {
                "+"
            } else {
                sign
            };
            return Ok(pad(spec, format!("{sign}{text}"), false));
        }
        ('v' | 'g' | 'G', None) => print::float_g(magnitude),
        ('v' | 'g' | 'G', Some(_)) => {
            return Err(Fault::new(
                "a precision with `%g` or `%v` is not supported yet",
            ));
        }
        ('f' | 'F', precision) => format!("{magnitude:.0$}", precision.unwrap_or(6)),
        ('e' | 'E', precision) => {
            let text = format!("{magnitude:.0$e}", precision.unwrap_or(6));
            let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let exponent: i32 = exponent.parse().unwrap_or(0);
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        ('b' | 'x' | 'X', _) => {
            return Err(Fault::new(format!(
                "`%{verb}` of a float is not supported yet"
            )));
        }
        _ => return Ok(bad_verb(verb, value)),
    };
    let text = if matches!(verb, 'E' | 'G') {
        text.to_uppercase()
    } else {
        text
    };
    let sign = sign_of(spec, number.is_sign_negative());
    Ok(signed(spec, sign, "", &text, true))
}

fn sign_of(spec: &Spec, is_negative: bool) -> &'static str {
    if is_negative {
        "-"
    } else if spec.plus {
        "+"
    } else if spec.space {
        " "
    } else {
        ""
    }
}

fn signed(spec: &Spec, sign: &str, prefix: &str, digits: &str, may_fill: bool) -> String {
    let used = sign.len() + prefix.len() + digits.chars().count();
    match spec.width {
        Some(width) if spec.zero && !spec.minus && may_fill && used < width => {
            format!("{sign}{prefix}{}{digits}", "0".repeat(width - used))
        }
        _ => pad(spec, format!("{sign}{prefix}{digits}"), false),
    }
}

fn string(spec: &Spec, verb: char, bytes: &[u8], text: &str, value: &Value) -> String {
    let cut = |text: &str| match spec.precision {
        Some(most) => text.chars().take(most).collect(),
        None => text.to_owned(),
    };
    match verb {
        's' | 'v' => pad(spec, cut(text), spec.zero),
        'q' if spec.sharp && !text.contains(['`', '\n']) => {
            pad(spec, format!("`{}`", cut(text)), spec.zero)
        }
        'q' => pad(spec, print::quoted(&cut(text)), spec.zero),
        'x' | 'X' => {
            let shown = &bytes[..spec.precision.unwrap_or(bytes.len()).min(bytes.len())];
            let hex: Vec<String> = shown
                .iter()
                .map(|byte| match verb {
                    'x' => format!("{byte:02x}"),
                    _ => format!("{byte:02X}"),
                })
                .collect();
            pad(spec, hex.join(if spec.space { " " } else { "" }), spec.zero)
        }
        _ => bad_verb(verb, value),
    }
}

fn pad(spec: &Spec, text: String, with_zeros: bool) -> String {
    let used = text.chars().count();
    match spec.width {
        Some(width) if used < width => {
            let fill = if with_zeros && !spec.minus { "0" } else { " " }.repeat(width - used);
            if spec.minus {
                format!("{text}{fill}")
            } else {
                format!("{fill}{text}")
            }
        }
        _ => text,
    }
}
