//! What differs between an object as it is and as it will be, for people: without what the host keeps for itself, and
//! without what Secrets hold.

use serde_json::{Map, Value};
use similar::TextDiff;

use crate::cluster::ObjectRef;
use crate::helm::yaml;

/// Metadata that the host writes.
const OF_HOST: &[&str] = &[
    "managedFields",
    "resourceVersion",
    "uid",
    "generation",
    "creationTimestamp",
    "selfLink",
];
/// Where `kubectl apply` keeps a copy of the whole object, the values of a Secret included.
const COPY: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Lines around a change.
const CONTEXT: usize = 3;

/// Whether two states of an object are the same to everybody but the host.
pub(super) fn is_none(live: &Value, after: &Value) -> bool {
    bare(live) == bare(after)
}

/// The change of an object as a unified diff; null stands for an object that is not there.
pub(super) fn of_object(reference: &ObjectRef, live: &Value, after: &Value) -> String {
    let (mut live, mut after) = (bare(live), bare(after));
    if reference.kind == "Secret" {
        hide(&mut live, &mut after);
    }
    let text = |object: &Value| {
        if object.is_null() {
            String::new()
        } else {
            yaml::to_string(object)
        }
    };
    let (live, after) = (text(&live), text(&after));
    let diff = TextDiff::from_lines(&live, &after);
    let mut unified = diff.unified_diff();
    unified.context_radius(CONTEXT);
    let name = |is_there: bool| {
        if is_there {
            reference.to_string()
        } else {
            "(none)".to_owned()
        }
    };
    let (from, to) = (name(!live.is_empty()), name(!after.is_empty()));
    unified.header(&from, &to).to_string()
}

/// The object without status and without what the host writes.
fn bare(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|field, _| !OF_HOST.contains(&field.as_str()));
            if let Some(annotations) = metadata
                .get_mut("annotations")
                .and_then(Value::as_object_mut)
            {
                annotations.remove(COPY);
            }
        }
    }
    object
}

/// Puts a word in the place of each value of a Secret, which differs where the values do.
fn hide(live: &mut Value, after: &mut Value) {
    for field in ["data", "stringData"] {
        let before = live
            .get(field)
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        for object in [&mut *live, &mut *after] {
            if let Some(values) = object.get_mut(field).and_then(Value::as_object_mut) {
                hide_values(values, &before);
            }
        }
    }
}

fn hide_values(values: &mut Map<String, Value>, before: &Map<String, Value>) {
    for (key, value) in values {
        let is_other = before.get(key).is_some_and(|before| before != value);
        *value = Value::from(if is_other {
            "(hidden, changed)"
        } else {
            "(hidden)"
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reference(kind: &str) -> ObjectRef {
        ObjectRef {
            api_version: "v1".to_owned(),
            kind: kind.to_owned(),
            namespace: Some("team-a".to_owned()),
            name: "x".to_owned(),
        }
    }

    #[test]
    fn what_a_secret_holds_is_never_shown_and_that_it_changes_is() {
        let secret = |value: &str| {
            json!({
                "kind": "Secret", "metadata": {"annotations": {COPY: value}}, "data": {"a": value, "b": "c2FtZQ=="},
            })
        };
        let text = of_object(&reference("Secret"), &secret("b2xk"), &secret("bmV3"));
        insta::assert_snapshot!(text, @r#"
        --- Secret `x`
        +++ Secret `x`
        @@ -1,5 +1,5 @@
         data:
        -  a: (hidden)
        +  a: (hidden, changed)
           b: (hidden)
         kind: Secret
         metadata:
        "#);
        for value in ["b2xk", "bmV3", "c2FtZQ"] {
            assert!(!text.contains(value), "{text}");
        }
        let made = of_object(&reference("Secret"), &Value::Null, &secret("bmV3"));
        assert!(
            made.contains("--- (none)") && !made.contains("bmV3"),
            "{made}"
        );
    }

    #[test]
    fn what_the_host_writes_is_no_difference() {
        let live = json!({"metadata": {"uid": "1", "resourceVersion": "5"}, "status": {"a": 1}, "spec": {}});
        let after = json!({"metadata": {"uid": "1", "resourceVersion": "6"}, "spec": {}});
        assert!(is_none(&live, &after));
        assert!(!is_none(&live, &json!({"spec": {"a": 1}})));
    }
}
