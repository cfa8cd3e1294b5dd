//! `vc wake`.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{
    api_server::PodFate,
    cluster::{running, sleeping},
    sandbox::Sandbox,
};

const WORKLOAD: &str = "/apis/apps/v1/namespaces/vcluster-dev/statefulsets/dev";

#[test]
fn it_wakes_what_vcluster_put_to_sleep() {
    let vc = Sandbox::new().with(sleeping("dev"));
    assert_snapshot!(vc.run("wake dev"));
    assert_snapshot!(vc.calls());
    let workload = vc.host.get(WORKLOAD).expect("the workload");
    assert_eq!(workload["spec"]["replicas"], 1);
    let annotations = workload["metadata"]["annotations"]
        .as_object()
        .expect("annotations");
    assert!(
        annotations
            .keys()
            .all(|key| !key.starts_with("loft.sh/paused")),
        "{annotations:?}"
    );
}

#[test]
fn it_wakes_what_was_only_scaled_to_zero() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host
        .edit(WORKLOAD, |workload| workload["spec"]["replicas"] = 0.into());
    assert_snapshot!(vc.run("resume dev"));
    assert!(
        vc.host
            .get("/api/v1/namespaces/vcluster-dev/pods/dev-0")
            .is_some()
    );
}

#[test]
fn wake_of_a_running_cluster_says_so_and_succeeds() {
    let vc = Sandbox::new().with(running("dev"));
    assert_snapshot!(vc.run("wake dev"));
}

#[test]
fn one_that_wakes_already_is_waited_for() {
    let vc = Sandbox::new().with(sleeping("dev"));
    vc.host
        .set(|settings| settings.pod_start = Duration::from_millis(400));
    vc.host.edit(WORKLOAD, |workload| {
        workload["spec"]["replicas"] = 1.into();
        workload["metadata"]["annotations"] = json!({});
    });
    let output = vc.run("wake dev");
    assert!(output.stdout.starts_with("Woke `dev`"), "{output}");
    assert!(output.time >= Duration::from_millis(200), "{output}");
}

#[test]
fn what_somebody_scaled_up_in_its_sleep_is_awake_and_can_sleep_again() {
    let scaled_up = || {
        let vc = Sandbox::new().with(running("dev"));
        vc.run("sleep dev");
        vc.host
            .edit(WORKLOAD, |workload| workload["spec"]["replicas"] = 1.into());
        vc
    };
    let vc = scaled_up();
    assert!(vc.run("list").stdout.contains("Running"));
    let output = vc.run("sleep dev --timeout 20s");
    assert!(output.stdout.starts_with("Put `dev`"), "{output}");
    assert!(vc.run("list").stdout.contains("Sleeping"));
    let vc = scaled_up();
    assert_eq!(vc.run("wake dev").code, Some(0));
    let workload = vc.host.get(WORKLOAD).expect("the workload");
    assert_eq!(
        workload["metadata"]["annotations"]["loft.sh/paused"],
        json!(null)
    );
}

#[test]
fn it_waits_for_the_api_and_not_for_the_secret_from_before() {
    let vc = Sandbox::new().with(sleeping("dev"));
    vc.host
        .set(|settings| settings.pod_start = Duration::from_millis(400));
    let output = vc.run("wake dev");
    assert_eq!(output.code, Some(0), "{output}");
    assert!(
        output.time >= Duration::from_millis(400),
        "{:?}",
        output.time
    );
}

#[test]
fn one_that_was_put_to_sleep_before_it_had_ever_run_is_woken_too() {
    let vc = Sandbox::new().with(sleeping("dev"));
    vc.host
        .delete("/api/v1/namespaces/vcluster-dev/secrets/vc-dev");
    let output = vc.run("wake dev");
    assert_eq!(output.code, Some(0), "{output}");
    let workload = vc.host.get(WORKLOAD).expect("the workload");
    assert_eq!(workload["spec"]["replicas"], 1);
}

#[test]
fn a_pod_that_cannot_start_is_said() {
    let vc = Sandbox::new().with(sleeping("dev"));
    vc.host
        .set(|settings| settings.fate = PodFate::ImagePullBackOff);
    assert_snapshot!(vc.run("wake dev --timeout 2s"));
}

#[test]
fn the_connection_works_again_without_a_new_connect() {
    let vc = Sandbox::new().with(running("dev"));
    vc.run("connect dev");
    assert_eq!(vc.run("sleep dev").code, Some(0));
    assert_eq!(vc.run("wake dev").code, Some(0));
    let output = vc.run("list --context vcluster_dev_vcluster-dev_host -o json");
    assert_eq!(output.stdout, "[]\n", "{output}");
}
