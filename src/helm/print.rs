//! How Go writes values as text: `fmt.Sprint`, numbers, JSON.

use std::fmt::Write as _;

use super::value::{TooDeep, Value, Walk, stray};

/// From this decimal exponent on Go's shortest format turns to `1e+06`.
const FLOAT_EXPONENT: i32 = 6;

/// What Go's `fmt.Sprint` makes of a value.
pub(crate) fn sprint(value: &Value) -> Result<String, TooDeep> {
    if let Value::Str(text) = value {
        return Ok(text.to_string());
    }
    let mut out = String::new();
    sprint_to(&mut out, value, &mut Walk::new())?;
    Ok(out)
}

fn sprint_to(out: &mut String, value: &Value, walk: &mut Walk) -> Result<(), TooDeep> {
    walk.enter(value.text_length())?;
    match value {
        Value::Nil => out.push_str("<nil>"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) | Value::Int64(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Float(number) => out.push_str(&float_g(*number)),
        Value::Str(text) => out.push_str(text),
        Value::Bytes(bytes) => {
            let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
            let _ = write!(out, "[{}]", numbers.join(" "));
        }
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                sprint_to(out, item, walk)?;
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push_str("map[");
            for (index, (key, item)) in map.entries().iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                out.push_str(key);
                out.push(':');
                sprint_to(out, item, walk)?;
            }
            out.push(']');
        }
        Value::Object(object) => sprint_to(out, &object.plain(), walk)?,
    }
    walk.leave();
    Ok(())
}

/// A float as Go's `%v` and `strconv` format `g` write it: `1e+06`, `0.5`.
pub(crate) fn float_g(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let (_, exponent) = decimal(number);
    if (-4..FLOAT_EXPONENT).contains(&exponent) {
        number.to_string()
    } else {
        exponential(number, 2)
    }
}

/// A float with so many significant digits, as `%.3g` writes it.
pub(crate) fn float_digits(number: f64, digits: usize, keeps_zeros: bool) -> String {
    let digits = digits.max(1);
    let text = format!("{number:.0$e}", digits - 1);
    let exponent: i32 = text
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse().ok())
        .unwrap_or(0);
    let most = i32::try_from(digits).unwrap_or(i32::MAX);
    // Go goes by the digits there are when they are fewer than those asked for.
    let (shortest, _) = decimal(number);
    let there = shortest.bytes().filter(u8::is_ascii_digit).count();
    let there = i32::try_from(there).unwrap_or(i32::MAX);
    let limit = if most > there && there > exponent {
        there.max(1)
    } else {
        most
    };
    let limit = if most > there && there > exponent {
        limit.max(exponent + 1)
    } else {
        limit
    };
    if exponent < -4 || exponent >= limit {
        let text = float_e(number, digits - 1);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "+00"));
        return format!("{}e{exponent}", trimmed(mantissa, keeps_zeros));
    }
    let places = usize::try_from(most - 1 - exponent).unwrap_or(0);
    trimmed(&format!("{number:.places$}"), keeps_zeros).to_owned()
}

fn trimmed(text: &str, keeps_zeros: bool) -> &str {
    if keeps_zeros || !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.')
}

