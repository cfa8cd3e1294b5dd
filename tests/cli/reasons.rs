//! Why a cluster is not ready: told while it is waited for, and at once where waiting cannot help.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{
    api_server::{Fault, Nth, PodFate},
    cluster::sleeping,
    sandbox::Sandbox,
};

/// A command that ends long before this time-out did not wait for it.
const PATIENCE: &str = "--timeout 50s";

fn with_fate(fate: PodFate) -> Sandbox {
    let vc = Sandbox::new();
    vc.host.set(|settings| settings.fate = fate);
    vc
}

fn with_node(vc: &Sandbox, provider_id: &str) {
    vc.host.create_all([json!({
        "apiVersion": "v1", "kind": "Node", "metadata": { "name": "node-1" },
        "spec": { "providerID": provider_id },
        "status": { "allocatable": { "cpu": "2", "memory": "8Gi" } },
    })]);
}

fn unscheduled(why: &str) -> PodFate {
    PodFate::Unschedulable(format!(
        "0/1 nodes are available: {why}. preemption: 0/1 nodes are available: 1 Preemption is not helpful for \
         scheduling."
    ))
}

#[test]
fn an_image_that_cannot_be_pulled_is_said() {
    let vc = with_fate(PodFate::ImagePullBackOff);
    let before = vc.kubeconfig();
    assert_snapshot!(vc.run("create dev --timeout 2s"));
    assert_eq!(vc.kubeconfig(), before);
}

#[test]
fn an_image_that_does_not_exist_ends_it() {
    let words = "rpc error: code = NotFound desc = failed to pull and unpack image \"ghcr.io/a/b:9\": failed to \
                 resolve reference \"ghcr.io/a/b:9\": ghcr.io/a/b:9: not found";
    let vc = with_fate(PodFate::Waits("ErrImagePull", words.to_owned()));
    let before = vc.kubeconfig();
    assert_snapshot!(vc.run(&format!("create dev {PATIENCE}")));
    assert_eq!(vc.kubeconfig(), before);
    assert_eq!(vc.tunnels(), [] as [u64; 0]);
    assert_eq!(vc.run("delete dev").code, Some(0));
}

#[test]
fn a_pod_that_no_node_takes_now_is_said() {
    let vc = with_fate(unscheduled("1 Insufficient memory"));
    with_node(&vc, "");
    assert_snapshot!(vc.run("create dev --timeout 2s"));
}

#[test]
fn a_pod_that_no_node_will_ever_take_ends_it() {
    let selector = "1 node(s) didn't match Pod's node affinity/selector";
    let vc = with_fate(unscheduled(selector));
    with_node(&vc, "");
    assert_snapshot!(vc.run(&format!(
        "create dev {PATIENCE} --set controlPlane.statefulSet.scheduling.nodeSelector.disk=fast"
    )));
    let vc = with_fate(unscheduled("1 Insufficient cpu"));
    with_node(&vc, "");
    assert_snapshot!(vc.run(&format!(
        "create dev {PATIENCE} --set-string controlPlane.statefulSet.resources.requests.cpu=1000"
    )));
    let vc = with_fate(unscheduled(
        "1 node(s) had untolerated taint {dedicated: gpu}",
    ));
    with_node(&vc, "");
    assert_snapshot!(vc.run(&format!("create dev {PATIENCE}")));
}

#[test]
fn a_host_that_may_grow_is_waited_for() {
    let vc = with_fate(unscheduled("1 Insufficient cpu"));
    with_node(&vc, "aws:///eu-central-1a/i-0");
    assert_snapshot!(vc.run(
        "create dev --timeout 2s --set-string controlPlane.statefulSet.resources.requests.cpu=1000"
    ));
}

#[test]
fn a_crash_is_said_with_its_last_words_and_the_fourth_ends_it() {
    let log = "starting\nE1126 token=secret-of-the-log rejected\nerror: unknown flag: --wrong\n"
        .to_owned();
    let vc = with_fate(PodFate::Crashes(0));
    vc.host.set(|settings| settings.log.clone_from(&log));
    assert_snapshot!(vc.run("create dev --timeout 2s"));
    let vc = with_fate(PodFate::Crashes(3));
    vc.host.set(|settings| settings.log = log);
    let output = vc.run(&format!("create dev {PATIENCE}"));
    assert!(!output.stderr.contains("secret-of-the-log"), "{output}");
    assert_snapshot!(output);
    let logs = vc.each_call().0;
    let logs = logs.iter().filter(|call| call.path.ends_with("/log"));
    assert_eq!(logs.count(), 1, "{}", vc.calls());
}

