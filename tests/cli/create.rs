//! `vc create`.

use insta::assert_snapshot;

use crate::support::{
    api_server::{Fault, Nth, PodFate, Scope},
    cluster::running,
    sandbox::Sandbox,
};

/// Verbs that change something on the host.
fn writes(vc: &Sandbox) -> Vec<String> {
    let calls = vc.each_call().0;
    let writes = calls
        .iter()
        .filter(|call| !matches!(call.verb, "get" | "list" | "watch" | "forward"));
    writes.map(ToString::to_string).collect()
}

#[test]
fn a_new_cluster_is_made_and_connected() {
    let vc = Sandbox::new();
    assert_snapshot!(vc.run("create dev"));
    assert_snapshot!(vc.calls());
    assert_snapshot!(vc.kubeconfig_text());
    assert_snapshot!(vc.host.paths().join("\n"));
}

#[test]
fn what_helm_and_vcluster_look_for_is_there() {
    let vc = Sandbox::new();
    vc.run("create dev --no-connect");
    let get = |path: &str| {
        vc.host
            .get(path)
            .unwrap_or_else(|| panic!("{path} is missing"))
    };
    let namespace = get("/api/v1/namespaces/vcluster-dev");
    assert_eq!(
        namespace["metadata"]["annotations"]["vcluster.loft.sh/created"],
        "true"
    );
    let record = get("/api/v1/namespaces/vcluster-dev/secrets/sh.helm.release.v1.dev.v1");
    assert_eq!(record["type"], "helm.sh/release.v1");
    let labels = &record["metadata"]["labels"];
    assert_eq!(
        (&labels["owner"], &labels["name"]),
        (&"helm".into(), &"dev".into())
    );
    assert_eq!(
        (&labels["status"], &labels["version"]),
        (&"deployed".into(), &"1".into())
    );
    let workload = get("/apis/apps/v1/namespaces/vcluster-dev/statefulsets/dev");
    let labels = &workload["metadata"]["labels"];
    assert_eq!(
        (&labels["app"], &labels["release"]),
        (&"vcluster".into(), &"dev".into())
    );
    assert_eq!(labels["app.kubernetes.io/managed-by"], "Helm");
    assert_eq!(
        workload["metadata"]["annotations"]["meta.helm.sh/release-name"],
        "dev"
    );
    assert_eq!(
        workload["spec"]["template"]["spec"]["containers"][0]["name"],
        "syncer"
    );
}

#[test]
fn the_volume_and_the_arguments_are_what_was_asked_for() {
    let vc = Sandbox::new();
    vc.run("create dev --no-connect --ephemeral --k8s 1.35 --label team=a --api-server-arg --audit-log-maxage=1");
    let calls = vc.each_call().0;
    let workload = calls
        .iter()
        .find(|call| call.path.ends_with("/deployments/dev"))
        .expect("a Deployment");
    assert_eq!(
        (workload.verb, &workload.body["metadata"]["labels"]["team"]),
        ("apply", &"a".into())
    );
    let images = &workload.body["spec"]["template"]["spec"]["initContainers"][0]["image"];
    assert!(
        images
            .as_str()
            .is_some_and(|image| image.contains("/kubernetes:v1.35")),
        "{images}"
    );
    assert!(
        vc.host
            .paths()
            .iter()
            .all(|path| !path.contains("persistentvolumeclaims"))
    );
}

#[test]
fn an_older_host_is_asked_for_no_right_that_it_does_not_know() {
    let rules = |version: &str| {
        let vc = Sandbox::new();
        vc.host.set_version(version);
        assert_eq!(vc.run("create dev --no-wait").code, Some(0));
        let role = "/apis/rbac.authorization.k8s.io/v1/namespaces/vcluster-dev/roles/vc-dev";
        vc.host.get(role).expect("the Role")["rules"].to_string()
    };
    assert!(rules("v1.36.3").contains("pods/resize"));
    assert!(!rules("v1.30.2+k3s1").contains("pods/resize"));
}

#[test]
fn the_same_again_says_so_and_changes_nothing() {
    let vc = Sandbox::new();
    vc.run("create dev --set controlPlane.statefulSet.persistence.volumeClaim.size=1Gi");
    let before = vc.kubeconfig();
    vc.host.forget_calls();
    assert_snapshot!(
        vc.run("create dev --set controlPlane.statefulSet.persistence.volumeClaim.size=1Gi")
    );
    assert_snapshot!(vc.calls());
    assert_eq!(vc.kubeconfig(), before);
}

