//! Go's strings are bytes; here a byte that belongs to no letter is held as a letter of its own.
//!
//! So what cuts, searches and joins strings works on any of them, as in Python since PEP 383. Rust has no lone
//! surrogates; the letters from U+10FF80 on, of the area for private use, take their place. Text that has one of those
//! letters is held as its four bytes, so that nothing is lost on the way in and out.

use std::borrow::Cow;

/// The byte `b` is held as this letter and `b` further.
const BASE: u32 = 0x0010_ff00;

/// What Go reads where a byte belongs to no letter.
const REPLACEMENT: char = '\u{fffd}';

/// A string of any bytes, as text.
pub(crate) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) => from_outside(text),
        Err(_) => Cow::Owned(held(bytes)),
    }
}

/// Text from outside, in which the letters that stand for bytes stand for themselves.
pub(crate) fn from_outside(text: &str) -> Cow<'_, str> {
    if may_be_in(text) {
        Cow::Owned(held(text.as_bytes()))
    } else {
        Cow::Borrowed(text)
    }
}

/// The bytes that a text stands for.
pub(crate) fn bytes_of(text: &str) -> Cow<'_, [u8]> {
    if !may_be_in(text) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for letter in text.chars() {
        match byte_of(letter) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// The same for a text that is no longer needed.
pub(crate) fn into_bytes(text: String) -> Vec<u8> {
    match bytes_of(&text) {
        Cow::Owned(bytes) => bytes,
        Cow::Borrowed(_) => text.into_bytes(),
    }
}

/// The text with a replacement letter for each stray byte, as Go's loops over letters see it.
pub(crate) fn replaced(text: &str) -> Cow<'_, str> {
    match outside(text) {
        Cow::Owned(text) => Cow::Owned(from_outside(&text).into_owned()),
        Cow::Borrowed(text) => Cow::Borrowed(text),
    }
}

/// The same for the world outside, as Go's JSON has it.
pub(crate) fn outside(text: &str) -> Cow<'_, str> {
    if !may_be_in(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for chunk in bytes_of(text).utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| REPLACEMENT));
    }
    Cow::Owned(out)
}

/// The text in which bytes that make letters together are these letters, if there are such.
pub(crate) fn rejoined(text: &str) -> Option<String> {
    if !may_be_in(text) {
        return None;
    }
    let rejoined = text_of(&bytes_of(text)).into_owned();
    (rejoined != text).then_some(rejoined)
}

/// Whether the letter stands for a byte.
pub(crate) fn is_stray(letter: char) -> bool {
    byte_of(letter).is_some()
}

/// The byte that a letter stands for.
pub(crate) fn byte_of(letter: char) -> Option<u8> {
    let byte = u8::try_from((letter as u32).checked_sub(BASE)?).ok()?;
    (byte >= 0x80).then_some(byte)
}

/// Tells most texts quickly: only letters from U+100000 on begin with this byte.
fn may_be_in(text: &str) -> bool {
    text.as_bytes().contains(&0xf4)
}

fn held(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let stray = |byte: u8| char::from_u32(BASE + u32::from(byte)).unwrap_or(REPLACEMENT);
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if is_stray(letter) {
                out.extend(letter.encode_utf8(&mut [0; 4]).bytes().map(stray));
            } else {
                out.push(letter);
            }
        }
        out.extend(chunk.invalid().iter().copied().map(stray));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_come_out_as_they_went_in() {
        let all: Vec<u8> = (0..=255).collect();
        let cases: [&[u8]; 6] = [
            b"plain",
            "\u{65e5}\u{1f600}".as_bytes(),
            &"\u{65e5}".as_bytes()[..2],
            "a\u{10ff80}\u{10ffff}b\u{100000}".as_bytes(),
            b"\xe6x\xf4\x8f\xbe",
            &all,
        ];
        for bytes in cases {
            let text = text_of(bytes);
            assert_eq!(*bytes_of(&text), *bytes, "{text:?}");
        }
        assert_eq!(
            *bytes_of(&from_outside("\u{10fff0}")),
            *"\u{10fff0}".as_bytes()
        );
    }

    #[test]
    fn parts_of_a_letter_are_the_letter_again_when_joined() {
        let joined = format!("{}{}", text_of(b"\xe6"), text_of(b"\x97\xa5x"));
        assert_eq!(rejoined(&joined).as_deref(), Some("\u{65e5}x"));
        assert_eq!(rejoined(&text_of(b"\xe6x")), None);
    }

    #[test]
    fn each_stray_byte_is_one_letter() {
        let text = text_of(b"a\xe6\x97b");
        assert_eq!(text.chars().count(), 4);
        assert_eq!(replaced(&text), "a\u{fffd}\u{fffd}b");
        let held = from_outside("\u{10ff80}");
        assert_eq!(replaced(&held), held);
        assert_eq!(outside(&held), "\u{10ff80}");
    }
}
