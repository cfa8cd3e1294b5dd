//! Waiting until what was deleted is gone, and saying meanwhile what holds it.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use super::remains::is_own_claim;
use crate::cluster::ClusterRef;
use crate::error::Error;
use crate::host::read::{HasMetadata, Metadata, Partial};
use crate::host::{Collection, Host, Watch};
use crate::progress::Progress;

/// How often what is left is looked at when the host tells nothing new.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// So long after its grace time, something is wrong with a pod; our clock may be ahead by less than that.
const OVERDUE: SignedDuration = SignedDuration::from_secs(10);

/// What to do about something that a finalizer holds, by how kubectl names it.
fn how_to_free(object: &str) -> String {
    format!(
        "let the program run that is to take the finalizer away, or take it away with `kubectl edit {object}`"
    )
}

/// Waits until every claim of the cluster is gone.
pub(super) async fn until_claims_are_gone(
    host: &Host,
    reference: &ClusterRef,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let claims = Collection::of("PersistentVolumeClaim", Some(reference.namespace.as_str()));
    let mut left = Watch::<Partial>::for_departures(host, claims, "", "").await?;
    let is_own = |claim: &Partial| is_own_claim(&claim.metadata, reference);
    let what = ("volume claim", "pvc");
    until_none(&mut left, is_own, what, progress).await
}

/// `what` is how users call it, and how kubectl does.
async fn until_none(
    watch: &mut Watch<Partial>,
    counts: impl Fn(&Partial) -> bool,
    what: (&str, &str),
    progress: &dyn Progress,
) -> Result<(), Error> {
    loop {
        let left: Vec<&Partial> = watch.objects().filter(|object| counts(object)).collect();
        if left.is_empty() {
            return Ok(());
        }
        progress.because(&what_holds(&left, what.0, Timestamp::now()));
        if let Some((object, _)) = held_by_finalizer(&left) {
            let Metadata {
                name, namespace, ..
            } = &object.metadata;
            progress.advise(&how_to_free(&format!("{}/{name} -n {namespace}", what.1)));
        }
        // Nothing tells that a grace time is over.
        if let Ok(changed) = timeout(LOOK_AGAIN, watch.changed()).await {
            changed?;
        }
    }
}

/// Why the first of what is left is still there: a finalizer, a node that does not answer, or its grace time.
fn what_holds(left: &[&Partial], what: &str, now: Timestamp) -> String {
    if let Some((object, finalizer)) = held_by_finalizer(left) {
        let name = &object.metadata.name;
        return format!("{what} `{name}` is held by the finalizer `{finalizer}`");
    }
    // The deletion timestamp is when the grace time is over.
    let overdue = left.iter().find(|object| {
        let end = object.metadata.deletion_timestamp;
        end.is_some_and(|end| now.duration_since(end) > OVERDUE)
    });
    match (overdue, left) {
        (Some(object), _) => format!(
            "{what} `{}` should have ended by now: does its node answer?",
            object.metadata.name
        ),
        (None, [only]) => format!("{what} `{}` is ending", only.metadata.name),
        (None, [first, others @ ..]) => format!(
            "{what} `{}` and {} more are ending",
            first.metadata.name,
            others.len()
        ),
        (None, []) => String::new(),
    }
}

/// The first that a finalizer holds, and which; the host takes its own away by itself.
fn held_by_finalizer<'a>(left: &[&'a Partial]) -> Option<(&'a Partial, &'a str)> {
    left.iter().find_map(|object| {
        let mut finalizers = object.metadata.finalizers.iter();
        let foreign = finalizers.find(|finalizer| !finalizer.starts_with("kubernetes.io/"))?;
        Some((*object, foreign.as_str()))
    })
}

/// Waits until the last pod with these labels has ended.
pub(super) async fn until_pods_are_gone(
    host: &Host,
    reference: &ClusterRef,
    selector: &str,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let pods = Collection::of("Pod", Some(reference.namespace.as_str()));
    let mut left = Watch::<Partial>::for_departures(host, pods, selector, "").await?;
    until_none(&mut left, |_| true, ("pod", "pod"), progress).await
}

/// Waits until the namespace is gone, and says what holds it.
pub(super) async fn until_namespace_is_gone(
    host: &Host,
    reference: &ClusterRef,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let field = format!("metadata.name={}", reference.namespace);
    let namespaces = Collection::of("Namespace", None);
    let mut watch = Watch::<Namespace>::for_departures(host, namespaces, "", &field).await?;
    loop {
        let Some(namespace) = watch.objects().next() else {
            return Ok(());
        };
        if let Some(reason) = namespace.obstacle() {
            let (reason, object) = match find_held(host, namespace).await {
                Some(held) => (
                    held.to_string(),
                    format!("{}/{} -n {}", held.resource, held.name, reference.namespace),
                ),
                None => (reason, format!("namespace {}", reference.namespace)),
            };
            progress.because(&reason);
            progress.advise(&how_to_free(&object));
        }
        watch.changed().await?;
    }
}

/// An object that cannot go because of a finalizer.
struct Held {
    kind: String,
    resource: String,
    name: String,
    finalizer: String,
}

