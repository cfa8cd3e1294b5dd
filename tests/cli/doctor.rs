//! `vc doctor`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{
    api_server::{Fault, Nth, Scope},
    cluster::running,
    sandbox::Sandbox,
};

/// A user whose kubeconfig is private, as programs write it.
fn user() -> Sandbox {
    let vc = Sandbox::new();
    set_mode(&vc, 0o600);
    let mark = json!({"storageclass.kubernetes.io/is-default-class": "true"});
    vc.host.create_all([json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "none",
        "metadata": {"name": "standard", "annotations": mark},
    })]);
    vc
}

fn set_mode(vc: &Sandbox, mode: u32) {
    let path = vc.path("home/.kube/config");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("our own file");
}

/// A user with contexts for a cluster that is there, one that is not, and one that was made anew.
fn with_gone_clusters() -> Sandbox {
    let vc = user().with_all([running("dev"), running("gone"), running("anew")]);
    for name in ["anew", "dev", "gone"] {
        vc.run(&format!("connect {name}"));
    }
    for name in ["gone", "anew"] {
        vc.host
            .delete(&format!("/api/v1/namespaces/vcluster-{name}"));
    }
    let vc = vc.with(running("anew"));
    vc.host.forget_calls();
    vc
}

#[test]
fn where_all_is_well_it_says_so() {
    let vc = user().with(running("dev"));
    vc.run("connect dev");
    vc.host.forget_calls();
    assert_snapshot!(vc.run("doctor"));
    assert_snapshot!(vc.calls());
}

#[test]
fn contexts_of_clusters_that_are_gone_are_told_and_kept() {
    let vc = with_gone_clusters();
    let before = vc.kubeconfig();
    assert_snapshot!(vc.run("doctor --kubeconfig"));
    assert_snapshot!(vc.calls());
    vc.run("doctor --kubeconfig --dry-run --yes");
    assert_eq!(vc.kubeconfig(), before);
}

#[test]
fn contexts_of_clusters_that_are_gone_are_removed_on_consent() {
    let vc = with_gone_clusters();
    assert_snapshot!(vc.run("doctor --kubeconfig --yes -o json"));
    let after = vc.kubeconfig();
    assert!(!after.contains("name: vcluster_gone") && !after.contains("name: vcluster_anew"));
    assert!(
        after.contains("current-context: vcluster_dev_vcluster-dev_host\n"),
        "{after}"
    );
    assert_eq!(vc.run("doctor --kubeconfig").code, Some(0));
}

#[test]
fn a_host_that_does_not_answer_or_does_not_let_us_look_says_nothing() {
    let vc = with_gone_clusters();
    let before = vc.kubeconfig();
    vc.host.forbid("get", "services", Scope::Anywhere);
    let output = vc.run("doctor --kubeconfig --yes");
    assert_eq!(output.code, Some(0), "{output}");
    vc.host.fault("*", Nth::Every, Fault::Reset);
    assert_snapshot!(vc.run("doctor --kubeconfig --yes"));
    assert_eq!(vc.kubeconfig(), before);
}

#[test]
fn a_context_that_vcluster_made_is_known_by_its_name() {
    let vc = user();
    let made = "- name: vcluster_old_team-a_host\n  context: {cluster: vcluster_old_team-a_host, user: vcluster_old_team-a_host}\n\
                - name: vcluster_old_team-a_elsewhere\n  context: {cluster: x, user: x}\n";
    let kubeconfig = vc.kubeconfig();
    vc.write(
        "home/.kube/config",
        &kubeconfig.replace("contexts:\n", &format!("contexts:\n{made}")),
    );
    assert_snapshot!(vc.run("doctor --kubeconfig --yes"));
    let after = vc.kubeconfig();
    assert!(!after.contains("vcluster_old_team-a_host"), "{after}");
    assert!(after.contains("vcluster_old_team-a_elsewhere"), "{after}");
}

#[test]
fn what_a_host_lacks_is_named() {
    let vc = user();
    vc.host.forbid("create", "secrets", Scope::Anywhere);
    vc.host.forbid(
        "*",
        "pods/portforward",
        Scope::Namespace("team-a".to_owned()),
    );
    vc.host
        .delete("/apis/storage.k8s.io/v1/storageclasses/standard");
    vc.host.create_all([json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "team-a", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    })]);
    assert_snapshot!(vc.run("doctor -n team-a -o wide"));
}

#[test]
fn a_host_that_cannot_be_reached_is_the_problem() {
    let vc = user();
    vc.host.fault("*", Nth::Every, Fault::Status(503));
    let output = vc.run("doctor --timeout 20s");
    assert_eq!(output.code, Some(1), "{output}");
    assert!(output.stdout.contains("problem   host"), "{output}");
}

#[test]
fn faults_of_the_file_are_told() {
    let vc = user();
    set_mode(&vc, 0o644);
    vc.write("home/.kube/config.lock", "");
    let lock = fs::File::options()
        .write(true)
        .open(vc.path("home/.kube/config.lock"))
        .expect("our own file");
    lock.set_modified(SystemTime::now() - Duration::from_hours(1))
        .expect("our own file");
    vc.write(
        "home/.kube/config",
        &vc.kubeconfig()
            .replace("current-context: host", "current-context: hots"),
    );
    let output = vc
        .run("doctor --kubeconfig")
        .to_string()
        .replace(" 3600 s", " [TIME]");
    assert_snapshot!(output);
    vc.write("home/.kube/config", "clusters: [\n");
    fs::remove_file(vc.path("home/.kube/config.lock")).expect("our own file");
    assert_snapshot!(vc.run("doctor --kubeconfig"));
    assert_snapshot!(vc.run("doctor --kubeconfig other.yaml"));
}
