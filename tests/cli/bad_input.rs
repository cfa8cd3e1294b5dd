//! What a user may get wrong, or find in a bad state: a clear error, its exit code, and nothing touched.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{
    api_server::{ApiServer, Fault, Nth},
    cluster::running,
    sandbox::Sandbox,
};

const VALUES: &str = "\
controlPlane:
  statefulSet:
    resources:
      limits:
        memory: 2Gi
    env:
    - name: A
      valeu: b
  foo: secret-of-the-file
sync:
  toHost:
    ingreses:
      enabled: true
    pods:
      enabled: \"yes\"
";

#[test]
fn values_are_refused_with_their_place() {
    let vc = Sandbox::new();
    vc.write("work/values.yaml", VALUES);
    vc.write("work/more.yaml", "# more\ncontrolPlane: {foo: again}\n");
    let output = vc.run("create dev -f values.yaml");
    assert!(!output.stderr.contains("secret-of-the-file"), "{output}");
    assert_snapshot!(output);
    assert_snapshot!(vc.run(
        "create dev -f values.yaml -f more.yaml --set sync.toHost.pods.enabled=1 --set-string sync.fromHost.nodes=x"
    ));
    assert_snapshot!(vc.run_with_input("create dev -f -", "a: 1\n"));
    assert_eq!(vc.each_call().len(), 0);
}

#[test]
fn values_that_cannot_be_read_are_refused_with_their_place() {
    let vc = Sandbox::new();
    vc.write("work/broken.yaml", "controlPlane:\n  a: [1,\n  b: 2\n");
    vc.write("work/list.yaml", "- a\n- b\n");
    assert_snapshot!(vc.run("create dev -f broken.yaml"));
    assert_snapshot!(vc.run("create dev -f list.yaml"));
    assert_snapshot!(vc.run("create dev -f missing.yaml"));
    assert_snapshot!(vc.run("create dev --set controlPlane.distro"));
    assert_eq!(vc.each_call().len(), 0);
}

#[test]
fn a_version_that_does_not_exist_is_refused() {
    let vc = Sandbox::new();
    assert_snapshot!(vc.run("create dev --k8s 1.99"));
    assert_snapshot!(vc.run("create dev --k8s latest"));
    assert_eq!(vc.each_call().len(), 0);
}

#[test]
fn names_that_cannot_be_are_refused() {
    let vc = Sandbox::new();
    let long = "a".repeat(63);
    for (name, command) in [
        ("long", format!("create {long}")),
        ("upper-case", "create Dev".to_owned()),
        ("digit", "create 1dev".to_owned()),
        ("empty", "create ''".to_owned()),
        ("dots", "delete a.b".to_owned()),
        ("long-namespace", format!("create dev -n {long}b")),
        ("system", "sleep ../dev".to_owned()),
    ] {
        let output = vc.run(&command);
        assert_eq!(output.code, Some(2), "{output}");
        assert_snapshot!(format!("name-{name}"), output);
    }
    assert_eq!(vc.each_call().len(), 0);
}

/// Every name and label that is derived from the longest name is one that Kubernetes takes.
#[test]
fn the_longest_name_fits_everything_derived_from_it() {
    let vc = Sandbox::new();
    let name = "a".repeat(52);
    let list = vc.run(&format!("create {name} --dry-run -o json"));
    let list: Value = serde_json::from_str(&list.stdout).expect("a list");
    let items = list["items"].as_array().expect("items");
    assert!(items.len() > 5);
    for item in items {
        check_names(item);
    }
    let namespace = "n".repeat(63);
    vc.host.create_all([json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace },
    })]);
    let created = vc.run(&format!("create {name} -n {namespace}"));
    assert_eq!(created.code, Some(0), "{created}");
    let context = format!("vcluster_{name}_{namespace}_host");
    assert!(vc.kubeconfig().contains(&context));
    assert_eq!(vc.run(&format!("delete {name}")).code, Some(0));
}

