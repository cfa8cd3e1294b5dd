//! Lists: building, taking apart, searching and ordering them.

use std::rc::Rc;

use super::super::engine::{Args, Fault, list_of};
use super::super::value::Value;
use super::convert::{strings_of, to_integer};
use super::typed::{NilList, Parts};
use super::{Function, at_least, exactly};

/// The longest list a chart may ask for at once.
const MAX_ITEMS: u64 = 1_000_000;

pub(super) const TABLE: &[Function] = &[
    at_least("list", 0, |args| Ok(args.all().iter().cloned().collect())),
    at_least("tuple", 0, |args| Ok(args.all().iter().cloned().collect())),
    exactly("append", 2, append),
    exactly("push", 2, append),
    exactly("mustAppend", 2, append),
    exactly("mustPush", 2, append),
    exactly("prepend", 2, prepend),
    exactly("mustPrepend", 2, prepend),
    exactly("first", 1, |args| edge(args, <[Value]>::first)),
    exactly("mustFirst", 1, |args| edge(args, <[Value]>::first)),
    exactly("last", 1, |args| edge(args, <[Value]>::last)),
    exactly("mustLast", 1, |args| edge(args, <[Value]>::last)),
    exactly("rest", 1, |args| part(args, |items| &items[1..])),
    exactly("mustRest", 1, |args| part(args, |items| &items[1..])),
    exactly("initial", 1, |args| {
        part(args, |items| &items[..items.len() - 1])
    }),
    exactly("mustInitial", 1, |args| {
        part(args, |items| &items[..items.len() - 1])
    }),
    exactly("reverse", 1, reverse),
    exactly("mustReverse", 1, reverse),
    exactly("uniq", 1, uniq),
    exactly("mustUniq", 1, uniq),
    exactly("compact", 1, compact),
    exactly("mustCompact", 1, compact),
    at_least("without", 1, without),
    at_least("mustWithout", 1, without),
    exactly("has", 2, has),
    exactly("mustHas", 2, has),
    at_least("slice", 1, slice),
    at_least("mustSlice", 1, slice),
    exactly("chunk", 2, chunk),
    exactly("mustChunk", 2, chunk),
    at_least("concat", 0, concat),
    exactly("join", 2, |args| {
        Ok(strings_of(args.any(1)).join(&args.string(0)?).into())
    }),
    exactly("sortAlpha", 1, |args| {
        let mut strings = strings_of(args.any(0));
        strings.sort();
        Ok(Value::strings(strings))
    }),
    exactly("splitList", 2, |args| {
        Ok(Value::strings(go_split(&args.string(1)?, &args.string(0)?)))
    }),
    exactly("split", 2, |args| {
        Ok(numbered(go_split(&args.string(1)?, &args.string(0)?)))
    }),
    exactly("splitn", 3, split_n),
    exactly("until", 1, |args| {
        let count = args.int(0)?;
        numbers(0, count, count.signum())
    }),
    exactly("untilStep", 3, |args| {
        numbers(args.int(0)?, args.int(1)?, args.int(2)?)
    }),
    at_least("seq", 0, seq),
    at_least("index", 1, index),
    exactly("len", 1, length),
];

fn append(args: &Args<'_>) -> Result<Value, Fault> {
    let mut items = args.list(0)?.as_ref().clone();
    items.push(args.any(1).clone());
    Ok(Value::List(Rc::new(items)))
}

fn prepend(args: &Args<'_>) -> Result<Value, Fault> {
    let items = args.list(0)?;
    Ok(std::iter::once(args.any(1))
        .chain(items.iter())
        .cloned()
        .collect())
}

fn edge(args: &Args<'_>, pick: fn(&[Value]) -> Option<&Value>) -> Result<Value, Fault> {
    Ok(pick(&args.list(0)?).cloned().unwrap_or(Value::Nil))
}

/// A part of a list that is not empty; of an empty one Go's nil list.
fn part(args: &Args<'_>, pick: fn(&[Value]) -> &[Value]) -> Result<Value, Fault> {
    let items = args.list(0)?;
    if items.is_empty() {
        return Ok(Value::Object(Rc::new(NilList)));
    }
    Ok(pick(&items).iter().cloned().collect())
}

fn reverse(args: &Args<'_>) -> Result<Value, Fault> {
    Ok(args.list(0)?.iter().rev().cloned().collect())
}

fn uniq(args: &Args<'_>) -> Result<Value, Fault> {
    let mut unique: Vec<Value> = Vec::new();
    for item in args.list(0)?.iter() {
        if !unique.iter().any(|known| known.deep_equal(item)) {
            unique.push(item.clone());
        }
    }
    Ok(unique.into_iter().collect())
}

fn compact(args: &Args<'_>) -> Result<Value, Fault> {
    let items = args.list(0)?;
    Ok(items
        .iter()
        .filter(|item| item.is_true())
        .cloned()
        .collect())
}