#[test]
fn a_refusal_of_the_pod_ends_it() {
    for (name, words) in [
        (
            "quota",
            "pods \"dev-0\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3",
        ),
        (
            "pod-security",
            "pods \"dev-0\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != \
             false (container \"syncer\" must set securityContext.allowPrivilegeEscalation=false)",
        ),
        (
            "webhook",
            "admission webhook \"policy.example.com\" denied the request: no owner label",
        ),
    ] {
        let vc = with_fate(PodFate::Refused(words.to_owned()));
        assert_snapshot!(name, vc.run(&format!("create dev {PATIENCE}")));
    }
}

#[test]
fn a_claim_that_nothing_serves_ends_it() {
    let waits = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.";
    for (name, reason, words) in [
        (
            "no-default-class",
            "FailedBinding",
            "no persistent volumes available for this claim and no storage class is set",
        ),
        (
            "no-such-class",
            "ProvisioningFailed",
            "storageclass.storage.k8s.io \"fast\" not found",
        ),
    ] {
        let vc = with_fate(PodFate::Unschedulable(waits.to_owned()));
        vc.host
            .set(|settings| settings.unbound = Some((reason, words.to_owned())));
        let output = vc.run(&format!("create dev {PATIENCE}"));
        assert_eq!(output.code, Some(1), "{output}");
        // Which of pod and claim is told of first is a race.
        let (_, end) = output.stderr.split_once("error: ").expect("an error");
        assert_snapshot!(name, end);
    }
}

#[test]
fn a_claim_that_waits_for_its_provisioner_is_said() {
    let waits = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.";
    let vc = with_fate(PodFate::Unschedulable(waits.to_owned()));
    let words = "Waiting for a volume to be created either by the external provisioner 'disk.example.com' or manually \
                 by the system administrator.";
    vc.host
        .set(|settings| settings.unbound = Some(("ExternalProvisioning", words.to_owned())));
    let output = vc.run("create dev --timeout 2s");
    // Which of pod and claim is told of first is a race; which of them is told at the end is not.
    let (_, end) = output.stderr.split_once("error: ").expect("an error");
    assert_snapshot!(end.replace("2 s", "[TIME]"));
}

#[test]
fn who_may_not_look_at_nodes_events_or_logs_still_gets_a_reason() {
    use crate::support::api_server::Scope;
    let vc = with_fate(unscheduled(
        "1 node(s) didn't match Pod's node affinity/selector",
    ));
    for resource in ["nodes", "events", "pods/log"] {
        vc.host.forbid("*", resource, Scope::Anywhere);
    }
    assert_snapshot!(vc.run("create dev --timeout 2s"));
    vc.host.set(|settings| settings.fate = PodFate::Crashes(1));
    let again = vc.run("create dev --timeout 2s");
    assert!(again.code == Some(6), "{again}");
}

#[test]
fn a_cluster_that_cannot_wake_is_not_to_be_deleted_for_that() {
    let vc = Sandbox::new().with(sleeping("dev"));
    vc.host.set(|settings| {
        settings.fate = PodFate::Refused("exceeded quota: small".to_owned());
    });
    let output = vc.run(&format!("wake dev {PATIENCE}"));
    assert!(!output.stderr.contains("vc delete"), "{output}");
    assert_snapshot!(output);
}

#[test]
fn nobody_waits_five_seconds_without_a_word() {
    let vc = Sandbox::new();
    vc.host.fault("*", Nth::Every, Fault::Hang);
    let plain = vc.start("list --timeout 6s");
    let json = vc.start("list --timeout 6s -o json");
    let quiet = vc.start("list --timeout 6s -q");
    let step = vc.start("create dev --timeout 6s");
    let step_in_json = vc.start("create dev --timeout 6s -o json");
    for (started, word) in [
        (plain, "still asking the host ("),
        (json, r#"{"event":"waiting","#),
        (step, "still looking at `vcluster-dev` ("),
        (step_in_json, r#"{"event":"waiting","#),
    ] {
        let output = started.finish();
        assert!(output.stderr.contains(word), "{}", output.stderr);
        assert_eq!(output.code, Some(6), "{output}");
    }
    let quiet = quiet.finish();
    assert!(quiet.stderr.starts_with("error: timed out"), "{quiet}");
}

#[test]
fn a_slow_pod_is_no_failure() {
    let vc = Sandbox::new();
    vc.host
        .set(|settings| settings.pod_start = Duration::from_millis(300));
    assert_eq!(vc.run("create dev").code, Some(0));
}
