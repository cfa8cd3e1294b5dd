//! One value by one verb, as Go's `fmt` writes it.

use std::fmt::Write as _;

use super::super::super::engine::Fault;
use super::super::super::print;
use super::super::super::value::{TooDeep, Value, Walk, stray};

/// The flags, width and precision of a verb.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "Go's five independent flags")]
pub(super) struct Spec {
    pub(super) plus: bool,
    pub(super) minus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
}

/// A value with its type, for what is wrong with it.
pub(super) fn typed(value: &Value) -> Result<String, TooDeep> {
    Ok(match value {
        Value::Nil => "<nil>".to_owned(),
        value => format!("{}={}", value.type_name(), print::sprint(value)?),
    })
}

/// What Go writes for a verb that does not fit: the value by `%v`, with the flags of the verb.
fn bad_verb(spec: &Spec, verb: char, value: &Value) -> String {
    // Only plain values come here, and they do not nest.
    let shown = written(spec, 'v', value, &mut Walk::new()).unwrap_or_default();
    format!("%!{verb}({}={shown})", value.type_name())
}

/// The value as the verb writes it.
pub(super) fn written(
    spec: &Spec,
    verb: char,
    value: &Value,
    walk: &mut Walk,
) -> Result<String, Fault> {
    walk.enter(0)?;
    let text = written_within(spec, verb, value, walk)?;
    walk.leave();
    Ok(text)
}

fn written_within(
    spec: &Spec,
    verb: char,
    value: &Value,
    walk: &mut Walk,
) -> Result<String, Fault> {
    if verb == 'T' {
        return Ok(padded(spec, value.type_name(), false));
    }
    let text = |text: &str| Ok(padded(spec, text, spec.zero));
    match value {
        Value::Nil if verb == 'v' => text("<nil>"),
        Value::Nil => Ok(format!("%!{verb}(<nil>)")),
        Value::Bool(truth) if matches!(verb, 't' | 'v') => text(&truth.to_string()),
        Value::Bool(_) => Ok(bad_verb(spec, verb, value)),
        Value::Int(number) | Value::Int64(number) => Ok(integer(spec, verb, *number, value)),
        Value::Float(number) => Ok(float(spec, verb, *number, value)),
        Value::Str(text) => Ok(string(spec, verb, text, value)),
        Value::Bytes(bytes) if matches!(verb, 's' | 'q' | 'x' | 'X') => {
            Ok(string(spec, verb, &stray::text_of(bytes), value))
        }
        Value::Bytes(bytes) => {
            let numbers = bytes.iter().map(|byte| Value::Int(i64::from(*byte)));
            sequence(spec, verb, numbers, walk)
        }
        Value::List(items) => sequence(spec, verb, items.iter().cloned(), walk),
        Value::Map(map) => {
            let mut out = "map[".to_owned();
            for (index, (key, item)) in map.entries().into_iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                out.push_str(&written(spec, verb, &Value::Str(key), walk)?);
                out.push(':');
                out.push_str(&nested(spec, verb, &item, walk)?);
            }
            out.push(']');
            Ok(out)
        }
        Value::Object(object) => written(spec, verb, &object.plain(), walk),
    }
}

fn sequence(
    spec: &Spec,
    verb: char,
    items: impl Iterator<Item = Value>,
    walk: &mut Walk,
) -> Result<String, Fault> {
    let mut out = "[".to_owned();
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(&nested(spec, verb, &item, walk)?);
    }
    out.push(']');
    Ok(out)
}

/// Inside a list or map, nil is an empty interface.
fn nested(spec: &Spec, verb: char, value: &Value, walk: &mut Walk) -> Result<String, Fault> {
    match value {
        Value::Nil => Ok("<nil>".to_owned()),
        value => written(spec, verb, value, walk),
    }
}

