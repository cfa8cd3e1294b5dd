//! Strings: cutting, padding, quoting, searching.

use std::fmt::Write as _;

use super::super::engine::{Args, Fault};
use super::super::print;
use super::super::value::{TooDeep, Value, stray};
use super::convert::string_of;
use super::{Row, pure};

/// The longest string a chart may ask for at once.
pub(super) const MAX_LENGTH: usize = 16 << 20;

pub(super) const TABLE: &[Row] = &[
    pure("trim", "text", |args| Ok(args.string(0)?.trim().into())),
    pure("trimAll", "text text", trim_all),
    pure("trimall", "text text", trim_all),
    pure("trimPrefix", "text text", |args| {
        let (prefix, text) = (args.string(0)?, args.string(1)?);
        Ok(text.strip_prefix(&*prefix).unwrap_or(&text).into())
    }),
    pure("trimSuffix", "text text", |args| {
        let (suffix, text) = (args.string(0)?, args.string(1)?);
        Ok(text.strip_suffix(&*suffix).unwrap_or(&text).into())
    }),
    pure("trunc", "int text", trunc),
    pure("substr", "int int text", substr),
    pure("nospace", "text", without_blanks),
    pure("repeat", "int text", repeat),
    pure("contains", "text text", |args| {
        Ok(args.string(1)?.contains(&*args.string(0)?).into())
    }),
    pure("hasPrefix", "text text", |args| {
        Ok(args.string(1)?.starts_with(&*args.string(0)?).into())
    }),
    pure("hasSuffix", "text text", |args| {
        Ok(args.string(1)?.ends_with(&*args.string(0)?).into())
    }),
    pure("quote", "any...", |args| {
        joined(args, |value| Ok(print::quoted(&string_of(value)?)))
    }),
    pure("squote", "any...", |args| {
        joined(args, |value| Ok(format!("'{}'", print::sprint(value)?)))
    }),
    pure("cat", "any...", |args| joined(args, print::sprint)),
    pure("indent", "int text", |args| Ok(indented(args)?.into())),
    pure("nindent", "int text", |args| {
        Ok(format!("\n{}", indented(args)?).into())
    }),
    pure("replace", "text text text", |args| {
        let (old, new, text) = (args.string(0)?, args.string(1)?, args.string(2)?);
        Ok(text.replace(&*old, &new).into())
    }),
    pure("plural", "text text int", |args| {
        let chosen = usize::from(args.int(2)? != 1);
        args.string(chosen).map(Value::Str)
    }),
    pure("html", "any...", |args| Ok(html(args)?.into())),
    pure("js", "any...", |args| Ok(java_script(args)?.into())),
    pure("urlquery", "any...", |args| Ok(url_query(args)?.into())),
];

/// Why a text is not made.
pub(super) fn too_long() -> Fault {
    Fault::new(format!("a string of more than {MAX_LENGTH} bytes"))
}

/// Goes by bytes, and takes each for a letter when there is a blank to leave out, as the library
/// behind sprig does.
fn without_blanks(args: &Args<'_>) -> Result<Value, Fault> {
    let bytes = args.bytes(0)?;
    let letters = || bytes.iter().copied().map(char::from);
    if !letters().any(char::is_whitespace) {
        return args.string(0).map(Value::Str);
    }
    let kept = letters().filter(|letter| !letter.is_whitespace());
    Ok(kept.collect::<String>().into())
}

fn trim_all(args: &Args<'_>) -> Result<Value, Fault> {
    let (letters, text) = (args.string(0)?, args.string(1)?);
    Ok(text.trim_matches(|letter| letters.contains(letter)).into())
}

/// Cuts bytes, not letters: what is left of a cut letter is no UTF-8, as in Go.
fn trunc(args: &Args<'_>) -> Result<Value, Fault> {
    let (count, bytes) = (args.int(0)?, args.bytes(1)?);
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let part = if count < 0 && bytes.len() > size {
        &bytes[bytes.len() - size..]
    } else if count >= 0 && bytes.len() > size {
        &bytes[..size]
    } else {
        &bytes
    };
    Ok(Value::from_bytes(part))
}

fn substr(args: &Args<'_>) -> Result<Value, Fault> {
    let (start, end, bytes) = (args.int(0)?, args.int(1)?, args.bytes(2)?);
    let length = bytes.len();
    let bound = |number: i64| usize::try_from(number).ok();
    let part = match (bound(start), bound(end)) {
        (None, Some(end)) => bytes.get(..end),
        (None, None) => None,
        (Some(start), Some(end)) if end <= length => bytes.get(start..end),
        (Some(start), _) => bytes.get(start..),
    };
    let part = part.ok_or_else(|| Fault::new("the bounds lie outside of the string"))?;
    Ok(Value::from_bytes(part))
}

fn repeat(args: &Args<'_>) -> Result<Value, Fault> {
    let (count, text) = (args.int(0)?, args.string(1)?);
    let count = usize::try_from(count).map_err(|_| Fault::new("the count is negative"))?;
    match text.len().checked_mul(count) {
        Some(length) if length <= MAX_LENGTH => Ok(text.repeat(count).into()),
        _ => Err(too_long()),
    }
}

fn joined(
    args: &Args<'_>,
    each: impl Fn(&Value) -> Result<String, TooDeep>,
) -> Result<Value, Fault> {
    let there = args
        .all()
        .iter()
        .filter(|value| !matches!(value, Value::Nil));
    let parts = there.map(each).collect::<Result<Vec<_>, _>>()?;
    Ok(parts.join(" ").into())
}

fn indented(args: &Args<'_>) -> Result<String, Fault> {
    let (count, text) = (args.int(0)?, args.string(1)?);
    let count = usize::try_from(count).map_err(|_| Fault::new("the indent is negative"))?;
    let lines = text.matches('\n').count() + 1;
    if count.saturating_mul(lines) > MAX_LENGTH {
        return Err(too_long());
    }
    let pad = " ".repeat(count);
    Ok(format!("{pad}{}", text.replace('\n', &format!("\n{pad}"))))
}

fn html(args: &Args<'_>) -> Result<String, TooDeep> {
    let mut out = String::new();
    for letter in super::flow::sprint_escaped(args.all())?.chars() {
        match letter {
            '\0' => out.push('\u{fffd}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
    Ok(out)
}

/// Text that is safe between the quotes of a script.
fn java_script(args: &Args<'_>) -> Result<String, TooDeep> {
    let mut out = String::new();
    let text = super::flow::sprint_escaped(args.all())?;
    for chunk in stray::bytes_of(&text).utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\\' | '\'' | '"' => {
                    out.push('\\');
                    out.push(letter);
                }
                '\0'..='\u{1f}' | '<' | '>' | '&' | '=' => {
                    let _ = write!(out, "\\u{:04X}", letter as u32);
                }
                letter if letter.is_ascii() || print::is_printable(letter) => out.push(letter),
                letter => {
                    let _ = write!(out, "\\u{:04X}", letter as u32);
                }
            }
        }
        out.push_str(&stray::text_of(chunk.invalid()));
    }
    Ok(out)
}

fn url_query(args: &Args<'_>) -> Result<String, TooDeep> {
    let mut out = String::new();
    let text = super::flow::sprint_escaped(args.all())?;
    for byte in stray::bytes_of(&text).iter().copied() {
        match byte {
            b' ' => out.push('+'),
            b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    Ok(out)
}
