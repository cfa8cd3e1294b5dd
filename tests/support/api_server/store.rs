//! Every object, by path, and the log of changes that watches read.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::{
    kinds::{self, ResourceKind},
    status::Failure,
};

/// Where an object lives. The order is the order of a LIST.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(super) group: &'static str,
    pub(super) plural: &'static str,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Key {
    pub(super) fn new(kind: &ResourceKind, namespace: &str, name: &str) -> Self {
        let namespace = if kind.is_namespaced { namespace } else { "" };
        Self {
            group: kind.group,
            plural: kind.plural,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    pub(super) fn kind(&self) -> &'static ResourceKind {
        kinds::KINDS
            .iter()
            .find(|kind| kind.group == self.group && kind.plural == self.plural)
            .expect("keys are made from known kinds")
    }
}

/// One change, as a watch may have to tell it.
pub(super) struct Change {
    pub(super) revision: u64,
    pub(super) key: Key,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
}

/// What a DELETE asks for besides the name.
#[derive(Clone, Debug, Default)]
pub(super) struct Deletion {
    pub(super) propagation: Option<String>,
    pub(super) uid: Option<String>,
    pub(super) resource_version: Option<String>,
    pub(super) grace_seconds: Option<i64>,
    pub(super) is_dry_run: bool,
}

/// The objects and their history.
pub(super) struct Store {
    pub(super) objects: BTreeMap<Key, Value>,
    pub(super) log: Vec<Change>,
    pub(super) revision: u64,
    /// Watches and pages from before this revision are answered 410.
    pub(super) oldest: u64,
    pub(super) applied: HashMap<Key, BTreeMap<String, Value>>,
    pub(super) made: u64,
}

