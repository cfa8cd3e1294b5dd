//! The user's values over the defaults of a chart and all its subcharts, by Helm's rules.
//!
//! Maps are shared as Go shares them: a global that lies two levels deep is the same map in a chart and its subcharts,
//! and what one of them adds shows in the others.

use serde_json::Value as Json;

use super::Chart;
use super::value::{Map, Value};

/// The key whose values every subchart sees.
const GLOBAL: &str = "global";

/// Values that cannot be put together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoalesceError {
    /// They do not fit the chart's subcharts.
    #[error("the values of the subchart `{path}` are no map")]
    NoMap {
        /// The subchart, with those above it: `parent.child`.
        path: String,
    },
    /// They are no values that anybody wrote.
    #[error("the values nest too deep, or are too large")]
    TooDeep,
}

/// What becomes of nulls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nulls {
    /// They delete a default, and are gone.
    Delete,
    /// They stay, because values will be put together once more.
    Stay,
}

/// The values a chart and its subcharts are rendered with.
pub(super) fn coalesce(chart: &Chart, user: &Json, nulls: Nulls) -> Result<Map, CoalesceError> {
    let values = as_map(Value::from(user)).unwrap_or_default();
    with_defaults(chart, &values, "", nulls)?;
    Ok(values)
}

/// Lays `over` on top of `under`, which loses what it shares with the result.
pub(super) fn coalesce_tables(over: &Map, under: &Map, nulls: Nulls) {
    for (key, value) in over.entries() {
        if !matches!(value, Value::Nil) {
            continue;
        }
        let has_default = !matches!(under.get(&key), None | Some(Value::Nil));
        if has_default && nulls == Nulls::Delete {
            over.remove(&key);
            under.remove(&key);
        } else {
            under.insert(key, Value::Nil);
        }
    }
    for (key, default) in under.entries() {
        match (over.get(&key), default) {
            (None, default) => over.insert(key, default),
            (Some(Value::Map(over)), Value::Map(under)) => coalesce_tables(&over, &under, nulls),
            _ => {}
        }
    }
}

/// Takes every null out of a map and the maps in it.
pub(super) fn remove_nulls(map: &Map) {
    for (key, value) in map.entries() {
        match value {
            Value::Nil => map.remove(&key),
            Value::Map(inner) => remove_nulls(&inner),
            _ => {}
        }
    }
}

/// The values as JSON. They came from there, so that what has no JSON nests too deep.
pub(super) fn to_json(values: &Map) -> Result<Json, CoalesceError> {
    let json = Value::Map(values.clone()).to_json();
    json.map_err(|_| CoalesceError::TooDeep)
}

/// A copy that shares no map with the values.
pub(super) fn copied(values: &Map) -> Result<Map, CoalesceError> {
    Ok(as_map(Value::from(&to_json(values)?)).unwrap_or_default())
}

fn with_defaults(
    chart: &Chart,
    values: &Map,
    above: &str,
    nulls: Nulls,
) -> Result<(), CoalesceError> {
    own_defaults(chart, values, nulls);
    for subchart in &chart.dependencies {
        let name = subchart.name();
        let path = if above.is_empty() {
            name.to_owned()
        } else {
            format!("{above}.{name}")
        };
        let given = match values.get(name) {
            Some(Value::Map(given)) => given,
            Some(_) => return Err(CoalesceError::NoMap { path }),
            None => {
                let given = Map::default();
                values.insert(name, given.clone());
                given
            }
        };
        hand_down_globals(values, &given);
        with_defaults(subchart, &given, &path, nulls)?;
    }
    Ok(())
}

fn own_defaults(chart: &Chart, values: &Map, nulls: Nulls) {
    let defaults = as_map(Value::from(&chart.values)).unwrap_or_default();
    for (key, default) in defaults.entries() {
        match (values.get(&key), default) {
            (Some(Value::Nil), _) if nulls == Nulls::Delete => values.remove(&key),
            (Some(Value::Map(given)), Value::Map(default)) => {
                // What is meant for a subchart meets that one's own defaults later.
                let is_subchart = chart.dependencies.iter().any(|one| one.name() == &*key);
                let nulls = if is_subchart { Nulls::Stay } else { nulls };
                if nulls == Nulls::Delete {
                    remove_nulls(&default);
                }
                coalesce_tables(&given, &default, nulls);
            }
            (Some(_), _) => {}
            (None, Value::Nil) if nulls == Nulls::Delete => {}
            (None, default) => {
                if let (Value::Map(default), Nulls::Delete) = (&default, nulls) {
                    remove_nulls(default);
                }
                values.insert(key, default);
            }
        }
    }
}

/// Copies the globals of a chart into the values of a subchart, where they win.
fn hand_down_globals(from: &Map, to: &Map) {
    let globals = |values: &Map| match values.get(GLOBAL) {
        None => Some(Map::default()),
        Some(Value::Map(globals)) => Some(globals),
        Some(_) => None,
    };
    let (Some(target), Some(source)) = (globals(to), globals(from)) else {
        return;
    };
    for (key, value) in source.entries() {
        match (value, target.get(&key)) {
            (Value::Map(value), given) => {
                // One level is copied, what lies below is shared.
                let copy: Map = value.entries().into_iter().collect();
                match given {
                    None => target.insert(key, copy),
                    Some(Value::Map(given)) => {
                        coalesce_tables(&copy, &given, Nulls::Stay);
                        target.insert(key, copy);
                    }
                    Some(_) => {}
                }
            }
            (_, Some(Value::Map(_))) => {}
            (value, _) => target.insert(key, value),
        }
    }
    to.insert(GLOBAL, target);
}

fn as_map(value: Value) -> Option<Map> {
    match value {
        Value::Map(map) => Some(map),
        _ => None,
    }
}
