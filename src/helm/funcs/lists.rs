//! Lists: building, taking apart, searching and ordering them.

use super::super::engine::{Args, Fault, items_of};
use super::super::value::{Items, List, Map, TooDeep, Value, stray};
use super::convert::{string_of, strings_of, strings_with_room, to_integer};
use super::{Row, pure};

/// The longest list a chart may ask for at once.
const MAX_ITEMS: u64 = 1_000_000;

pub(super) const TABLE: &[Row] = &[
    pure("list", "any...", |args| Ok(list(args.all().to_vec()))),
    pure("tuple", "any...", |args| Ok(list(args.all().to_vec()))),
    pure("append", "any any", append),
    pure("push", "any any", append),
    pure("mustAppend", "any any", append),
    pure("mustPush", "any any", append),
    pure("prepend", "any any", prepend),
    pure("mustPrepend", "any any", prepend),
    pure("first", "any", |args| {
        edge(args, "find first", <[Value]>::first)
    }),
    pure("mustFirst", "any", |args| {
        edge(args, "find first", <[Value]>::first)
    }),
    pure("last", "any", |args| {
        edge(args, "find last", <[Value]>::last)
    }),
    pure("mustLast", "any", |args| {
        edge(args, "find last", <[Value]>::last)
    }),
    pure("rest", "any", |args| {
        part(args, "find rest", |items| &items[1..])
    }),
    pure("mustRest", "any", |args| {
        part(args, "find rest", |items| &items[1..])
    }),
    pure("initial", "any", |args| {
        part(args, "find initial", |items| &items[..items.len() - 1])
    }),
    pure("mustInitial", "any", |args| {
        part(args, "find initial", |items| &items[..items.len() - 1])
    }),
    pure("reverse", "any", reverse),
    pure("mustReverse", "any", reverse),
    pure("uniq", "any", uniq),
    pure("mustUniq", "any", uniq),
    pure("compact", "any", compact),
    pure("mustCompact", "any", compact),
    pure("without", "any any...", without),
    pure("mustWithout", "any any...", without),
    pure("has", "any any", has),
    pure("mustHas", "any any", has),
    pure("slice", "any any...", slice),
    pure("mustSlice", "any any...", slice),
    pure("chunk", "int any", chunk),
    pure("mustChunk", "int any", chunk),
    pure("concat", "any...", concat),
    pure("join", "text any", |args| {
        Ok(strings_of(args.any(1))?.join(&args.string(0)?).into())
    }),
    pure("sortAlpha", "any", |args| {
        let mut strings = match args.any(0) {
            Value::Nil => vec![string_of(&Value::Nil)?],
            value => strings_of(value)?,
        };
        strings.sort_by(|left, right| stray::bytes_of(left).cmp(&stray::bytes_of(right)));
        Ok(strings_with_room(strings, args.any(0)))
    }),
    pure("splitList", "text text", |args| {
        Ok(Value::strings(go_split(&args.string(1)?, &args.string(0)?)))
    }),
    pure("split", "text text", |args| {
        Ok(numbered(go_split(&args.string(1)?, &args.string(0)?)))
    }),
    pure("splitn", "text int text", split_n),
    pure("until", "int", |args| {
        let count = args.int(0)?;
        numbers(0, count, count.signum())
    }),
    pure("untilStep", "int int int", |args| {
        numbers(args.int(0)?, args.int(1)?, args.int(2)?)
    }),
    pure("seq", "int...", seq),
    pure("index", "value value...", index),
    pure("len", "value", length),
];

fn append(args: &Args<'_>) -> Result<Value, Fault> {
    let items = args.list(0, "push")?;
    Ok(Value::List(List::joined(&items, &[args.any(1).clone()])))
}

fn prepend(args: &Args<'_>) -> Result<Value, Fault> {
    let items = args.list(0, "prepend")?;
    Ok(Value::List(List::joined(&[args.any(1).clone()], &items)))
}

/// A list of anything, without more room than it takes.
fn list(items: Vec<Value>) -> Value {
    Value::List(List::new(items, Items::Any))
}

fn edge(args: &Args<'_>, verb: &str, pick: fn(&[Value]) -> Option<&Value>) -> Result<Value, Fault> {
    Ok(pick(&args.list(0, verb)?).cloned().unwrap_or(Value::Nil))
}