/// `%#v`: the value as it would stand in a Go program.
pub(super) fn syntax(spec: &Spec, value: &Value) -> Result<String, Fault> {
    match value {
        Value::Nil => Ok(padded(spec, "<nil>", false)),
        value => syntax_on(spec, value, &mut Walk::new()),
    }
}

fn syntax_on(spec: &Spec, value: &Value, walk: &mut Walk) -> Result<String, Fault> {
    walk.enter(0)?;
    let text = syntax_within(spec, value, walk)?;
    walk.leave();
    Ok(text)
}

fn syntax_within(spec: &Spec, value: &Value, walk: &mut Walk) -> Result<String, Fault> {
    let plain = Spec {
        sharp: false,
        ..*spec
    };
    let text = match value {
        Value::Nil => "interface {}(nil)".to_owned(),
        Value::Str(text) => print::quoted(text),
        Value::Float(number) => {
            let text = print::float_g(*number);
            return Ok(padded(&plain, &text, false));
        }
        Value::List(items) if items.is_nil() => format!("{}(nil)", value.type_name()),
        Value::List(items) => {
            let mut out = format!("{}{{", value.type_name());
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                out.push_str(&syntax_on(spec, item, walk)?);
            }
            out.push('}');
            return Ok(out);
        }
        Value::Map(map) => {
            let mut out = format!("{}{{", value.type_name());
            for (index, (key, item)) in map.entries().into_iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                out.push_str(&print::quoted(&key));
                out.push(':');
                out.push_str(&syntax_on(spec, &item, walk)?);
            }
            out.push('}');
            return Ok(out);
        }
        other => return written(&plain, 'v', other, walk),
    };
    Ok(padded(&plain, &text, false))
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
        'c' | 'q' | 'U' => return character(spec, verb, number),
        _ => return bad_verb(spec, verb, value),
    };
    let digits = match spec.precision {
        // A zero of no digits is nothing but its width.
        Some(0) if number == 0 => {
            let blank = Spec {
                zero: false,
                ..*spec
            };
            return padded(&blank, "", false);
        }
        Some(least) => format!("{digits:0>least$}"),
        None => digits,
    };
    let sign = sign_of(spec, number < 0);
    signed(
        spec,
        &format!("{sign}{prefix}"),
        &digits,
        spec.precision.is_none(),
    )
}

fn character(spec: &Spec, verb: char, number: i64) -> String {
    let letter = u32::try_from(number).ok().and_then(char::from_u32);
    let letter = letter.unwrap_or('\u{fffd}');
    let text = match verb {
        'c' => stray::from_outside(&letter.to_string()).into_owned(),
        'q' => print::quoted_letter(letter),
        _ => {
            let width = spec.precision.unwrap_or(0).max(4);
            let mut text = format!("U+{number:0width$X}");
            if spec.sharp && print::is_printable(letter) {
                let _ = write!(text, " '{letter}'");
            }
            text
        }
    };
    let plain = Spec {
        zero: false,
        ..*spec
    };
    padded(&plain, &text, false)
}

fn float(spec: &Spec, verb: char, number: f64, value: &Value) -> String {
    let magnitude = number.abs();
    if !number.is_finite() {
        if !matches!(
            verb,
            'v' | 'g' | 'G' | 'f' | 'F' | 'e' | 'E' | 'x' | 'X' | 'b'
        ) {
            return bad_verb(spec, verb, value);
        }
        let text = if number.is_nan() { "NaN" } else { "Inf" };
        let sign = match sign_of(spec, number < 0.0) {
            "" if number > 0.0 => "+",
            _ if number.is_nan() && !spec.plus && !spec.space => "",
            sign => sign,
        };
        let plain = Spec {
            zero: false,
            ..*spec
        };
        return padded(&plain, &format!("{sign}{text}"), false);
    }
    let text = match verb {
        'v' | 'g' | 'G' => match spec.precision {
            None => print::float_g(magnitude),
            Some(digits) => print::float_digits(magnitude, digits, spec.sharp),
        },
        'f' | 'F' => format!("{magnitude:.0$}", spec.precision.unwrap_or(6)),
        'e' | 'E' => print::float_e(magnitude, spec.precision.unwrap_or(6)),
        'x' | 'X' if spec.precision.is_none() => {
            let text = print::float_hex(magnitude);
            match (spec.sharp, verb) {
                (false, _) => text,
                (true, 'x') => with_point(&text, 6),
                (true, _) => with_point(&text, 0),
            }
        }
        'b' => print::float_bits(magnitude),
        _ => return bad_verb(spec, verb, value),
    };
    let text = if matches!(verb, 'E' | 'G' | 'X') {
        text.to_uppercase()
    } else {
        text
    };
    let sign = sign_of(spec, number.is_sign_negative());
    signed(spec, sign, &text, true)
}