fn check_names(object: &Value) {
    let kind = object["kind"].as_str().expect("a kind");
    let name = object["metadata"]["name"].as_str().expect("a name");
    // A workload's pods are named `NAME-0`, and labelled with NAME and a hash of ten characters.
    let most = match kind {
        "Service" => 63,
        "StatefulSet" => 52,
        _ => 253,
    };
    assert!(name.len() <= most, "{kind} {name}");
    let labels = [
        &object["metadata"]["labels"],
        &object["spec"]["selector"]["matchLabels"],
        &object["spec"]["template"]["metadata"]["labels"],
    ];
    for (key, value) in labels.into_iter().filter_map(Value::as_object).flatten() {
        let value = value.as_str().expect("a label is text");
        assert!(value.len() <= 63, "{kind} {name}: {key}={value}");
    }
}

#[test]
fn a_certificate_that_has_expired_is_said() {
    let vc = Sandbox::of(ApiServer::start_with_expired_certificate());
    let output = vc.run("list");
    assert_eq!(output.code, Some(3), "{output}");
    assert!(
        output.stderr.contains("certificate expired")
            && output
                .stderr
                .contains("hint: have the host's certificate renewed"),
        "{output}"
    );
}

#[test]
fn a_quota_on_objects_is_said() {
    let vc = Sandbox::new();
    let words = "secrets \"sh.helm.release.v1.dev.v1\" is forbidden: exceeded quota: objects, requested: \
                 count/secrets=1, used: count/secrets=3, limited: count/secrets=3";
    vc.host.fault(
        "create */secrets",
        Nth::Every,
        Fault::Refuse(403, words.to_owned()),
    );
    assert_snapshot!(vc.run("create dev"));
}

#[test]
fn a_webhook_that_refuses_an_object_is_said() {
    let vc = Sandbox::new();
    let words = "admission webhook \"policy.example.com\" denied the request: no owner label";
    vc.host.fault(
        "apply */statefulsets/*",
        Nth::Every,
        Fault::Refuse(400, words.to_owned()),
    );
    assert_snapshot!(vc.run("create dev"));
    assert_eq!(vc.run("delete dev").code, Some(0));
}

#[test]
fn a_home_that_cannot_be_written_is_said_and_nothing_is_left_running() {
    let vc = Sandbox::new().with(running("dev"));
    // Nobody can make anything below it, not even the administrator that tests may run as.
    let output = vc.run_in_shell("export XDG_STATE_HOME=/proc/nowhere", "connect dev");
    assert_eq!(output.code, Some(1), "{output}");
    assert_snapshot!(output);
    assert_eq!(vc.tunnels(), [] as [u64; 0]);
    let output = vc.run_in_shell("export XDG_STATE_HOME=/proc/nowhere", "list -o name");
    assert_eq!(output.stdout, "dev\n", "{output}");
    let output = vc.run_in_shell(
        "export XDG_STATE_HOME=/proc/nowhere KUBECONFIG=/proc/nowhere/config:$KUBECONFIG",
        "create other --no-connect",
    );
    assert_eq!(output.code, Some(0), "{output}");
}

#[test]
fn a_disk_that_takes_no_more_leaves_the_kubeconfig_as_it_was() {
    let vc = Sandbox::new().with(running("dev"));
    let before = vc.kubeconfig();
    // The tunnel is there already, so that the kubeconfig is what cannot be written.
    let first = vc.run("connect dev --print");
    assert_eq!(first.code, Some(0), "{first}");
    let output = vc.run_in_shell("trap '' XFSZ; ulimit -f 0", "connect dev");
    assert_eq!(output.code, Some(1), "{output}");
    assert!(output.stderr.contains("error: cannot write `"), "{output}");
    assert!(output.stderr.contains("hint: "), "{output}");
    assert_eq!(vc.kubeconfig(), before);
    let left = std::fs::read_dir(vc.path("home/.kube")).expect("a folder");
    assert_eq!(left.count(), 1, "something lies beside the kubeconfig");
}

#[test]
fn without_streams_it_still_works() {
    let vc = Sandbox::new().with(running("dev"));
    let output = vc.run_in_shell("exec <&-", "list -o name");
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), "dev\n"),
        "{output}"
    );
    let output = vc.run_in_shell("exec <&-", "create -o name --no-connect");
    assert_eq!(output.code, Some(0), "{output}");
    let output = vc.run_in_shell("exec <&-", "delete dev");
    assert_eq!(output.code, Some(0), "{output}");
    let output = vc.run_in_shell("exec >&- 2>&-", "list");
    assert_eq!(output.code, Some(0), "{output}");
}
