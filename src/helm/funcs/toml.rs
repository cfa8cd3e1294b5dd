//! TOML, written as the library that Helm uses writes it.

use std::fmt::Write as _;
use std::rc::Rc;

use toml::Value as Toml;

use super::super::engine::{Args, Fault, items_of};
use super::super::print;
use super::super::value::{Items, List, Value, stray};
use super::dates;
use super::{Row, pure};

pub(super) const TABLE: &[Row] = &[
    // The message becomes the text, as in Helm.
    pure("toToml", "any", |args| {
        written(args.any(0)).map(|text| text.unwrap_or_else(|problem| problem).into())
    }),
    pure("mustToToml", "any", |args| {
        written(args.any(0))?.map(Value::from).map_err(Fault::new)
    }),
    pure("fromToml", "text", from_toml),
];

/// How deep tables may nest to be written.
const MAX_DEPTH: usize = 500;

fn from_toml(args: &Args<'_>) -> Result<Value, Fault> {
    let bytes = args.bytes(0)?;
    let read = str::from_utf8(&bytes).map_err(|_| "invalid UTF-8".to_owned());
    let read = read.and_then(|text| {
        toml::from_str::<toml::Table>(text).map_err(|error| error.message().to_owned())
    });
    Ok(match read {
        Ok(table) => table_value(table),
        Err(problem) => {
            let problem = format!("toml: {problem}");
            Value::Map([("Error", problem.into())].into_iter().collect())
        }
    })
}

fn table_value(table: toml::Table) -> Value {
    let entries = table.into_iter();
    let entries = entries.map(|(key, item)| (stray::from_outside(&key).into_owned(), value(item)));
    Value::Map(entries.collect())
}

fn value(item: Toml) -> Value {
    match item {
        Toml::String(text) => Value::str(stray::from_outside(&text)),
        Toml::Integer(number) => Value::Int64(number),
        Toml::Float(number) => Value::Float(number),
        Toml::Boolean(truth) => truth.into(),
        Toml::Datetime(time) => dates::from_toml(&time.to_string()),
        Toml::Array(items) => {
            let is_tables = !items.is_empty() && items.iter().all(Toml::is_table);
            let of = if is_tables { Items::Maps } else { Items::Any };
            Value::List(List::appended(
                items.into_iter().map(value).collect(),
                of,
                0,
            ))
        }
        Toml::Table(table) => table_value(table),
    }
}

/// The text, or what Helm says instead.
fn written(value: &Value) -> Result<Result<String, String>, Fault> {
    let mut out = String::new();
    let written = match entries_of(value) {
        Some(entries) => table(&mut out, &[], entries),
        None => match value {
            Value::Nil => return Err(Fault::new("nil has no TOML")),
            Value::List(items) => match is_tables(items) {
                Ok(true) => Err(Fault::new(
                    "toml: top-level values must be Go maps or structs",
                )),
                Ok(false) => element(&mut out, value, 0),
                Err(fault) => Err(fault),
            },
            other => element(&mut out, other, 0),
        },
    };
    Ok(match written {
        Ok(()) => Ok(out),
        Err(Fault::Wrong(problem)) => Err(problem),
        Err(other) => return Err(other),
    })
}

/// The entries of the table that a value is: a map, or what Go has as one.
fn entries_of(value: &Value) -> Option<Entries> {
    let object = match value {
        Value::Map(map) => return Some(map.entries()),
        Value::Object(object) => object,
        _ => return None,
    };
    match (object.fields(), object.plain()) {
        (Some(fields), _) => {
            let entries = fields.into_iter();
            Some(
                entries
                    .map(|field| (field.name.into(), field.value))
                    .collect(),
            )
        }
        (None, Value::Map(map)) => Some(map.entries()),
        _ => None,
    }
}

