//! The patches: merge and apply.

use serde_json::{Map, Value};

/// JSON merge patch. A strategic merge is treated as one, except that lists of named things merge by name.
pub(super) fn merge(target: &mut Value, patch: &Value, merges_lists: bool) {
    let Value::Object(patch) = patch else {
        if merges_lists && merge_named(target, patch) {
            return;
        }
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else {
        return;
    };
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(name);
        } else {
            merge(
                fields.entry(name.clone()).or_insert(Value::Null),
                value,
                merges_lists,
            );
        }
    }
}

fn merge_named(target: &mut Value, patch: &Value) -> bool {
    let (Value::Array(items), Value::Array(changes)) = (target, patch) else {
        return false;
    };
    let key = ["name", "mountPath", "containerPort", "port", "uid"]
        .into_iter()
        .find(|key| {
            changes
                .iter()
                .chain(items.iter())
                .all(|item| !item[key].is_null())
        });
    let Some(key) = key else { return false };
    for change in changes {
        match items.iter_mut().find(|item| item[key] == change[key]) {
            Some(item) => merge(item, change, true),
            None => items.push(change.clone()),
        }
    }
    true
}

/// The fields in which another manager's intent differs from this one: what apply without force refuses.
pub(super) fn conflicts(theirs: &Value, ours: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (path, value) in leaves(ours) {
        let pointer = format!("/{}", path.join("/"));
        if theirs
            .pointer(&pointer)
            .is_some_and(|their| *their != value)
        {
            found.push(format!(
                ".{}",
                path.iter()
                    .map(|step| step.replace("~1", "/"))
                    .collect::<Vec<_>>()
                    .join(".")
            ));
        }
    }
    found
}

/// Removes what a manager applied before and does not apply any more.
pub(super) fn forget_unapplied(target: &mut Value, before: &Value, now: &Value) {
    for (path, _) in leaves(before) {
        if now.pointer(&format!("/{}", path.join("/"))).is_none() {
            remove(target, &path);
        }
    }
}

fn remove(target: &mut Value, path: &[String]) {
    let [first, rest @ ..] = path else { return };
    let Value::Object(fields) = target else {
        return;
    };
    let name = first.replace("~1", "/").replace("~0", "~");
    if rest.is_empty() {
        fields.remove(&name);
        return;
    }
    if let Some(child) = fields.get_mut(&name) {
        remove(child, rest);
        if child.as_object().is_some_and(Map::is_empty) {
            fields.remove(&name);
        }
    }
}

/// Every scalar and list with its path, the steps escaped as in a JSON pointer. Identity is nobody's intent.
fn leaves(value: &Value) -> Vec<(Vec<String>, Value)> {
    let mut found = Vec::new();
    walk(value, &mut Vec::new(), &mut found);
    found.retain(|(path, _)| {
        !matches!(
            path.iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .as_slice(),
            ["apiVersion" | "kind"] | ["metadata", "name" | "namespace"]
        )
    });
    found
}

fn walk(value: &Value, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, Value)>) {
    let Value::Object(fields) = value else {
        found.push((path.clone(), value.clone()));
        return;
    };
    for (name, child) in fields {
        path.push(name.replace('~', "~0").replace('/', "~1"));
        walk(child, path, found);
        path.pop();
    }
}
