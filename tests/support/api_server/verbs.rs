//! What each verb does to the store.

use http::header;
use serde_json::{Value, json};

use super::{
    kinds, merge,
    request::{Request, Target},
    select::Selection,
    status::Failure,
    store::{Deletion, Key, Store, base64},
};

/// A status code and a body.
pub(super) type Answer = Result<(u16, Value), Failure>;

/// Answers every verb but `watch` and `forward`.
pub(super) fn answer(store: &mut Store, request: &Request, target: &Target) -> Answer {
    let key = Key::new(target.kind, &target.namespace, &target.name);
    let (code, object) = match request.verb() {
        "get" => (200, found(store, &key)?.clone()),
        "list" => return list(store, request, target).map(|list| (200, list)),
        "create" => create(store, request, target)?,
        "update" => (200, update(store, request, target, &key)?),
        "patch" => (200, patch(store, request, target, &key)?),
        "apply" => apply(store, request, &key)?,
        "delete" => (200, store.delete(&key, &deletion(request))?),
        _ => (200, delete_collection(store, request, target)?),
    };
    Ok((code, as_asked(request, object)))
}

/// Which objects a LIST, WATCH or DELETE of many means.
pub(super) fn selection(request: &Request) -> Selection {
    Selection::parse(
        request.parameter("labelSelector"),
        request.parameter("fieldSelector"),
    )
}

/// An object in the form that `Accept` asks for.
pub(super) fn as_asked(request: &Request, object: Value) -> Value {
    let accept = request.header(header::ACCEPT);
    if accept.contains("as=PartialObjectMetadata") && object["kind"] != "Status" {
        json!({
            "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"],
        })
    } else {
        object
    }
}

fn found<'a>(store: &'a Store, key: &Key) -> Result<&'a Value, Failure> {
    store
        .get(key)
        .ok_or_else(|| Failure::not_found(key.kind(), &key.name))
}

fn list(store: &Store, request: &Request, target: &Target) -> Result<Value, Failure> {
    let limit: usize = request.parameter("limit").parse().unwrap_or(0);
    let selection = selection(request);
    let token = request.parameter("continue");
    let start = if token.is_empty() {
        None
    } else {
        Some(read_token(store, token)?)
    };
    let mut items = store
        .of_kind(target.kind, &target.namespace)
        .filter(|(key, _)| {
            start
                .as_ref()
                .is_none_or(|start| (&key.namespace, &key.name) >= (&start.0, &start.1))
        })
        .filter(|(_, object)| selection.matches(object));
    let is_partial = request
        .header(header::ACCEPT)
        .contains("as=PartialObjectMetadata");
    let page: Vec<Value> = items
        .by_ref()
        .take(if limit == 0 { usize::MAX } else { limit })
        .map(|(_, object)| {
            let mut item = as_asked(request, object.clone());
            if !is_partial && let Some(fields) = item.as_object_mut() {
                fields.remove("kind");
                fields.remove("apiVersion");
            }
            item
        })
        .collect();
    let mut metadata = json!({ "resourceVersion": store.revision.to_string() });
    if let Some((key, _)) = items.next() {
        let token = json!({ "v": store.revision, "namespace": key.namespace, "name": key.name });
        metadata["continue"] = base64(token.to_string()).into();
        if selection.is_everything() {
            metadata["remainingItemCount"] = (items.count() + 1).into();
        }
    }
    let (kind, api_version) = if is_partial {
        (
            "PartialObjectMetadataList".to_owned(),
            "meta.k8s.io/v1".to_owned(),
        )
    } else {
        (
            format!("{}List", target.kind.kind),
            target.kind.api_version(),
        )
    };
    Ok(json!({ "kind": kind, "apiVersion": api_version, "metadata": metadata, "items": page }))
}

fn read_token(store: &Store, token: &str) -> Result<(String, String), Failure> {
    use base64::Engine;
    let token: Value = base64::engine::general_purpose::STANDARD
        .decode(token)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| Failure::bad_request("continue key is not valid"))?;
    let revision = token["v"].as_u64().unwrap_or(0);
    if revision < store.oldest {
        return Err(Failure::expired(revision, store.oldest));
    }
    let text = |field: &str| token[field].as_str().unwrap_or_default().to_owned();
    Ok((text("namespace"), text("name")))
}

