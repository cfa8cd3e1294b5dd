//! A control plane's pod, and which one of several to use.

use std::collections::BTreeMap;

use kube::api::{ApiResource, NotUsed, Object};
use serde::Deserialize;

/// The container of a control-plane pod that serves the virtual API.
const CONTROL_PLANE_CONTAINER: &str = "syncer";

/// A pod, told apart from a later one of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PodRef {
    pub(super) name: String,
    pub(super) uid: String,
}

/// A pod, as far as the choice among pods needs it: reading all that a pod is would be half a megabyte of code.
pub(super) type Pod = Object<Option<NotUsed>, PodStatus>;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodStatus {
    phase: String,
    conditions: Vec<Condition>,
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerStatus {
    name: String,
    state: ContainerState,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerState {
    running: Option<NotUsed>,
}

/// The kind, for a client that reads it.
pub(super) fn resource() -> ApiResource {
    ApiResource {
        group: String::new(),
        version: "v1".to_owned(),
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        plural: "pods".to_owned(),
    }
}

/// The facts about one pod that decide whether it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    uid: String,
    created: k8s_openapi::jiff::Timestamp,
    pub(super) is_ready: bool,
    is_serving: bool,
    is_ending: bool,
}

impl Seen {
    /// Its name, and what is seen of it; `None` without a name.
    pub(super) fn entry(pod: &Pod) -> Option<(String, Self)> {
        let status = pod.status.clone().unwrap_or_default();
        let is_ready = status
            .conditions
            .iter()
            .any(|one| one.kind == "Ready" && one.status == "True");
        let is_serving = status
            .container_statuses
            .iter()
            .any(|one| one.name == CONTROL_PLANE_CONTAINER && one.state.running.is_some());
        let seen = Self {
            uid: pod.metadata.uid.clone().unwrap_or_default(),
            created: pod
                .metadata
                .creation_timestamp
                .as_ref()
                .map_or(k8s_openapi::jiff::Timestamp::MIN, |time| time.0),
            is_ready,
            is_serving,
            is_ending: pod.metadata.deletion_timestamp.is_some()
                || matches!(status.phase.as_str(), "Succeeded" | "Failed"),
        };
        Some((pod.metadata.name.clone()?, seen))
    }
}

/// The newest ready pod; without one, the newest whose control plane runs.
///
/// The API serves some time before the kubelet's probe says so, and those seconds are the user's.
pub(super) fn choose(seen: &BTreeMap<String, Seen>) -> Option<PodRef> {
    let newest = |fits: fn(&Seen) -> bool| {
        seen.iter()
            .filter(|(_, pod)| !pod.is_ending && fits(pod))
            .max_by_key(|(name, pod)| (pod.created, *name))
    };
    newest(|pod| pod.is_ready)
        .or_else(|| newest(|pod| pod.is_serving))
        .map(|(name, pod)| PodRef {
            name: name.clone(),
            uid: pod.uid.clone(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The pod chosen among some made a minute apart, oldest first.
    fn chosen(kinds: &[&str]) -> Option<String> {
        let pods = kinds.iter().enumerate().map(|(index, kind)| {
            let state = if kind.contains("running") {
                "running"
            } else {
                "waiting"
            };
            let ready = if kind.contains("ready") {
                "True"
            } else {
                "False"
            };
            let mut pod = json!({
                "metadata": {
                    "name": format!("{kind}-{index}"),
                    "creationTimestamp": format!("2026-01-01T00:{index:02}:00Z"),
                },
                "status": {
                    "conditions": [{ "type": "Ready", "status": ready }],
                    "containerStatuses": [{
                        "name": CONTROL_PLANE_CONTAINER, "state": { state: {} },
                        "ready": false, "restartCount": 0, "image": "", "imageID": "",
                    }],
                },
            });
            if kind.contains("ending") {
                pod["metadata"]["deletionTimestamp"] = json!("2026-01-02T00:00:00Z");
            }
            let pod: Pod = serde_json::from_value(pod).expect("a pod");
            Seen::entry(&pod).expect("a name")
        });
        choose(&pods.collect()).map(|pod| pod.name)
    }

    #[test]
    fn the_newest_ready_pod_is_chosen() {
        assert_eq!(chosen(&[]), None);
        assert_eq!(chosen(&["waiting"]), None);
        assert_eq!(
            chosen(&["ready", "ready", "waiting"]).as_deref(),
            Some("ready-1")
        );
        assert_eq!(chosen(&["ready", "running"]).as_deref(), Some("ready-0"));
        assert_eq!(
            chosen(&["ready", "ready-ending"]).as_deref(),
            Some("ready-0")
        );
        assert_eq!(chosen(&["ready-ending"]), None);
    }

    #[test]
    fn without_a_ready_pod_a_running_control_plane_will_do() {
        assert_eq!(
            chosen(&["running", "waiting"]).as_deref(),
            Some("running-0")
        );
    }
}
