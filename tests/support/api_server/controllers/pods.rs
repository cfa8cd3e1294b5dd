//! Pods and the volumes that they use, as scheduler, kubelet and provisioner tend them.

use serde_json::{Value, json};

use super::{Controllers, PodFate, all, all_in, drop_finalizer, edit, kind, tell, uid};
use crate::support::api_server::store::{Key, Store, finalizers, now};

impl Controllers {
    pub(super) fn run_pods(&mut self, store: &mut Store) {
        for (key, pod) in all(store, kind("", "pods")) {
            if pod["metadata"]["deletionTimestamp"].is_string() {
                if self.has_waited(uid(&pod), "stop", self.settings.pod_stop)
                    && finalizers(&pod).is_empty()
                {
                    store.remove(&key);
                }
                continue;
            }
            if is_ready(&pod) || !self.has_waited(uid(&pod), "start", self.settings.pod_start) {
                continue;
            }
            let fate = self.settings.fate.clone();
            if !matches!(fate, PodFate::Unschedulable(_)) && !pod["spec"]["nodeName"].is_string() {
                edit(store, &key, |object| {
                    object["spec"]["nodeName"] = "node-1".into();
                    object["status"]["conditions"] =
                        json!([condition("PodScheduled", true, "", "")]);
                });
            }
            edit(store, &key, |object| end_up(object, &fate));
        }
    }
}

/// Whether a pod is ready to serve.
pub(super) fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

fn end_up(pod: &mut Value, fate: &PodFate) {
    let waiting = |reason: &str, message: String| json!({ "waiting": { "reason": reason, "message": message } });
    let containers: Vec<Value> = pod["spec"]["containers"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let image = containers
        .first()
        .and_then(|container| container["image"].as_str())
        .unwrap_or_default();
    let (phase, is_ready, state) = match fate {
        PodFate::Unschedulable(message) => {
            pod["status"]["conditions"] =
                json!([condition("PodScheduled", false, "Unschedulable", message)]);
            return;
        }
        PodFate::Ready if pod["metadata"]["annotations"]["helm.sh/hook"].is_string() => (
            "Succeeded",
            false,
            json!({ "terminated": { "exitCode": 0, "reason": "Completed" } }),
        ),
        PodFate::Ready => (
            "Running",
            true,
            json!({ "running": { "startedAt": now() } }),
        ),
        PodFate::Unready | PodFate::Refused(_) => (
            "Running",
            false,
            json!({ "running": { "startedAt": now() } }),
        ),
        PodFate::ImagePullBackOff => {
            let message = format!("Back-off pulling image \"{image}\"");
            ("Pending", false, waiting("ImagePullBackOff", message))
        }
        PodFate::Waits(reason, message) => ("Pending", false, waiting(reason, message.clone())),
        PodFate::Crashes(_) => {
            let message = "back-off 10s restarting failed container".to_owned();
            ("Running", false, waiting("CrashLoopBackOff", message))
        }
    };
    let was = pod["status"]["phase"].clone();
    if was == phase && pod["status"]["containerStatuses"][0]["state"].is_object() && !is_ready {
        return;
    }
    let statuses: Vec<Value> = containers
        .iter()
        .map(|container| {
            let mut status = json!({
                "name": container["name"], "image": container["image"], "imageID": "", "ready": is_ready,
                "started": is_ready, "restartCount": 0, "state": state,
            });
            if let PodFate::Crashes(restarts) = fate {
                status["restartCount"] = (*restarts).into();
                status["lastState"] = json!({ "terminated": { "exitCode": 1, "reason": "Error" } });
            }
            status
        })
        .collect();
    let reason = if is_ready { "" } else { "ContainersNotReady" };
    pod["status"] = json!({
        "phase": phase,
        "podIP": "10.244.0.5",
        "hostIP": "127.0.0.1",
        "startTime": now(),
        "conditions": [
            condition("PodScheduled", true, "", ""),
            condition("Initialized", true, "", ""),
            condition("ContainersReady", is_ready, reason, "containers with unready status"),
            condition("Ready", is_ready, reason, "containers with unready status"),
        ],
        "containerStatuses": statuses,
    });
}

fn condition(kind: &str, is_true: bool, reason: &str, message: &str) -> Value {
    let mut condition = json!({
        "type": kind, "status": if is_true { "True" } else { "False" }, "lastTransitionTime": now(),
    });
    if !reason.is_empty() {
        condition["reason"] = reason.into();
        condition["message"] = message.into();
    }
    condition
}

impl Controllers {
    pub(super) fn bind_claims(&self, store: &mut Store) {
        for (key, claim) in all(store, kind("", "persistentvolumeclaims")) {
            let volume = format!("pvc-{}", uid(&claim));
            let volume_key = Key::new(kind("", "persistentvolumes"), "", &volume);
            if claim["metadata"]["deletionTimestamp"].is_string() {
                let is_used =
                    all_in(store, kind("", "pods"), &key.namespace)
                        .iter()
                        .any(|(_, pod)| {
                            let volumes = pod["spec"]["volumes"].as_array();
                            volumes.into_iter().flatten().any(|volume| {
                                volume["persistentVolumeClaim"]["claimName"] == key.name.as_str()
                            })
                        });
                if !is_used {
                    drop_finalizer(store, &key, "kubernetes.io/pvc-protection");
                    store.remove(&volume_key);
                }
            } else if let Some((reason, message)) = &self.settings.unbound {
                tell(store, &key, &claim, "Normal", reason, message);
            } else if claim["status"]["phase"] != "Bound" {
                let spec = json!({
                    "claimRef": { "namespace": key.namespace, "name": key.name, "uid": claim["metadata"]["uid"] },
                    "persistentVolumeReclaimPolicy": "Delete", "capacity": claim["spec"]["resources"]["requests"],
                });
                store
                    .create(
                        &volume_key,
                        json!({ "spec": spec, "status": { "phase": "Bound" } }),
                        false,
                    )
                    .ok();
                edit(store, &key, |object| {
                    object["spec"]["volumeName"] = volume.into();
                    object["status"]["phase"] = "Bound".into();
                    object["status"]["capacity"] = object["spec"]["resources"]["requests"].clone();
                });
            }
        }
    }
}
