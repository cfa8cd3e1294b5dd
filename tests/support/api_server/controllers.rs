//! What controllers, scheduler and kubelet of a real host would do, as one function over the store.
//!
//! Everything that has no delay happens before the request that caused it is answered to the next one, so a
//! test sees the same calls every time. A test that wants the real world's lag asks for it with [`Settings`].

mod control_plane;
mod garbage;
mod pods;
mod services;
mod workloads;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    kinds::{self, ResourceKind},
    store::{Key, Store, now},
};
use crate::support::pki::Pki;

/// How pods end up, once they exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PodFate {
    /// Running and ready.
    Ready,
    /// Running, but its readiness probe fails.
    Unready,
    /// No node takes it; the scheduler's message.
    Unschedulable(String),
    /// Its image cannot be pulled.
    ImagePullBackOff,
    /// Its containers wait for this reason, with this message.
    Waits(&'static str, String),
    /// Its containers ended, were started again so often, and ended again.
    Crashes(u32),
    /// The pod is refused with these words: there is only an Event about it.
    Refused(String),
}

/// How Jobs end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobFate {
    /// Well.
    Complete,
    /// With a failure.
    Fail,
}

/// How the host behaves.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How pods end up.
    pub(crate) fate: PodFate,
    /// From the pod's creation to its fate.
    pub(crate) pod_start: Duration,
    /// From the deletion of a pod to its end.
    pub(crate) pod_stop: Duration,
    /// From a ready control plane to its kubeconfig Secret; never, if `None`.
    pub(crate) kubeconfig_after: Option<Duration>,
    /// How Jobs end.
    pub(crate) jobs: JobFate,
    /// What every container has written.
    pub(crate) log: String,
    /// The port of its nodes that a Service of type `NodePort` gets.
    pub(crate) node_port: Option<u16>,
    /// The port of the load balancer that a Service of type `LoadBalancer` gets; none, if `None`.
    pub(crate) load_balancer: Option<u16>,
    /// Whether the servers of control planes get certificates that were good once.
    pub(crate) expired_control_planes: bool,
    /// Why claims get no volume, as reason and message of an Event; they get one, if `None`.
    pub(crate) unbound: Option<(&'static str, String)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fate: PodFate::Ready,
            pod_start: Duration::ZERO,
            pod_stop: Duration::ZERO,
            kubeconfig_after: Some(Duration::ZERO),
            jobs: JobFate::Complete,
            log: String::new(),
            node_port: None,
            load_balancer: None,
            expired_control_planes: false,
            unbound: None,
        }
    }
}

/// The host's controllers and what they remember.
#[derive(Default)]
pub(super) struct Controllers {
    pub(super) settings: Settings,
    /// Keys of the control planes that run in this host, by namespace and name.
    pub(super) control_planes: BTreeMap<(String, String), Arc<Pki>>,
    waiting_since: HashMap<(String, &'static str), Instant>,
    wakes_at: Option<Instant>,
    /// How much of the log was seen.
    seen: usize,
}

impl Controllers {
    /// Does all that can be done now; says when there will be more to do.
    pub(super) fn settle(&mut self, store: &mut Store) -> Option<Instant> {
        self.wakes_at = None;
        for _ in 0..1000 {
            let revision = store.revision;
            self.collect_garbage(store);
            garbage::tend_namespaces(store);
            self.run_workloads(store);
            self.run_pods(store);
            self.expose_services(store);
            self.run_jobs(store);
            self.bind_claims(store);
            self.publish_kubeconfigs(store);
            if store.revision == revision {
                break;
            }
        }
        self.wakes_at
    }

    /// Whether something with this identity has waited so long.
    fn has_waited(&mut self, uid: &str, step: &'static str, wait: Duration) -> bool {
        if wait.is_zero() {
            return true;
        }
        let since = *self
            .waiting_since
            .entry((uid.to_owned(), step))
            .or_insert_with(Instant::now);
        if since.elapsed() >= wait {
            return true;
        }
        let due = since + wait;
        self.wakes_at = Some(self.wakes_at.map_or(due, |earlier| earlier.min(due)));
        false
    }
}

fn kind(group: &str, plural: &str) -> &'static ResourceKind {
    kinds::by_path(group, "v1", plural).expect("a kind of the table")
}

fn all(store: &Store, kind: &ResourceKind) -> Vec<(Key, Value)> {
    all_in(store, kind, "")
}

fn all_in(store: &Store, kind: &ResourceKind, namespace: &str) -> Vec<(Key, Value)> {
    store
        .of_kind(kind, namespace)
        .map(|(key, object)| (key.clone(), object.clone()))
        .collect()
}

fn keys(store: &Store, is_wanted: impl Fn(&Value) -> bool) -> Vec<(Key, String)> {
    let wanted = store.objects.iter().filter(|(_, object)| is_wanted(object));
    wanted
        .map(|(key, object)| (key.clone(), uid(object).to_owned()))
        .collect()
}

/// Tells of an object by an Event, once for each reason.
fn tell(store: &mut Store, key: &Key, object: &Value, kind_of: &str, reason: &str, message: &str) {
    let event = Key::new(
        kind("", "events"),
        &key.namespace,
        &format!("{}.{}", key.name, reason.to_lowercase()),
    );
    if store.get(&event).is_some() {
        return;
    }
    let body = json!({
        "involvedObject": {
            "apiVersion": object["apiVersion"], "kind": object["kind"], "name": key.name,
            "namespace": key.namespace, "uid": object["metadata"]["uid"],
        },
        "reason": reason, "message": message, "type": kind_of, "count": 1,
        "firstTimestamp": now(), "lastTimestamp": now(),
    });
    store.create(&event, body, false).ok();
}

fn edit(store: &mut Store, key: &Key, change: impl FnOnce(&mut Value)) {
    if let Some(mut object) = store.get(key).cloned() {
        change(&mut object);
        store.save(key, object);
    }
}

fn drop_finalizer(store: &mut Store, key: &Key, finalizer: &str) {
    edit(store, key, |object| {
        if let Some(all) = object["metadata"]["finalizers"].as_array_mut() {
            all.retain(|present| present != finalizer);
        }
    });
}

fn uid(object: &Value) -> &str {
    object["metadata"]["uid"].as_str().unwrap_or_default()
}

fn owners(object: &Value) -> impl Iterator<Item = &Value> {
    object["metadata"]["ownerReferences"]
        .as_array()
        .into_iter()
        .flatten()
}

fn owner_reference(owner: &Value, is_controller: bool) -> Value {
    json!([{
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": is_controller, "blockOwnerDeletion": is_controller,
    }])
}
