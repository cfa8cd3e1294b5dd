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
    // Whether the signal that comes with it is ignored by who started us, or not.
    for first in ["trap '' XFSZ; ulimit -f 0", "ulimit -f 0"] {
        let output = vc.run_in_shell(first, "connect dev");
        assert_eq!(output.code, Some(1), "{output}");
        for words in [
            "error: there is no space left to write `",
            "hint: free some space, or raise a limit such as `ulimit -f`",
        ] {
            assert!(output.stderr.contains(words), "{output}");
        }
        assert_eq!(vc.kubeconfig(), before);
    }
    let left = std::fs::read_dir(vc.path("home/.kube")).expect("a folder");
    assert_eq!(left.count(), 1, "something lies beside the kubeconfig");
}

#[test]
fn a_limit_on_files_ends_no_command_in_the_middle() {
    let vc = Sandbox::new().with(running("dev"));
    let before = vc.kubeconfig();
    // No agent can begin, which has to say in a file where it is.
    let output = vc.run_in_shell("ulimit -f 0", "connect dev");
    assert_eq!(output.code, Some(1), "{output}");
    assert_eq!((vc.kubeconfig(), vc.agent()), (before, None));
    let output = vc.run_in_shell("ulimit -f 0", "config set timeout 5m");
    assert_eq!(output.code, Some(1), "{output}");
    assert!(output.stderr.contains("no space left"), "{output}");
    // What we start has the signal as ever.
    let script = "connect dev -- sh -c 'ulimit -f 0; echo x >written; echo survived'";
    let output = vc.run(script);
    assert!(!output.stdout.contains("survived"), "{output}");
}

/// What a shell does first so that modes of files count, even for an administrator.
fn as_anybody() -> &'static str {
    if rustix::process::geteuid().is_root() {
        "exec setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search \"$0\" \"$@\""
    } else {
        ":"
    }
}

fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("our own file");
}

#[test]
fn a_kubeconfig_that_may_not_be_read_or_written_is_said_and_left_alone() {
    let vc = Sandbox::new().with(running("dev"));
    let file = vc.path("home/.kube/config");
    let before = vc.kubeconfig();
    set_mode(&file, 0o000);
    assert_snapshot!("unreadable", vc.run_in_shell(as_anybody(), "connect dev"));
    set_mode(&file, 0o400);
    assert_snapshot!(
        "read-only-file",
        vc.run_in_shell(as_anybody(), "connect dev")
    );
    set_mode(&file, 0o600);
    assert_eq!(vc.kubeconfig(), before);
    assert_eq!(vc.tunnels(), [] as [u64; 0]);
}

#[test]
fn a_kubeconfig_that_may_not_be_written_is_said_before_a_cluster_is_made() {
    let vc = Sandbox::new();
    let file = vc.path("home/.kube/config");
    set_mode(&file, 0o400);
    let output = vc.run_in_shell(as_anybody(), "create dev");
    set_mode(&file, 0o600);
    assert_eq!(output.code, Some(1), "{output}");
    assert!(
        output.stderr.contains("/config` cannot be written"),
        "{output}"
    );
    assert_eq!(vc.calls(), "");
}

#[test]
fn in_a_folder_that_may_not_be_written_the_file_itself_is() {
    let vc = Sandbox::new().with(running("dev"));
    let folder = vc.path("home/.kube");
    set_mode(&folder, 0o500);
    let written = vc.run_in_shell(as_anybody(), "connect dev");
    let new = vc.run_in_shell(
        &format!(
            "export KUBECONFIG={}/new:$KUBECONFIG; {}",
            folder.display(),
            as_anybody()
        ),
        "connect dev --kubeconfig-out ../home/.kube/new",
    );
    set_mode(&folder, 0o700);
    assert_eq!(written.code, Some(0), "{written}");
    assert!(vc.kubeconfig().contains("vcluster_dev"));
    assert_eq!(new.code, Some(1), "{new}");
    assert!(new.stderr.contains("/new` cannot be written"), "{new}");
    assert!(!vc.path("home/.kube/new").exists());
}

#[test]
fn a_folder_where_the_kubeconfig_should_be_is_said() {
    let vc = Sandbox::new().with(running("dev"));
    let vc = vc.with_variable("KUBECONFIG", "/");
    assert_snapshot!(vc.run("list"));
    let folder = vc.path("work/out.yaml");
    std::fs::create_dir(&folder).expect("a new folder");
    let host = vc.path("home/.kube/config");
    let named = host.display();
    assert_snapshot!(vc.run(&format!(
        "connect dev --kubeconfig {named} --kubeconfig-out out.yaml"
    )));
    assert_eq!(std::fs::read_dir(folder).expect("a folder").count(), 0);
}

#[test]
fn a_lock_that_is_never_given_back_is_said_and_left_there() {
    let vc = Sandbox::new().with(running("dev"));
    let before = vc.kubeconfig();
    vc.write("home/.kube/config.lock", "");
    let output = vc.run("connect dev");
    assert_snapshot!(output);
    assert_eq!(vc.kubeconfig(), before);
    assert!(vc.path("home/.kube/config.lock").exists());
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
