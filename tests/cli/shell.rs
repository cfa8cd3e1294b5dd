//! `vc shell`.

use insta::assert_snapshot;

use crate::support::{cluster::running, sandbox::Sandbox};

#[test]
fn a_shell_has_a_kubeconfig_of_its_own_and_its_code_is_ours() {
    let vc = Sandbox::new()
        .with(running("dev"))
        .with_variable("SHELL", "/bin/sh");
    let before = vc.kubeconfig();
    let script =
        "echo $VC_CLUSTER; grep current-context $KUBECONFIG; echo $KUBECONFIG >file; exit 7";
    assert_snapshot!(vc.run_with_input("shell dev", script));
    let file = std::fs::read_to_string(vc.path("work/file")).expect("written by the shell");
    assert!(
        !std::path::Path::new(file.trim()).exists(),
        "{file} is left behind"
    );
    assert_eq!((vc.kubeconfig(), vc.tunnels()), (before, Vec::new()));
}

#[test]
fn within_a_shell_its_host_is_meant_and_another_shell_says_so() {
    let vc = Sandbox::new()
        .with(running("dev"))
        .with(running("other"))
        .with_variable("SHELL", "/bin/sh");
    let program = env!("CARGO_BIN_EXE_vc");
    let script = format!("{program} list -o name; echo 'echo $VC_CLUSTER' | {program} shell other");
    assert_snapshot!(vc.run_with_input("shell dev", &script));
}

#[test]
fn a_shell_that_is_not_there_is_said() {
    let vc = Sandbox::new()
        .with(running("dev"))
        .with_variable("SHELL", "/no/such/shell");
    assert_snapshot!(vc.run("shell dev"));
}
