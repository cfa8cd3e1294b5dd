//! `vc upgrade`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{
    api_server::{Fault, Nth, PodFate},
    cluster::sleeping,
    release,
    sandbox::Sandbox,
};

const WORKLOAD: &str = "/apis/apps/v1/namespaces/vcluster-dev/statefulsets/dev";
const SERVICE: &str = "/api/v1/namespaces/vcluster-dev/services/dev";

/// Requests that change something on the host; those that only try it do not.
pub(crate) fn writes(vc: &Sandbox) -> Vec<String> {
    let calls = vc.each_call().0;
    let writes = calls.iter().filter(|call| {
        !matches!(call.verb, "get" | "list" | "watch" | "forward")
            && !call
                .query
                .contains(&("dryRun".to_owned(), "All".to_owned()))
    });
    writes.map(ToString::to_string).collect()
}

/// A host with `dev`, as `vc create` made it.
fn created() -> Sandbox {
    let vc = Sandbox::new();
    vc.run("create dev --no-connect --set controlPlane.statefulSet.labels.team=a");
    vc.host.forget_calls();
    vc
}

/// The same, with its record as Helm 3 writes it.
pub(crate) fn of_helm_3() -> Sandbox {
    let vc = created();
    let mut record = release::of_dev(&vc.host, 1);
    record
        .as_object_mut()
        .expect("a record")
        .remove("apply_method");
    record["hooks"] = Value::Null;
    let secret = release::secret(&record);
    let path = "/api/v1/namespaces/vcluster-dev/secrets/sh.helm.release.v1.dev.v1";
    vc.host
        .edit(path, |there| there["data"] = secret["data"].clone());
    vc
}

/// A chart with two objects that values turn on, beside what every virtual cluster has.
pub(crate) fn write_chart(vc: &Sandbox) {
    vc.write(
        "work/chart/Chart.yaml",
        "apiVersion: v2\nname: vcluster\nversion: 1.0.0\nappVersion: 0.36.1\n",
    );
    vc.write(
        "work/chart/values.yaml",
        "extra: true\nkept: true\nword: first\n",
    );
    let labels = "app: vcluster, release: {{ .Release.Name }}";
    let parts = [
        (
            "service",
            "apiVersion: v1\nkind: Service\nmetadata: {name: {{ .Release.Name }}}\nspec: {ports: [{port: 443}]}\n"
                .to_owned(),
        ),
        (
            "workload",
            format!(
                "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: {{{{ .Release.Name }}}}, labels: {{{labels}}}}}\n\
                 spec:\n  replicas: 1\n  serviceName: x\n  selector: {{matchLabels: {{{labels}}}}}\n  template:\n    \
                 metadata: {{labels: {{{labels}}}}}\n    spec: {{containers: [{{name: syncer, image: 'vcluster-oss:0.36.1'}}]}}\n"
            ),
        ),
        (
            "extra",
            "{{ if .Values.extra }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\ndata: {word: {{ .Values.word }}}\n{{ end }}\n"
                .to_owned(),
        ),
        (
            "kept",
            "{{ if .Values.kept }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept, annotations: \
             {helm.sh/resource-policy: keep}}\n{{ end }}\n"
                .to_owned(),
        ),
    ];
    for (name, text) in parts {
        vc.write(&format!("work/chart/templates/{name}.yaml"), &text);
    }
}

#[test]
fn what_is_set_changes_and_what_was_set_before_stays() {
    let vc = created();
    assert_snapshot!(vc.run("upgrade dev --set controlPlane.service.annotations.note=x --diff"));
    assert_snapshot!(vc.calls());
    let record = release::of_dev(&vc.host, 2);
    assert_eq!(
        record["config"]["controlPlane"],
        json!({"service": {"annotations": {"note": "x"}}, "statefulSet": {"labels": {"team": "a"}}})
    );
    assert_eq!(record["apply_method"], "ssa");
    assert_eq!(
        release::statuses_of_dev(&vc.host),
        ["1 superseded", "2 deployed"]
    );
    let workload = vc.host.get(WORKLOAD).expect("the workload");
    assert_eq!(workload["metadata"]["labels"]["team"], "a");
    let service = vc.host.get(SERVICE).expect("the Service");
    assert_eq!(service["metadata"]["annotations"]["note"], "x");
}

#[test]
fn nothing_to_change_is_said_and_makes_no_revision() {
    let vc = created();
    assert_snapshot!(vc.run("upgrade dev --set controlPlane.statefulSet.labels.team=a"));
    assert_eq!(writes(&vc), Vec::<String>::new());
    assert_eq!(release::statuses_of_dev(&vc.host), ["1 deployed"]);
}

