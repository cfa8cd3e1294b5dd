//! Numbers as Go's `strconv` reads them.
//!
//! How numbers are written is for `print`.

/// `ParseInt` with base 0: `0x`, `0b`, `0o` and a leading zero choose the base.
pub(crate) fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = i128::from(parse_uint(digits)?);
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// `ParseUint` with base 0.
pub(crate) fn parse_uint(text: &str) -> Option<u64> {
    if !is_underscored_well(text) {
        return None;
    }
    let lower = text.to_ascii_lowercase().replace('_', "");
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if digits.starts_with('+') {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// `ParseInt` with base 10, as `Atoi` has it; out of range is the nearest number.
///
/// By hand, because Go sees a wrong letter behind digits only as long as they fit 64 bits.
pub(crate) fn parse_decimal(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (sign, limit) = if text.starts_with('-') {
        (-1, i64::MIN)
    } else {
        (1, i64::MAX)
    };
    let mut magnitude: u64 = 0;
    for digit in digits.chars() {
        let digit = u64::from(digit.to_digit(10)?);
        let more = magnitude.checked_mul(10);
        match more.and_then(|more| more.checked_add(digit)) {
            Some(more) => magnitude = more,
            None => return Some(limit),
        }
    }
    let number = i64::try_from(i128::from(magnitude) * sign).unwrap_or(limit);
    (!digits.is_empty()).then_some(number)
}

/// `ParseFloat`: decimal and hexadecimal, `Inf` and `NaN`. Out of range is an infinity.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    match unsigned.to_ascii_lowercase().as_str() {
        "inf" | "infinity" => return Some(sign * f64::INFINITY),
        "nan" => return Some(f64::NAN),
        lower if lower.starts_with("0x") => {
            return parse_hex_float(&lower[2..]).map(|number| sign * number);
        }
        _ => {}
    }
    if !unsigned
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-' | b'_'))
        || unsigned.starts_with(['+', '-'])
        || !is_underscored_well(unsigned)
    {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// Mantissa and binary exponent, which Go insists on.
fn parse_hex_float(text: &str) -> Option<f64> {
    let text = text.replace('_', "");
    let (mantissa, exponent) = text.split_once('p')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || exponent.is_empty() {
        return None;
    }
    let mut number = 0.0_f64;
    for digit in digits.chars() {
        number = number * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let shift = exponent.parse::<i32>().ok()? - 4 * i32::try_from(fraction.len()).ok()?;
    Some(number * 2.0_f64.powi(shift))
}

/// Underscores may only stand between digits, or after the prefix of a base.
fn is_underscored_well(text: &str) -> bool {
    if !text.contains('_') {
        return true;
    }
    let lower = text.to_ascii_lowercase();
    let (mut before, body, is_hex) = match lower.as_bytes() {
        [b'0', base @ (b'x' | b'b' | b'o'), ..] => (b'0', &lower[2..], *base == b'x'),
        _ => (b'^', lower.as_str(), false),
    };
    for byte in body.bytes() {
        let is_digit = byte.is_ascii_digit() || is_hex && matches!(byte, b'a'..=b'f');
        match (byte, before) {
            (b'_', b'0') => before = b'_',
            (b'_', _) => return false,
            _ if is_digit => before = b'0',
            (_, b'_') => return false,
            _ => before = b'!',
        }
    }
    before != b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_choose_their_base() {
        let cases = [
            ("0x1F", Some(31)),
            ("-0b11", Some(-3)),
            ("0o17", Some(15)),
            ("017", Some(15)),
            ("089", None),
            ("1_000", Some(1000)),
            ("1__0", None),
            ("_1", None),
            ("0x_1", Some(1)),
            ("+7", Some(7)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("", None),
            ("--1", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_int(text), expected, "{text}");
        }
    }

    #[test]
    fn floats_may_be_hexadecimal_or_no_number_at_all() {
        let cases = [
            ("1.5", Some(1.5)),
            (".5", Some(0.5)),
            ("1e3", Some(1000.0)),
            ("0x1p4", Some(16.0)),
            ("0x1.8p1", Some(3.0)),
            ("0x1", None),
            ("-Inf", Some(f64::NEG_INFINITY)),
            ("1_0.5", Some(10.5)),
            ("one", None),
            ("1.2.3", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_float(text), expected, "{text}");
        }
        assert!(parse_float("nan").is_some_and(f64::is_nan));
    }
}