fn create(store: &mut Store, request: &Request, target: &Target) -> Result<(u16, Value), Failure> {
    let mut object = request.body.clone();
    match target.subresource.as_str() {
        "" => {}
        "eviction" => {
            let key = Key::new(target.kind, &target.namespace, &target.name);
            store.delete(&key, &Deletion::default())?;
            return Ok((
                201,
                json!({ "kind": "Status", "apiVersion": "v1", "status": "Success", "code": 201 }),
            ));
        }
        _ => return Err(Failure::no_such_path()),
    }
    if target.kind.is_namespaced && target.namespace.is_empty() {
        return Err(Failure::bad_request(
            "an empty namespace may not be set during creation",
        ));
    }
    check_kind(&object, target)?;
    let metadata = &mut object["metadata"];
    if metadata["name"].is_null()
        && let Some(prefix) = metadata["generateName"].as_str()
    {
        metadata["name"] = format!("{prefix}{:05x}", store.revision).into();
    }
    let name = metadata["name"].as_str().unwrap_or_default().to_owned();
    let key = Key::new(target.kind, &target.namespace, &name);
    Ok((201, store.create(&key, object, request.is_dry_run())?))
}

fn check_kind(object: &Value, target: &Target) -> Result<(), Failure> {
    let (api_version, kind) = (object["apiVersion"].as_str(), object["kind"].as_str());
    if let (Some(api_version), Some(kind)) = (api_version, kind)
        && kinds::by_object(api_version, kind) != Some(target.kind)
    {
        return Err(Failure::bad_request(format!(
            "the API version in the data ({api_version}) does not match the expected API version ({})",
            target.kind.api_version()
        )));
    }
    let namespace = object["metadata"]["namespace"].as_str();
    if target.kind.is_namespaced && namespace.is_some_and(|namespace| namespace != target.namespace)
    {
        return Err(Failure::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

fn update(
    store: &mut Store,
    request: &Request,
    target: &Target,
    key: &Key,
) -> Result<Value, Failure> {
    let before = found(store, key)?.clone();
    check_kind(&request.body, target)?;
    replace(store, request, target, key, &before, request.body.clone())
}

fn patch(
    store: &mut Store,
    request: &Request,
    target: &Target,
    key: &Key,
) -> Result<Value, Failure> {
    let before = found(store, key)?.clone();
    let mut after = if target.subresource == "scale" {
        scale(&before)
    } else {
        before.clone()
    };
    let content_type = request.header(header::CONTENT_TYPE);
    match content_type.split(';').next().unwrap_or_default() {
        "application/merge-patch+json" => merge::merge(&mut after, &request.body, false),
        "application/strategic-merge-patch+json" => merge::merge(&mut after, &request.body, true),
        other => return Err(Failure::unsupported_media(other)),
    }
    replace(store, request, target, key, &before, after)
}

/// Puts the part of an object that the path means in the place of what was there.
fn replace(
    store: &mut Store,
    request: &Request,
    target: &Target,
    key: &Key,
    before: &Value,
    mut after: Value,
) -> Result<Value, Failure> {
    let kind = key.kind();
    let is = before["metadata"]["resourceVersion"]
        .as_str()
        .unwrap_or_default();
    if after["metadata"]["resourceVersion"]
        .as_str()
        .is_some_and(|wanted| wanted != is)
    {
        return Err(Failure::changed(kind, &key.name));
    }
    let uid = before["metadata"]["uid"].as_str().unwrap_or_default();
    if let Some(wanted) = after["metadata"]["uid"]
        .as_str()
        .filter(|wanted| *wanted != uid)
    {
        return Err(Failure::precondition(kind, &key.name, "UID", wanted, uid));
    }
    let mut object = before.clone();
    match target.subresource.as_str() {
        "" => {
            if after["status"].is_null() && !before["status"].is_null() {
                after["status"] = before["status"].clone();
            }
            object = after;
        }
        "status" => object["status"] = after["status"].clone(),
        "finalize" => object["spec"]["finalizers"] = after["spec"]["finalizers"].clone(),
        "scale" => object["spec"]["replicas"] = after["spec"]["replicas"].clone(),
        _ => return Err(Failure::no_such_path()),
    }
    object["apiVersion"] = kind.api_version().into();
    object["kind"] = kind.kind.into();
    check_fixed(key, before, &object)?;
    let saved = if request.is_dry_run() {
        object
    } else {
        store.save(key, object)
    };
    Ok(if target.subresource == "scale" {
        scale(&saved)
    } else {
        saved
    })
}

fn scale(workload: &Value) -> Value {
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": workload["metadata"],
        "spec": { "replicas": workload["spec"]["replicas"] },
        "status": { "replicas": workload["status"]["replicas"] },
    })
}

/// Server-side apply, simply: fields merge, lists of named things merge by name, a field that this manager
/// applied before and does not any more goes away, and another manager's different wish is a conflict.
fn apply(store: &mut Store, request: &Request, key: &Key) -> Result<(u16, Value), Failure> {
    let manager = request.parameter("fieldManager").to_owned();
    if manager.is_empty() {
        return Err(Failure::bad_request(
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
        ));
    }
    let mut wish = request.body.clone();
    if wish["metadata"]["managedFields"].is_array() {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    let Some(before) = store.get(key).cloned() else {
        let made = store.create(key, wish.clone(), request.is_dry_run())?;
        if !request.is_dry_run() {
            store
                .applied
                .entry(key.clone())
                .or_default()
                .insert(manager, wish);
        }
        return Ok((201, made));
    };
    let is = before["metadata"]["resourceVersion"]
        .as_str()
        .unwrap_or_default();
    if let Some(metadata) = wish["metadata"].as_object_mut()
        && metadata
            .remove("resourceVersion")
            .is_some_and(|wanted| wanted != is)
    {
        return Err(Failure::changed(key.kind(), &key.name));
    }
    let others = store.applied.entry(key.clone()).or_default();
    if request.parameter("force") != "true" {
        for (other, theirs) in others.iter().filter(|(other, _)| **other != manager) {
            let fields = merge::conflicts(theirs, &wish);
            if !fields.is_empty() {
                return Err(Failure::apply_conflict(
                    other,
                    &key.kind().api_version(),
                    &fields,
                ));
            }
        }
    }
    let mut after = before.clone();
    if let Some(earlier) = others.get(&manager) {
        merge::forget_unapplied(&mut after, earlier, &wish);
    }
    merge::merge(&mut after, &wish, true);
    if let Some(text) = after
        .as_object_mut()
        .and_then(|object| object.remove("stringData"))
    {
        for (name, value) in text.as_object().into_iter().flatten() {
            after["data"][name] = base64(value.as_str().unwrap_or_default()).into();
        }
    }
    check_fixed(key, &before, &after)?;
    if request.is_dry_run() {
        return Ok((200, after));
    }
    others.insert(manager, wish);
    Ok((200, store.save(key, after)))
}

/// What of a StatefulSet can be changed once it is there.
const CHANGEABLE: &[&str] = &[
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

fn check_fixed(key: &Key, before: &Value, after: &Value) -> Result<(), Failure> {
    let fixed = |object: &Value| {
        let mut spec = object["spec"].as_object().cloned().unwrap_or_default();
        spec.retain(|field, _| !CHANGEABLE.contains(&field.as_str()));
        spec
    };
    if key.plural != "statefulsets" || fixed(before) == fixed(after) {
        return Ok(());
    }
    let problem = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                   'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                   'minReadySeconds' are forbidden";
    Err(Failure::invalid(
        key.kind(),
        &key.name,
        "spec",
        &format!("Forbidden: {problem}"),
    ))
}

fn deletion(request: &Request) -> Deletion {
    let options = &request.body;
    let text = |value: &Value| value.as_str().map(String::from);
    let parameter =
        |name: &str| Some(request.parameter(name).to_owned()).filter(|value| !value.is_empty());
    Deletion {
        propagation: text(&options["propagationPolicy"]).or_else(|| parameter("propagationPolicy")),
        uid: text(&options["preconditions"]["uid"]),
        resource_version: text(&options["preconditions"]["resourceVersion"]),
        grace_seconds: options["gracePeriodSeconds"]
            .as_i64()
            .or_else(|| parameter("gracePeriodSeconds")?.parse().ok()),
        is_dry_run: request.is_dry_run(),
    }
}

fn delete_collection(
    store: &mut Store,
    request: &Request,
    target: &Target,
) -> Result<Value, Failure> {
    let selection = selection(request);
    let keys: Vec<Key> = store
        .of_kind(target.kind, &target.namespace)
        .filter(|(_, object)| selection.matches(object))
        .map(|(key, _)| key.clone())
        .collect();
    let list = list(store, request, target)?;
    for key in keys {
        store.delete(&key, &deletion(request))?;
    }
    Ok(list)
}