#[test]
fn a_dry_run_shows_the_difference_and_changes_nothing() {
    let vc = created();
    let before = vc.host.paths();
    assert_snapshot!(
        vc.run("upgrade dev --dry-run --k8s 1.36 --set controlPlane.statefulSet.labels.team=b")
    );
    let output =
        vc.run("upgrade dev --dry-run --set controlPlane.statefulSet.labels.team=b -o json");
    serde_json::from_str::<Value>(&output.stdout).expect("one JSON value");
    assert_eq!(writes(&vc), Vec::<String>::new());
    assert_eq!(vc.host.paths(), before);
}

#[test]
fn what_was_set_before_can_be_forgotten_in_part_or_as_a_whole() {
    let vc = created();
    let output = vc.run(
        "upgrade dev --set controlPlane.statefulSet.labels=null,controlPlane.service.annotations.a=b",
    );
    assert_eq!(output.code, Some(0), "{output}");
    let config = release::of_dev(&vc.host, 2)["config"].clone();
    assert!(
        config["controlPlane"]["statefulSet"]["labels"].is_null(),
        "{config}"
    );
    let output = vc.run("upgrade dev --reset-values");
    assert_eq!(output.code, Some(0), "{output}");
    let record = release::of_dev(&vc.host, 3);
    assert_eq!(record["config"], json!({}));
    let service = vc.host.get(SERVICE).expect("the Service");
    assert!(service["metadata"]["annotations"]["a"].is_null());
}

#[test]
fn what_a_running_cluster_would_not_survive_is_refused_before_anything_is_touched() {
    let vc = Sandbox::new();
    vc.run("create dev --no-connect --k8s 1.35");
    vc.host.forget_calls();
    assert_snapshot!(vc.run("upgrade dev --k8s 1.34"));
    assert_snapshot!(vc.run("upgrade dev --ephemeral"));
    assert_eq!(
        vc.run("create dev --no-connect --k8s 1.34 --upgrade").code,
        Some(2)
    );
    let output = vc.run("upgrade dev --set privateNodes.vpn.enabled=true");
    assert_eq!(output.code, Some(2), "{output}");
    assert_eq!(writes(&vc), Vec::<String>::new());
    let vc = Sandbox::new();
    vc.run("create dev --no-connect --k8s 1.34");
    vc.host.forget_calls();
    assert_snapshot!(vc.run("upgrade dev --k8s 1.36"));
    assert_eq!(writes(&vc), Vec::<String>::new());
    assert_eq!(vc.run("upgrade dev --k8s 1.35").code, Some(0));
}

#[test]
fn a_change_that_the_host_would_refuse_is_told_before_anything_is_touched() {
    let vc = created();
    let size = "controlPlane.statefulSet.persistence.volumeClaim.size=10Gi";
    assert_snapshot!(vc.run(&format!("upgrade dev --set {size}")));
    assert_eq!(writes(&vc), Vec::<String>::new());
    assert_eq!(release::statuses_of_dev(&vc.host), ["1 deployed"]);
}

#[test]
fn a_field_that_another_program_set_is_taken_over_only_when_asked() {
    let vc = created();
    vc.host.apply_as(
        "keeper",
        SERVICE,
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "dev", "annotations": {"note": "theirs"}},
        }),
    );
    let change = "upgrade dev --set controlPlane.service.annotations.note=ours";
    assert_snapshot!(vc.run(change));
    assert_eq!(writes(&vc), Vec::<String>::new());
    let output = vc.run(&format!("{change} --force-conflicts"));
    assert_eq!(output.code, Some(0), "{output}");
    let service = vc.host.get(SERVICE).expect("the Service");
    assert_eq!(service["metadata"]["annotations"]["note"], "ours");
}

#[test]
fn a_release_of_helm_3_is_changed_as_helm_3_does() {
    let vc = of_helm_3();
    // What somebody else added stays; what was wanted before and is not any more goes.
    vc.host.edit(SERVICE, |service| {
        service["metadata"]["annotations"]["theirs"] = "stays".into();
    });
    vc.host.forget_calls();
    let output = vc.run(
        "upgrade dev --set controlPlane.service.annotations.ours=x,controlPlane.statefulSet.labels=null",
    );
    assert_snapshot!(output);
    assert_snapshot!(vc.calls());
    let service = vc.host.get(SERVICE).expect("the Service");
    assert_eq!(service["metadata"]["annotations"]["theirs"], "stays");
    assert_eq!(service["metadata"]["annotations"]["ours"], "x");
    let workload = vc.host.get(WORKLOAD).expect("the workload");
    assert!(workload["metadata"]["labels"]["team"].is_null());
    assert_eq!(release::of_dev(&vc.host, 2)["apply_method"], "csa");
}

