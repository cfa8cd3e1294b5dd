//! The workloads of apps/v1: the pods and claims that they make.

use serde_json::{Value, json};

use super::{
    Controllers, JobFate, PodFate, all, all_in, edit, kind, owner_reference, owners,
    pods::is_ready, tell,
};
use crate::support::api_server::store::{Deletion, Key, Store};

impl Controllers {
    pub(super) fn run_workloads(&mut self, store: &mut Store) {
        for (key, deployment) in all(store, kind("apps", "deployments")) {
            run_deployment(store, &key, &deployment);
        }
        for (key, workload) in all(store, kind("apps", "statefulsets")) {
            self.run_replicas(store, &key, &workload);
        }
        for (key, workload) in all(store, kind("apps", "replicasets")) {
            self.run_replicas(store, &key, &workload);
        }
    }

    fn run_replicas(&mut self, store: &mut Store, key: &Key, workload: &Value) {
        if workload["metadata"]["deletionTimestamp"].is_string() {
            return;
        }
        let wanted = workload["spec"]["replicas"].as_u64().unwrap_or(1);
        let revision = format!(
            "{}-{}",
            key.name,
            fingerprint(&workload["spec"]["template"])
        );
        let pods: Vec<(Key, Value)> = all_in(store, kind("", "pods"), &key.namespace)
            .into_iter()
            .filter(|(_, pod)| owners(pod).any(|owner| owner["uid"] == workload["metadata"]["uid"]))
            .collect();
        let suffix = |index: u64| {
            if key.plural == "statefulsets" {
                index.to_string()
            } else {
                format!("{index:05}")
            }
        };
        let names: Vec<String> = (0..wanted)
            .map(|index| format!("{}-{}", key.name, suffix(index)))
            .collect();
        for (pod, object) in &pods {
            let is_outdated =
                object["metadata"]["labels"]["controller-revision-hash"] != revision.as_str();
            let is_leaving = object["metadata"]["deletionTimestamp"].is_string();
            if !is_leaving && (is_outdated || !names.contains(&pod.name)) {
                store.delete(pod, &Deletion::default()).ok();
            }
        }
        for (name, index) in names.iter().zip(0..) {
            if store
                .get(&Key::new(kind("", "pods"), &key.namespace, name))
                .is_some()
            {
                continue;
            }
            make_claims(store, key, workload, index);
            if let PodFate::Refused(words) = &self.settings.fate {
                let kind = workload["kind"].as_str().unwrap_or_default();
                let message = format!(
                    "create Pod {name} in {kind} {} failed error: {words}",
                    key.name
                );
                tell(store, key, workload, "Warning", "FailedCreate", &message);
            } else {
                make_pod(store, key, workload, name, &revision);
            }
        }
        let is_ready = |(pod, _): &&(Key, Value)| store.get(pod).is_some_and(is_ready);
        let ready = pods.iter().filter(is_ready).count();
        let present = pods
            .iter()
            .filter(|(pod, _)| store.get(pod).is_some())
            .count();
        edit(store, key, |object| {
            let status = &mut object["status"];
            status["replicas"] = present.into();
            status["readyReplicas"] = ready.into();
            status["availableReplicas"] = ready.into();
            status["currentReplicas"] = present.into();
            status["updatedReplicas"] = present.into();
            status["observedGeneration"] = workload["metadata"]["generation"].clone();
            status["currentRevision"] = revision.clone().into();
            status["updateRevision"] = revision.clone().into();
        });
    }
}

impl Controllers {
    /// Jobs end at once, without pods.
    pub(super) fn run_jobs(&mut self, store: &mut Store) {
        for (key, job) in all(store, kind("batch", "jobs")) {
            if job["status"]["conditions"].is_array() {
                continue;
            }
            let (end, reason, message) = match self.settings.jobs {
                JobFate::Complete => (
                    "Complete",
                    "CompletionsReached",
                    "Reached expected number of succeeded pods",
                ),
                JobFate::Fail => (
                    "Failed",
                    "BackoffLimitExceeded",
                    "Job has reached the specified backoff limit",
                ),
            };
            edit(store, &key, |object| {
                object["status"]["conditions"] = json!([{ "type": end, "status": "True", "reason": reason, "message": message }]);
            });
        }
    }
}

