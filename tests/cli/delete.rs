//! `vc delete`.

use insta::assert_snapshot;
use serde_json::json;

use super::list::with_unfinished;
use crate::support::{
    api_server::{Fault, Nth, Scope},
    cluster::{running, sleeping},
    release,
    sandbox::Sandbox,
};

#[test]
fn nothing_is_left() {
    let vc = Sandbox::new();
    let before = (vc.host.paths(), vc.kubeconfig());
    vc.run("create dev");
    vc.host.forget_calls();
    assert_snapshot!(vc.run("delete dev"));
    assert_snapshot!(vc.calls());
    assert_eq!((vc.host.paths(), vc.kubeconfig()), before);
    assert_eq!(vc.tunnels(), Vec::<u64>::new());
}

#[test]
fn a_cluster_made_by_vcluster_goes_too() {
    let vc = Sandbox::new();
    let before = vc.host.paths();
    let vc = vc
        .with(running("dev").with_tenant_pods(2))
        .with(sleeping("old").without_record());
    assert_snapshot!(vc.run("delete dev old"));
    assert_eq!(vc.host.paths(), before);
}

#[test]
fn a_namespace_of_someone_else_stays_with_what_is_theirs() {
    let vc = Sandbox::new();
    vc.host.create_all([
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "team-a" } }),
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": "theirs", "namespace": "team-a" }, "data": { "a": "b" },
        }),
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": { "name": "data-theirs-0", "namespace": "team-a" },
            "spec": { "resources": { "requests": { "storage": "1Gi" } } },
        }),
    ]);
    let before = vc.host.paths();
    let vc = vc.with(running("dev").in_namespace("team-a").with_tenant_pods(2));
    assert_snapshot!(vc.run("delete dev"));
    assert_snapshot!(vc.calls());
    assert_eq!(vc.host.paths(), before);
}

#[test]
fn a_namespace_of_ours_with_something_foreign_in_it_stays() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host.create_all([json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "theirs", "namespace": "vcluster-dev" }, "data": { "a": "b" },
    })]);
    assert_snapshot!(vc.run("delete dev"));
    let left = vc.host.paths();
    let left: Vec<&String> = left
        .iter()
        .filter(|path| path.contains("/vcluster-dev"))
        .collect();
    assert_snapshot!(
        left.iter()
            .map(|path| path.as_str())
            .collect::<Vec<_>>()
            .join("\n")
    );
}

#[test]
fn volumes_stay_when_asked_to() {
    let vc = Sandbox::new().with(running("dev"));
    assert_snapshot!(vc.run("delete dev --keep-volumes"));
    assert!(
        vc.host
            .get("/api/v1/namespaces/vcluster-dev/persistentvolumeclaims/data-dev-0")
            .is_some()
    );
    assert!(
        vc.host
            .get("/apis/apps/v1/namespaces/vcluster-dev/statefulsets/dev")
            .is_none()
    );
}

#[test]
fn kept_volumes_are_freed_from_owners_that_would_take_them_along() {
    let vc = Sandbox::new().with(running("dev"));
    let claim = "/api/v1/namespaces/vcluster-dev/persistentvolumeclaims/data-dev-0";
    let service = vc
        .host
        .get("/api/v1/namespaces/vcluster-dev/services/dev")
        .expect("the Service");
    vc.host.edit(claim, |claim| {
        claim["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "v1", "kind": "Service", "name": "dev", "uid": service["metadata"]["uid"],
        }]);
    });
    let output = vc.run("delete dev --keep-volumes");
    assert_eq!(output.code, Some(0), "{output}");
    assert!(vc.host.get(claim).is_some());
}

#[test]
fn what_is_missing_is_an_error_unless_asked_otherwise() {
    let vc = Sandbox::new().with(running("dev"));
    assert_snapshot!(vc.run("delete dve"));
    assert_snapshot!(vc.run("delete dve --ignore-missing"));
    assert_snapshot!(vc.run("delete dve --ignore-missing -o json"));
}

#[test]
fn an_unreachable_host_is_never_taken_for_a_missing_cluster() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host.fault("*", Nth::Every, Fault::Reset);
    let output = vc.run("delete dev --ignore-missing --timeout 20s");
    assert_eq!(output.code, Some(3), "{output}");
    vc.host.behave();
    vc.host.forbid("list", "statefulsets", Scope::Anywhere);
    assert_snapshot!(vc.run("delete dev --ignore-missing"));
}

