//! Conversion between kinds, and asking for a value's kind.

use super::super::engine::{Args, Fault, list_of};
use super::super::print;
use super::super::value::Value;
use super::{Function, exactly};

pub(super) const TABLE: &[Function] = &[
    exactly("toString", 1, |args| Ok(string_value(args.any(0)))),
    exactly("toStrings", 1, |args| {
        Ok(Value::strings(strings_of(args.any(0))))
    }),
    exactly("int", 1, |args| Ok(Value::Int(to_integer(args.any(0))))),
    exactly("int64", 1, |args| Ok(Value::Int64(to_integer(args.any(0))))),
    exactly("float64", 1, |args| Ok(Value::Float(to_float(args.any(0))))),
    exactly("atoi", 1, |args| {
        let number = args.string(0)?.parse::<i64>().unwrap_or(0);
        Ok(Value::Int(number))
    }),
    exactly("toDecimal", 1, |args| {
        let digits = print::sprint(args.any(0));
        Ok(Value::Int64(i64::from_str_radix(&digits, 8).unwrap_or(0)))
    }),
    exactly("kindOf", 1, |args| Ok(args.any(0).kind().into())),
    exactly("kindIs", 2, |args| {
        Ok((*args.string(0)? == *args.any(1).kind()).into())
    }),
    exactly("typeOf", 1, |args| Ok(args.any(0).type_name().into())),
    exactly("typeIs", 2, |args| {
        Ok((*args.string(0)? == *args.any(1).type_name()).into())
    }),
    exactly("typeIsLike", 2, type_is_like),
];

fn type_is_like(args: &Args<'_>) -> Result<Value, Fault> {
    let wanted = args.string(0)?;
    let name = args.any(1).type_name();
    Ok((*wanted == *name || name.strip_prefix('*') == Some(&*wanted)).into())
}

/// A value as sprig turns it into a string; bytes become the text they are.
pub(super) fn string_value(value: &Value) -> Value {
    match value {
        Value::Str(_) | Value::Binary(_) => value.clone(),
        Value::Bytes(bytes) => Value::from_bytes(bytes.to_vec()),
        other => Value::str(print::sprint(other)),
    }
}

/// The same as text.
pub(super) fn string_of(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => print::sprint(other),
    }
}

/// The strings of a list without its nils; one string for anything else.
pub(super) fn strings_of(value: &Value) -> Vec<String> {
    match list_of(value) {
        Some(items) => items
            .iter()
            .filter(|item| !matches!(item, Value::Nil))
            .map(string_of)
            .collect(),
        None if matches!(value, Value::Nil) => Vec::new(),
        None => vec![string_of(value)],
    }
}

/// One more than the largest `int64`.
const TWO_63: f64 = 9_223_372_036_854_775_808.0;

/// Whatever can be read as an integer; zero for the rest.
#[expect(
    clippy::cast_possible_truncation,
    reason = "Go truncates floats towards zero"
)]
pub(super) fn to_integer(value: &Value) -> i64 {
    match value {
        Value::Int(number) | Value::Int64(number) => *number,
        // Out of range, Go yields the smallest integer.
        Value::Float(number) if !(-TWO_63..TWO_63).contains(number) => i64::MIN,
        Value::Float(number) => *number as i64,
        Value::Bool(truth) => i64::from(*truth),
        Value::Str(text) => parse_integer(without_zero_fraction(text)).unwrap_or(0),
        _ => 0,
    }
}

/// Whatever can be read as a float; zero for the rest.
#[expect(clippy::cast_precision_loss, reason = "Go loses the same digits")]
pub(super) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Int(number) | Value::Int64(number) => *number as f64,
        Value::Float(number) => *number,
        Value::Bool(truth) => f64::from(u8::from(*truth)),
        Value::Str(text) => text.parse().unwrap_or(0.0),
        _ => 0.0,
    }
}

fn without_zero_fraction(text: &str) -> &str {
    match text.rsplit_once('.') {
        Some((whole, fraction))
            if !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0') =>
        {
            whole
        }
        _ => text,
    }
}

/// Go's `strconv.ParseInt` with base 0: `0x`, `0b`, `0o` and a leading zero choose the base.
fn parse_integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, rest) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if rest.starts_with(['+', '-']) {
        return None;
    }
    // An underscore may only stand between digits, or after the prefix of the base.
    let starts_wrong = radix == 10 && rest.starts_with('_');
    if starts_wrong || rest.ends_with('_') || rest.contains("__") {
        return None;
    }
    let rest = rest.replace('_', "");
    i64::from_str_radix(&format!("{sign}{rest}"), radix).ok()
}