fn run_deployment(store: &mut Store, key: &Key, deployment: &Value) {
    if deployment["metadata"]["deletionTimestamp"].is_string() {
        return;
    }
    let template = &deployment["spec"]["template"];
    let set = Key::new(
        kind("apps", "replicasets"),
        &key.namespace,
        &format!("{}-{}", key.name, fingerprint(template)),
    );
    let spec = json!({
        "replicas": deployment["spec"]["replicas"], "selector": deployment["spec"]["selector"], "template": template,
    });
    for (other, _) in all_in(store, kind("apps", "replicasets"), &key.namespace)
        .into_iter()
        .filter(|(other, object)| {
            *other != set
                && owners(object).any(|owner| owner["uid"] == deployment["metadata"]["uid"])
        })
    {
        edit(store, &other, |object| {
            object["spec"]["replicas"] = 0.into();
        });
    }
    if store.get(&set).is_some() {
        edit(store, &set, |object| object["spec"] = spec);
    } else {
        let metadata = json!({
            "labels": template["metadata"]["labels"], "ownerReferences": owner_reference(deployment, true),
        });
        store
            .create(&set, json!({ "metadata": metadata, "spec": spec }), false)
            .ok();
    }
    let status = store
        .get(&set)
        .map(|set| set["status"].clone())
        .unwrap_or_default();
    edit(store, key, |object| {
        for field in [
            "replicas",
            "readyReplicas",
            "availableReplicas",
            "updatedReplicas",
        ] {
            object["status"][field] = status[field].clone();
        }
        object["status"]["observedGeneration"] = deployment["metadata"]["generation"].clone();
    });
}

fn make_claims(store: &mut Store, key: &Key, workload: &Value, index: u64) {
    for template in workload["spec"]["volumeClaimTemplates"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let name = template["metadata"]["name"].as_str().unwrap_or("data");
        let claim = Key::new(
            kind("", "persistentvolumeclaims"),
            &key.namespace,
            &format!("{name}-{}-{index}", key.name),
        );
        if store.get(&claim).is_some() {
            continue;
        }
        let mut metadata = json!({ "labels": workload["spec"]["selector"]["matchLabels"] });
        for (label, value) in template["metadata"]["labels"]
            .as_object()
            .into_iter()
            .flatten()
        {
            metadata["labels"][label] = value.clone();
        }
        if workload["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Delete" {
            metadata["ownerReferences"] = owner_reference(workload, false);
        }
        store
            .create(
                &claim,
                json!({ "metadata": metadata, "spec": template["spec"] }),
                false,
            )
            .ok();
    }
}

fn make_pod(store: &mut Store, key: &Key, workload: &Value, name: &str, revision: &str) {
    let template = &workload["spec"]["template"];
    let mut pod = json!({
        "metadata": {
            "labels": template["metadata"]["labels"], "annotations": template["metadata"]["annotations"],
            "ownerReferences": owner_reference(workload, true),
        },
        "spec": template["spec"],
    });
    if pod["metadata"]["annotations"].is_null() {
        pod["metadata"]["annotations"] = json!({});
    }
    pod["metadata"]["labels"]["controller-revision-hash"] = revision.into();
    if key.plural == "statefulsets" {
        pod["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] = name.into();
        let volumes = workload["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten().map(|template| {
            let volume = template["metadata"]["name"].as_str().unwrap_or("data");
            json!({ "name": volume, "persistentVolumeClaim": { "claimName": format!("{volume}-{name}") } })
        });
        let mut all: Vec<Value> = pod["spec"]["volumes"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        all.extend(volumes);
        pod["spec"]["volumes"] = all.into();
    }
    store
        .create(
            &Key::new(kind("", "pods"), &key.namespace, name),
            pod,
            false,
        )
        .ok();
}

/// A short text that changes with the value, as revisions of workloads do.
fn fingerprint(value: &Value) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    value.to_string().hash(&mut hasher);
    format!("{:010x}", hasher.finish() & 0xff_ffff_ffff)
}
