//! Keys, words and texts in quotes, as they stand in one line.

use std::borrow::Cow;

use super::super::scalar::{self, Scalar};
use super::LONGEST_KEY;

/// A key at the start of a text, and what follows its colon.
pub(super) fn key(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let (key, after) = if text.starts_with(['"', '\'']) {
        quoted(text)?
    } else {
        let word = word(text)?;
        let is_text = matches!(scalar::resolve(word), Scalar::Text);
        (is_text.then_some(word)?.into(), &text[word.len()..])
    };
    let after = after.strip_prefix(':')?;
    let is_key = text.len() - after.len() <= LONGEST_KEY;
    (is_key && (after.is_empty() || after.starts_with(' '))).then_some((key, after))
}

/// The letters at the start of a text that mean nothing to YAML wherever they stand.
pub(super) fn word(text: &str) -> Option<&str> {
    let is_letter =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-');
    let length = text.bytes().take_while(is_letter).count();
    (length > 0 && !text.starts_with('-')).then(|| &text[..length])
}

/// A text in quotes at the start of a text, and what follows it.
pub(super) fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let quote = text.chars().next()?;
    let (inner, rest) = text[1..].split_once(quote)?;
    let is_single = quote == '\'';
    if is_single && rest.starts_with('\'') {
        single_quoted(&text[1..])
    } else if !is_single && inner.contains('\\') {
        double_quoted(&text[1..])
    } else {
        Some((inner.into(), rest))
    }
}

/// The text before the next single quote that is no pair.
fn single_quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut from = 0;
    loop {
        let end = from + text[from..].find('\'')?;
        let rest = &text[end + 1..];
        if !rest.starts_with('\'') {
            return Some((text[..end].replace("''", "'").into(), rest));
        }
        from = end + 2;
    }
}

/// Whether what comes next in a double-quoted text is escaped.
pub(super) fn ends_escaped(text: &str) -> bool {
    let slashes = text.len() - text.trim_end_matches('\\').len();
    slashes % 2 == 1
}

/// The text before the next double quote that is not escaped; only the escapes of JSON's everyday are known.
fn double_quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut inner = String::new();
    let mut rest = text;
    loop {
        let at = rest.find(['"', '\\'])?;
        inner.push_str(&rest[..at]);
        let sign = &rest[at..];
        if let Some(after) = sign.strip_prefix('"') {
            return Some((inner.into(), after));
        }
        inner.push(match sign.as_bytes().get(1)? {
            b'"' => '"',
            b'\\' => '\\',
            b'n' => '\n',
            b't' => '\t',
            b' ' => ' ',
            _ => return None,
        });
        rest = &sign[2..];
    }
}

/// A plain text that begins here, as far as its line has it, and whether the next line may go on with it.
pub(super) fn words(text: &str) -> Option<(&str, bool)> {
    let mut bytes = text.bytes();
    match bytes.next()? {
        b'-' if bytes.next().is_some_and(|next| next != b' ') => {}
        b'-' | b'?' | b':' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!'
        | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@' | b'`' => return None,
        _ => {}
    }
    until_comment(text)
}

/// A line of a plain text without what is a comment, and whether it has none; `None` where a key would end.
pub(super) fn until_comment(text: &str) -> Option<(&str, bool)> {
    let bytes = text.as_bytes();
    let mut end = bytes.len();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b':' if matches!(bytes.get(at + 1), None | Some(b' ')) => return None,
            b'#' if at > 0 && bytes[at - 1] == b' ' => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    Some((text[..end].trim_end_matches(' '), end == bytes.len()))
}

/// Whether nothing but a comment is left of a line.
pub(super) fn is_blank(text: &str) -> bool {
    let letters = text.trim_start_matches(' ');
    letters.is_empty() || (letters.starts_with('#') && letters.len() < text.len())
}