#[test]
fn a_patch_is_made_anew_when_somebody_changes_the_object_meanwhile() {
    let vc = of_helm_3();
    // The first is the dry run.
    vc.host
        .fault("patch */services/dev", Nth::Only(2), Fault::Status(409));
    let output = vc.run("upgrade dev --set controlPlane.service.annotations.ours=x");
    assert_eq!(output.code, Some(0), "{output}");
}

#[test]
fn what_is_no_longer_part_of_it_goes_unless_it_asks_to_stay() {
    let vc = Sandbox::new();
    write_chart(&vc);
    vc.run("create dev --no-wait --chart chart");
    let map = |name: &str| {
        vc.host.get(&format!(
            "/api/v1/namespaces/vcluster-dev/configmaps/{name}"
        ))
    };
    assert!(map("extra").is_some() && map("kept").is_some());
    // The chart of the record is used again.
    assert_snapshot!(vc.run("upgrade dev --set extra=false,kept=false --no-wait"));
    assert!(map("extra").is_none() && map("kept").is_some());
}

#[test]
fn an_object_of_someone_else_in_the_way_stops_it() {
    let vc = Sandbox::new();
    write_chart(&vc);
    vc.run("create dev --no-wait --chart chart --set extra=false");
    vc.host.create_all([json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra", "namespace": "vcluster-dev"},
    })]);
    vc.host.forget_calls();
    assert_snapshot!(vc.run("upgrade dev --set extra=true"));
    assert_eq!(writes(&vc), Vec::<String>::new());
}

#[test]
fn one_that_failed_is_told_in_the_history_and_can_be_repeated_or_taken_back() {
    let vc = Sandbox::new();
    write_chart(&vc);
    vc.run("create dev --no-wait --chart chart");
    vc.host
        .fault("apply */configmaps/extra", Nth::Only(2), Fault::Status(400));
    assert_snapshot!(vc.run("upgrade dev --no-wait --set word=second"));
    assert_snapshot!(vc.run("history dev"));
    vc.host.behave();
    let output = vc.run("upgrade dev --no-wait --set word=third");
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(
        release::statuses_of_dev(&vc.host),
        ["1 superseded", "2 failed", "3 deployed"]
    );
}

#[test]
fn a_sleeping_cluster_is_woken_by_it() {
    let vc = created();
    vc.run("sleep dev");
    let output = vc.run("upgrade dev --set controlPlane.service.annotations.a=b");
    assert_eq!(output.code, Some(0), "{output}");
    let workload = vc.host.get(WORKLOAD).expect("the workload");
    assert_eq!(workload["spec"]["replicas"], 1);
    assert!(workload["metadata"]["annotations"]["loft.sh/paused"].is_null());
    drop(vc);
    let vc = Sandbox::new().with(sleeping("dev"));
    assert_eq!(vc.run("upgrade dve").code, Some(4));
}

#[test]
fn a_new_pod_that_cannot_start_is_said_and_the_way_back_too() {
    let vc = created();
    vc.host
        .set(|settings| settings.fate = PodFate::ImagePullBackOff);
    let output =
        vc.run("upgrade dev --k8s 1.36 --set controlPlane.statefulSet.image.tag=none --timeout 2s");
    assert!(matches!(output.code, Some(1 | 6)), "{output}");
    vc.host.set(|settings| settings.fate = PodFate::Ready);
    let output = vc.run("rollback dev");
    assert_eq!(output.code, Some(0), "{output}");
}

#[test]
fn one_that_is_killed_at_any_request_is_completed_by_the_next() {
    for number in 1.. {
        let vc = created();
        vc.host.fault("*", Nth::Only(number), Fault::Hang);
        let change = "upgrade dev --set controlPlane.service.annotations.a=b";
        let mut started = vc.start(change);
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
        let output = vc.run(change);
        assert_eq!(output.code, Some(0), "killed at {culprit}:\n{output}");
        let statuses = release::statuses_of_dev(&vc.host);
        let deployed = statuses
            .iter()
            .filter(|status| status.ends_with("deployed"))
            .count();
        assert_eq!(deployed, 1, "killed at {culprit}: {statuses:?}\n{output}");
        assert!(
            statuses.iter().all(|status| !status.contains("pending")),
            "killed at {culprit}: {statuses:?}\n{output}"
        );
    }
}
