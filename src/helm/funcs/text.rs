//! Strings: cutting, padding, quoting, searching, and file paths as strings.

use std::fmt::Write as _;

use super::super::engine::{Args, Fault};
use super::super::print;
use super::super::value::Value;
use super::convert::string_of;
use super::{Function, at_least, exactly};

/// The longest string a chart may ask for at once.
const MAX_LENGTH: usize = 16 << 20;

pub(super) const TABLE: &[Function] = &[
    exactly("trim", 1, |args| Ok(args.string(0)?.trim().into())),
    exactly("trimAll", 2, trim_all),
    exactly("trimall", 2, trim_all),
    exactly("trimPrefix", 2, |args| {
        let (prefix, text) = (args.string(0)?, args.string(1)?);
        Ok(text.strip_prefix(&*prefix).unwrap_or(&text).into())
    }),
    exactly("trimSuffix", 2, |args| {
        let (suffix, text) = (args.string(0)?, args.string(1)?);
        Ok(text.strip_suffix(&*suffix).unwrap_or(&text).into())
    }),
    exactly("trunc", 2, trunc),
    exactly("substr", 3, substr),
    exactly("upper", 1, |args| {
        Ok(args
            .string(0)?
            .chars()
            .map(to_upper)
            .collect::<String>()
            .into())
    }),
    exactly("lower", 1, |args| {
        Ok(args
            .string(0)?
            .chars()
            .map(to_lower)
            .collect::<String>()
            .into())
    }),
    exactly("title", 1, title),
    exactly("untitle", 1, untitle),
    exactly("nospace", 1, |args| {
        let text: String = args.string(0)?.split_whitespace().collect();
        Ok(text.into())
    }),
    exactly("repeat", 2, repeat),
    exactly("contains", 2, |args| {
        Ok(args.string(1)?.contains(&*args.string(0)?).into())
    }),
    exactly("hasPrefix", 2, |args| {
        Ok(args.string(1)?.starts_with(&*args.string(0)?).into())
    }),
    exactly("hasSuffix", 2, |args| {
        Ok(args.string(1)?.ends_with(&*args.string(0)?).into())
    }),
    at_least("quote", 0, |args| {
        Ok(joined(args, |value| print::quoted(&string_of(value))))
    }),
    at_least("squote", 0, |args| {
        Ok(joined(args, |value| format!("'{}'", print::sprint(value))))
    }),
    at_least("cat", 0, |args| Ok(joined(args, print::sprint))),
    exactly("indent", 2, |args| Ok(indented(args)?.into())),
    exactly("nindent", 2, |args| {
        Ok(format!("\n{}", indented(args)?).into())
    }),
    exactly("replace", 3, |args| {
        let (old, new, text) = (args.string(0)?, args.string(1)?, args.string(2)?);
        Ok(text.replace(&*old, &new).into())
    }),
    exactly("plural", 3, |args| {
        let chosen = usize::from(args.int(2)? != 1);
        args.string(chosen).map(Value::Str)
    }),
    exactly("base", 1, |args| Ok(base(&args.string(0)?).into())),
    exactly("osBase", 1, |args| Ok(base(&args.string(0)?).into())),
    exactly("dir", 1, |args| Ok(dir(&args.string(0)?).into())),
    exactly("osDir", 1, |args| Ok(dir(&args.string(0)?).into())),
    exactly("clean", 1, |args| Ok(clean(&args.string(0)?).into())),
    exactly("osClean", 1, |args| Ok(clean(&args.string(0)?).into())),
    exactly("ext", 1, |args| Ok(ext(&args.string(0)?).into())),
    exactly("osExt", 1, |args| Ok(ext(&args.string(0)?).into())),
    exactly("isAbs", 1, |args| {
        Ok(args.string(0)?.starts_with('/').into())
    }),
    exactly("osIsAbs", 1, |args| {
        Ok(args.string(0)?.starts_with('/').into())
    }),
    at_least("html", 0, |args| Ok(html(args).into())),
    at_least("urlquery", 0, |args| Ok(url_query(args).into())),
];

/// Go maps letter by letter: one that would become several stays as it is.
fn to_upper(letter: char) -> char {
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => letter,
    }
}

fn to_lower(letter: char) -> char {
    letter.to_lowercase().next().unwrap_or(letter)
}

fn trim_all(args: &Args<'_>) -> Result<Value, Fault> {
    let (letters, text) = (args.string(0)?, args.string(1)?);
    Ok(text.trim_matches(|letter| letters.contains(letter)).into())
}

