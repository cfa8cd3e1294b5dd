//! Where a setting may come from, and which place wins.

use insta::assert_snapshot;

use crate::support::{cluster::running, sandbox::Sandbox};

fn sandbox() -> Sandbox {
    Sandbox::new()
        .with(running("a").in_namespace("from-config"))
        .with(running("b").in_namespace("from-project"))
        .with(running("c").in_namespace("from-environment"))
        .with(running("d").in_namespace("from-flag"))
}

#[test]
fn nearer_places_win() {
    let vc = sandbox();
    vc.write(
        "config/vc/config.yaml",
        "namespace: from-config\noutput: name\n",
    );
    assert_eq!(vc.run("list").stdout, "a\n");
    vc.write("work/vc.yaml", "namespace: from-project\n");
    assert_eq!(vc.run("list").stdout, "b\n");
    let vc = vc.with_variable("VC_NAMESPACE", "from-environment");
    assert_eq!(vc.run("list").stdout, "c\n");
    assert_eq!(vc.run("list -n from-flag").stdout, "d\n");
    let vc = vc.with_variable("VC_OUTPUT", "json");
    assert!(vc.run("list").stdout.starts_with('['));
}

#[test]
fn a_checked_out_repository_may_not_choose_the_host() {
    let vc = sandbox();
    for setting in ["context: host", "kubeconfig: other.yaml", "yes: true"] {
        vc.write("work/vc.yaml", &format!("{setting}\n"));
        let output = vc.run("list");
        assert_eq!(output.code, Some(2), "{output}");
    }
    assert_snapshot!(vc.run("list"));
    assert_eq!(vc.each_call().len(), 0);
}

#[test]
fn a_setting_that_does_not_exist_is_refused() {
    let vc = sandbox();
    vc.write("config/vc/config.yaml", "namespase: team-a\n");
    assert_snapshot!(vc.run("list"));
}

#[test]
fn a_variable_with_a_bad_value_is_named() {
    let vc = sandbox().with_variable("VC_OUTPUT", "xml");
    assert_snapshot!(vc.run("list"));
}
