//! Running a release's hooks: objects that are made at a moment of its life, and waited for, in Helm's order.
//!
//! What ran is told in the record, as Helm does. Hooks are no part of the release: they carry none of its marks.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::hook_output;
use super::release::Operation;
use crate::cluster::{ClusterRef, Object, ObjectRef};
use crate::error::{Error, Kind};
use crate::helm;
use crate::helm::record::Hook;
use crate::host::read::{HasMetadata, Metadata, Partial, Pod};
use crate::host::{Collection, Host, HostError, Watch, explain};
use crate::progress::Progress;

/// Before the hook is made again, what its last run left is deleted; this is meant where nothing is said.
const BEFORE_CREATION: &str = "before-hook-creation";
pub(super) const SUCCEEDED: &str = "hook-succeeded";
pub(super) const FAILED: &str = "hook-failed";

/// A Job or a Pod, as far as its end is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Finite {
    metadata: Metadata,
    status: Value,
}

impl HasMetadata for Finite {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

/// Runs the hooks of an event, the lighter ones first, each to its end before the next.
pub(super) async fn run(
    operation: &mut Operation<'_>,
    event: &str,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let due = due(&operation.record.hooks, event);
    for (position, index) in due.iter().enumerate() {
        let hook = operation.record.hooks[*index].clone();
        progress.begin(&format!(
            "running the `{event}` hook {} `{}`",
            hook.kind, hook.name
        ));
        let ended = run_one(operation, *index, &hook, progress).await;
        // One that is no object has not run.
        if let Ok(object) = object_of(&hook, operation.reference) {
            let object = object.reference;
            hook_output::show(operation.host, &hook, &object, ended.is_ok(), progress).await;
        }
        let phase = if ended.is_ok() { "Succeeded" } else { "Failed" };
        let last_run = &mut operation.record.hooks[*index].last_run;
        last_run["completed_at"] = Timestamp::now().to_string().into();
        last_run["phase"] = phase.into();
        if let Err(error) = ended {
            let done: Vec<&Hook> = due[..position]
                .iter()
                .map(|index| &operation.record.hooks[*index])
                .collect();
            tidy(operation, &hook, &done).await;
            return Err(error
                .within(format!(
                    "the `{event}` hook {} `{}` failed",
                    hook.kind, hook.name
                ))
                .hint("`--no-hooks` leaves the chart's hooks out"));
        }
    }
    for index in due.iter().rev() {
        let hook = &operation.record.hooks[*index];
        delete_by_policy(operation.host, operation.reference, hook, SUCCEEDED).await?;
    }
    Ok(())
}

/// Whether any hook waits for this event.
pub(super) fn has(hooks: &[Hook], event: &str) -> bool {
    !due(hooks, event).is_empty()
}

/// Deletes what hooks that ran have left, once nothing is left of their release.
pub(super) async fn sweep<'h>(
    host: &Host,
    reference: &ClusterRef,
    hooks: impl IntoIterator<Item = &'h Hook>,
) -> Result<(), Error> {
    let mut swept = HashSet::new();
    for hook in hooks {
        if has_run(hook) && is_deletable(hook) {
            let object = object_of(hook, reference)?;
            if swept.insert(object.reference.clone()) {
                delete(host, &object).await?;
            }
        }
    }
    Ok(())
}

/// The hooks of an event in the order in which they run, by their place in the record.
fn due(hooks: &[Hook], event: &str) -> Vec<usize> {
    let mut due: Vec<usize> = (0..hooks.len())
        .filter(|index| hooks[*index].events.iter().any(|known| known == event))
        .collect();
    // Stable: those of one weight and name stay in install order.
    due.sort_by(|a, b| {
        let key = |index: &usize| (hooks[*index].weight, &hooks[*index].name);
        key(a).cmp(&key(b))
    });
    due
}