/// A float with so many digits after the point, as `%e` writes it.
pub(crate) fn float_e(number: f64, places: usize) -> String {
    let text = format!("{number:.places$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// The 53 bits of a float and the power of two they stand for.
fn bits(number: f64) -> (u64, i32) {
    let bits = number.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let exponent = i32::try_from(bits >> 52 & 0x7ff).unwrap_or(0);
    if exponent == 0 {
        (fraction, -1074)
    } else {
        (fraction | 1 << 52, exponent - 1075)
    }
}

/// A float as `%x` writes it: `0x1.8p+01`.
pub(crate) fn float_hex(number: f64) -> String {
    let (mut mantissa, mut exponent) = bits(number);
    if mantissa == 0 {
        return "0x0p+00".to_owned();
    }
    while mantissa < 1 << 52 {
        mantissa <<= 1;
        exponent -= 1;
    }
    exponent += 52;
    let digits = format!("{:013x}", mantissa & ((1 << 52) - 1));
    let digits = digits.trim_end_matches('0');
    let dot = if digits.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("0x1{dot}{digits}p{sign}{:02}", exponent.abs())
}

/// A float as `%b` writes it: `6755399441055744p-52`.
pub(crate) fn float_bits(number: f64) -> String {
    let (mantissa, exponent) = bits(number);
    format!("{mantissa}p{exponent:+}")
}

/// A float as Go's JSON encoder writes it: plain up to 21 digits, then with a short exponent.
pub(crate) fn float_json(number: f64) -> String {
    if number == 0.0 {
        return if number.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    let (_, exponent) = decimal(number);
    if (-6..21).contains(&exponent) {
        number.to_string()
    } else if exponent < 0 {
        exponential(number, 1)
    } else {
        exponential(number, 2)
    }
}

/// The shortest digits that give the number back, and its decimal exponent.
fn decimal(number: f64) -> (String, i32) {
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (digits.to_owned(), exponent.parse().unwrap_or(0))
}

fn exponential(number: f64, width: usize) -> String {
    let (digits, exponent) = decimal(number);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:0width$}", exponent.abs())
}

/// JSON text as Go's encoder writes it: sorted keys, `<`, `>` and `&` escaped.
pub(crate) fn json(value: &serde_json::Value) -> String {
    let mut out = String::new();
    write_json(&mut out, value);
    out
}

fn write_json(out: &mut String, value: &serde_json::Value) {
    let quoted = |out: &mut String, text: &str| {
        out.push('"');
        json_escape(out, text, true);
        out.push('"');
    };
    match value {
        serde_json::Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => out.push_str(&float_json(float)),
            _ => out.push_str(&number.to_string()),
        },
        serde_json::Value::String(text) => quoted(out, text),
        serde_json::Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json(out, item);
            }
            out.push(']');
        }
        serde_json::Value::Object(entries) => {
            out.push('{');
            for (index, (key, item)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                quoted(out, key);
                out.push(':');
                write_json(out, item);
            }
            out.push('}');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

/// Text as it stands between the quotes of Go's JSON, with or without the escapes that only HTML needs.
pub(crate) fn json_escape(out: &mut String, text: &str, is_for_html: bool) {
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' if !is_for_html => out.push(letter),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", letter as u32);
            }
            other => out.push(other),
        }
    }
}

/// A string in Go's double quotes, as `%q` and `quote` write it.
pub(crate) fn quoted(text: &str) -> String {
    quoted_in(text, false)
}

/// The same with ASCII alone, as `%+q` writes it.
pub(crate) fn quoted_in_ascii(text: &str) -> String {
    quoted_in(text, true)
}

fn quoted_in(text: &str, is_ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for chunk in stray::bytes_of(text).utf8_chunks() {
        chunk
            .valid()
            .chars()
            .for_each(|letter| escape(&mut out, letter, '"', is_ascii));
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push('"');
    out
}

/// A letter in Go's single quotes.
pub(crate) fn quoted_letter(letter: char) -> String {
    let mut out = "'".to_owned();
    escape(&mut out, letter, '\'', false);
    out.push('\'');
    out
}

fn escape(out: &mut String, letter: char, quote: char, is_ascii: bool) {
    match letter {
        letter if letter == quote => {
            out.push('\\');
            out.push(letter);
        }
        '\\' => out.push_str("\\\\"),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        '\0'..='\u{1f}' | '\u{7f}' => {
            let _ = write!(out, "\\x{:02x}", letter as u32);
        }
        other if other.is_ascii() || !is_ascii && is_printable(other) => out.push(other),
        other if (other as u32) < 0x10000 => {
            let _ = write!(out, "\\u{:04x}", other as u32);
        }
        other => {
            let _ = write!(out, "\\U{:08x}", other as u32);
        }
    }
}

/// Go's `strconv.IsPrint`: letters, marks, numbers, punctuation, symbols and the blank.
pub(crate) fn is_printable(letter: char) -> bool {
    if letter.is_ascii() {
        return matches!(letter, ' '..='~');
    }
    // What Rust leaves as it is behind another letter; there marks are not escaped.
    let mut text = "a".to_owned();
    text.push(letter);
    text.escape_debug().count() == 2
}
