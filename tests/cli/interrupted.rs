//! Every command is stopped at each of its requests in turn: what is left is said or found, and can be put right.
//!
//! A new command is one row of [`each_command!`].

use insta::assert_snapshot;

use super::faults::{UPGRADE, with_created, with_upgraded};
use crate::support::{
    api_server::{Fault, Nth},
    cluster::{running, sleeping},
    sandbox::Sandbox,
};

/// Makes a module of tests for each command.
///
/// The ordinary one stops it at each request in one way, and at the next in another. The other stops it in every way;
/// it takes minutes, and `make each-fault` runs it.
macro_rules! each_command {
    ($($name:ident: $begin:expr, $command:expr;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn at_each_request() {
                let first = stringify!($name).len();
                stop_at_each_request(|number| SIGNALS[(first + number) % SIGNALS.len()], || $begin, $command);
            }

            #[test]
            #[ignore = "takes minutes: `make each-fault`"]
            fn at_each_request_in_every_way() {
                for signal in SIGNALS {
                    stop_at_each_request(|_| signal, || $begin, $command);
                }
            }
        }
    )*};
}

/// The ways to stop a command.
const SIGNALS: &[&str] = &["KILL", "INT", "TERM"];

each_command! {
    create: Sandbox::new(), "create dev";
    create_in_a_namespace: Sandbox::new().with(running("other").in_namespace("team-b")), "create dev -n default";
    create_again: Sandbox::new().with(running("dev")), "create dev --upgrade --set-string controlPlane.statefulSet.labels.a=b";
    upgrade: with_created(), UPGRADE;
    rollback: with_upgraded(), "rollback dev 1";
    connect: Sandbox::new().with(running("dev")), "connect dev";
    sleep: Sandbox::new().with(running("dev").with_tenant_pods(1)), "sleep dev";
    wake: Sandbox::new().with(sleeping("dev")), "wake dev";
    delete: Sandbox::new().with(running("dev")), "delete dev";
    delete_in_a_namespace: Sandbox::new().with(running("dev").in_namespace("team-a")), "delete dev -n team-a";
    status: Sandbox::new().with(running("dev")), "status dev";
    list: Sandbox::new().with(running("dev")), "list";
}

/// What is on the host without what a command may leave for good: the history that it counts on.
fn paths(vc: &Sandbox) -> Vec<String> {
    let mut paths = vc.host.paths();
    paths.retain(|path| !path.contains("/events/"));
    paths
}

/// Stops a command at its first, second, ... request, until it makes no more.
fn stop_at_each_request<'a>(
    signal_of: impl Fn(usize) -> &'a str,
    begin: impl Fn() -> Sandbox,
    command: &str,
) {
    for number in 1.. {
        let signal = signal_of(number);
        let vc = begin();
        let (before, objects) = (vc.kubeconfig(), paths(&vc));
        vc.host.forget_calls();
        vc.host.fault("*", Nth::Only(number), Fault::Hang);
        let mut started = vc.start(command);
        if !started.until_asked_times(number) {
            let output = started.finish();
            assert_eq!(output.code, Some(0), "{output}");
            return;
        }
        let culprit = vc.each_call().0[number - 1].to_string();
        started.signal(signal);
        let output = started.finish();
        let context = format!("{signal} at request {number}, {culprit}:\n{output}");
        check_words(&vc, signal, &output, &objects, &context);
        check_kubeconfig(&vc, &before, &context);
        vc.host.behave();

        let again = vc.run(command);
        let is_gone = command.starts_with("delete") && again.code == Some(4);
        assert!(
            again.code == Some(0) || is_gone,
            "cannot be repeated after {context}\n{again}"
        );
        let place = command
            .split_once(" -n ")
            .map_or("", |(_, place)| place.split(' ').next().unwrap_or(""));
        let place = if place.is_empty() {
            String::new()
        } else {
            format!(" -n {place}")
        };
        let deleted = vc.run(&format!("delete dev{place} --ignore-missing"));
        assert_eq!(
            deleted.code,
            Some(0),
            "cannot be deleted after {context}\n{deleted}"
        );
        let left: Vec<String> = vc
            .host
            .paths()
            .into_iter()
            .filter(|path| path.contains("dev") && !path.contains("/events/"))
            .collect();
        assert_eq!(left, [] as [&str; 0], "left after {context}");
        assert_eq!(vc.tunnels(), [] as [u64; 0], "left after {context}");
        let own: Vec<&str> = before.lines().collect();
        let kept = vc.kubeconfig();
        for line in own {
            assert!(kept.contains(line), "`{line}` is lost after {context}");
        }
    }
}

/// A signal is answered with its exit code, and with what is left where anything was changed.
fn check_words(
    vc: &Sandbox,
    signal: &str,
    output: &crate::support::sandbox::Output,
    objects: &[String],
    context: &str,
) {
    if signal == "KILL" {
        assert!(matches!(output.code, None | Some(0)), "{context}");
        return;
    }
    // A request of a tunnel, or a look at what is only nice to know, need not be waited for.
    if output.code == Some(0) {
        return;
    }
    assert_eq!(output.code, Some(130), "{context}");
    assert!(output.stderr.contains("error: interrupted"), "{context}");
    if paths(vc) != objects {
        assert!(
            output.stderr.contains("hint: run "),
            "what is left is not said after {context}"
        );
    }
    assert!(!output.stderr.contains(vc.host.token()), "{context}");
}

/// It is as before, or has what is ours beside all that was there.
fn check_kubeconfig(vc: &Sandbox, before: &str, context: &str) {
    let now = vc.kubeconfig();
    if now == before {
        return;
    }
    assert!(
        before
            .lines()
            .filter(|line| !line.starts_with("current-context"))
            .all(|line| now.contains(line)),
        "the kubeconfig has lost something after {context}\n{now}"
    );
}

#[test]
fn a_disconnect_asks_the_host_nothing_and_cannot_be_stopped_by_it() {
    let vc = Sandbox::new().with(running("dev"));
    let before = vc.kubeconfig();
    vc.run("connect dev");
    vc.host.fault("*", Nth::Every, Fault::Hang);
    assert_eq!(vc.run("disconnect").code, Some(0));
    assert_eq!(vc.kubeconfig(), before);
}

#[test]
fn what_is_left_is_said() {
    let stopped = |vc: &Sandbox, command: &str, at: &str| {
        vc.host.fault(at, Nth::Every, Fault::Hang);
        let started = vc.start(command);
        started.until_asked(at.trim_start_matches(['*', ' ']).trim_end_matches('*'));
        started.signal("INT");
        started.finish()
    };
    let vc = Sandbox::new();
    assert_snapshot!("create", stopped(&vc, "create dev", "apply *"));
    let vc = Sandbox::new().with(running("dev"));
    assert_snapshot!("sleep", stopped(&vc, "sleep dev", "patch *"));
    let vc = Sandbox::new().with(sleeping("dev"));
    assert_snapshot!("wake", stopped(&vc, "wake dev", "watch *"));
    let vc = Sandbox::new().with(running("dev"));
    assert_snapshot!("delete", stopped(&vc, "delete dev", "delete *"));
    let vc = Sandbox::new().with(running("dev"));
    assert_snapshot!("connect", stopped(&vc, "connect dev", "get *"));
}