/// Plain values first, then tables, as they could not be told apart otherwise.
fn sorted(entries: Entries) -> Result<(Entries, Entries), Fault> {
    let (mut plain, mut tables) = (Entries::new(), Entries::new());
    for (key, value) in entries {
        let is_table = match (entries_of(&value), items_of(&value)) {
            (Some(_), _) => true,
            (None, Some(items)) => is_tables(&items)?,
            (None, None) => false,
        };
        let part = if is_table { &mut tables } else { &mut plain };
        part.push((key, value));
    }
    Ok((plain, tables))
}

type Entries = Vec<(Rc<str>, Value)>;

/// Whether a list holds nothing but maps.
fn is_tables(items: &[Value]) -> Result<bool, Fault> {
    for item in items {
        if matches!(item, Value::Nil) {
            return Err(Fault::new("toml: cannot encode array with nil element"));
        }
        if let Some(inner) = items_of(item) {
            is_tables(&inner)?;
        }
    }
    Ok(!items.is_empty() && items.iter().all(|item| entries_of(item).is_some()))
}

fn is_absent(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::List(list) => list.is_nil(),
        Value::Map(map) => map.is_nil(),
        _ => false,
    }
}

fn table(out: &mut String, path: &[&str], entries: Entries) -> Result<(), Fault> {
    if path.len() > MAX_DEPTH {
        return Err(Fault::new("the value nests too deep"));
    }
    let (plain, tables) = sorted(entries)?;
    let indent = "  ".repeat(path.len());
    for (name, value) in plain.iter().filter(|(_, value)| !is_absent(value)) {
        let _ = write!(out, "{indent}{} = ", key(name));
        element(out, value, path.len())?;
        out.push('\n');
    }
    for (name, value) in tables.iter().filter(|(_, value)| !is_absent(value)) {
        let path = [path, &[&**name]].concat();
        let indent = "  ".repeat(path.len() - 1);
        let name: Vec<String> = path.iter().map(|part| key(part)).collect();
        let name = name.join(".");
        if let Some(entries) = entries_of(value) {
            if path.len() == 1 && !out.is_empty() {
                out.push('\n');
            }
            let _ = writeln!(out, "{indent}[{name}]");
            table(out, &path, entries)?;
            continue;
        }
        for item in items_of(value).iter().flat_map(|items| items.iter()) {
            if !out.is_empty() {
                out.push('\n');
            }
            let _ = writeln!(out, "{indent}[[{name}]]");
            if let Some(entries) = entries_of(item) {
                table(out, &path, entries)?;
            }
        }
    }
    Ok(())
}

/// A value as it stands behind `=` or in a list.
fn element(out: &mut String, value: &Value, depth: usize) -> Result<(), Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::new("the value nests too deep"));
    }
    match value {
        Value::Nil => return Err(Fault::new("toml: cannot encode nil")),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) | Value::Int64(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Float(number) => out.push_str(&float(*number)),
        Value::Str(text) => out.push_str(&quoted(text)),
        Value::Map(map) => {
            let (plain, tables) = sorted(map.entries())?;
            out.push('{');
            for (entries, goes_on) in [(&plain, !tables.is_empty()), (&tables, false)] {
                for (index, (name, value)) in entries.iter().enumerate() {
                    if is_absent(value) {
                        continue;
                    }
                    let _ = write!(out, "{} = ", key(name));
                    element(out, value, depth + 1)?;
                    if goes_on || index + 1 < entries.len() {
                        out.push_str(", ");
                    }
                }
            }
            out.push('}');
        }
        other => match items_of(other) {
            Some(items) => {
                is_tables(&items)?;
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    element(out, item, depth + 1)?;
                }
                out.push(']');
            }
            None => match dates::moment_of(other) {
                Some(moment) => {
                    out.push_str(&moment.format("2006-01-02T15:04:05.999999999Z07:00"));
                }
                None => out.push_str(&quoted(&print::sprint(other)?)),
            },
        },
    }
    Ok(())
}

fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let text = print::float_g(number);
    if text.contains(['e', '.']) {
        text
    } else {
        format!("{text}.0")
    }
}

fn key(name: &str) -> String {
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if !name.is_empty() && name.chars().all(is_bare) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' | '\u{7f}' => {
                let _ = write!(out, "\\u{:04x}", letter as u32);
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