#[test]
fn another_wish_is_refused_with_what_differs() {
    let vc = Sandbox::new();
    vc.run("create dev --no-connect");
    vc.host.forget_calls();
    assert_snapshot!(vc.run("create dev --no-connect --k8s 1.35"));
    assert_eq!(writes(&vc), Vec::<String>::new());
}

#[test]
fn upgrade_carries_the_other_wish_out() {
    let vc = Sandbox::new();
    vc.run("create dev --no-connect --k8s 1.35");
    vc.host.forget_calls();
    assert_snapshot!(vc.run("create dev --no-connect --upgrade --k8s 1.36"));
    assert_snapshot!(vc.calls());
    let status = |revision: u8| {
        let path =
            format!("/api/v1/namespaces/vcluster-dev/secrets/sh.helm.release.v1.dev.v{revision}");
        vc.host.get(&path).expect("a record")["metadata"]["labels"]["status"].clone()
    };
    assert_eq!(
        (status(1), status(2)),
        ("superseded".into(), "deployed".into())
    );
}

#[test]
fn json_is_one_object_and_progress_is_json_lines() {
    let vc = Sandbox::new();
    let output = vc.run("create dev -o json");
    serde_json::from_str::<serde_json::Value>(&output.stdout).expect("one JSON value");
    for line in output.stderr.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("JSON lines");
    }
    assert_snapshot!(output);
}

#[test]
fn without_a_name_a_script_gets_one_made_up() {
    let vc = Sandbox::new();
    let first = vc.run("create --no-connect -o name");
    let name = first.stdout.trim_end();
    assert_eq!(first.code, Some(0), "{first}");
    assert!(
        vc.host
            .get(&format!(
                "/apis/apps/v1/namespaces/vcluster-{name}/statefulsets/{name}"
            ))
            .is_some()
    );
    let second = vc.run("create --no-connect -o name");
    assert_ne!(second.stdout.trim_end(), name);
}

#[test]
fn dry_run_prints_the_objects_and_applies_none() {
    let vc = Sandbox::new();
    let output = vc.run("create dev --dry-run -o yaml");
    assert_eq!((output.code, writes(&vc)), (Some(0), Vec::new()));
    let kinds: Vec<&str> = output
        .stdout
        .lines()
        .filter(|line| {
            line.trim_start()
                .trim_start_matches("- ")
                .starts_with("kind: ")
        })
        .collect();
    assert_snapshot!(kinds.join("\n"));
    assert_snapshot!(vc.calls());
    let json = vc.run("create dev --dry-run -o json");
    serde_json::from_str::<serde_json::Value>(&json.stdout).expect("one JSON value");
}

#[test]
fn no_wait_returns_when_the_objects_are_there() {
    let vc = Sandbox::new();
    vc.host.set(|settings| settings.fate = PodFate::Unready);
    let before = vc.kubeconfig();
    assert_snapshot!(vc.run("create dev --no-wait"));
    assert_snapshot!(vc.calls());
    assert_eq!(vc.kubeconfig(), before);
}

#[test]
fn no_connect_waits_and_leaves_the_kubeconfig_alone() {
    let vc = Sandbox::new();
    let before = vc.kubeconfig();
    assert_snapshot!(vc.run("create dev --no-connect"));
    assert_eq!(vc.kubeconfig(), before);
    assert_eq!(vc.tunnels(), Vec::<u64>::new());
}

#[test]
fn a_namespace_that_is_there_is_looked_at_first() {
    let vc = Sandbox::new();
    vc.host.create_all([serde_json::json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "team-a" },
    })]);
    assert_snapshot!(vc.run("create dev -n team-a --no-connect"));
    assert_snapshot!(vc.calls());
    let namespace = vc
        .host
        .get("/api/v1/namespaces/team-a")
        .expect("the namespace");
    assert!(namespace["metadata"]["annotations"]["vcluster.loft.sh/created"].is_null());
}

#[test]
fn an_object_of_someone_else_stops_it_before_anything_is_touched() {
    let vc = Sandbox::new();
    vc.host.create_all([
        serde_json::json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "team-a" } }),
        serde_json::json!({
            "apiVersion": "v1", "kind": "Service", "metadata": { "name": "dev", "namespace": "team-a" },
            "spec": { "ports": [{ "port": 80 }] },
        }),
    ]);
    let before = (vc.kubeconfig(), vc.host.paths());
    assert_snapshot!(vc.run("create dev -n team-a"));
    assert_eq!(writes(&vc), Vec::<String>::new());
    assert_eq!((vc.kubeconfig(), vc.host.paths()), before);
}

#[test]
fn a_second_cluster_in_a_namespace_is_refused() {
    let vc = Sandbox::new().with(running("first").in_namespace("team-a"));
    assert_snapshot!(vc.run("create second -n team-a"));
    assert_eq!(writes(&vc), Vec::<String>::new());
}