async fn run_one(
    operation: &mut Operation<'_>,
    index: usize,
    hook: &Hook,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let (host, reference) = (operation.host, operation.reference);
    let object = object_of(hook, reference)?;
    let is_unsaid = hook.delete_policies.is_empty();
    if is_unsaid {
        operation.record.hooks[index].delete_policies = vec![BEFORE_CREATION.to_owned()];
    }
    if is_deletable(hook) && (is_unsaid || has_policy(hook, BEFORE_CREATION)) {
        delete(host, &object).await?;
    }
    operation.record.hooks[index].last_run =
        json!({ "started_at": Timestamp::now().to_string(), "phase": "Running" });
    operation.write().await?;
    let made = host.apply(&object).await?;
    let uid = made["metadata"]["uid"].as_str().unwrap_or_default();
    if matches!(hook.kind.as_str(), "Job" | "Pod") {
        until_ended(host, &object.reference, uid, progress).await?;
    }
    Ok(())
}

/// Waits until a Job or a Pod has ended, and says meanwhile what holds it; an error if it ended badly.
async fn until_ended(
    host: &Host,
    object: &ObjectRef,
    uid: &str,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let namespace = object.namespace.as_deref();
    let named = format!("metadata.name={}", object.name);
    let own = host.collection_of(object).await?;
    let pods = Collection::of("Pod", namespace);
    let of_job = format!("job-name={}", object.name);
    let (labels, fields) = if object.kind == "Job" {
        (of_job.as_str(), "")
    } else {
        ("", named.as_str())
    };
    let mut watch = Watch::<Finite>::for_arrivals(host, own, "", &named).await?;
    let mut pods = match Watch::<Pod>::for_arrivals(host, pods, labels, fields).await {
        // Who may not look at pods waits without a reason.
        Err(error) if error.is_forbidden() => None,
        pods => Some(pods?),
    };
    loop {
        // An event may still tell of an object of that name that has just been deleted.
        let ours = watch.objects().find(|found| found.metadata.uid == uid);
        if let Some(end) = ours.and_then(|found| end_of(&object.kind, &found.status)) {
            return end.map_err(|why| Error::new(Kind::Failed, why));
        }
        let obstacle = pods
            .iter()
            .flat_map(Watch::objects)
            .find_map(explain::pod)
            .map_or(String::new(), |obstacle| obstacle.reason);
        progress.because(&obstacle);
        let of_pods = async {
            match &mut pods {
                Some(pods) => pods.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = watch.changed() => changed?,
            changed = of_pods => changed?,
        }
    }
}

/// How a Job or a Pod ended; `None` while it goes on.
fn end_of(kind: &str, status: &Value) -> Option<Result<(), String>> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if kind == "Pod" {
        return match status["phase"].as_str()? {
            "Succeeded" => Some(Ok(())),
            "Failed" => {
                let why = [text(&status["reason"]), text(&status["message"])].join(": ");
                let why = why.trim_matches([':', ' ']).to_owned();
                Some(Err(if why.is_empty() {
                    "its pod ended with a failure".to_owned()
                } else {
                    why
                }))
            }
            _ => None,
        };
    }
    let conditions = status["conditions"].as_array()?;
    let mut met = conditions
        .iter()
        .filter(|condition| condition["status"] == "True");
    met.find_map(|condition| match condition["type"].as_str()? {
        "Complete" => Some(Ok(())),
        "Failed" => Some(Err(format!(
            "{}: {}",
            text(&condition["reason"]),
            text(&condition["message"])
        ))),
        _ => None,
    })
}

/// After a failure: what the policies say of the hook that failed, and of those that went well before it.
async fn tidy(operation: &Operation<'_>, failed: &Hook, done: &[&Hook]) {
    let (host, reference) = (operation.host, operation.reference);
    // That this fails too is no news beside the first failure.
    let _ = delete_by_policy(host, reference, failed, FAILED).await;
    for hook in done {
        let _ = delete_by_policy(host, reference, hook, SUCCEEDED).await;
    }
}