#[test]
fn what_was_cut_off_is_found_in_any_namespace() {
    for command in ["delete begun gone", "delete --all --yes"] {
        let vc = with_unfinished();
        let output = vc.run(command);
        assert_eq!(output.code, Some(0), "{output}");
        for (name, place) in [("begun", "default"), ("gone", "team-a")] {
            assert!(
                output
                    .stdout
                    .contains(&format!("Deleted `{name}` in `{place}`\n")),
                "{output}"
            );
        }
        let paths = vc.host.paths();
        let is_left = |path: &&String| {
            (path.contains("begun") || path.contains("gone")) && !path.contains("/events/")
        };
        assert_eq!(paths.iter().find(is_left), None);
    }
}

#[test]
fn a_release_of_something_else_by_that_name_is_none_of_ours() {
    let vc = Sandbox::new();
    vc.run("create dev --no-connect");
    let mut record = release::of_dev(&vc.host, 1);
    record["chart"]["metadata"]["name"] = "vcluster-platform".into();
    record["manifest"] = "".into();
    record["info"]["status"] = "failed".into();
    record["namespace"] = "team-a".into();
    vc.run("delete dev");
    vc.host.create_all([
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "team-a" } }),
        release::secret(&record),
    ]);
    assert_eq!(vc.run("delete dev").code, Some(4));
    assert_eq!(vc.run("delete --all --yes").code, Some(0));
    let path = "/api/v1/namespaces/team-a/secrets/sh.helm.release.v1.dev.v1";
    assert!(vc.host.get(path).is_some());
}

#[test]
fn many_at_once_need_a_yes_off_a_terminal() {
    let vc = Sandbox::new().with(running("dev")).with(running("other"));
    assert_snapshot!(vc.run("delete --all"));
    assert_snapshot!(vc.run("delete -l release=dev"));
    assert_snapshot!(vc.run("delete --all --yes"));
    assert_eq!(vc.run("list -o json").stdout, "[]\n");
}

#[test]
fn without_a_name_it_says_what_to_type() {
    let vc = Sandbox::new().with(running("dev"));
    assert_snapshot!(vc.run("delete"));
    assert_snapshot!(vc.run("delete dev --all"));
}

#[test]
fn a_name_in_two_namespaces_needs_one() {
    let vc = Sandbox::new()
        .with(running("dev").in_namespace("team-a"))
        .with(running("dev").in_namespace("team-b"));
    assert_snapshot!(vc.run("delete dev"));
    assert_snapshot!(vc.run("delete dev -n team-a"));
    assert_eq!(vc.run("list -o name").stdout, "dev\n");
}

#[test]
fn one_that_cannot_go_does_not_keep_the_others() {
    let vc = Sandbox::new().with(running("dev")).with(running("other"));
    vc.host
        .forbid("*delete*", "*", Scope::Namespace("vcluster-dev".to_owned()));
    vc.host.forbid(
        "update",
        "secrets",
        Scope::Namespace("vcluster-dev".to_owned()),
    );
    vc.host.fault(
        "delete /api/v1/namespaces/vcluster-dev",
        Nth::Every,
        Fault::Status(500),
    );
    let output = vc.run("delete dev other --timeout 20s");
    assert_ne!(output.code, Some(0), "{output}");
    assert!(
        vc.host.get("/api/v1/namespaces/vcluster-other").is_none(),
        "{output}"
    );
    vc.host.behave();
    let output = vc.run("delete dev");
    assert_eq!(output.code, Some(0), "{output}");
    assert!(vc.host.get("/api/v1/namespaces/vcluster-dev").is_none());
}

#[test]
fn a_finalizer_that_nobody_removes_is_named() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host
        .edit("/api/v1/namespaces/vcluster-dev/services/dev", |service| {
            service["metadata"]["finalizers"] = json!(["example.com/stuck"]);
        });
    assert_snapshot!(vc.run("delete dev --timeout 2s"));
}

#[test]
fn the_user_who_deletes_the_current_cluster_is_back_on_the_host() {
    let vc = Sandbox::new().with(running("dev"));
    let before = vc.kubeconfig();
    vc.run("connect dev");
    assert_snapshot!(vc.run("delete dev -o json"));
    assert_eq!(vc.kubeconfig(), before);
}
