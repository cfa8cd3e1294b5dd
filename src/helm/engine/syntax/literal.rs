//! Literals: quoted text, characters and numbers, as Go reads them.

use super::super::super::number;
use super::super::super::value::stray;
use super::tree::Number;

/// The text of a literal in double or back quotes.
pub(super) fn unquote(literal: &str) -> Option<String> {
    if let Some(raw) = literal.strip_prefix('`') {
        return Some(raw.strip_suffix('`')?.replace('\r', ""));
    }
    let inner = literal.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(inner.len());
    let letters = stray::replaced(inner);
    let mut rest = &*letters;
    while !rest.is_empty() {
        rest = match unescape(rest, '"')? {
            (Unescaped::Byte(byte), rest) => {
                bytes.push(byte);
                rest
            }
            (Unescaped::Letter(letter), rest) => {
                bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                rest
            }
        };
    }
    Some(stray::text_of(&bytes).into_owned())
}

/// The number that a character constant such as `'a'` stands for.
pub(super) fn character(literal: &str) -> Option<Number> {
    let inner = literal.strip_prefix('\'')?.strip_suffix('\'')?;
    let (letter, rest) = unescape(inner, '\'')?;
    let code = match letter {
        Unescaped::Byte(byte) => u32::from(byte),
        Unescaped::Letter(letter) => letter as u32,
    };
    rest.is_empty().then(|| Number {
        int: Some(i64::from(code)),
        uint: Some(u64::from(code)),
        float: Some(f64::from(code)),
        looks_like_float: false,
    })
}

/// A number literal, in every type that holds it.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "a float that is a whole number is one of these integers as well"
)]
pub(super) fn number(text: &str) -> Result<Number, &'static str> {
    let mut uint = number::parse_uint(text);
    let int = number::parse_int(text);
    if int == Some(0) {
        uint = uint.or(Some(0));
    }
    let has_float_sign = text.contains(['.', 'e', 'E', 'p', 'P']);
    let is_hex_integer = text.starts_with("0x") || text.starts_with("0X");
    let looks_like_float = has_float_sign && (!is_hex_integer || text.contains(['p', 'P']));
    if let Some(whole) = int.map(|int| int as f64).or(uint.map(|uint| uint as f64)) {
        return Ok(Number {
            int,
            uint,
            float: Some(whole),
            looks_like_float,
        });
    }
    let Some(float) = number::parse_float(text).filter(|float| float.is_finite()) else {
        return Err("illegal number syntax");
    };
    if !has_float_sign {
        return Err("integer overflow");
    }
    Ok(Number {
        int: Some(float as i64).filter(|int| *int as f64 == float && *int != i64::MAX),
        uint: Some(float as u64).filter(|uint| *uint as f64 == float && *uint != u64::MAX),
        float: Some(float),
        looks_like_float,
    })
}

enum Unescaped {
    Byte(u8),
    Letter(char),
}

/// The first letter of a quoted text, and what follows it.
fn unescape(text: &str, quote: char) -> Option<(Unescaped, &str)> {
    let mut letters = text.chars();
    let letter = match letters.next()? {
        '\\' => letters.next()?,
        '\n' => return None,
        letter if letter == quote => return None,
        letter => {
            let read = stray::byte_of(letter).map_or(Unescaped::Letter(letter), Unescaped::Byte);
            return Some((read, letters.as_str()));
        }
    };
    let rest = letters.as_str();
    let plain = |letter: char| Some((Unescaped::Letter(letter), rest));
    match letter {
        'a' => plain('\u{7}'),
        'b' => plain('\u{8}'),
        'f' => plain('\u{c}'),
        'n' => plain('\n'),
        'r' => plain('\r'),
        't' => plain('\t'),
        'v' => plain('\u{b}'),
        '\\' => plain('\\'),
        '\'' | '"' if letter == quote => plain(letter),
        'x' => {
            let byte = u8::from_str_radix(digits(rest, 2, 16)?, 16).ok()?;
            Some((Unescaped::Byte(byte), &rest[2..]))
        }
        'u' => unicode(rest, 4),
        'U' => unicode(rest, 8),
        '0'..='7' => {
            let octal = &text[1..];
            let byte = u8::from_str_radix(digits(octal, 3, 8)?, 8).ok()?;
            Some((Unescaped::Byte(byte), &octal[3..]))
        }
        _ => None,
    }
}

fn unicode(rest: &str, count: usize) -> Option<(Unescaped, &str)> {
    let code = u32::from_str_radix(digits(rest, count, 16)?, 16).ok()?;
    Some((Unescaped::Letter(char::from_u32(code)?), &rest[count..]))
}

fn digits(text: &str, count: usize, radix: u32) -> Option<&str> {
    let digits = text.get(..count)?;
    digits
        .chars()
        .all(|digit| digit.is_digit(radix))
        .then_some(digits)
}
