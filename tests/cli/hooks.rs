//! A chart's hooks, run by `create`, `upgrade`, `rollback` and `delete`.

use insta::assert_snapshot;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::upgrade::{write_chart, writes};
use crate::support::{
    api_server::{JobFate, PodFate},
    release,
    sandbox::Sandbox,
};

const JOBS: &str = "/apis/batch/v1/namespaces/vcluster-dev/jobs";

/// A Job of the chart that is a hook with these annotations.
fn write_hook(vc: &Sandbox, name: &str, annotations: &str) {
    vc.write(
        &format!("work/chart/templates/{name}.yaml"),
        &format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n  annotations: {{{annotations}}}\n\
             spec: {{template: {{spec: {{containers: [{{name: main, image: busybox}}], restartPolicy: Never}}}}}}\n"
        ),
    );
}

fn with_hooks() -> Sandbox {
    let vc = Sandbox::new();
    write_chart(&vc);
    write_hook(
        &vc,
        "second",
        "helm.sh/hook: 'pre-install,pre-upgrade', helm.sh/hook-weight: '5'",
    );
    write_hook(
        &vc,
        "first",
        "helm.sh/hook: 'pre-install,pre-upgrade,pre-rollback', helm.sh/hook-weight: '-5', helm.sh/hook-delete-policy: 'before-hook-creation,hook-succeeded'",
    );
    write_hook(
        &vc,
        "after",
        "helm.sh/hook: 'post-install,post-upgrade,post-rollback', helm.sh/hook-delete-policy: 'before-hook-creation,hook-failed'",
    );
    vc
}

/// The Jobs that were made, and the workload, in the order in which they were made.
fn made(vc: &Sandbox) -> Vec<String> {
    let calls = vc.each_call().0;
    let is_made = |path: &str| path.contains("/jobs/") || path.contains("/statefulsets/");
    let made = calls.iter().filter(|call| {
        call.verb == "apply"
            && is_made(&call.path)
            && !call
                .query
                .contains(&("dryRun".to_owned(), "All".to_owned()))
    });
    made.filter_map(|call| Some(call.path.rsplit_once('/')?.1.to_owned()))
        .collect()
}

fn job(vc: &Sandbox, name: &str) -> Option<Value> {
    vc.host.get(&format!("{JOBS}/{name}"))
}

#[test]
fn hooks_of_an_install_run_in_their_order_and_are_told_in_the_record() {
    let vc = with_hooks();
    assert_snapshot!(vc.run("create dev --no-wait --chart chart"));
    assert_eq!(made(&vc), ["first", "second", "dev", "after"]);
    // By its policy the first goes when all went well; the others stay for whoever wants to look.
    assert!(job(&vc, "first").is_none());
    assert!(job(&vc, "second").is_some() && job(&vc, "after").is_some());
    let record = release::of_dev(&vc.host, 1);
    let hooks = record["hooks"].as_array().expect("hooks");
    assert_eq!(hooks.len(), 3);
    for hook in hooks {
        assert_eq!(hook["last_run"]["phase"], "Succeeded", "{hook}");
        assert!(hook["last_run"]["completed_at"].is_string(), "{hook}");
    }
    let manifest = record["manifest"].as_str().unwrap_or_default();
    assert!(!manifest.contains("kind: Job"), "{manifest}");
}

#[test]
fn an_upgrade_makes_them_anew_and_a_rollback_runs_its_own() {
    let vc = with_hooks();
    vc.run("create dev --no-wait --chart chart");
    let uid = |name: &str| job(&vc, name).map(|job| job["metadata"]["uid"].clone());
    let before = uid("second");
    vc.host.forget_calls();
    let output = vc.run("upgrade dev --no-wait --set word=second");
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(made(&vc), ["first", "second", "after"]);
    assert_ne!(uid("second"), before);
    vc.host.forget_calls();
    let output = vc.run("rollback dev --no-wait");
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(made(&vc), ["first", "after"]);
}

#[test]
fn without_hooks_none_runs() {
    let vc = with_hooks();
    vc.run("create dev --no-wait --chart chart --no-hooks");
    vc.run("upgrade dev --no-wait --set word=second --no-hooks");
    vc.run("rollback dev --no-wait --no-hooks");
    assert!(
        made(&vc).iter().all(|name| name == "dev"),
        "{:?}",
        made(&vc)
    );
    assert_eq!(
        release::of_dev(&vc.host, 1)["hooks"][0]["last_run"]["phase"],
        ""
    );
}

#[test]
fn one_without_a_name_is_refused_before_anything_is_made() {
    let vc = Sandbox::new();
    write_chart(&vc);
    vc.write(
        "work/chart/templates/hook.yaml",
        "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: x-, annotations: {helm.sh/hook: post-install}}\n",
    );
    let output = vc.run("create dev --chart chart");
    assert_eq!(output.code, Some(2), "{output}");
    assert!(
        output.stderr.contains("templates/hook.yaml renders"),
        "{output}"
    );
    assert_eq!(vc.calls(), "");
}

#[test]
fn a_hook_that_fails_stops_it_and_is_told() {
    let vc = with_hooks();
    vc.host.set(|settings| settings.jobs = JobFate::Fail);
    assert_snapshot!(vc.run("create dev --no-wait --chart chart"));
    assert_eq!(made(&vc), ["first"]);
    assert_eq!(release::statuses_of_dev(&vc.host), ["1 failed"]);
    vc.host.set(|settings| settings.jobs = JobFate::Complete);
    let output = vc.run("create dev --no-wait --chart chart");
    assert_eq!(output.code, Some(0), "{output}");
    vc.host.set(|settings| settings.jobs = JobFate::Fail);
    vc.host.forget_calls();
    let output = vc.run("upgrade dev --no-wait --set word=second");
    assert_eq!(output.code, Some(1), "{output}");
    let map = vc
        .host
        .get("/api/v1/namespaces/vcluster-dev/configmaps/extra")
        .expect("the map");
    assert_eq!(map["data"]["word"], "first", "nothing was changed");
}

