//! How a sleeping workload is marked and told from others: the contract with `vcluster pause` and `resume`, and the
//! marks of those who decide over a cluster beside us.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cluster::Manager;
use crate::host::read::{Metadata, Workload};

/// Annotations by which `vcluster pause` and we mark a sleeping cluster.
pub(super) const PAUSED: &str = "loft.sh/paused";
/// How many pods it had before.
const PAUSED_REPLICAS: &str = "loft.sh/paused-replicas";
/// When it was put to sleep.
const PAUSED_DATE: &str = "loft.sh/paused-date";
/// Label by which the vCluster platform marks one that it put to sleep itself.
const PLATFORM_SLEEP: &str = "loft.sh/sleep-mode";
/// Since when, by the vCluster platform, in seconds.
const PLATFORM_SLEEPING_SINCE: &str = "sleepmode.loft.sh/sleeping-since";
/// Label by which the vCluster platform marks the namespace of a cluster that it has taken over.
const PLATFORM_INSTANCE: &str = "loft.sh/vcluster-instance-name";
/// Marks of programs that keep a release as they have it, and so may wake what we put to sleep.
const MANAGERS: &[(&str, Manager)] = &[
    ("argocd.argoproj.io/tracking-id", Manager::ArgoCd),
    ("argocd.argoproj.io/instance", Manager::ArgoCd),
    ("helm.toolkit.fluxcd.io/name", Manager::Flux),
    ("kustomize.toolkit.fluxcd.io/name", Manager::Flux),
    (PLATFORM_INSTANCE, Manager::Platform),
];

/// The change that puts a workload to sleep, with the annotations that `vcluster resume` reads.
pub fn to_sleep(replicas: u32, now: Timestamp) -> Value {
    json!({
        "metadata": { "annotations": {
            PAUSED: "true",
            PAUSED_REPLICAS: replicas.to_string(),
            PAUSED_DATE: now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        } },
        "spec": { "replicas": 0 },
    })
}

/// The change that wakes a workload; without a number, it has that of pods already.
pub fn to_wake(replicas: Option<u32>) -> Value {
    let mut change = json!({
        "metadata": { "annotations": { PAUSED: null, PAUSED_REPLICAS: null, PAUSED_DATE: null } },
    });
    if let Some(replicas) = replicas {
        change["spec"]["replicas"] = replicas.into();
    }
    change
}

/// The pods that a workload has, or comes back to, as many as it had when it was put to sleep.
///
/// `None` where it has none and no mark says how many it had: it was only scaled to zero.
pub fn replicas_awake(workload: &Workload) -> Option<u32> {
    let saved = || {
        workload
            .metadata
            .annotations
            .get(PAUSED_REPLICAS)?
            .parse()
            .ok()
    };
    match workload.spec.replicas {
        Some(0) => saved().filter(|replicas| *replicas > 0),
        replicas => Some(replicas.unwrap_or(1)),
    }
}

/// Whether somebody put it to sleep and said so, which a mere scale to zero does not.
pub fn is_marked(metadata: &Metadata) -> bool {
    metadata
        .annotations
        .get(PAUSED)
        .is_some_and(|value| value == "true")
        || is_slept_by_platform(metadata)
}

/// Whether the vCluster platform put it to sleep.
pub fn is_slept_by_platform(metadata: &Metadata) -> bool {
    metadata
        .labels
        .get(PLATFORM_SLEEP)
        .is_some_and(|value| value == "true")
}

/// Since when it sleeps, by whoever put it to sleep.
pub fn sleeping_since(metadata: &Metadata) -> Option<Timestamp> {
    let annotations = &metadata.annotations;
    let marked = || annotations.get(PAUSED_DATE)?.parse().ok();
    let by_platform = || {
        let seconds = annotations.get(PLATFORM_SLEEPING_SINCE)?.parse().ok()?;
        Timestamp::from_second(seconds).ok()
    };
    marked().or_else(by_platform)
}

/// Who else decides over what carries these marks: the workload, or its namespace.
pub fn manager_of(metadata: &Metadata) -> Option<Manager> {
    if is_slept_by_platform(metadata) {
        return Some(Manager::Platform);
    }
    let is_marked =
        |mark: &str| metadata.annotations.contains_key(mark) || metadata.labels.contains_key(mark);
    MANAGERS
        .iter()
        .find(|(mark, _)| is_marked(mark))
        .map(|(_, manager)| *manager)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(json: Value) -> Workload {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn as_many_pods_come_back_as_there_were() {
        let awake = |json: Value| replicas_awake(&workload(json));
        assert_eq!(awake(json!({})), Some(1));
        assert_eq!(awake(json!({"spec": {"replicas": 3}})), Some(3));
        assert_eq!(awake(json!({"spec": {"replicas": 0}})), None);
        let marked = |replicas: &str| json!({"spec": {"replicas": 0}, "metadata": {"annotations": {PAUSED_REPLICAS: replicas}}});
        assert_eq!(awake(marked("3")), Some(3));
        assert_eq!(awake(marked("0")), None);
        assert_eq!(awake(marked("many")), None);
    }

    #[test]
    fn who_else_decides_is_told_from_labels_and_annotations() {
        let manager = |json: Value| manager_of(&workload(json!({ "metadata": json })).metadata);
        assert_eq!(manager(json!({"labels": {"app": "vcluster"}})), None);
        assert_eq!(
            manager(json!({"annotations": {"argocd.argoproj.io/tracking-id": "x"}})),
            Some(Manager::ArgoCd)
        );
        assert_eq!(
            manager(json!({"labels": {"helm.toolkit.fluxcd.io/name": "x"}})),
            Some(Manager::Flux)
        );
        assert_eq!(
            manager(json!({"labels": {"loft.sh/vcluster-instance-name": "x"}})),
            Some(Manager::Platform)
        );
        assert_eq!(
            manager(json!({"labels": {"loft.sh/sleep-mode": "true"}})),
            Some(Manager::Platform)
        );
    }
}
