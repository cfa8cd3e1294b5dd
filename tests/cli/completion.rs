//! Completion: the scripts, and the names that they ask `vc` for.

use insta::assert_snapshot;

use crate::support::{
    api_server::{Fault, Nth},
    cluster::running,
    sandbox::{Output, Sandbox},
};

/// What bash would be offered for the word after these.
fn complete(vc: Sandbox, words: &str) -> (Sandbox, Output) {
    let index = words.split_whitespace().count();
    let vc = vc
        .with_variable("COMPLETE", "bash")
        .with_variable("_CLAP_COMPLETE_INDEX", &index.to_string())
        .with_variable("_CLAP_COMPLETE_COMP_TYPE", "9")
        .with_variable("_CLAP_COMPLETE_SPACE", "true")
        .with_variable("_CLAP_IFS", "\n");
    let output = vc.run(&format!("-- {words} ''"));
    (vc, output)
}

#[test]
fn every_shell_gets_a_script_without_a_cluster() {
    let vc = Sandbox::new();
    vc.write("home/.kube/config", "not: [a kubeconfig");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = vc.run(&format!("completion {shell}"));
        assert_eq!(
            (output.code, output.stderr.as_str()),
            (Some(0), ""),
            "{output}"
        );
        assert!(output.stdout.contains("vc"), "{output}");
    }
    assert_eq!(vc.run("completion tcsh").code, Some(2));
    assert_eq!(vc.each_call().len(), 0);
}

#[test]
fn names_are_those_that_are_there() {
    let (vc, output) = complete(
        Sandbox::new().with(running("dev")).with(running("other")),
        "vc connect",
    );
    let names: Vec<&str> = output
        .stdout
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    assert_eq!(names, ["dev", "other"], "{output}");
    assert_snapshot!(vc.calls());
}

#[test]
fn contexts_are_those_of_the_kubeconfig() {
    let (vc, output) = complete(Sandbox::new(), "vc list --context");
    assert_eq!(output.stdout.trim_end(), "host", "{output}");
    assert_eq!(vc.each_call().len(), 0);
}

#[test]
fn a_host_that_does_not_answer_is_not_waited_for() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host.fault("*", Nth::Every, Fault::Hang);
    let (_vc, output) = complete(vc, "vc delete");
    assert_eq!(
        (output.code, output.stderr.as_str()),
        (Some(0), ""),
        "{output}"
    );
    assert!(output.time.as_millis() < 2000, "{:?}", output.time);
}
