//! `vc sleep`.

use insta::assert_snapshot;

use crate::support::{
    api_server::Scope,
    cluster::{running, sleeping},
    sandbox::Sandbox,
};

const WORKLOAD: &str = "/apis/apps/v1/namespaces/vcluster-dev/statefulsets/dev";

#[test]
fn it_takes_the_pods_of_tenants_too_and_keeps_all_else() {
    let vc = Sandbox::new().with(running("dev").with_tenant_pods(2));
    let is_pod = |path: &String| path.contains("/pods/");
    let before: Vec<String> = vc
        .host
        .paths()
        .into_iter()
        .filter(|path| !is_pod(path))
        .collect();
    assert_snapshot!(vc.run("sleep dev"));
    assert_snapshot!(vc.calls());
    assert_eq!(vc.host.paths(), before);
    assert_snapshot!(vc.run("list"));
}

#[test]
fn it_leaves_what_vcluster_resume_needs() {
    let vc = Sandbox::new().with(running("dev"));
    vc.run("pause dev");
    let workload = vc.host.get(WORKLOAD).expect("the workload");
    let annotations = &workload["metadata"]["annotations"];
    assert_eq!(workload["spec"]["replicas"], 0);
    assert_eq!(annotations["loft.sh/paused"], "true");
    assert_eq!(annotations["loft.sh/paused-replicas"], "1");
    assert!(annotations["loft.sh/paused-date"].is_string());
}

#[test]
fn sleep_of_a_sleeping_cluster_says_so_and_succeeds() {
    let vc = Sandbox::new().with(sleeping("dev"));
    assert_snapshot!(vc.run("sleep dev"));
    assert_snapshot!(vc.run("sleep dev -o json"));
    assert!(
        vc.each_call().0.iter().all(|call| call.verb != "patch"),
        "{}",
        vc.calls()
    );
}

#[test]
fn a_cluster_without_a_volume_is_not_made_to_forget() {
    let vc = Sandbox::new();
    vc.run("create dev --ephemeral --no-connect");
    assert_snapshot!(vc.run("sleep dev"));
    assert_snapshot!(vc.run("sleep dev --discard-state"));
}

#[test]
fn it_takes_many() {
    let vc = Sandbox::new()
        .with(running("dev"))
        .with(running("other"))
        .with(sleeping("old"));
    assert_snapshot!(vc.run("sleep --all"));
    assert_snapshot!(vc.run("list"));
}

#[test]
fn without_the_right_to_patch_the_missing_right_is_named() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host.forbid("patch", "statefulsets", Scope::Anywhere);
    assert_snapshot!(vc.run("sleep dev"));
}

#[test]
fn a_missing_cluster_is_said() {
    let vc = Sandbox::new().with(running("dev"));
    assert_snapshot!(vc.run("sleep dve"));
}
