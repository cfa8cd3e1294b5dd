//! Regular expressions: Go's syntax and Go's way of replacing.

mod syntax;

use regex::{Captures, Regex, RegexBuilder};

use super::super::engine::{Args, Fault};
use super::super::value::{Items, List, Value};
use super::{Row, pure};

/// How many matches Go makes room for at first.
const FIRST_ROOM: usize = 10;

pub(super) const TABLE: &[Row] = &[
    // This one alone takes a broken expression for one that matches nothing.
    pure("regexMatch", "text text", |args| {
        let (_, text) = (args.string(0)?, args.string(1)?);
        Ok(pattern(args)
            .is_ok_and(|pattern| pattern.is_match(&text))
            .into())
    }),
    pure("mustRegexMatch", "text text", is_match),
    pure("regexFind", "text text", find),
    pure("mustRegexFind", "text text", find),
    pure("regexFindAll", "text text int", find_all),
    pure("mustRegexFindAll", "text text int", find_all),
    pure("regexReplaceAll", "text text text", replace_all),
    pure("mustRegexReplaceAll", "text text text", replace_all),
    pure(
        "regexReplaceAllLiteral",
        "text text text",
        replace_all_literal,
    ),
    pure(
        "mustRegexReplaceAllLiteral",
        "text text text",
        replace_all_literal,
    ),
    pure("regexSplit", "text text int", split),
    pure("mustRegexSplit", "text text int", split),
    pure("regexQuoteMeta", "text", |args| {
        let mut quoted = String::new();
        for letter in args.string(0)?.chars() {
            if r"\.+*?()|[]{}^$".contains(letter) {
                quoted.push('\\');
            }
            quoted.push(letter);
        }
        Ok(quoted.into())
    }),
];

fn pattern(args: &Args<'_>) -> Result<Regex, Fault> {
    syntax::translated(&args.string(0)?)
        .and_then(|text| RegexBuilder::new(&text).size_limit(4 << 20).build().ok())
        .ok_or_else(|| Fault::new("argument 1 is no regular expression"))
}

fn is_match(args: &Args<'_>) -> Result<Value, Fault> {
    Ok(pattern(args)?.is_match(&args.string(1)?).into())
}

fn find(args: &Args<'_>) -> Result<Value, Fault> {
    let text = args.string(1)?;
    let found = pattern(args)?
        .find(&text)
        .map_or("", |found| found.as_str());
    Ok(found.into())
}

fn find_all(args: &Args<'_>) -> Result<Value, Fault> {
    let (text, limit) = (args.string(1)?, args.int(2)?);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let pattern = pattern(args)?;
    let mut found = pattern.find_iter(&text).take(limit).peekable();
    if found.peek().is_none() {
        return Ok(Value::List(List::nil(Items::Strings)));
    }
    let found = found.map(|found| found.as_str().into()).collect();
    Ok(Value::List(List::appended(
        found,
        Items::Strings,
        FIRST_ROOM,
    )))
}

fn replace_all(args: &Args<'_>) -> Result<Value, Fault> {
    let (text, template) = (args.string(1)?, args.string(2)?);
    let replaced = pattern(args)?.replace_all(&text, |captures: &Captures<'_>| {
        let mut out = String::new();
        // Both read `$1`, `${name}` and `$$`, and both take the longest name.
        captures.expand(&template, &mut out);
        out
    });
    Ok(replaced.into_owned().into())
}

fn replace_all_literal(args: &Args<'_>) -> Result<Value, Fault> {
    let (text, with) = (args.string(1)?, args.string(2)?);
    let replaced = pattern(args)?.replace_all(&text, regex::NoExpand(&with));
    Ok(replaced.into_owned().into())
}

fn split(args: &Args<'_>) -> Result<Value, Fault> {
    let (text, limit) = (args.string(1)?, args.int(2)?);
    let pattern = pattern(args)?;
    if limit == 0 {
        return Ok(Value::List(List::nil(Items::Strings)));
    }
    if !pattern.as_str().is_empty() && text.is_empty() {
        return Ok(Value::strings([""]));
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, 0);
    let matches: Vec<_> = pattern.find_iter(&text).take(limit).collect();
    for found in &matches {
        if parts.len() + 1 == limit {
            break;
        }
        end = found.start();
        // Go makes no empty first part of an empty match.
        if found.end() != 0 {
            parts.push(&text[start..end]);
        }
        start = found.end();
    }
    if end != text.len() {
        parts.push(&text[start..]);
    }
    let parts: Vec<Value> = parts.into_iter().map(Value::from).collect();
    Ok(Value::List(List::appended(
        parts,
        Items::Strings,
        matches.len(),
    )))
}
