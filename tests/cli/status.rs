//! `vc status`.

use insta::assert_snapshot;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::{
    api_server::{Fault, Nth, PodFate, Scope},
    cluster::{running, sleeping},
    sandbox::Sandbox,
};

const METRICS: &str = "/apis/metrics.k8s.io/v1beta1/namespaces/vcluster-dev/pods";

fn metrics(pod: &str, cpu: &str, memory: &str) -> Value {
    json!({
        "apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics",
        "metadata": { "name": pod, "namespace": "vcluster-dev" },
        "containers": [{ "name": "c", "usage": { "cpu": cpu, "memory": memory } }],
    })
}

fn warning(kind: &str, name: &str, reason: &str, message: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": reason, "message": message, "count": 4,
        "metadata": { "name": format!("{name}.{}", reason.to_lowercase()), "namespace": "vcluster-dev" },
        "involvedObject": { "kind": kind, "name": name, "namespace": "vcluster-dev" },
        "lastTimestamp": (Timestamp::now() - SignedDuration::from_hours(73)).to_string(),
    })
}

const QUOTA: &str = "pods \"dev-0\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3";

#[test]
fn all_that_there_is_to_know_takes_two_round_trips() {
    let vc = Sandbox::new().with(running("dev").with_tenant_pods(2));
    vc.host.create_all([
        metrics("dev-0", "123456789n", "300000Ki"),
        metrics("web-0-x-default-x-dev", "1m", "1Mi"),
        metrics("somebody-else", "8", "8Gi"),
        warning("Node", "node-1", "SystemOOM", "System OOM\n  encountered"),
        warning("Pod", "gone", "BackOff", "of a pod that is gone"),
    ]);
    assert_snapshot!(vc.run("status dev"));
    assert_snapshot!(vc.calls());
    assert_snapshot!(vc.run("status dev -o json"));
    assert_eq!(vc.run("status dev -o name").stdout, "dev\n");
}

#[test]
fn a_cluster_that_is_not_ready_says_why() {
    let vc = Sandbox::new();
    vc.host
        .set(|settings| settings.fate = PodFate::ImagePullBackOff);
    let vc = vc.with(running("dev"));
    assert_snapshot!(vc.run("status dev"));
    vc.host
        .set(|settings| settings.fate = PodFate::Refused(QUOTA.to_owned()));
    vc.host.delete("/api/v1/namespaces/vcluster-dev/pods/dev-0");
    let output = vc.run("status dev");
    assert!(output.stdout.contains("exceeded quota"), "{output}");
}

#[test]
fn a_sleeping_cluster_says_since_when() {
    let vc = Sandbox::new().with(sleeping("dev"));
    let output = vc.run("status dev -o json");
    let status: Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!(status["state"], "Sleeping", "{output}");
    assert!(status["sleeping_since"].is_string(), "{output}");
    assert_eq!(status["pods"], json!([]), "{output}");
    assert_eq!(status["resources"]["used"], Value::Null, "{output}");
}

#[test]
fn without_a_name_the_current_context_says_which() {
    let vc = Sandbox::new().with(running("dev")).with(running("other"));
    vc.run("connect dev");
    vc.host.forget_calls();
    let output = vc.run("status -o json");
    let status: Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!(status["name"], "dev", "{output}");
    assert!(
        status["endpoint"]["local"]
            .as_str()
            .is_some_and(|server| server.starts_with("https://127.0.0.1:")),
        "{output}"
    );
    vc.run("disconnect");
    let output = vc.run("status");
    assert_eq!(output.code, Some(2), "{output}");
    assert!(
        output
            .stderr
            .contains("`dev` in `vcluster-dev`, `other` in `vcluster-other`"),
        "{output}"
    );
}

#[test]
fn what_may_not_be_looked_at_is_said_and_the_rest_shown() {
    let vc = Sandbox::new().with(running("dev"));
    for resource in ["pods", "events", "persistentvolumeclaims", "services"] {
        vc.host.forbid("*", resource, Scope::Anywhere);
    }
    assert_snapshot!(vc.run("status dev"));
}

#[test]
fn a_host_that_measures_slowly_or_not_at_all_is_not_waited_for() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host
        .fault(&format!("list {METRICS}"), Nth::Every, Fault::Hang);
    let output = vc.run("status dev -o json");
    let status: Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!(status["resources"]["used"], Value::Null, "{output}");
    vc.host.behave();
    vc.host.forget_calls();
    vc.host
        .fault(&format!("list {METRICS}"), Nth::Every, Fault::Status(404));
    assert_eq!(vc.run("status dev").code, Some(0));
    let calls = vc.calls();
    assert_eq!(calls.matches("metrics.k8s.io").count(), 1, "{calls}");
}

#[test]
fn a_missing_cluster_is_4() {
    let vc = Sandbox::new().with(running("dev"));
    assert_eq!(vc.run("status dve").code, Some(4));
}