impl fmt::Display for Held {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            name,
            finalizer,
            ..
        } = self;
        write!(
            formatter,
            "{kind} `{name}` is held by the finalizer `{finalizer}`"
        )
    }
}

/// The first object of a namespace that a finalizer holds: the host says only of which resource it is.
///
/// A courtesy: where we may not look, the host's own words will do.
async fn find_held(host: &Host, namespace: &Namespace) -> Option<Held> {
    let resources = namespace.held_resources();
    if resources.is_empty() {
        return None;
    }
    let kinds = host.fetch_namespaced_kinds().await.ok()?;
    for kind in kinds {
        let resource = kind.resource();
        if !resources.contains(&resource) {
            continue;
        }
        let collection = kind.in_namespace(&namespace.metadata.name);
        let objects = host.list::<Partial>(&collection, "").await;
        let objects = objects.unwrap_or_default();
        let left: Vec<&Partial> = objects.iter().collect();
        if let Some((object, finalizer)) = held_by_finalizer(&left) {
            return Some(Held {
                kind: kind.kind,
                resource,
                name: object.metadata.name.clone(),
                finalizer: finalizer.to_owned(),
            });
        }
    }
    None
}

/// A namespace, with what its deletion waits for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Namespace {
    metadata: Metadata,
    status: Value,
}

impl HasMetadata for Namespace {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

impl Namespace {
    /// What the host says by a condition, if it is the case.
    fn told(&self, kind: &str) -> Option<&str> {
        let mut conditions = self.status["conditions"].as_array()?.iter();
        let condition = conditions
            .find(|condition| condition["status"] == "True" && condition["type"] == kind)?;
        condition["message"].as_str()
    }

    /// The resources, such as `pods` or `statefulsets.apps`, of which something is left that a finalizer holds.
    ///
    /// The host's words are `Some resources are remaining: pods. has 1 resource instances, …` (Kubernetes
    /// `pkg/controller/namespace/deletion/namespaced_resources_deleter.go`).
    fn held_resources(&self) -> Vec<String> {
        let left = self
            .told("NamespaceFinalizersRemaining")
            .and_then(|_| self.told("NamespaceContentRemaining"));
        let list = left.and_then(|left| left.split_once(": "));
        let words = list.map_or("", |(_, list)| list).split(", ");
        let names = words.filter_map(|words| words.split_once(" has "));
        names
            .map(|(resource, _)| resource.trim_end_matches('.').to_owned())
            .collect()
    }

    /// What its deletion waits for, in the host's words.
    fn obstacle(&self) -> Option<String> {
        if let Some(finalizer) = self.metadata.finalizers.first() {
            return Some(format!("it is held by the finalizer `{finalizer}`"));
        }
        let (left, held) = (
            self.told("NamespaceContentRemaining"),
            self.told("NamespaceFinalizersRemaining"),
        );
        match (self.told("NamespaceDeletionDiscoveryFailure"), left, held) {
            (Some(failure), ..) => Some(failure.to_owned()),
            (None, Some(left), Some(held)) => {
                Some(format!("{}; {held}", left.trim_end_matches('.')))
            }
            (None, left, held) => left.or(held).map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(metadata: &Value) -> Partial {
        serde_json::from_value(json!({ "metadata": metadata })).unwrap()
    }

    #[test]
    fn what_holds_is_told_by_what_can_be_done_about_it() {
        let now: Timestamp = "2026-01-01T00:01:00Z".parse().unwrap();
        let of = |left: &[Partial]| what_holds(&left.iter().collect::<Vec<_>>(), "pod", now);
        let ending = pod(&json!({ "name": "a", "deletionTimestamp": "2026-01-01T00:01:20Z" }));
        let late = pod(&json!({ "name": "b", "deletionTimestamp": "2026-01-01T00:00:40Z" }));
        let held = pod(&json!({ "name": "c", "finalizers": ["example.com/hold"] }));
        assert_eq!(of(std::slice::from_ref(&ending)), "pod `a` is ending");
        assert_eq!(
            of(&[ending.clone(), ending.clone()]),
            "pod `a` and 1 more are ending"
        );
        assert_eq!(
            of(&[ending.clone(), late]),
            "pod `b` should have ended by now: does its node answer?"
        );
        assert_eq!(
            of(&[ending, held]),
            "pod `c` is held by the finalizer `example.com/hold`"
        );
    }

    #[test]
    fn what_holds_a_namespace_is_told_with_what_it_is() {
        let namespace: Namespace = serde_json::from_value(json!({ "status": { "conditions": [
            { "type": "NamespaceContentRemaining", "status": "True", "message": "Some resources are remaining: configmaps. has 1 resource instances" },
            { "type": "NamespaceFinalizersRemaining", "status": "True", "message": "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances" },
        ] } })).unwrap();
        assert_eq!(
            namespace.obstacle().unwrap(),
            "Some resources are remaining: configmaps. has 1 resource instances; Some content in the namespace has \
             finalizers remaining: example.com/hold in 1 resource instances"
        );
        assert_eq!(namespace.held_resources(), ["configmaps"]);
    }
}
