//! Maps: building, reading, changing and merging them.

use std::rc::Rc;

use super::super::engine::{Args, Executor, Fault};
use super::super::value::{Entries, Items, List, Map, Value, Walk};
use super::convert::string_of;
use super::{Row, engine, pure};

pub(super) const TABLE: &[Row] = &[
    pure("dict", "any...", dict),
    pure("get", "dict text", |args| {
        let map = args.map(0)?;
        Ok(map.get(&args.string(1)?).unwrap_or_else(|| "".into()))
    }),
    engine("set", "dict text any", set),
    pure("unset", "dict text", |args| {
        let map = args.map(0)?;
        map.remove(&args.string(1)?);
        Ok(map.into())
    }),
    pure("hasKey", "dict text", |args| {
        Ok(args.map(0)?.contains_key(&args.string(1)?).into())
    }),
    pure("pluck", "text dict...", pluck),
    // Go yields keys and values in any order; here they are sorted by key.
    pure("keys", "dict...", keys),
    pure("values", "dict", |args| {
        let entries = args.map(0)?.entries();
        Ok(entries.into_iter().map(|(_, value)| value).collect())
    }),
    pure("pick", "dict text...", pick),
    pure("omit", "dict text...", omit),
    engine("merge", "dict dict...", |executor, args| {
        merge_all(executor, args, false)
    }),
    engine("mustMerge", "dict dict...", |executor, args| {
        merge_all(executor, args, false)
    }),
    engine("mergeOverwrite", "dict dict...", |executor, args| {
        merge_all(executor, args, true)
    }),
    engine("mustMergeOverwrite", "dict dict...", |executor, args| {
        merge_all(executor, args, true)
    }),
    pure("dig", "any...", dig),
    pure("deepCopy", "any", deep_copy),
    pure("mustDeepCopy", "any", deep_copy),
];

fn dict(args: &Args<'_>) -> Result<Value, Fault> {
    let map = Map::default();
    for pair in args.all().chunks(2) {
        let value = pair.get(1).cloned().unwrap_or_else(|| "".into());
        if let Value::Str(key) = Value::str(string_of(&pair[0])?) {
            map.insert(key, value);
        }
    }
    Ok(map.into())
}

fn deep_copy(args: &Args<'_>) -> Result<Value, Fault> {
    match args.any(0) {
        Value::Nil => Err(Fault::new("nil cannot be copied")),
        value => Ok(value.deep_copy()?),
    }
}

fn set(executor: &mut Executor<'_>, args: &Args<'_>) -> Result<Value, Fault> {
    let map = args.map(0)?;
    if map.is_nil() {
        return Err(Fault::new("argument 1 is nil, which cannot be changed"));
    }
    put(executor, &map, args.string(1)?, args.any(2).clone());
    Ok(map.into())
}

/// Puts a value into a map. One that leads back to the map is no error, as in Go; only to print it is.
fn put(executor: &mut Executor<'_>, map: &Map, key: Rc<str>, value: Value) {
    if value.reaches(map) {
        executor.note_circle(map);
    }
    map.insert(key, value);
}

fn pluck(args: &Args<'_>) -> Result<Value, Fault> {
    let key = args.string(0)?;
    let mut found = Vec::new();
    for index in 1..args.len() {
        found.extend(args.map(index)?.get(&key));
    }
    Ok(found.into_iter().collect())
}

fn keys(args: &Args<'_>) -> Result<Value, Fault> {
    let mut keys = Vec::new();
    for index in 0..args.len() {
        keys.extend(args.map(index)?.entries().into_iter().map(|(key, _)| key));
    }
    let keys = keys.into_iter().map(Value::Str).collect();
    Ok(Value::List(List::appended(keys, Items::Strings, 0)))
}

fn pick(args: &Args<'_>) -> Result<Value, Fault> {
    let map = args.map(0)?;
    let picked = Map::default();
    for index in 1..args.len() {
        let key = args.string(index)?;
        if let Some(value) = map.get(&key) {
            picked.insert(key, value);
        }
    }
    Ok(picked.into())
}

fn omit(args: &Args<'_>) -> Result<Value, Fault> {
    let rest: Map = args.map(0)?.entries().into_iter().collect();
    for index in 1..args.len() {
        rest.remove(&args.string(index)?);
    }
    Ok(rest.into())
}

/// Merges into the first map and returns that very map: later changes to it show everywhere.
fn merge_all(
    executor: &mut Executor<'_>,
    args: &Args<'_>,
    overwrite: bool,
) -> Result<Value, Fault> {
    let mut target = args.map(0)?;
    for index in 1..args.len() {
        let source = args.map(index)?;
        if target.is_nil() && !source.is_nil() {
            target = Map::default();
        }
        merge(executor, &target, &source, overwrite, &mut Walk::new())?;
    }
    Ok(target.into())
}

fn merge(
    executor: &mut Executor<'_>,
    target: &Map,
    source: &Map,
    overwrite: bool,
    walk: &mut Walk,
) -> Result<(), Fault> {
    if target.is_same(source) {
        return Ok(());
    }
    walk.enter(0)?;
    for (key, value) in source.entries() {
        let old = target.get(&key).unwrap_or(Value::Nil);
        match (&old, &value) {
            (_, Value::Nil) => {
                if overwrite {
                    target.insert(key, Value::Nil);
                }
            }
            // An empty map takes nothing away; of two, the second one takes the place.
            (Value::Map(old), Value::Map(new)) if old.len() > 0 || new.len() > 0 => {
                merge(executor, old, new, overwrite, walk)?;
            }
            _ => {
                if overwrite || !old.is_true() {
                    put(executor, target, key, value);
                }
            }
        }
    }
    walk.leave();
    Ok(())
}

fn dig(args: &Args<'_>) -> Result<Value, Fault> {
    if args.len() < 3 {
        return Err(Fault::new("dig needs at least three arguments"));
    }
    let last = args.len() - 1;
    let default = args.any(last - 1);
    let mut found = dig_into(args.any(last))?;
    let keys = (0..last - 1).map(|index| match args.any(index) {
        Value::Str(key) => Ok(key.clone()),
        other => Err(Fault::new(format!(
            "interface conversion: interface {{}} is {}, not string",
            other.type_name()
        ))),
    });
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    for (index, key) in keys.iter().enumerate() {
        let Some(value) = found.get(key) else {
            return Ok(default.clone());
        };
        if index + 1 == keys.len() {
            return Ok(value);
        }
        found = dig_into(&value)?;
    }
    Ok(default.clone())
}

/// The map to look in; Go takes no other type here, not even Helm's own for values.
fn dig_into(value: &Value) -> Result<Map, Fault> {
    match value {
        Value::Map(map) if map.of() == Entries::Any => Ok(map.clone()),
        other => Err(Fault::new(format!(
            "interface conversion: interface {{}} is {}, not map[string]interface {{}}",
            other.type_name()
        ))),
    }
}
