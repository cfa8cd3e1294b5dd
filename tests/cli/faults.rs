//! Every request of every command goes wrong in turn: the command succeeds, or says what is left and can be repeated.

use std::time::Duration;

use crate::support::{
    api_server::{Fault, Nth},
    cluster::{running, sleeping},
    sandbox::Sandbox,
};

/// Runs a command with its first, second, ... request at fault, until it makes no more requests.
fn each_request_in_turn(fault: &Fault, begin: impl Fn() -> Sandbox, command: &str) {
    for number in 1.. {
        let vc = begin();
        let before = vc.kubeconfig();
        vc.host.forget_calls();
        vc.host.fault("*", Nth::Only(number), fault.clone());
        let output = vc.run(&format!("{command} --timeout 30s"));
        let calls = vc.each_call();
        let culprit = calls.0.get(number - 1).map(ToString::to_string);
        let context = format!("{fault:?} of request {number}, {culprit:?}:\n{output}");
        assert!(
            !output.stderr.contains(vc.host.token()),
            "a secret after {context}"
        );
        if output.code != Some(0) {
            assert!(
                matches!(output.code, Some(1 | 3 | 6)),
                "wrong exit code after {context}"
            );
            let is_told = output
                .stderr
                .lines()
                .any(|line| line.starts_with("error: "));
            assert!(is_told, "no error after {context}");
            if !command.starts_with("delete") {
                assert_eq!(
                    vc.kubeconfig(),
                    before,
                    "another kubeconfig after {context}"
                );
            }
            vc.host.behave();
            let again = vc.run(command);
            let is_gone = command.starts_with("delete") && again.code == Some(4);
            assert!(
                again.code == Some(0) || is_gone,
                "cannot be repeated after {context}\n{again}"
            );
        }
        if culprit.is_none() {
            return;
        }
    }
}

fn with_dev() -> Sandbox {
    Sandbox::new().with(running("dev"))
}

#[test]
fn create_when_the_host_fails() {
    each_request_in_turn(&Fault::Status(500), Sandbox::new, "create dev");
}

#[test]
fn create_when_the_connection_is_reset() {
    each_request_in_turn(&Fault::Reset, Sandbox::new, "create dev");
}

#[test]
fn create_when_it_is_forbidden() {
    each_request_in_turn(&Fault::Status(403), Sandbox::new, "create dev");
}

#[test]
fn create_when_the_host_is_busy() {
    each_request_in_turn(&Fault::RetryAfter(429, 0), Sandbox::new, "create dev");
}

#[test]
fn create_when_the_host_is_slow() {
    each_request_in_turn(
        &Fault::Delay(Duration::from_millis(200)),
        Sandbox::new,
        "create dev --no-connect",
    );
}

#[test]
fn create_when_a_watch_ends_early() {
    each_request_in_turn(
        &Fault::CloseWatchAfter(0),
        Sandbox::new,
        "create dev --no-connect",
    );
    each_request_in_turn(
        &Fault::ExpireWatchAfter(0),
        Sandbox::new,
        "create dev --no-connect",
    );
}

#[test]
fn connect_when_the_host_fails() {
    each_request_in_turn(&Fault::Status(500), with_dev, "connect dev");
    each_request_in_turn(&Fault::Reset, with_dev, "connect dev");
}

#[test]
fn list_when_the_host_fails() {
    each_request_in_turn(&Fault::Status(500), with_dev, "list");
    each_request_in_turn(&Fault::Reset, with_dev, "list");
    each_request_in_turn(&Fault::RetryAfter(429, 0), with_dev, "list");
}

#[test]
fn delete_when_the_host_fails() {
    each_request_in_turn(&Fault::Status(500), with_dev, "delete dev");
}

#[test]
fn delete_when_the_connection_is_reset() {
    each_request_in_turn(&Fault::Reset, with_dev, "delete dev");
}

#[test]
fn delete_when_it_is_forbidden() {
    each_request_in_turn(&Fault::Status(403), with_dev, "delete dev");
}

#[test]
fn sleep_when_the_host_fails() {
    each_request_in_turn(&Fault::Status(500), with_dev, "sleep dev");
    each_request_in_turn(&Fault::Reset, with_dev, "sleep dev");
    each_request_in_turn(&Fault::CloseWatchAfter(0), with_dev, "sleep dev");
}

#[test]
fn wake_when_the_host_fails() {
    let begin = || Sandbox::new().with(sleeping("dev"));
    each_request_in_turn(&Fault::Status(500), begin, "wake dev");
    each_request_in_turn(&Fault::Reset, begin, "wake dev");
    each_request_in_turn(&Fault::CloseWatchAfter(0), begin, "wake dev");
}

fn with_created() -> Sandbox {
    let vc = Sandbox::new();
    vc.run("create dev --no-connect");
    vc
}

fn with_upgraded() -> Sandbox {
    let vc = with_created();
    vc.run("upgrade dev --set controlPlane.service.annotations.a=b");
    vc
}

const UPGRADE: &str = "upgrade dev --set controlPlane.service.annotations.a=b";

#[test]
fn upgrade_when_the_host_fails() {
    each_request_in_turn(&Fault::Status(500), with_created, UPGRADE);
}

#[test]
fn upgrade_when_the_connection_is_reset_or_answers_are_lost() {
    each_request_in_turn(&Fault::Reset, with_created, UPGRADE);
    each_request_in_turn(&Fault::LoseAnswer, with_created, UPGRADE);
}

#[test]
fn upgrade_when_it_is_forbidden() {
    each_request_in_turn(&Fault::Status(403), with_created, UPGRADE);
}

#[test]
fn rollback_when_the_host_fails() {
    each_request_in_turn(&Fault::Status(500), with_upgraded, "rollback dev 1");
    each_request_in_turn(&Fault::Status(403), with_upgraded, "rollback dev 1");
}

#[test]
fn history_when_the_host_fails() {
    each_request_in_turn(&Fault::Status(500), with_dev, "history dev");
    each_request_in_turn(&Fault::Reset, with_dev, "history dev");
}

#[test]
fn a_secret_that_comes_late_is_waited_for() {
    let vc = Sandbox::new();
    vc.host.set(|settings| {
        settings.pod_start = Duration::from_millis(200);
        settings.kubeconfig_after = Some(Duration::from_millis(200));
    });
    let output = vc.run("create dev");
    assert_eq!(output.code, Some(0), "{output}");
}