fn without(args: &Args<'_>) -> Result<Value, Fault> {
    let items = args.list(0)?;
    let omitted = args.rest(1);
    Ok(items
        .iter()
        .filter(|item| !omitted.iter().any(|other| other.deep_equal(item)))
        .cloned()
        .collect())
}

fn has(args: &Args<'_>) -> Result<Value, Fault> {
    if matches!(args.any(1), Value::Nil) {
        return Ok(false.into());
    }
    let items = args.list(1)?;
    Ok(items.iter().any(|item| item.deep_equal(args.any(0))).into())
}

fn slice(args: &Args<'_>) -> Result<Value, Fault> {
    let items = args.list(0)?;
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let bound = |index: usize, default: usize| match args.rest(index).first() {
        Some(value) => usize::try_from(to_integer(value)).ok(),
        None => Some(default),
    };
    let part = bound(1, 0)
        .zip(bound(2, items.len()))
        .and_then(|(start, end)| items.get(start..end))
        .ok_or_else(|| Fault::new("the bounds lie outside of the list"))?;
    Ok(part.iter().cloned().collect())
}

fn chunk(args: &Args<'_>) -> Result<Value, Fault> {
    let size = usize::try_from(args.int(0)?)
        .ok()
        .filter(|size| *size > 0)
        .ok_or_else(|| Fault::new("the size must be at least 1"))?;
    let items = args.list(1)?;
    Ok(items
        .chunks(size)
        .map(|chunk| chunk.iter().cloned().collect())
        .collect())
}

fn concat(args: &Args<'_>) -> Result<Value, Fault> {
    let mut all = Vec::new();
    for index in 0..args.len() {
        all.extend(args.list(index)?.iter().cloned());
    }
    if all.is_empty() {
        return Ok(Value::Object(Rc::new(NilList)));
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
    let parts = parts.map(|(index, part)| (format!("_{index}"), part.into()));
    Value::Object(Rc::new(Parts(parts.collect())))
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
    Ok(numbers.into_iter().map(Value::Int).collect())
}

/// The numbers from `start` up or down to `end`, which is not one of them.
fn steps(start: i64, end: i64, by: i64) -> Result<Vec<i64>, Fault> {
    let leads_there = if end < start { by < 0 } else { by > 0 };
    if !leads_there {
        return Ok(Vec::new());
    }
    let distance = start.abs_diff(end);
    if distance / by.unsigned_abs() > MAX_ITEMS {
        return Err(Fault::new(format!("a list of more than {MAX_ITEMS} items")));
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
        return Err(Fault::new("cannot index nil"));
    }
    for key in args.rest(1) {
        item = step_into(&item, key)?;
    }
    Ok(item)
}

fn step_into(item: &Value, key: &Value) -> Result<Value, Fault> {
    match (item, key) {
        (Value::Nil, _) => Err(Fault::new("cannot index nil")),
        (Value::Map(map), Value::Str(key)) => Ok(map.get(key).unwrap_or(Value::Nil)),
        (Value::Object(object), Value::Str(key)) if object.kind() == "map" => {
            Ok(object.field(key).unwrap_or(Value::Nil))
        }
        (Value::Map(_), other) => Err(Fault::new(format!(
            "a map is indexed by a string, not by {}",
            other.type_name()
        ))),
        (Value::Str(text), _) => {
            let byte = position(key, text.len())?;
            Ok(Value::Int(i64::from(text.as_bytes()[byte])))
        }
        (other, _) => {
            let items = list_of(other)
                .ok_or_else(|| Fault::new(format!("cannot index {}", other.type_name())))?;
            Ok(items[position(key, items.len())?].clone())
        }
    }
}

fn position(key: &Value, length: usize) -> Result<usize, Fault> {
    let number = key.as_integer().ok_or_else(|| {
        Fault::new(format!(
            "a list is indexed by an integer, not by {}",
            key.type_name()
        ))
    })?;
    usize::try_from(number)
        .ok()
        .filter(|index| *index < length)
        .ok_or_else(|| Fault::new(format!("index {number} is out of range of {length} items")))
}

fn length(args: &Args<'_>) -> Result<Value, Fault> {
    let value = args.any(0);
    let length = match value {
        Value::Str(text) => text.len(),
        Value::Binary(bytes) | Value::Bytes(bytes) => bytes.len(),
        Value::List(items) => items.len(),
        Value::Map(map) => map.len(),
        Value::Object(object) => match object.plain() {
            Value::Map(map) => map.len(),
            Value::List(items) => items.len(),
            _ => return Err(Fault::new(format!("{} has no length", value.type_name()))),
        },
        _ => return Err(Fault::new(format!("{} has no length", value.type_name()))),
    };
    Ok(length.into())
}
