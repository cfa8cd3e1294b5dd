//! How Helm 3, and `kubectl apply` without the server's help, change an object: what was wanted before, what is there
//! and what is wanted now become one.
//!
//! What somebody else added stays, what was wanted before and is not any more goes, what is wanted now wins. Lists of
//! things with a key merge by it, as Kubernetes' strategic merge does; the keys are those of its own API types.

use serde_json::{Map, Value};

/// Fields that hold a list which merges, with the key of its entries.
const MERGE_KEYS: &[(&str, &str)] = &[
    ("containers", "name"),
    ("initContainers", "name"),
    ("ephemeralContainers", "name"),
    ("volumes", "name"),
    ("env", "name"),
    ("imagePullSecrets", "name"),
    ("secrets", "name"),
    ("resourceClaims", "name"),
    ("webhooks", "name"),
    ("volumeMounts", "mountPath"),
    ("volumeDevices", "devicePath"),
    ("hostAliases", "ip"),
    ("topologySpreadConstraints", "topologyKey"),
    ("ownerReferences", "uid"),
    ("conditions", "type"),
    // Those of a container; a Service's have no such key, but a `port`.
    ("ports", "containerPort"),
    ("ports", "port"),
];

/// The object as it should become. Kinds without types of their own in Kubernetes merge no lists.
pub fn merge(before: &Value, live: &Value, now: &Value, merges_lists: bool) -> Value {
    merge_field("", before, live, now, merges_lists)
}

/// The JSON merge patch (RFC 7396) that makes `after` of `before`; `None` where they are the same.
pub fn patch(before: &Value, after: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return (before != after).then(|| after.clone());
    };
    let mut changes = Map::new();
    for (key, value) in new {
        match old.get(key) {
            Some(old) => {
                if let Some(change) = patch(old, value) {
                    changes.insert(key.clone(), change);
                }
            }
            None => {
                changes.insert(key.clone(), value.clone());
            }
        }
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        changes.insert(key.clone(), Value::Null);
    }
    (!changes.is_empty()).then_some(Value::Object(changes))
}

fn merge_field(
    field: &str,
    before: &Value,
    live: &Value,
    now: &Value,
    merges_lists: bool,
) -> Value {
    match (live, now) {
        (Value::Object(live), Value::Object(now)) => merge_maps(before, live, now, merges_lists),
        (Value::Array(live), Value::Array(now)) if merges_lists => match key_of(field, live, now) {
            Some(key) => merge_lists(key, before, live, now),
            None => Value::Array(now.clone()),
        },
        _ => without_nulls(now),
    }
}

fn merge_maps(
    before: &Value,
    live: &Map<String, Value>,
    now: &Map<String, Value>,
    merges_lists: bool,
) -> Value {
    let mut merged = live.clone();
    if let Value::Object(before) = before {
        merged.retain(|key, _| now.contains_key(key) || !before.contains_key(key));
    }
    for (key, wanted) in now {
        let old = before.get(key).unwrap_or(&Value::Null);
        match (live.get(key), wanted) {
            // A null is no value to Kubernetes: nothing is wanted there.
            (_, Value::Null) => {
                merged.remove(key);
            }
            (Some(live), _) => {
                let value = merge_field(key, old, live, wanted, merges_lists);
                merged.insert(key.clone(), value);
            }
            (None, _) => {
                merged.insert(key.clone(), without_nulls(wanted));
            }
        }
    }
    Value::Object(merged)
}

/// The entries that are wanted in their order, then those that somebody else added.
fn merge_lists(key: &str, before: &Value, live: &[Value], now: &[Value]) -> Value {
    let find = |list: &[Value], entry: &Value| {
        list.iter()
            .find(|other| other[key] == entry[key])
            .cloned()
            .unwrap_or(Value::Null)
    };
    let before: &[Value] = before.as_array().map_or(&[], Vec::as_slice);
    let mut merged: Vec<Value> = now
        .iter()
        .map(|entry| {
            let (old, live) = (find(before, entry), find(live, entry));
            merge_field("", &old, &live, entry, true)
        })
        .collect();
    let is_of_others = |entry: &&Value| find(now, entry).is_null() && find(before, entry).is_null();
    merged.extend(live.iter().filter(is_of_others).cloned());
    Value::Array(merged)
}

/// The key by which two lists of a field merge, where every entry has one.
fn key_of(field: &str, live: &[Value], now: &[Value]) -> Option<&'static str> {
    MERGE_KEYS
        .iter()
        .filter(|(known, _)| *known == field)
        .map(|(_, key)| *key)
        .find(|key| {
            live.iter()
                .chain(now)
                .all(|entry| !entry.get(key).unwrap_or(&Value::Null).is_null())
        })
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect(),
        ),
        Value::Array(list) => Value::Array(list.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_others_added_stays_and_what_is_no_longer_wanted_goes() {
        let before = json!({"labels": {"ours": "1", "dropped": "x"}, "spec": {"size": 1}});
        let live = json!({"labels": {"ours": "9", "dropped": "x", "theirs": "2"}, "spec": {"size": 1, "default": true}});
        let now = json!({"labels": {"ours": "1"}, "spec": {"size": 2, "gone": null}});
        let merged = merge(&before, &live, &now, true);
        assert_eq!(
            merged,
            json!({"labels": {"ours": "1", "theirs": "2"}, "spec": {"size": 2, "default": true}})
        );
        assert_eq!(
            patch(&live, &merged),
            Some(json!({"labels": {"ours": "1", "dropped": null}, "spec": {"size": 2}}))
        );
        assert_eq!(patch(&merged, &merged), None);
    }

    #[test]
    fn lists_of_things_with_a_key_merge_by_it_and_others_are_replaced() {
        let before = json!({"containers": [{"name": "a", "args": ["1", "2"]}, {"name": "old"}]});
        let live = json!({"containers": [
            {"name": "sidecar"}, {"name": "a", "args": ["1", "2"], "terminationMessagePath": "/x"}, {"name": "old"},
        ]});
        let now = json!({"containers": [{"name": "new"}, {"name": "a", "args": ["3"]}]});
        assert_eq!(
            merge(&before, &live, &now, true),
            json!({"containers": [
                {"name": "new"}, {"name": "a", "args": ["3"], "terminationMessagePath": "/x"}, {"name": "sidecar"},
            ]})
        );
        assert_eq!(merge(&before, &live, &now, false), now);
    }

    #[test]
    fn ports_of_a_container_and_of_a_service_have_different_keys() {
        let live = json!({"ports": [{"port": 443, "nodePort": 31000}]});
        let now = json!({"ports": [{"port": 443, "name": "https"}]});
        assert_eq!(
            merge(&Value::Null, &live, &now, true),
            json!({"ports": [{"port": 443, "name": "https", "nodePort": 31000}]})
        );
    }
}
