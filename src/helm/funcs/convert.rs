//! Conversion between kinds, and asking for a value's kind.

use super::super::engine::{Args, Fault, items_of};
use super::super::number;
use super::super::print;
use super::super::value::{Items, List, TooDeep, Value, stray};
use super::{Row, pure};

pub(super) const TABLE: &[Row] = &[
    pure("toString", "any", |args| string_value(args.any(0))),
    pure("toStrings", "any", |args| {
        Ok(strings_with_room(strings_of(args.any(0))?, args.any(0)))
    }),
    pure("int", "any", |args| Ok(Value::Int(to_integer(args.any(0))))),
    pure("int64", "any", |args| {
        Ok(Value::Int64(to_integer(args.any(0))))
    }),
    pure("float64", "any", |args| {
        Ok(Value::Float(to_float(args.any(0))))
    }),
    pure("atoi", "text", |args| {
        let number = match args.any(0) {
            Value::Str(text) => number::parse_decimal(text),
            _ => None,
        };
        Ok(Value::Int(number.unwrap_or(0)))
    }),
    pure("toDecimal", "any", |args| {
        let digits = print::sprint(args.any(0))?;
        Ok(Value::Int64(i64::from_str_radix(&digits, 8).unwrap_or(0)))
    }),
    pure("kindOf", "any", |args| Ok(args.any(0).kind().into())),
    pure("kindIs", "text any", |args| {
        Ok((*args.string(0)? == *args.any(1).kind()).into())
    }),
    pure("typeOf", "any", |args| Ok(args.any(0).type_name().into())),
    pure("typeIs", "text any", |args| {
        Ok((*args.string(0)? == *args.any(1).type_name()).into())
    }),
    pure("typeIsLike", "text any", type_is_like),
];

fn type_is_like(args: &Args<'_>) -> Result<Value, Fault> {
    let wanted = args.string(0)?;
    let name = args.any(1).type_name();
    Ok((*wanted == *name || name.strip_prefix('*') == Some(&*wanted)).into())
}

/// A value as sprig turns it into a string; bytes become the text they are.
fn string_value(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::Str(_) => Ok(value.clone()),
        other => Ok(string_of(other)?.into()),
    }
}

/// The same as text.
pub(super) fn string_of(value: &Value) -> Result<String, TooDeep> {
    match value {
        Value::Bytes(bytes) => Ok(stray::text_of(bytes).into_owned()),
        other => print::sprint(other),
    }
}

/// The strings of a list without its nils; one string for anything else.
pub(super) fn strings_of(value: &Value) -> Result<Vec<String>, TooDeep> {
    match items_of(value) {
        Some(items) => items
            .iter()
            .filter(|item| !matches!(item, Value::Nil))
            .map(string_of)
            .collect(),
        None if matches!(value, Value::Nil) => Ok(Vec::new()),
        None => Ok(vec![string_of(value)?]),
    }
}

/// Strings of a list, with room for its nils.
pub(super) fn strings_with_room(strings: Vec<String>, list: &Value) -> Value {
    let room = items_of(list).map_or(0, |items| items.len());
    let strings = strings.into_iter().map(Value::from).collect();
    Value::List(List::with_room(strings, Items::Strings, room))
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
        Value::Str(text) => number::parse_int(without_zero_fraction(text)).unwrap_or(0),
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
        Value::Str(text) => number::parse_float(text)
            .filter(|number| {
                number.is_finite() || !text.contains(|digit: char| digit.is_ascii_digit())
            })
            .unwrap_or(0.0),
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