#[test]
fn a_bad_name_is_refused_before_anything_is_asked() {
    let vc = Sandbox::new();
    for name in ["Dev", "1dev", "de_v", "dev-", "a.b"] {
        let output = vc.run(&format!("create {name}"));
        assert_eq!(output.code, Some(2), "{output}");
    }
    assert_snapshot!(vc.run("create Dev"));
    assert_snapshot!(vc.run(&format!("create {}", "a".repeat(64))));
    assert_eq!(vc.each_call().len(), 0);
}

#[test]
fn the_end_of_patience_names_what_was_waited_for() {
    let vc = Sandbox::new();
    let before = vc.kubeconfig();
    vc.host.set(|settings| settings.fate = PodFate::Unready);
    assert_snapshot!(vc.run("create dev --timeout 1s"));
    assert_eq!(vc.kubeconfig(), before);
    vc.host.set(|settings| settings.fate = PodFate::Ready);
    assert_snapshot!(vc.run("create dev"));
}

#[test]
fn an_interrupt_says_what_is_left() {
    let vc = Sandbox::new();
    let before = vc.kubeconfig();
    vc.host
        .fault("apply */statefulsets/dev", Nth::Every, Fault::Hang);
    let started = vc.start("create dev");
    started.until_asked("apply /apis/apps/v1/namespaces/vcluster-dev/statefulsets/dev");
    started.signal("INT");
    assert_snapshot!(started.finish());
    vc.host.behave();
    assert_eq!(vc.kubeconfig(), before);
    assert_snapshot!(vc.run("create dev"));
}

#[test]
fn quiet_says_nothing_but_the_answer() {
    let vc = Sandbox::new();
    let output = vc.run("create dev -q -o name");
    assert_eq!(
        (output.stdout.as_str(), output.stderr.as_str()),
        ("dev\n", "")
    );
}

#[test]
fn the_watches_are_open_before_the_workload_is_applied() {
    let vc = Sandbox::new();
    vc.run("create dev --no-connect");
    let calls = vc.each_call().0;
    let last_watch = calls.iter().rposition(|call| call.verb == "watch");
    let workload = calls
        .iter()
        .position(|call| call.path.ends_with("/statefulsets/dev"));
    assert!(last_watch < workload, "{}", vc.calls());
}

#[test]
fn two_at_once_make_one_cluster() {
    let vc = Sandbox::new();
    let (one, other) = (vc.start("create dev"), vc.start("create dev"));
    let codes = [one.finish(), other.finish()].map(|output| output.code);
    assert!(codes.contains(&Some(0)), "{codes:?}");
    assert!(
        codes.iter().all(|code| matches!(code, Some(0 | 5))),
        "{codes:?}"
    );
    assert_eq!(vc.run("create dev").code, Some(0));
    assert_eq!(vc.run("list -o name").stdout, "dev\n");
}

#[test]
fn values_come_from_files_flags_and_standard_input() {
    let vc = Sandbox::new();
    vc.write(
        "work/vcluster.yaml",
        "controlPlane:\n  statefulSet:\n    labels: {from: file}\n",
    );
    let command = "create dev --dry-run -o json -f vcluster.yaml -f - --set controlPlane.statefulSet.annotations.from=flag";
    let output = vc.run_with_input(
        command,
        "controlPlane:\n  service:\n    annotations: {from: input}\n",
    );
    assert_eq!(output.code, Some(0), "{output}");
    for source in ["file", "flag", "input"] {
        assert!(
            output.stdout.contains(&format!("\"from\": \"{source}\"")),
            "{source} is missing"
        );
    }
}

#[test]
fn a_value_that_nothing_acts_on_is_refused() {
    let vc = Sandbox::new();
    assert_snapshot!(vc.run("create dev --set controlPlane.nonsense=1"));
    assert_snapshot!(vc.run("create dev --set sleep.auto.afterInactivity=1h"));
    assert_snapshot!(vc.run("create dev -f missing.yaml"));
    vc.write("work/broken.yaml", "controlPlane: [\n");
    assert_snapshot!(vc.run("create dev -f broken.yaml"));
    assert_eq!(writes(&vc), Vec::<String>::new());
}

#[test]
fn a_user_who_may_not_create_namespaces_is_told_which_right_is_missing() {
    let vc = Sandbox::new();
    vc.host.forbid("create", "namespaces", Scope::Anywhere);
    vc.host.forbid("patch", "namespaces", Scope::Anywhere);
    let before = vc.kubeconfig();
    assert_snapshot!(vc.run("create dev"));
    assert_eq!(vc.kubeconfig(), before);
}
