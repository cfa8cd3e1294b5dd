//! What goes away because something else does: dependents of an owner, the contents of a namespace.

use std::collections::{BTreeMap, HashSet};

use serde_json::json;

use super::{Controllers, all, drop_finalizer, edit, keys, kind, owners, uid};
use crate::support::api_server::store::{Deletion, Key, Store, finalizers};

impl Controllers {
    pub(super) fn collect_garbage(&mut self, store: &mut Store) {
        let fresh = &store.log[self.seen..];
        let is_due = fresh.iter().any(|change| {
            change
                .after
                .as_ref()
                .is_none_or(|after| after["metadata"]["deletionTimestamp"].is_string())
        });
        self.seen = store.log.len();
        if !is_due {
            return;
        }
        let alive: HashSet<String> = store
            .objects
            .values()
            .map(|object| uid(object).to_owned())
            .collect();
        let foreground: HashSet<String> = store
            .objects
            .values()
            .filter(|object| finalizers(object).contains(&"foregroundDeletion"))
            .map(|object| uid(object).to_owned())
            .collect();
        let orphaning: Vec<(Key, String)> =
            keys(store, |object| finalizers(object).contains(&"orphan"));
        for (key, owner) in &orphaning {
            let dependents = keys(store, |object| {
                owners(object).any(|reference| reference["uid"] == owner.as_str())
            });
            for (dependent, _) in dependents {
                edit(store, &dependent, |object| {
                    if let Some(references) = object["metadata"]["ownerReferences"].as_array_mut() {
                        references.retain(|reference| reference["uid"] != owner.as_str());
                    }
                });
            }
            drop_finalizer(store, key, "orphan");
        }
        let orphans = keys(store, |object| {
            let mut owners = owners(object)
                .filter_map(|reference| reference["uid"].as_str())
                .peekable();
            owners.peek().is_some()
                && !object["metadata"]["deletionTimestamp"].is_string()
                && owners.all(|owner| !alive.contains(owner) || foreground.contains(owner))
        });
        for (key, _) in orphans {
            let deletion = Deletion {
                propagation: Some("Background".to_owned()),
                ..Deletion::default()
            };
            store.delete(&key, &deletion).ok();
        }
        for (key, owner) in keys(store, |object| {
            finalizers(object).contains(&"foregroundDeletion")
        }) {
            let has_dependents = store
                .objects
                .values()
                .any(|object| owners(object).any(|reference| reference["uid"] == owner.as_str()));
            if !has_dependents {
                drop_finalizer(store, &key, "foregroundDeletion");
            }
        }
    }
}

pub(super) fn tend_namespaces(store: &mut Store) {
    for (key, namespace) in all(store, kind("", "namespaces")) {
        if namespace["metadata"]["deletionTimestamp"].is_string() {
            let inside: Vec<Key> = store
                .objects
                .keys()
                .filter(|inner| inner.namespace == key.name)
                .cloned()
                .collect();
            for inner in &inside {
                store.delete(inner, &Deletion::default()).ok();
            }
            tell_what_holds(store, &key);
            if inside.is_empty() {
                store.remove(&key);
            }
            continue;
        }
        let account = Key::new(kind("", "serviceaccounts"), &key.name, "default");
        if store.get(&account).is_none() {
            store.create(&account, json!({}), false).ok();
            let root = Key::new(kind("", "configmaps"), &key.name, "kube-root-ca.crt");
            store
                .create(&root, json!({ "data": { "ca.crt": "" } }), false)
                .ok();
        }
    }
}

/// Says in the namespace's conditions what its deletion waits for, if that is a finalizer, as the real controller does.
fn tell_what_holds(store: &mut Store, namespace: &Key) {
    let mut resources: BTreeMap<String, usize> = BTreeMap::new();
    let mut held: BTreeMap<String, usize> = BTreeMap::new();
    for (key, object) in &store.objects {
        let finalizers = finalizers(object);
        if key.namespace != namespace.name || finalizers.is_empty() {
            continue;
        }
        let kind = key.kind();
        *resources
            .entry(format!("{}.{}", kind.plural, kind.group))
            .or_default() += 1;
        for finalizer in finalizers {
            *held.entry(finalizer.to_owned()).or_default() += 1;
        }
    }
    if held.is_empty() {
        return;
    }
    let list = |counts: BTreeMap<String, usize>, word: &str| {
        let told = counts.iter();
        let told: Vec<String> = told
            .map(|(what, count)| format!("{what} {word} {count} resource instances"))
            .collect();
        told.join(", ")
    };
    let remaining = format!("Some resources are remaining: {}", list(resources, "has"));
    let finalizers = format!(
        "Some content in the namespace has finalizers remaining: {}",
        list(held, "in")
    );
    let conditions = json!([
        { "type": "NamespaceContentRemaining", "status": "True", "reason": "SomeResourcesRemain", "message": remaining },
        { "type": "NamespaceFinalizersRemaining", "status": "True", "reason": "SomeFinalizersRemain", "message": finalizers },
    ]);
    edit(store, namespace, |object| {
        if object["status"]["conditions"] != conditions {
            object["status"]["conditions"] = conditions;
        }
    });
}