/// A part of a list that is not empty; of an empty one Go's nil list.
fn part(args: &Args<'_>, verb: &str, pick: fn(&[Value]) -> &[Value]) -> Result<Value, Fault> {
    let items = args.list(0, verb)?;
    if items.is_empty() {
        return Ok(Value::List(List::nil(Items::Any)));
    }
    Ok(list(pick(&items).to_vec()))
}

fn reverse(args: &Args<'_>) -> Result<Value, Fault> {
    let items = args.list(0, "find reverse")?;
    Ok(list(items.iter().rev().cloned().collect()))
}

fn uniq(args: &Args<'_>) -> Result<Value, Fault> {
    let mut unique: Vec<Value> = Vec::new();
    for item in args.list(0, "find uniq")?.iter() {
        if !contains(&unique, item)? {
            unique.push(item.clone());
        }
    }
    Ok(unique.into_iter().collect())
}

fn compact(args: &Args<'_>) -> Result<Value, Fault> {
    let items = args.list(0, "compact")?;
    Ok(items
        .iter()
        .filter(|item| item.is_true())
        .cloned()
        .collect())
}

fn contains(items: &[Value], wanted: &Value) -> Result<bool, TooDeep> {
    for item in items {
        if item.deep_equal(wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn without(args: &Args<'_>) -> Result<Value, Fault> {
    let items = args.list(0, "find without")?;
    let mut rest = Vec::new();
    for item in items.iter() {
        if !contains(args.rest(1), item)? {
            rest.push(item.clone());
        }
    }
    Ok(rest.into_iter().collect())
}

fn has(args: &Args<'_>) -> Result<Value, Fault> {
    if matches!(args.any(1), Value::Nil) {
        return Ok(false.into());
    }
    let items = args.list(1, "find has")?;
    Ok(contains(&items, args.any(0))?.into())
}

fn slice(args: &Args<'_>) -> Result<Value, Fault> {
    let items = args.list(0, "slice")?;
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let bound = |index: usize, default: usize| match args.rest(index).first() {
        Some(value) => usize::try_from(to_integer(value)).ok(),
        None => Some(default),
    };
    let bounds = bound(1, 0).zip(bound(2, items.len()));
    let part = bounds.and_then(|(start, end)| match args.any(0) {
        Value::Bytes(bytes) => Some(Value::Bytes(bytes.get(start..end)?.into())),
        _ => items.part(start, end).map(Value::List),
    });
    part.ok_or_else(|| Fault::new("reflect.Value.Slice: slice index out of bounds"))
}

fn chunk(args: &Args<'_>) -> Result<Value, Fault> {
    let (size, items) = (args.int(0)?, args.list(1, "chunk")?);
    let size = match usize::try_from(size) {
        Ok(size) if size > 0 => size,
        // What sprig calculates with a negative size has sense by chance only.
        Err(_) if size < -1 && items.len() == 1 => 1,
        Err(_) if items.len() > 1 && items.len() as u64 - 1 <= size.unsigned_abs() => {
            return Ok(Value::List(List::new(Vec::new(), Items::Lists)));
        }
        _ => return Err(Fault::new("the size must be at least 1")),
    };
    let chunks = items.chunks(size).map(|chunk| list(chunk.to_vec()));
    Ok(Value::List(List::new(chunks.collect(), Items::Lists)))
}

fn concat(args: &Args<'_>) -> Result<Value, Fault> {
    let mut all = Vec::new();
    for index in 0..args.len() {
        all.extend(args.list(index, "concat")?.iter().cloned());
        if all.len() as u64 > MAX_ITEMS {
            return Err(too_many());
        }
    }
    if all.is_empty() {
        return Ok(Value::List(List::nil(Items::Any)));
    }
    Ok(all.into_iter().collect())
}

/// Go's `strings.Split`: an empty separator splits between letters.
fn go_split(text: &str, separator: &str) -> Vec<String> {
    if separator.is_empty() {
        return text.chars().map(String::from).collect();
    }
    text.split(separator).map(str::to_owned).collect()
}

/// `split`'s map: `_0`, `_1` and so on.
fn numbered(parts: impl IntoIterator<Item = String>) -> Value {
    let parts = parts.into_iter().enumerate();
    Map::of_strings(parts.map(|(index, part)| (format!("_{index}"), part))).into()
}

fn split_n(args: &Args<'_>) -> Result<Value, Fault> {
    let (separator, limit, text) = (args.string(0)?, args.int(1)?, args.string(2)?);
    let parts: Vec<String> = match usize::try_from(limit) {
        Ok(0) => Vec::new(),
        Ok(limit) if separator.is_empty() => {
            let mut parts: Vec<String> = text.chars().map(String::from).collect();
            if parts.len() > limit {
                let tail = parts.split_off(limit - 1).concat();
                parts.push(tail);
            }
            parts
        }
        Ok(limit) => text.splitn(limit, &*separator).map(str::to_owned).collect(),
        Err(_) => go_split(&text, &separator),
    };
    Ok(numbered(parts))
}

fn numbers(start: i64, end: i64, by: i64) -> Result<Value, Fault> {
    let numbers = steps(start, end, by)?;
    let numbers = numbers.into_iter().map(Value::Int).collect();
    Ok(Value::List(List::appended(numbers, Items::Ints, 0)))
}

fn too_many() -> Fault {
    Fault::new(format!("a list of more than {MAX_ITEMS} items"))
}

/// The numbers from `start` up or down to `end`, which is not one of them.
fn steps(start: i64, end: i64, by: i64) -> Result<Vec<i64>, Fault> {
    let leads_there = if end < start { by < 0 } else { by > 0 };
    if !leads_there {
        return Ok(Vec::new());
    }
    let distance = start.abs_diff(end);
    if distance / by.unsigned_abs() > MAX_ITEMS {
        return Err(too_many());
    }
    let numbers = std::iter::successors(Some(start), |number| number.checked_add(by));
    Ok(numbers
        .take_while(|number| if by > 0 { *number < end } else { *number > end })
        .collect())
}

/// `seq end`, `seq start end`, `seq start by end`: both ends are part of it.
fn seq(args: &Args<'_>) -> Result<Value, Fault> {
    let params = (0..args.len())
        .map(|index| args.int(index))
        .collect::<Result<Vec<_>, _>>()?;
    let towards = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, by, end) = match params[..] {
        [end] => (1, towards(1, end), end),
        [start, end] => (start, towards(start, end), end),
        [start, by, end] if end >= start || by <= 0 => (start, by, end),
        _ => return Ok("".into()),
    };
    let numbers = steps(start, end.saturating_add(towards(start, end)), by)?;
    let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
    Ok(numbers.join(" ").into())
}

fn index(args: &Args<'_>) -> Result<Value, Fault> {
    let mut item = args.any(0).clone();
    if matches!(item, Value::Nil) {
        return Err(Fault::new("index of untyped nil"));
    }
    for key in args.rest(1) {
        item = step_into(&item, key)?;
    }
    Ok(item)
}

fn step_into(item: &Value, key: &Value) -> Result<Value, Fault> {
    match (item, key) {
        (Value::Nil, _) => Err(Fault::new("index of nil pointer")),
        (Value::Map(map), Value::Str(key)) => Ok(map.field(key)),
        (Value::Object(object), Value::Str(key)) if object.kind() == "map" => {
            Ok(object.field(key).unwrap_or(Value::Nil))
        }
        (Value::Map(_), Value::Nil) => Err(Fault::new("value is nil; should be of type string")),
        (Value::Map(_), other) => Err(Fault::new(format!(
            "value has type {}; should be string",
            other.type_name()
        ))),
        (Value::Str(text), _) => {
            let bytes = stray::bytes_of(text);
            Ok(Value::Int(i64::from(bytes[position(key, bytes.len())?])))
        }
        (other, _) => {
            let items = items_of(other).ok_or_else(|| {
                Fault::new(format!("can't index item of type {}", other.type_name()))
            })?;
            Ok(items[position(key, items.len())?].clone())
        }
    }
}

fn position(key: &Value, length: usize) -> Result<usize, Fault> {
    let number = key.as_integer().ok_or_else(|| {
        Fault::new(format!(
            "cannot index slice/array with type {}",
            key.type_name()
        ))
    })?;
    usize::try_from(number)
        .ok()
        .filter(|index| *index < length)
        .ok_or_else(|| Fault::new(format!("index out of range: {number}, of {length} items")))
}

fn length(args: &Args<'_>) -> Result<Value, Fault> {
    let value = args.any(0);
    let none = || match value {
        Value::Nil => Fault::new("len of nil pointer"),
        value => Fault::new(format!("len of type {}", value.type_name())),
    };
    let length = match value {
        Value::Str(text) => stray::bytes_of(text).len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) => items.len(),
        Value::Map(map) => map.len(),
        Value::Object(object) => match object.plain() {
            Value::Map(map) => map.len(),
            Value::List(items) => items.len(),
            _ => return Err(none()),
        },
        _ => return Err(none()),
    };
    Ok(length.into())
}
