//! `vc sleep`.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{
    api_server::{Fault, Nth, Scope, base64},
    cluster::{etcd_of, running, sleeping},
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
fn of_many_one_that_does_not_go_on_keeps_no_other() {
    let vc = Sandbox::new().with_all([running("dev"), running("other"), running("third")]);
    vc.host
        .fault("patch */statefulsets/dev", Nth::Every, Fault::Hang);
    let sleeping = vc.start("sleep --all");
    for other in ["other", "third"] {
        sleeping.until_asked(&format!(
            "deletecollection /api/v1/namespaces/vcluster-{other}/pods"
        ));
    }
    let pods = |name: &str| format!("/api/v1/namespaces/vcluster-{name}/pods/{name}-0");
    sleeping
        .until(|| vc.host.get(&pods("other")).is_none() && vc.host.get(&pods("third")).is_none());
    sleeping.signal("INT");
    let output = sleeping.finish();
    assert_eq!(output.code, Some(130), "{output}");
    let left = "`dev` in `vcluster-dev` is partly asleep";
    assert!(output.stderr.contains(left), "{output}");
    assert!(vc.host.get(&pods("dev")).is_some());
}

#[test]
fn one_that_is_named_twice_is_put_to_sleep_once() {
    let vc = Sandbox::new().with(running("dev"));
    let output = vc.run("sleep dev dev");
    assert_eq!(output.stdout.lines().count(), 1, "{output}");
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

#[test]
fn an_etcd_of_its_own_sleeps_too_and_wakes_with_it() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host.create_all([etcd_of("dev", 3)]);
    let etcd = "/apis/apps/v1/namespaces/vcluster-dev/statefulsets/dev-etcd";
    assert_snapshot!(vc.run("sleep dev"));
    assert_snapshot!(vc.calls());
    let pods = |vc: &Sandbox| {
        let paths = vc.host.paths();
        paths.iter().filter(|path| path.contains("/pods/")).count()
    };
    assert_eq!(pods(&vc), 0);
    assert_eq!(vc.run("wake dev").code, Some(0));
    assert_eq!(vc.host.get(etcd).expect("it")["spec"]["replicas"], 3);
    assert_eq!(pods(&vc), 4);
}

#[test]
fn what_an_etcd_with_a_volume_keeps_is_not_forgotten() {
    let vc = Sandbox::new();
    vc.run("create dev --ephemeral --no-connect");
    let mut etcd = etcd_of("dev", 1);
    vc.host.create_all([etcd.clone()]);
    assert_eq!(vc.run("sleep dev").code, Some(1));
    let path = "/apis/apps/v1/namespaces/vcluster-dev/statefulsets/dev-etcd";
    etcd["spec"]["volumeClaimTemplates"] = json!([{ "metadata": { "name": "data" } }]);
    vc.host
        .edit(path, |there| there["spec"] = etcd["spec"].clone());
    assert_eq!(vc.run("sleep dev").code, Some(0));
}

#[test]
fn where_vcluster_resume_left_the_etcd_asleep_wake_wakes_it() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host.create_all([etcd_of("dev", 1)]);
    vc.run("sleep dev");
    vc.host
        .set(|settings| settings.pod_start = Duration::from_millis(300));
    vc.host.edit(WORKLOAD, |workload| {
        workload["spec"]["replicas"] = 1.into();
        workload["metadata"]["annotations"] = json!({});
    });
    let output = vc.run("wake dev");
    assert!(output.stdout.starts_with("Woke `dev`"), "{output}");
}

#[test]
fn it_returns_when_the_last_pod_has_ended_and_not_before() {
    let vc = Sandbox::new().with(running("dev").with_tenant_pods(1));
    vc.host
        .set(|settings| settings.pod_stop = Duration::from_millis(300));
    let output = vc.run("sleep dev");
    assert_eq!(output.code, Some(0), "{output}");
    assert!(output.time >= Duration::from_millis(600), "{output}");
    assert!(vc.host.paths().iter().all(|path| !path.contains("/pods/")));
}

#[test]
fn one_that_was_only_scaled_to_zero_is_marked_with_the_pods_it_should_have() {
    let vc = Sandbox::new().with(running("dev"));
    let config = "controlPlane:\n  statefulSet:\n    highAvailability:\n      replicas: 3\n";
    vc.host.edit(
        "/api/v1/namespaces/vcluster-dev/secrets/vc-config-dev",
        |secret| {
            secret["data"]["config.yaml"] = base64(config).into();
        },
    );
    vc.host
        .edit(WORKLOAD, |workload| workload["spec"]["replicas"] = 0.into());
    assert_snapshot!(vc.run("sleep dev"));
    let workload = vc.host.get(WORKLOAD).expect("the workload");
    assert_eq!(
        workload["metadata"]["annotations"]["loft.sh/paused-replicas"],
        "3"
    );
    assert_eq!(vc.run("wake dev").code, Some(0));
    let workload = vc.host.get(WORKLOAD).expect("the workload");
    assert_eq!(workload["spec"]["replicas"], 3);
}

#[test]
fn one_that_somebody_else_manages_is_left_alone_unless_forced() {
    let marks = [
        ("annotations", "argocd.argoproj.io/tracking-id"),
        ("labels", "helm.toolkit.fluxcd.io/name"),
    ];
    for (field, mark) in marks {
        let vc = Sandbox::new().with(running("dev"));
        vc.host.edit(WORKLOAD, |workload| {
            workload["metadata"][field][mark] = "x".into();
        });
        assert_snapshot!(vc.run("sleep dev"));
        assert!(
            vc.each_call().0.iter().all(|call| call.verb != "patch"),
            "{}",
            vc.calls()
        );
        assert_eq!(vc.run("sleep dev --force").code, Some(0));
    }
    let vc = Sandbox::new().with(running("dev"));
    vc.host
        .edit("/api/v1/namespaces/vcluster-dev", |namespace| {
            namespace["metadata"]["labels"]["loft.sh/vcluster-instance-name"] = "dev".into();
        });
    assert_snapshot!(vc.run("sleep dev"));
}

#[test]
fn one_that_the_platform_put_to_sleep_is_its_to_wake() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host.edit(WORKLOAD, |workload| {
        workload["metadata"]["labels"]["loft.sh/sleep-mode"] = "true".into();
        workload["spec"]["replicas"] = 0.into();
    });
    assert_snapshot!(vc.run("wake dev"));
    assert_snapshot!(vc.run("sleep dev"));
    assert!(
        vc.each_call().0.iter().all(|call| call.verb != "patch"),
        "{}",
        vc.calls()
    );
}
