//! `vc rollback`.

use insta::assert_snapshot;

use super::upgrade::{of_helm_3, write_chart, writes};
use crate::support::{
    api_server::{Fault, Nth},
    release,
    sandbox::Sandbox,
};

const SERVICE: &str = "/api/v1/namespaces/vcluster-dev/services/dev";

/// A host with `dev` at revision 2.
fn upgraded() -> Sandbox {
    let vc = Sandbox::new();
    vc.run("create dev --no-connect");
    vc.run("upgrade dev --set controlPlane.service.annotations.note=second");
    vc.host.forget_calls();
    vc
}

fn note(vc: &Sandbox) -> String {
    let service = vc.host.get(SERVICE).expect("the Service");
    let note = service["metadata"]["annotations"]["note"].as_str();
    note.unwrap_or_default().to_owned()
}

#[test]
fn it_goes_back_to_the_revision_before() {
    let vc = upgraded();
    assert_eq!(note(&vc), "second");
    assert_snapshot!(vc.run("rollback dev --diff"));
    assert_snapshot!(vc.calls());
    assert_eq!(note(&vc), "");
    let record = release::of_dev(&vc.host, 3);
    assert_eq!(record["info"]["description"], "Rollback to 1");
    assert_eq!(record["info"]["rollback_revision"], 1);
    assert_eq!(record["config"], release::of_dev(&vc.host, 1)["config"]);
    assert_eq!(
        release::statuses_of_dev(&vc.host),
        ["1 superseded", "2 superseded", "3 deployed"]
    );
    assert_snapshot!(vc.run("history dev -o wide"));
}

#[test]
fn it_goes_back_to_the_revision_that_is_named() {
    let vc = upgraded();
    vc.run("upgrade dev --set controlPlane.service.annotations.note=third");
    let output = vc.run("rollback dev 2");
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(note(&vc), "second");
    let output = vc.run("rollback dev 2");
    assert_eq!(output.code, Some(0), "{output}");
    assert!(output.stdout.contains("already"), "{output}");
    assert_snapshot!(vc.run("rollback dev 9"));
    assert_eq!(vc.run("rollback dev first").code, Some(2));
}

#[test]
fn a_dry_run_changes_nothing() {
    let vc = upgraded();
    assert_snapshot!(vc.run("rollback dev --dry-run"));
    assert_eq!(writes(&vc), Vec::<String>::new());
}

#[test]
fn there_must_be_something_to_go_back_to() {
    let vc = Sandbox::new();
    vc.run("create dev --no-connect");
    assert_snapshot!(vc.run("rollback dev"));
}

#[test]
fn an_older_kubernetes_comes_back_with_a_warning_and_a_volume_does_not_go() {
    let vc = Sandbox::new();
    vc.run("create dev --no-connect --k8s 1.35");
    vc.run("upgrade dev --k8s 1.36");
    assert_snapshot!(vc.run("rollback dev"));
}

#[test]
fn a_release_of_helm_3_goes_back_by_patches() {
    let vc = of_helm_3();
    vc.run("upgrade dev --set controlPlane.service.annotations.note=second");
    assert_eq!(note(&vc), "second");
    let output = vc.run("rollback dev");
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(note(&vc), "");
    assert_eq!(release::of_dev(&vc.host, 3)["apply_method"], "csa");
}

#[test]
fn what_a_failed_upgrade_brought_goes_again() {
    let vc = Sandbox::new();
    write_chart(&vc);
    vc.run("create dev --no-wait --chart chart --set extra=false");
    vc.host
        .fault("apply */statefulsets/dev", Nth::Only(2), Fault::Status(400));
    vc.write(
        "work/chart/values.yaml",
        "extra: true\nkept: true\nword: x\n",
    );
    vc.write(
        "work/chart/templates/new.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: new}\n",
    );
    let path = "work/chart/templates/workload.yaml";
    let workload = std::fs::read_to_string(vc.path(path)).expect("a template");
    vc.write(path, &workload.replace("0.36.1", "0.36.2"));
    let output = vc.run("upgrade dev --no-wait --chart chart");
    assert_eq!(output.code, Some(1), "{output}");
    let new = "/api/v1/namespaces/vcluster-dev/configmaps/new";
    assert!(vc.host.get(new).is_some());
    vc.host.behave();
    let output = vc.run("rollback dev 1 --no-wait");
    assert_eq!(output.code, Some(0), "{output}");
    assert!(vc.host.get(new).is_none());
    assert_eq!(
        release::statuses_of_dev(&vc.host),
        ["1 superseded", "2 failed", "3 deployed"]
    );
}

#[test]
fn one_that_is_killed_at_any_request_is_completed_by_the_next() {
    for number in 1.. {
        let vc = upgraded();
        vc.host.fault("*", Nth::Only(number), Fault::Hang);
        let mut started = vc.start("rollback dev 1");
        let is_killed = started.until_asked_times(number);
        if is_killed {
            started.signal("KILL");
        }
        started.finish();
        if !is_killed {
            return;
        }
        let culprit = vc.each_call().0[number - 1].to_string();
        vc.host.behave();
        let output = vc.run("rollback dev 1");
        assert_eq!(output.code, Some(0), "killed at {culprit}:\n{output}");
        assert_eq!(note(&vc), "", "killed at {culprit}:\n{output}");
        let statuses = release::statuses_of_dev(&vc.host);
        let is_settled = statuses
            .last()
            .is_some_and(|status| status.ends_with("deployed"))
            && statuses.iter().all(|status| !status.contains("pending"));
        assert!(is_settled, "killed at {culprit}: {statuses:?}\n{output}");
    }
}