impl Store {
    pub(super) fn new() -> Self {
        Self {
            objects: BTreeMap::new(),
            log: Vec::new(),
            revision: 1000,
            oldest: 0,
            applied: HashMap::new(),
            made: 0,
        }
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key)
    }

    /// Objects of one kind, in every namespace or in one.
    pub(super) fn of_kind<'a>(
        &'a self,
        kind: &ResourceKind,
        namespace: &'a str,
    ) -> impl Iterator<Item = (&'a Key, &'a Value)> {
        let first = Key {
            group: kind.group,
            plural: kind.plural,
            namespace: namespace.to_owned(),
            name: String::new(),
        };
        let (group, plural) = (kind.group, kind.plural);
        self.objects.range(first..).take_while(move |(key, _)| {
            key.group == group
                && key.plural == plural
                && (namespace.is_empty() || key.namespace == namespace)
        })
    }

    /// Creates an object; fills in what the server fills in.
    pub(super) fn create(
        &mut self,
        key: &Key,
        object: Value,
        is_dry_run: bool,
    ) -> Result<Value, Failure> {
        let kind = key.kind();
        if self.objects.contains_key(key) {
            return Err(Failure::already_exists(kind, &key.name));
        }
        self.check_namespace(key)?;
        check_name(kind, &key.name)?;
        let object = self.complete(key, object);
        if is_dry_run {
            return Ok(object);
        }
        Ok(self.record(key, Some(object)))
    }

    /// Replaces an object whose metadata the server owns; what did not change makes no event.
    pub(super) fn save(&mut self, key: &Key, mut object: Value) -> Value {
        let Some(before) = self.objects.get(key) else {
            return object;
        };
        for owned in [
            "uid",
            "creationTimestamp",
            "resourceVersion",
            "generation",
            "deletionTimestamp",
        ] {
            object["metadata"][owned] = before["metadata"][owned].clone();
            if object["metadata"][owned].is_null() {
                object["metadata"]
                    .as_object_mut()
                    .map(|metadata| metadata.remove(owned));
            }
        }
        if object == *before {
            return object;
        }
        if object["spec"] != before["spec"] && before["metadata"]["generation"].is_u64() {
            let generation = before["metadata"]["generation"].as_u64().unwrap_or(0) + 1;
            object["metadata"]["generation"] = generation.into();
        }
        if is_released(key, &object) {
            self.record(key, Some(object.clone()));
            self.record(key, None);
            return object;
        }
        self.record(key, Some(object))
    }

    /// Starts or finishes a deletion; the answer is the object or a `Status`.
    pub(super) fn delete(&mut self, key: &Key, deletion: &Deletion) -> Result<Value, Failure> {
        let kind = key.kind();
        let Some(before) = self.objects.get(key) else {
            return Err(Failure::not_found(kind, &key.name));
        };
        let mut object = before.clone();
        for (what, path, wanted) in [
            ("UID", "uid", &deletion.uid),
            (
                "ResourceVersion",
                "resourceVersion",
                &deletion.resource_version,
            ),
        ] {
            let is = object["metadata"][path].as_str().unwrap_or_default();
            if let Some(wanted) = wanted.as_ref().filter(|wanted| *wanted != is) {
                return Err(Failure::precondition(kind, &key.name, what, wanted, is));
            }
        }
        let done = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
            "details": {
                "name": key.name, "group": kind.group, "kind": kind.plural, "uid": object["metadata"]["uid"],
            },
        });
        if deletion.is_dry_run {
            return Ok(done);
        }
        let hold = match deletion.propagation.as_deref() {
            Some("Foreground") => Some("foregroundDeletion"),
            Some("Orphan") => Some("orphan"),
            _ => None,
        };
        if let Some(hold) = hold {
            add_finalizer(&mut object, hold);
        }
        let is_on_a_node = kind.plural == "pods"
            && object["spec"]["nodeName"].is_string()
            && deletion.grace_seconds != Some(0);
        let stays = is_on_a_node || kind.plural == "namespaces" || !finalizers(&object).is_empty();
        if !stays {
            self.record(key, None);
            return Ok(done);
        }
        if object["metadata"]["deletionTimestamp"].is_string() {
            return Ok(object);
        }
        object["metadata"]["deletionTimestamp"] = now().into();
        object["metadata"]["deletionGracePeriodSeconds"] = if is_on_a_node {
            deletion.grace_seconds.unwrap_or(30).into()
        } else {
            0.into()
        };
        if kind.plural == "namespaces" {
            object["status"]["phase"] = "Terminating".into();
        }
        Ok(self.record(key, Some(object)))
    }

    /// Takes an object away without asking.
    pub(super) fn remove(&mut self, key: &Key) {
        if self.objects.contains_key(key) {
            self.record(key, None);
        }
    }

    fn record(&mut self, key: &Key, after: Option<Value>) -> Value {
        self.revision += 1;
        let before = self.objects.get(key).cloned();
        let mut now = after.clone().or_else(|| before.clone()).unwrap_or_default();
        now["metadata"]["resourceVersion"] = self.revision.to_string().into();
        if after.is_some() {
            self.objects.insert(key.clone(), now.clone());
        } else {
            self.objects.remove(key);
            self.applied.remove(key);
        }
        self.log.push(Change {
            revision: self.revision,
            key: key.clone(),
            before: if after.is_some() {
                before
            } else {
                Some(now.clone())
            },
            after: after.map(|_| now.clone()),
        });
        now
    }

    fn check_namespace(&self, key: &Key) -> Result<(), Failure> {
        if key.namespace.is_empty() {
            return Ok(());
        }
        let namespaces = kinds::by_path("", "v1", "namespaces").expect("namespaces are known");
        let namespace = self
            .objects
            .get(&Key::new(namespaces, "", &key.namespace))
            .ok_or_else(|| Failure::not_found(namespaces, &key.namespace))?;
        if namespace["metadata"]["deletionTimestamp"].is_string() {
            return Err(Failure::terminating(key.kind(), &key.namespace, &key.name));
        }
        Ok(())
    }

    fn complete(&mut self, key: &Key, mut object: Value) -> Value {
        let kind = key.kind();
        self.made += 1;
        object["apiVersion"] = kind.api_version().into();
        object["kind"] = kind.kind.into();
        let metadata = &mut object["metadata"];
        metadata["name"] = key.name.clone().into();
        if kind.is_namespaced {
            metadata["namespace"] = key.namespace.clone().into();
        }
        metadata["uid"] = format!("00000000-0000-4000-8000-{:012x}", self.made).into();
        if !metadata["creationTimestamp"].is_string() {
            metadata["creationTimestamp"] = now().into();
        }
        if !object["spec"].is_null() {
            object["metadata"]["generation"] = 1.into();
        }
        default_fields(kind, self.made, &mut object);
        object
    }
}

