//! `vc list`.

use insta::assert_snapshot;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::support::{
    api_server::{Fault, Nth, PodFate, Scope},
    cluster::{running, sleeping},
    sandbox::Sandbox,
};

#[test]
fn without_any_cluster_every_form_is_valid() {
    let vc = Sandbox::new();
    assert_snapshot!(vc.run("list"));
    assert_snapshot!(vc.calls());
    assert_eq!(vc.run("list -o json").stdout, "[]\n");
    assert_eq!(vc.run("list -o yaml").stdout, "[]\n");
    assert_eq!(vc.run("list -o name").stdout, "");
    assert_snapshot!(vc.run("list -o wide"));
}

#[test]
fn every_state_is_told_apart() {
    let vc = Sandbox::new().with(running("dev")).with(sleeping("old"));
    vc.host
        .set(|settings| settings.fate = PodFate::ImagePullBackOff);
    let vc = vc.with(running("stuck").in_namespace("team-a"));
    assert_snapshot!(vc.run("list"));
    assert_snapshot!(vc.calls());
    assert_snapshot!(vc.run("ls -o wide"));
    assert_snapshot!(vc.run("list -o json"));
    assert_snapshot!(vc.run("list -o yaml"));
    assert_snapshot!(vc.run("list -o name"));
}

#[test]
fn one_namespace_asks_only_there() {
    let vc = Sandbox::new()
        .with(running("dev"))
        .with(running("other").in_namespace("team-a"));
    assert_snapshot!(vc.run("list -n team-a"));
    assert_snapshot!(vc.calls());
}

#[test]
fn labels_select() {
    let vc = Sandbox::new().with(running("dev")).with(running("other"));
    vc.host.edit(
        "/apis/apps/v1/namespaces/vcluster-dev/statefulsets/dev",
        |workload| {
            workload["metadata"]["labels"]["team"] = "a".into();
        },
    );
    assert_snapshot!(vc.run("list -l team=a -o name"));
}

#[test]
fn where_all_namespaces_are_forbidden_the_contexts_own_is_listed_and_said() {
    let vc = Sandbox::new()
        .with(running("mine").in_namespace("team-a"))
        .with(running("dev"));
    let kubeconfig = vc.kubeconfig().replace(
        "    user: developer\n",
        "    user: developer\n    namespace: team-a\n",
    );
    vc.write("home/.kube/config", &kubeconfig);
    vc.host.forbid("list", "*", Scope::Cluster);
    assert_snapshot!(vc.run("list"));
    let calls = vc.calls();
    assert!(
        calls.contains("list /apis/apps/v1/namespaces/team-a/statefulsets?"),
        "{calls}"
    );
}

#[test]
fn where_everything_is_forbidden_the_refusal_is_told_in_full() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host.forbid("list", "statefulsets", Scope::Anywhere);
    assert_snapshot!(vc.run("list"));
    assert_snapshot!(vc.run("list -n team-a -o json"));
}

#[test]
fn two_hundred_clusters_take_three_requests_and_their_pages() {
    let vc = Sandbox::new().with_all((0..600).map(|number| running(&format!("c{number:03}"))));
    let output = vc.run("list -o name");
    assert_eq!(output.stdout.lines().count(), 600);
    assert_eq!(output.stdout.lines().next(), Some("c000"));
    assert_snapshot!(vc.calls());
}

#[test]
fn pages_that_expired_are_asked_for_again() {
    let vc = Sandbox::new().with_all((0..600).map(|number| running(&format!("c{number:03}"))));
    vc.host
        .fault("list */statefulsets", Nth::Only(2), Fault::Status(410));
    let output = vc.run("list -o name");
    assert_eq!((output.code, output.stdout.lines().count()), (Some(0), 600));
}

#[test]
fn a_busy_host_is_asked_again() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host
        .fault("list *", Nth::First(2), Fault::RetryAfter(429, 0));
    assert_snapshot!(vc.run("list -o name"));
    assert_snapshot!(vc.calls());
}

#[test]
fn a_cluster_without_helms_record_is_listed_too() {
    let vc = Sandbox::new().with(running("dev").without_record());
    assert_snapshot!(vc.run("list"));
}

#[test]
fn the_wide_form_counts_pods_and_says_who_and_since_when() {
    let vc = Sandbox::new()
        .with(running("dev").with_tenant_pods(2))
        .with(running("other"));
    vc.host.edit(
        "/apis/apps/v1/namespaces/vcluster-dev/statefulsets/dev",
        |workload| {
            let metadata = &mut workload["metadata"];
            metadata["annotations"]["vc/created-by"] = "ada@example.com".into();
            workload["spec"]["template"]["spec"]["initContainers"] =
                json!([{ "name": "kubernetes", "image": "ghcr.io/loft-sh/kubernetes:v1.36.0" }]);
        },
    );
    vc.host.edit(
        "/apis/apps/v1/namespaces/vcluster-other/statefulsets/other",
        |workload| {
            let then = Timestamp::now() - SignedDuration::from_hours(73);
            let metadata = &mut workload["metadata"];
            metadata["labels"]["helm.toolkit.fluxcd.io/name"] = "other".into();
            metadata["annotations"]["loft.sh/paused"] = "true".into();
            metadata["annotations"]["loft.sh/paused-date"] = then.to_string().into();
            workload["spec"]["replicas"] = 0.into();
        },
    );
    assert_snapshot!(vc.run("list -o wide"));
    assert_snapshot!(vc.calls());
    vc.host.forbid("list", "pods", Scope::Anywhere);
    let output = vc.run("list -o wide");
    assert_eq!(output.code, Some(0), "{output}");
}

#[test]
fn a_kubeconfig_that_can_be_read_only_once_is_enough() {
    let vc = Sandbox::new().with(running("dev"));
    let output = vc.run_in_shell(
        "mkfifo pipe; { cat \"$KUBECONFIG\" >pipe & }",
        "list -o name --kubeconfig pipe",
    );
    assert_eq!(output.stdout, "dev\n", "{output}");
}

/// A host where a create, and the delete of another cluster, were killed when one was without a workload.
pub(crate) fn with_unfinished() -> Sandbox {
    let vc = Sandbox::new()
        .with(running("whole"))
        .with(running("gone").in_namespace("team-a"));
    let kill = |command: &str, at: &str| {
        vc.host.fault(at, Nth::Every, Fault::Hang);
        let started = vc.start(command);
        started.until_asked(at.trim_start_matches(['*', ' ']).trim_end_matches('*'));
        started.signal("KILL");
        started.finish();
        vc.host.behave();
    };
    let workload = "apply /apis/apps/v1/namespaces/default/statefulsets/begun";
    kill("create begun -n default", workload);
    kill(
        "delete gone -n team-a",
        "delete /apis/rbac.authorization.k8s.io/v1/namespaces/team-a/roles/*",
    );
    vc.host.forget_calls();
    vc
}

#[test]
fn the_wide_form_shows_what_was_cut_off_too() {
    let vc = with_unfinished();
    assert_snapshot!(vc.run("list -o wide"));
    assert_snapshot!(vc.calls());
    assert_eq!(vc.run("list -o name").stdout, "whole\n");
    vc.host.forbid("list", "secrets", Scope::Anywhere);
    let output = vc.run("list -o wide");
    assert_eq!(output.stdout.lines().count(), 2, "{output}");
}