/// A hexadecimal float with a point and so many digits, for which Go takes the `x`, too.
fn with_point(text: &str, least: usize) -> String {
    let (digits, power) = text.split_at(text.find('p').unwrap_or(text.len()));
    let point = if digits.contains('.') { "" } else { "." };
    let there = digits.trim_start_matches('0').replace('.', "").len();
    let zeros = "0".repeat(least.saturating_sub(there));
    format!("{digits}{point}{zeros}{power}")
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

fn signed(spec: &Spec, prefix: &str, digits: &str, may_fill: bool) -> String {
    let used = prefix.len() + digits.chars().count();
    match spec.width {
        Some(width) if spec.zero && !spec.minus && may_fill && used < width => {
            let zeros = "0".repeat(width - used);
            format!("{prefix}{zeros}{digits}")
        }
        _ => padded(spec, &format!("{prefix}{digits}"), false),
    }
}

fn string(spec: &Spec, verb: char, text: &str, value: &Value) -> String {
    let cut = match spec.precision {
        Some(most) => text.chars().take(most).collect(),
        None => text.to_owned(),
    };
    match verb {
        's' | 'v' => padded(spec, &cut, spec.zero),
        'q' if spec.sharp && cut.chars().all(fits_back_quotes) => {
            padded(spec, &format!("`{cut}`"), spec.zero)
        }
        'q' if spec.plus => padded(spec, &print::quoted_in_ascii(&cut), spec.zero),
        'q' => padded(spec, &print::quoted(&cut), spec.zero),
        'x' | 'X' => {
            let bytes = stray::bytes_of(text);
            let shown = &bytes[..spec.precision.unwrap_or(bytes.len()).min(bytes.len())];
            let prefix = match (spec.sharp, verb) {
                (false, _) => "",
                (true, 'x') => "0x",
                (true, _) => "0X",
            };
            let hex: Vec<String> = shown
                .iter()
                .map(|byte| match verb {
                    'x' => format!("{byte:02x}"),
                    _ => format!("{byte:02X}"),
                })
                .collect();
            let text = if hex.is_empty() {
                String::new()
            } else if spec.space {
                format!("{prefix}{}", hex.join(&format!(" {prefix}")))
            } else {
                format!("{prefix}{}", hex.concat())
            };
            padded(spec, &text, spec.zero)
        }
        _ => bad_verb(spec, verb, value),
    }
}

/// Go's `strconv.CanBackquote`.
fn fits_back_quotes(letter: char) -> bool {
    match letter {
        '\t' => true,
        '`' | '\u{feff}' => false,
        letter => !letter.is_ascii_control() && !stray::is_stray(letter),
    }
}

fn padded(spec: &Spec, text: &str, with_zeros: bool) -> String {
    let used = text.chars().count();
    match spec.width {
        Some(width) if used < width => {
            let fill = if with_zeros && !spec.minus { "0" } else { " " };
            let fill = fill.repeat(width - used);
            if spec.minus {
                format!("{text}{fill}")
            } else {
                format!("{fill}{text}")
            }
        }
        _ => text.to_owned(),
    }
}
