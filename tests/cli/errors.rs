//! What a user reads, and a script gets as exit code, when something is wrong from the start.

use insta::assert_snapshot;

use crate::support::{
    api_server::{Fault, Nth, Scope},
    cluster::running,
    sandbox::Sandbox,
};

#[test]
fn a_host_that_is_not_there_is_unreachable() {
    let vc = Sandbox::new();
    let kubeconfig = vc
        .kubeconfig()
        .replace(&vc.host.url(), "https://127.0.0.1:1");
    vc.write("home/.kube/config", &kubeconfig);
    assert_snapshot!(vc.run("list"));
    assert_snapshot!(vc.run("list -o json"));
    for command in [
        "create dev",
        "connect dev",
        "delete dev",
        "delete dev --ignore-missing",
    ] {
        let output = vc.run(command);
        assert_eq!(output.code, Some(3), "{output}");
    }
    assert_eq!(vc.kubeconfig(), kubeconfig);
}

#[test]
fn a_host_with_another_certificate_is_not_trusted() {
    let vc = Sandbox::new();
    let other = Sandbox::new();
    let kubeconfig = vc.kubeconfig().replace(&vc.host.url(), &other.host.url());
    vc.write("home/.kube/config", &kubeconfig);
    let output = vc
        .run("list")
        .to_string()
        .replace(other.host.url().trim_start_matches("https://"), "[OTHER]");
    assert_snapshot!(output);
    assert_eq!(other.each_call().len(), 0);
}

#[test]
fn credentials_that_are_refused_are_said() {
    let vc = Sandbox::new();
    vc.write(
        "home/.kube/config",
        &vc.kubeconfig().replace(vc.host.token(), "expired"),
    );
    assert_snapshot!(vc.run("list"));
}

#[test]
fn every_right_that_is_missing_is_named() {
    let needed = [
        ("create", "create", "secrets"),
        ("create", "patch", "services"),
        ("create", "patch", "roles"),
        ("create", "patch", "statefulsets"),
        ("create", "watch", "pods"),
        ("create", "watch", "secrets"),
        ("connect", "get", "services"),
        ("connect", "get", "secrets"),
        ("delete", "list", "deployments"),
        ("delete", "list", "secrets"),
        ("delete", "update", "secrets"),
        ("delete", "delete", "namespaces"),
    ];
    let transcript = needed.map(|(command, verb, resource)| {
        let vc = Sandbox::new();
        let vc = if command == "create" {
            vc
        } else {
            vc.with(running("dev"))
        };
        vc.host.forbid(verb, resource, Scope::Anywhere);
        let output = vc.run(&format!("{command} dev"));
        format!("# without the right to {verb} {resource}\n{output}")
    });
    assert_snapshot!(transcript.join("\n"));
}

#[test]
fn a_host_that_never_answers_ends_with_the_timeout() {
    let vc = Sandbox::new();
    vc.host.fault("*", Nth::Every, Fault::Hang);
    assert_snapshot!(vc.run("list --timeout 1s"));
}

#[test]
fn a_context_that_is_not_there_is_said_with_those_that_are() {
    let vc = Sandbox::new();
    assert_snapshot!(vc.run("list --context hots"));
    assert_snapshot!(vc.run("list --kubeconfig missing.yaml"));
    assert_eq!(vc.each_call().len(), 0);
}

#[test]
fn without_a_kubeconfig_it_says_what_to_do() {
    let vc = Sandbox::new();
    std::fs::remove_file(vc.path("home/.kube/config")).expect("the kubeconfig");
    assert_snapshot!(vc.run("list"));
    assert_snapshot!(vc.run("version"));
}

#[test]
fn a_kubeconfig_that_is_none_is_said_and_left_alone() {
    let vc = Sandbox::new().with(running("dev"));
    vc.write("home/.kube/config", "clusters: [\n");
    assert_snapshot!(vc.run("connect dev"));
    assert_eq!(vc.kubeconfig(), "clusters: [\n");
}

#[test]
fn wrong_usage_is_2() {
    let vc = Sandbox::new();
    for command in [
        "",
        "creat dev",
        "list --nonsense",
        "list -o xml",
        "list --timeout soon",
        "list -n Bad_Name",
        "connect a b",
    ] {
        let output = vc.run(command);
        assert_eq!(output.code, Some(2), "{output}");
        assert_eq!(output.stdout, "", "{output}");
    }
    assert_snapshot!(vc.run("creat dev"));
    assert_snapshot!(vc.run("list --timeout soon"));
    assert_snapshot!(vc.run("list -n Bad_Name -o json"));
    assert_eq!(vc.each_call().len(), 0);
}

#[test]
fn commands_that_are_not_for_people_are_not_suggested() {
    let vc = Sandbox::new();
    for (typed, meant) in [
        ("creat", Some("create")),
        ("credentia", None),
        ("agen", None),
    ] {
        let output = vc.run(typed);
        let suggests = |name: &str| output.stderr.contains(&format!("`{name}`"));
        assert!(meant.is_none_or(suggests), "{output}");
        assert!(!suggests("credential") && !suggests("agent"), "{output}");
    }
}

#[test]
fn help_and_version_need_nothing() {
    let vc = Sandbox::new();
    vc.write("home/.kube/config", "clusters: [\n");
    for command in [
        "--help",
        "--version",
        "version",
        "create --help",
        "help list",
    ] {
        let output = vc.run(command);
        assert_eq!(
            (output.code, output.stderr.as_str()),
            (Some(0), ""),
            "{output}"
        );
    }
    assert_eq!(vc.each_call().len(), 0);
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let vc = Sandbox::new().with(running("dev"));
    for command in ["list", "completion bash", "--help"] {
        let output = vc.start(command).without_reader().finish();
        assert_eq!(
            (output.code, output.stderr.as_str()),
            (Some(0), ""),
            "{output}"
        );
    }
}