async fn delete_by_policy(
    host: &Host,
    reference: &ClusterRef,
    hook: &Hook,
    policy: &str,
) -> Result<(), Error> {
    if is_deletable(hook) && has_policy(hook, policy) {
        delete(host, &object_of(hook, reference)?).await?;
    }
    Ok(())
}

/// Deletes an object and waits until it is gone.
async fn delete(host: &Host, object: &Object) -> Result<(), Error> {
    let collection = match host.collection_of(&object.reference).await {
        // Its kind is not on the host, and so no object of it.
        Err(HostError::UnknownKind { .. }) => return Ok(()),
        collection => collection?,
    };
    let name = &object.reference.name;
    if host.fetch::<Partial>(&collection, name).await?.is_none() {
        return Ok(());
    }
    host.delete(&collection, name).await?;
    let named = format!("metadata.name={name}");
    let mut left = Watch::<Partial>::for_departures(host, collection, "", &named).await?;
    while left.objects().next().is_some() {
        left.changed().await?;
    }
    Ok(())
}

/// The deletion of a definition would take along every object of its kind.
fn is_deletable(hook: &Hook) -> bool {
    hook.kind != "CustomResourceDefinition"
}

fn has_policy(hook: &Hook, policy: &str) -> bool {
    hook.delete_policies.iter().any(|known| known == policy)
}

fn has_run(hook: &Hook) -> bool {
    hook.last_run["phase"]
        .as_str()
        .is_some_and(|phase| !phase.is_empty())
}

fn object_of(hook: &Hook, reference: &ClusterRef) -> Result<Object, Error> {
    let read = helm::parse_manifest_text(&hook.manifest).map_err(|error| {
        Error::new(
            Kind::Failed,
            format!("cannot read the hook of `{}`", hook.path),
        )
        .because(&error)
    })?;
    read.into_iter()
        .find_map(|manifest| Object::from_body(manifest.object, Some(&reference.namespace)))
        .ok_or_else(|| {
            Error::new(
                Kind::Failed,
                format!(
                    "the hook of `{}` is no object with a kind and a name",
                    hook.path
                ),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(name: &str, weight: i64, events: &[&str]) -> Hook {
        Hook {
            name: name.to_owned(),
            weight,
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            ..Hook::default()
        }
    }

    #[test]
    fn the_lighter_run_first_and_those_of_one_weight_by_name() {
        let hooks = [
            hook("c", 0, &["pre-install"]),
            hook("b", 5, &["pre-install", "pre-upgrade"]),
            hook("a", 5, &["pre-install"]),
            hook("d", -1, &["post-install"]),
        ];
        assert_eq!(due(&hooks, "pre-install"), [0, 2, 1]);
        assert_eq!(due(&hooks, "pre-upgrade"), [1]);
        assert!(!has(&hooks, "post-delete"));
    }

    #[test]
    fn the_end_of_a_job_and_of_a_pod_is_told_from_their_status() {
        let condition = |kind: &str| json!({"conditions": [{"type": kind, "status": "True", "reason": "R", "message": "m"}]});
        assert_eq!(end_of("Job", &condition("Complete")), Some(Ok(())));
        assert_eq!(
            end_of("Job", &condition("Failed")),
            Some(Err("R: m".to_owned()))
        );
        assert_eq!(end_of("Job", &condition("SuccessCriteriaMet")), None);
        assert_eq!(end_of("Pod", &json!({"phase": "Succeeded"})), Some(Ok(())));
        assert_eq!(end_of("Pod", &json!({"phase": "Running"})), None);
        assert_eq!(
            end_of("Pod", &json!({"phase": "Failed"})),
            Some(Err("its pod ended with a failure".to_owned()))
        );
        assert_eq!(
            end_of("Pod", &json!({"phase": "Failed", "reason": "Evicted"})),
            Some(Err("Evicted".to_owned()))
        );
    }
}