/// Cuts bytes, not letters: what is left of a cut letter is no UTF-8, as in Go.
fn trunc(args: &Args<'_>) -> Result<Value, Fault> {
    let (count, text) = (args.int(0)?, args.string(1)?);
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let bytes = text.as_bytes();
    let part = if count < 0 && bytes.len() > size {
        &bytes[bytes.len() - size..]
    } else if count >= 0 && bytes.len() > size {
        &bytes[..size]
    } else {
        bytes
    };
    Ok(Value::from_bytes(part.to_vec()))
}

fn substr(args: &Args<'_>) -> Result<Value, Fault> {
    let (start, end, text) = (args.int(0)?, args.int(1)?, args.string(2)?);
    let bytes = text.as_bytes();
    let length = bytes.len();
    let bound = |number: i64| usize::try_from(number).ok();
    let part = match (bound(start), bound(end)) {
        (None, Some(end)) => bytes.get(..end),
        (None, None) => None,
        (Some(start), Some(end)) if end <= length => bytes.get(start..end),
        (Some(start), _) => bytes.get(start..),
    };
    let part = part.ok_or_else(|| Fault::new("the bounds lie outside of the string"))?;
    Ok(Value::from_bytes(part.to_vec()))
}

fn title(args: &Args<'_>) -> Result<Value, Fault> {
    let mut after_letter = false;
    let mut out = String::new();
    for letter in args.string(0)?.chars() {
        if after_letter {
            out.push(letter);
        } else {
            out.push(to_upper(letter));
        }
        // Go's word separators: anything but letters, digits and underscores in ASCII, else blanks.
        after_letter = if letter.is_ascii() {
            letter.is_ascii_alphanumeric() || letter == '_'
        } else {
            !letter.is_whitespace()
        };
    }
    Ok(out.into())
}

fn untitle(args: &Args<'_>) -> Result<Value, Fault> {
    let mut after_blank = true;
    let mut out = String::new();
    for letter in args.string(0)?.chars() {
        if after_blank && !letter.is_whitespace() {
            out.push(to_lower(letter));
        } else {
            out.push(letter);
        }
        after_blank = letter.is_whitespace();
    }
    Ok(out.into())
}

fn repeat(args: &Args<'_>) -> Result<Value, Fault> {
    let (count, text) = (args.int(0)?, args.string(1)?);
    let count = usize::try_from(count).map_err(|_| Fault::new("the count is negative"))?;
    match text.len().checked_mul(count) {
        Some(length) if length <= MAX_LENGTH => Ok(text.repeat(count).into()),
        _ => Err(Fault::new(format!(
            "a string of more than {MAX_LENGTH} bytes"
        ))),
    }
}

fn joined(args: &Args<'_>, each: impl Fn(&Value) -> String) -> Value {
    let parts: Vec<String> = args
        .all()
        .iter()
        .filter(|value| !matches!(value, Value::Nil))
        .map(each)
        .collect();
    parts.join(" ").into()
}

fn indented(args: &Args<'_>) -> Result<String, Fault> {
    let (count, text) = (args.int(0)?, args.string(1)?);
    let count = usize::try_from(count).map_err(|_| Fault::new("the indent is negative"))?;
    let lines = text.matches('\n').count() + 1;
    if count.saturating_mul(lines) > MAX_LENGTH {
        return Err(Fault::new(format!(
            "a string of more than {MAX_LENGTH} bytes"
        )));
    }
    let pad = " ".repeat(count);
    Ok(format!("{pad}{}", text.replace('\n', &format!("\n{pad}"))))
}

fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return "/";
    }
    trimmed.rsplit('/').next().unwrap_or(trimmed)
}

fn dir(path: &str) -> String {
    clean(path.rfind('/').map_or("", |slash| &path[..=slash]))
}

fn ext(path: &str) -> &str {
    let base = path.rsplit('/').next().unwrap_or(path);
    base.rfind('.').map_or("", |dot| &base[dot..])
}

/// Go's `path.Clean`.
fn clean(path: &str) -> String {
    let is_rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_rooted => {}
            part => parts.push(part),
        }
    }
    match (is_rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

fn html(args: &Args<'_>) -> String {
    let mut out = String::new();
    for letter in super::flow::sprint_all(args.all()).chars() {
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
    out
}

fn url_query(args: &Args<'_>) -> String {
    let mut out = String::new();
    for byte in super::flow::sprint_all(args.all()).bytes() {
        match byte {
            b' ' => out.push('+'),
            b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}
