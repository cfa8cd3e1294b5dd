//! A host that lets a user do less than a command needs: the right that is missing is named as the host names it.

use std::collections::BTreeSet;
use std::fmt::Write;

use insta::assert_snapshot;

use super::faults::{UPGRADE, with_created, with_upgraded};
use crate::support::{
    api_server::{Call, Scope},
    cluster::{running, sleeping},
    sandbox::Sandbox,
};

/// What a rule of access would have to allow for a call.
fn right(call: &Call) -> Option<(String, String)> {
    if call.is_of_a_tunnel() {
        return None;
    }
    let steps: Vec<&str> = call.path.trim_matches('/').split('/').collect();
    let (["api", _, rest @ ..] | ["apis", _, _, rest @ ..]) = steps.as_slice() else {
        return None;
    };
    let resource = match rest {
        ["namespaces", _, resource, ..] | [resource, ..] => *resource,
        [] => return None,
    };
    let verb = match call.verb {
        "apply" => "patch",
        verb => verb,
    };
    Some((verb.to_owned(), resource.to_owned()))
}

/// Takes each right away in turn that a command makes use of, and tells what became of it.
fn without_each(begin: impl Fn() -> Sandbox, command: &str) -> String {
    let vc = begin();
    vc.host.forget_calls();
    assert_eq!(vc.run(command).code, Some(0));
    let rights: BTreeSet<(String, String)> = vc.each_call().0.iter().filter_map(right).collect();
    let mut told = String::new();
    for (verb, resource) in rights {
        let vc = begin();
        let before = vc.kubeconfig();
        vc.host.forbid(&verb, &resource, Scope::Anywhere);
        let output = vc.run(command);
        let what = match output.code {
            Some(0) => "is done without".to_owned(),
            // What may not be looked at is taken to be there, and then is not.
            Some(1) if resource == "namespaces" => {
                assert!(output.stderr.contains("hint: name a namespace"), "{output}");
                "the namespace is taken to be there".to_owned()
            }
            code => {
                let words = format!("you may not `{verb}` `{resource}");
                assert_eq!(code, Some(3), "{verb} {resource}: {output}");
                assert!(
                    output.stderr.contains(&words),
                    "{verb} {resource}: {output}"
                );
                assert!(
                    output.stderr.contains("hint: ask for that right"),
                    "{output}"
                );
                assert_eq!(vc.kubeconfig(), before, "{output}");
                let line = output.stderr.lines().find(|line| line.contains(&words));
                line.unwrap_or_default().trim().to_owned()
            }
        };
        writeln!(told, "{verb} {resource}: {what}").expect("memory takes any length");
    }
    told
}

#[test]
fn of_create() {
    assert_snapshot!(without_each(Sandbox::new, "create dev"));
}

#[test]
fn of_create_in_a_namespace() {
    assert_snapshot!(without_each(Sandbox::new, "create dev -n default"));
}

#[test]
fn of_connect() {
    assert_snapshot!(without_each(
        || Sandbox::new().with(running("dev")),
        "connect dev"
    ));
}

#[test]
fn of_list() {
    assert_snapshot!(without_each(|| Sandbox::new().with(running("dev")), "list"));
}

#[test]
fn of_sleep() {
    assert_snapshot!(without_each(
        || Sandbox::new().with(running("dev").with_tenant_pods(1)),
        "sleep dev"
    ));
}

#[test]
fn of_wake() {
    assert_snapshot!(without_each(
        || Sandbox::new().with(sleeping("dev")),
        "wake dev"
    ));
}

#[test]
fn of_delete() {
    assert_snapshot!(without_each(
        || Sandbox::new().with(running("dev")),
        "delete dev"
    ));
    assert_snapshot!(without_each(
        || Sandbox::new().with(running("dev").in_namespace("team-a")),
        "delete dev"
    ));
}

#[test]
fn of_logs() {
    assert_snapshot!(without_each(
        || Sandbox::new().with(running("dev")),
        "logs dev"
    ));
}

#[test]
fn of_history() {
    assert_snapshot!(without_each(with_created, "history dev"));
}

#[test]
fn of_upgrade() {
    assert_snapshot!(without_each(with_created, UPGRADE));
}

#[test]
fn of_rollback() {
    assert_snapshot!(without_each(with_upgraded, "rollback dev 1"));
}

#[test]
fn of_status() {
    assert_snapshot!(without_each(
        || Sandbox::new().with(running("dev")),
        "status dev"
    ));
}