#[test]
fn a_pod_that_is_a_hook_is_waited_for_and_what_holds_it_is_said() {
    let vc = Sandbox::new();
    write_chart(&vc);
    vc.write(
        "work/chart/templates/pod.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: check, annotations: {helm.sh/hook: pre-install}}\n\
         spec: {containers: [{name: main, image: busybox}], restartPolicy: Never}\n",
    );
    vc.host
        .set(|settings| settings.fate = PodFate::ImagePullBackOff);
    assert_snapshot!(vc.run("create dev --no-wait --chart chart --timeout 2s"));
    vc.host.set(|settings| settings.fate = PodFate::Ready);
    let output = vc.run("create dev --no-wait --chart chart");
    assert_eq!(output.code, Some(0), "{output}");
}

#[test]
fn what_a_hook_wrote_is_shown_where_the_chart_asks_for_it() {
    let vc = Sandbox::new();
    write_chart(&vc);
    let policy = "helm.sh/hook: pre-install, helm.sh/hook-output-log-policy";
    write_hook(&vc, "silent", "helm.sh/hook: pre-install");
    write_hook(&vc, "well", &format!("{policy}: 'hook-succeeded'"));
    write_hook(&vc, "ill", &format!("{policy}: 'hook-failed'"));
    let pod = |job: &str| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("{job}-x7k2p"), "namespace": "team", "labels": {"job-name": job}},
            "spec": {"containers": [{"name": "main", "image": "busybox"}]},
        })
    };
    vc.host.create_all([
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}}),
        pod("silent"),
        pod("well"),
        pod("ill"),
    ]);
    for job in ["silent", "well", "ill"] {
        let (pod, line) = (format!("{job}-x7k2p"), "migrated \x1b[31m7 tables");
        vc.host
            .say("team", &pod, "main", line, SignedDuration::ZERO);
    }
    let output = vc.run("create dev -n team --no-wait --chart chart");
    let shown = |output: &str| -> Vec<String> {
        let lines = output.lines().filter(|line| line.contains("migrated"));
        lines.map(str::to_owned).collect()
    };
    let said = |job: &str| format!("note: {job}-x7k2p: migrated 7 tables");
    assert_eq!(shown(&output.stderr), [said("well")], "{output}");
    vc.host.set(|settings| settings.jobs = JobFate::Fail);
    vc.run("delete dev -n team");
    let output = vc.run("create dev -n team --no-wait --chart chart");
    assert_eq!(output.code, Some(1), "{output}");
    assert_eq!(shown(&output.stderr), [said("ill")], "{output}");
}

#[test]
fn a_delete_runs_its_hooks_and_leaves_nothing_of_them() {
    let vc = Sandbox::new();
    let before = vc.host.paths();
    write_chart(&vc);
    write_hook(&vc, "goodbye", "helm.sh/hook: pre-delete");
    write_hook(&vc, "gone", "helm.sh/hook: post-delete");
    vc.run("create dev --no-wait --chart chart --set kept=false");
    vc.host.forget_calls();
    assert_snapshot!(vc.run("delete dev"));
    assert_eq!(made(&vc), ["goodbye", "gone"]);
    assert_eq!(vc.host.paths(), before);
}

#[test]
fn a_delete_leaves_nothing_of_a_hook_that_only_a_failed_revision_has() {
    let vc = Sandbox::new();
    let before = vc.host.paths();
    write_chart(&vc);
    vc.run("create dev --no-wait --chart chart --set kept=false");
    write_hook(&vc, "after", "helm.sh/hook: post-upgrade");
    vc.host.set(|settings| settings.jobs = JobFate::Fail);
    let upgrade = vc.run("upgrade dev --no-wait --chart chart --set note=x");
    assert_eq!(upgrade.code, Some(1), "{upgrade}");
    assert_eq!(vc.run("rollback dev --no-wait").code, Some(0));
    assert_eq!(made(&vc), ["dev", "after"]);
    assert_eq!(vc.run("delete dev").code, Some(0));
    assert_eq!(vc.host.paths(), before);
}

#[test]
fn a_delete_hook_that_fails_stops_the_delete_and_can_be_left_out() {
    let vc = Sandbox::new();
    write_chart(&vc);
    write_hook(&vc, "goodbye", "helm.sh/hook: pre-delete");
    vc.run("create dev --no-wait --chart chart --set kept=false");
    vc.host.set(|settings| settings.jobs = JobFate::Fail);
    vc.host.forget_calls();
    assert_snapshot!(vc.run("delete dev"));
    assert!(
        writes(&vc)
            .iter()
            .all(|call| !call.contains("statefulsets"))
    );
    assert_eq!(vc.run("delete dev --no-hooks").code, Some(0));
    assert!(vc.host.get("/api/v1/namespaces/vcluster-dev").is_none());
}

#[test]
fn what_asks_to_be_kept_stays_with_its_namespace() {
    let vc = Sandbox::new();
    write_chart(&vc);
    vc.run("create dev --no-wait --chart chart");
    assert_snapshot!(vc.run("delete dev"));
    let left: Vec<String> = vc
        .host
        .paths()
        .into_iter()
        .filter(|path| path.contains("/vcluster-dev/"))
        .filter(|path| !path.contains("kube-root-ca") && !path.contains("serviceaccounts/default"))
        .collect();
    assert_eq!(left, ["/api/v1/namespaces/vcluster-dev/configmaps/kept"]);
}
