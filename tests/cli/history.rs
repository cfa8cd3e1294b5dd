//! `vc history`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{cluster::running, release, sandbox::Sandbox};

#[test]
fn it_tells_what_was_done_as_helm_does() {
    let vc = Sandbox::new();
    vc.run("create dev --no-connect");
    vc.run("create dev --no-connect --upgrade --set controlPlane.statefulSet.labels.team=a");
    vc.host.forget_calls();
    assert_snapshot!(vc.run("history dev"));
    assert_snapshot!(vc.calls());
    let output = vc.run("history dev -o json");
    assert_snapshot!(output);
    serde_json::from_str::<Value>(&output.stdout).expect("one JSON value");
    assert_eq!(vc.run("history dev -o name").stdout, "1\n2\n");
}

#[test]
fn a_release_of_helm_3_is_told_and_one_that_never_came_to_run_too() {
    let vc = Sandbox::new().with(running("dev"));
    assert_snapshot!(vc.run("history dev -o wide"));
    vc.host
        .delete("/apis/apps/v1/namespaces/vcluster-dev/statefulsets/dev");
    assert_eq!(vc.run("history dev").code, Some(0));
}

#[test]
fn a_record_that_cannot_be_read_is_told_and_does_not_hide_the_others() {
    let vc = Sandbox::new().with(running("dev"));
    let mut broken = release::of_dev(&vc.host, 1);
    broken["version"] = 2.into();
    let mut broken = release::secret(&broken);
    broken["data"]["release"] = "bm90IGEgcmVjb3Jk".into();
    vc.host.create_all([broken]);
    assert_snapshot!(vc.run("history dev"));
    assert_snapshot!(vc.run("create dev --upgrade"));
    assert_eq!(vc.run("delete dev").code, Some(0));
    assert_eq!(vc.run("list -o name").stdout, "");
}

#[test]
fn what_has_no_history_is_said() {
    let vc = Sandbox::new().with(running("dev").without_record());
    assert_snapshot!(vc.run("history dev"));
    assert_snapshot!(vc.run("history dve"));
    assert_snapshot!(vc.run("history dev -n default"));
}

#[test]
fn a_release_of_something_else_is_none_of_ours() {
    let vc = Sandbox::new();
    let web = release::secret(&json!({
        "name": "web", "namespace": "default", "version": 1, "config": {}, "manifest": "",
        "info": { "status": "deployed" },
        "chart": { "metadata": { "name": "nginx", "version": "1.0.0" } },
    }));
    vc.host.create_all([web]);
    let before = vc.host.paths();
    assert_snapshot!(vc.run("history web -n default"));
    assert_snapshot!(vc.run("delete web -n default"));
    assert_eq!(vc.host.paths(), before);
}
