//! What a plain YAML scalar is: YAML 1.1 as Go's library understands it.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Number, Value};

use super::read::Numbers;

/// A resolved scalar.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    /// `null`, `~`, nothing.
    Null,
    /// `true`, `yes`, `on`, `y` and their opposites.
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// An integer that only fits unsigned.
    Uint(u64),
    /// A float, `.inf` and `.nan` included.
    Float(f64),
    /// A date: read as text, but written in quotes.
    Timestamp,
    /// Anything else.
    Text,
}

impl Scalar {
    /// As JSON; `None` for what JSON has no number for. The text is that which was resolved.
    pub(super) fn into_value(self, text: &str, numbers: Numbers) -> Option<Value> {
        let keeps_integers = numbers == Numbers::Kept;
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => truth.into(),
            Self::Text | Self::Timestamp => text.into(),
            Self::Int(number) if keeps_integers => number.into(),
            Self::Uint(number) if keeps_integers => number.into(),
            _ => Number::from_f64(self.as_float()?)?.into(),
        })
    }

    /// The short tag that Go's library gives it.
    pub(super) fn tag(&self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool(_) => "!!bool",
            Self::Int(_) | Self::Uint(_) => "!!int",
            Self::Float(_) => "!!float",
            Self::Timestamp => "!!timestamp",
            Self::Text => "!!str",
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "Helm's values are floats")]
    pub(super) fn as_float(&self) -> Option<f64> {
        match *self {
            Self::Int(number) => Some(number as f64),
            Self::Uint(number) => Some(number as f64),
            Self::Float(number) => Some(number),
            _ => None,
        }
    }
}

static FLOAT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"));
static BASE_60: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$"));
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:([Tt ])([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})?)?$",
    )
});

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant that a test compiles")
}

/// Resolves the text of a plain scalar; its first letter tells most of them.
pub(super) fn resolve(text: &str) -> Scalar {
    match text.as_bytes().first() {
        None | Some(b'~' | b'n' | b'N' | b'y' | b'Y' | b't' | b'T' | b'o' | b'O' | b'f' | b'F') => {
            resolve_word(text)
        }
        Some(b'.') => resolve_limit(text)
            .or_else(|| parse_go_float(text))
            .map_or(Scalar::Text, Scalar::Float),
        Some(b'+' | b'-') => {
            resolve_limit(text).map_or_else(|| resolve_number(text), Scalar::Float)
        }
        Some(b'0'..=b'9') => resolve_number(text),
        Some(_) => Scalar::Text,
    }
}

fn resolve_word(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        _ => Scalar::Text,
    }
}

/// What is no number, or an infinite one.
fn resolve_limit(text: &str) -> Option<f64> {
    match text {
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Whether old parsers would read the text as a base-60 number such as `1:30`.
pub(super) fn is_base_60(text: &str) -> bool {
    text.contains(':') && BASE_60.is_match(text)
}

fn resolve_number(text: &str) -> Scalar {
    if is_timestamp(text) {
        return Scalar::Timestamp;
    }
    let plain = text.replace('_', "");
    if let Some(number) = parse_go_integer(&plain) {
        return number;
    }
    if FLOAT.is_match(&plain)
        && let Some(number) = parse_go_float(&plain)
    {
        return Scalar::Float(number);
    }
    Scalar::Text
}

/// Go's `strconv.ParseInt` and `ParseUint` with base 0, on text without underscores.
fn parse_go_integer(text: &str) -> Option<Scalar> {
    let (negative, digits, signed) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..], true),
        b'+' => (false, &text[1..], true),
        _ => (false, text, false),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    let value = i128::from(magnitude) * if negative { -1 } else { 1 };
    match i64::try_from(value) {
        Ok(number) => Some(Scalar::Int(number)),
        Err(_) if !signed => Some(Scalar::Uint(magnitude)),
        Err(_) => None,
    }
}

/// Go's `strconv.ParseFloat` for decimal text; out of range is no float.
fn parse_go_float(text: &str) -> Option<f64> {
    if !text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
    {
        return None;
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Whether Go's library takes the text for a date.
fn is_timestamp(text: &str) -> bool {
    if text.as_bytes().get(4) != Some(&b'-') {
        return false;
    }
    let Some(parts) = DATE.captures(text) else {
        return false;
    };
    let number = |group: usize| {
        parts
            .get(group)
            .and_then(|part| part.as_str().parse::<u32>().ok())
    };
    let (Some(year), Some(month), Some(day)) = (number(1), number(2), number(3)) else {
        return false;
    };
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => return false,
    };
    let zone = parts.get(8).map(|zone| zone.as_str());
    let zone_fits = match parts.get(4).map(|separator| separator.as_str()) {
        None => true,
        Some(" ") => zone.is_none(),
        Some(_) => zone.is_some(),
    };
    (1..=days).contains(&day)
        && zone_fits
        && number(5).is_none_or(|hour| hour < 24)
        && number(6).is_none_or(|minute| minute < 60)
        && number(7).is_none_or(|second| second < 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_go_takes_them_for() {
        let cases = [
            ("yes", Scalar::Bool(true)),
            ("off", Scalar::Bool(false)),
            ("0644", Scalar::Int(420)),
            ("0o17", Scalar::Int(15)),
            ("0x1F", Scalar::Int(31)),
            ("0b101", Scalar::Int(5)),
            ("1_000", Scalar::Int(1000)),
            ("-17", Scalar::Int(-17)),
            ("+3", Scalar::Int(3)),
            ("089", Scalar::Float(89.0)),
            ("18446744073709551615", Scalar::Uint(u64::MAX)),
            ("1e3", Scalar::Float(1000.0)),
            (".5", Scalar::Float(0.5)),
            ("1.", Scalar::Float(1.0)),
            ("1.2.3", Scalar::Text),
            ("v1", Scalar::Text),
            ("2001-12-14", Scalar::Timestamp),
            ("2001-13-14", Scalar::Text),
            ("2001-12-14T21:59:43Z", Scalar::Timestamp),
            ("1:30", Scalar::Text),
            ("-", Scalar::Text),
            ("<<", Scalar::Text),
            ("~", Scalar::Null),
            ("nULL", Scalar::Text),
        ];
        for (text, expected) in cases {
            assert_eq!(resolve(text), expected, "{text}");
        }
        assert!(is_base_60("1:30"));
    }
}