fn default_fields(kind: &ResourceKind, made: u64, object: &mut Value) {
    match kind.plural {
        "namespaces" => {
            let name = object["metadata"]["name"].clone();
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
            object["spec"]["finalizers"] = json!(["kubernetes"]);
            object["status"]["phase"] = "Active".into();
        }
        "services" => {
            let spec = &mut object["spec"];
            if !spec["clusterIP"].is_string() {
                spec["clusterIP"] = format!("10.96.{}.{}", made / 250, made % 250 + 1).into();
            }
            if !spec["type"].is_string() {
                spec["type"] = "ClusterIP".into();
            }
            object["status"] = json!({ "loadBalancer": {} });
        }
        "secrets" => {
            if let Some(text) = object
                .as_object_mut()
                .and_then(|secret| secret.remove("stringData"))
            {
                for (key, value) in text.as_object().into_iter().flatten() {
                    object["data"][key] = base64(value.as_str().unwrap_or_default()).into();
                }
            }
            if !object["type"].is_string() {
                object["type"] = "Opaque".into();
            }
        }
        "persistentvolumeclaims" => {
            add_finalizer(object, "kubernetes.io/pvc-protection");
            object["status"]["phase"] = "Pending".into();
        }
        "pods" => {
            object["status"]["phase"] = "Pending".into();
        }
        "statefulsets" | "deployments" | "replicasets" => {
            if !object["spec"]["replicas"].is_u64() {
                object["spec"]["replicas"] = 1.into();
            }
            object["status"]["replicas"] = 0.into();
        }
        _ => {}
    }
}

fn check_name(kind: &ResourceKind, name: &str) -> Result<(), Failure> {
    if kind.group == "rbac.authorization.k8s.io" {
        return Ok(());
    }
    let is_label = matches!(kind.plural, "namespaces" | "services");
    let is_valid = !name.is_empty()
        && name.len() <= if is_label { 63 } else { 253 }
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase()
                || byte.is_ascii_digit()
                || byte == b'-'
                || (byte == b'.' && !is_label)
        })
        && !name.starts_with(['-', '.'])
        && !name.ends_with(['-', '.']);
    if is_valid {
        return Ok(());
    }
    let problem = format!(
        "Invalid value: \"{name}\": a lowercase RFC 1123 {} must consist of lower case alphanumeric characters",
        if is_label { "label" } else { "subdomain" }
    );
    Err(Failure::invalid(kind, name, "metadata.name", &problem))
}

/// Whether an object that is being deleted has nothing left that holds it.
fn is_released(key: &Key, object: &Value) -> bool {
    let holds_itself = key.plural == "namespaces"
        || (key.plural == "pods" && object["spec"]["nodeName"].is_string());
    object["metadata"]["deletionTimestamp"].is_string()
        && finalizers(object).is_empty()
        && !holds_itself
}

pub(super) fn finalizers(object: &Value) -> Vec<&str> {
    object["metadata"]["finalizers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn add_finalizer(object: &mut Value, finalizer: &str) {
    let mut all: Vec<String> = finalizers(object).into_iter().map(String::from).collect();
    if all.iter().all(|present| present != finalizer) {
        all.push(finalizer.to_owned());
    }
    object["metadata"]["finalizers"] = all.into();
}

/// The time as Kubernetes writes it: whole seconds.
pub(super) fn now() -> String {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second())
        .unwrap_or(now)
        .to_string()
}

/// Base64 as Secrets carry their data.
pub(crate) fn base64(text: impl AsRef<[u8]>) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}
