//! Every request of every command goes wrong in turn: the command succeeds, or says what is left and can be repeated.
//!
//! A new command is one row of [`each_command!`].

use std::time::Duration;

use crate::support::{
    api_server::{Fault, Nth},
    cluster::{running, sleeping},
    sandbox::Sandbox,
};

/// Makes a module of tests for each command.
///
/// The ordinary one has each request fail in one way, and the next in another. The other has each fail in every way; it
/// takes minutes, and `make each-fault` runs it.
macro_rules! each_command {
    ($($name:ident: $begin:expr, $command:expr;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn when_each_request_goes_wrong() {
                let first = stringify!($name).len();
                each_request_in_turn("*", |number| &OF_ALL[(first + number) % OF_ALL.len()], || $begin, $command);
                each_request_in_turn("watch *", |number| &OF_WATCHES[(first + number) % OF_WATCHES.len()], || $begin, $command);
            }

            #[test]
            #[ignore = "takes minutes: `make each-fault`"]
            fn when_each_request_goes_wrong_in_every_way() {
                for fault in OF_ALL {
                    each_request_in_turn("*", |_| fault, || $begin, $command);
                }
                for fault in OF_WATCHES {
                    each_request_in_turn("watch *", |_| fault, || $begin, $command);
                }
            }
        }
    )*};
}

/// An upgrade of [`with_created`].
pub(crate) const UPGRADE: &str = "upgrade dev --set controlPlane.service.annotations.a=b";

/// A host with `dev`, as `vc create` made it.
pub(crate) fn with_created() -> Sandbox {
    let vc = Sandbox::new();
    vc.run("create dev --no-connect");
    vc
}

/// The same at revision 2.
pub(crate) fn with_upgraded() -> Sandbox {
    let vc = with_created();
    vc.run(UPGRADE);
    vc
}

/// What can become of any request.
const OF_ALL: &[Fault] = &[
    Fault::Status(500),
    Fault::Reset,
    Fault::Status(403),
    Fault::RetryAfter(429, 0),
    Fault::Status(409),
    Fault::Delay(Duration::from_millis(100)),
    Fault::RetryAfter(503, 0),
    Fault::LoseAnswer,
];
/// What can become of a watch that was opened well.
const OF_WATCHES: &[Fault] = &[
    Fault::CloseWatchAfter(0),
    Fault::ExpireWatchAfter(0),
    Fault::CloseWatchAfter(1),
    Fault::BookmarkFirst,
];

each_command! {
    create: Sandbox::new(), "create dev";
    create_without_waiting: Sandbox::new(), "create dev --no-wait";
    create_again: Sandbox::new().with(running("dev")), "create dev --upgrade --set-string controlPlane.statefulSet.labels.a=b";
    connect: Sandbox::new().with(running("dev")), "connect dev";
    status: Sandbox::new().with(running("dev")), "status dev";
    logs: Sandbox::new().with(running("dev")), "logs dev";
    upgrade: with_created(), UPGRADE;
    rollback: with_upgraded(), "rollback dev 1";
    history: Sandbox::new().with(running("dev")), "history dev";
    list: Sandbox::new().with(running("dev")), "list";
    sleep: Sandbox::new().with(running("dev").with_tenant_pods(1)), "sleep dev";
    wake: Sandbox::new().with(sleeping("dev")), "wake dev";
    connect_of_a_sleeping_one: Sandbox::new().with(sleeping("dev")), "connect dev";
    delete: Sandbox::new().with(running("dev")), "delete dev";
    delete_in_a_namespace: Sandbox::new().with(running("dev").in_namespace("team-a")), "delete dev";
    delete_but_volumes: Sandbox::new().with(running("dev")), "delete dev --keep-volumes";
}

/// Runs a command with its first, second, ... request that matches at fault, until it makes no more of them.
fn each_request_in_turn<'a>(
    pattern: &str,
    fault_of: impl Fn(usize) -> &'a Fault,
    begin: impl Fn() -> Sandbox,
    command: &str,
) {
    for number in 1.. {
        let (vc, fault) = (begin(), fault_of(number));
        let before = vc.kubeconfig();
        vc.host.forget_calls();
        vc.host.fault(pattern, Nth::Only(number), fault.clone());
        let output = vc.run(&format!("{command} --timeout 30s"));
        let calls = vc.each_call().0;
        let culprit = calls
            .iter()
            .filter(|call| pattern == "*" || call.verb == "watch")
            .nth(number - 1)
            .map(ToString::to_string);
        let context = format!("{fault:?} of request {number}, {culprit:?}:\n{output}");
        assert!(
            !output.stderr.contains(vc.host.token()),
            "a secret after {context}"
        );
        if output.code != Some(0) {
            assert!(
                matches!(output.code, Some(1 | 3 | 5 | 6)),
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

#[test]
fn a_host_that_asks_for_a_pause_gets_it() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host
        .fault("list *", Nth::First(1), Fault::RetryAfter(429, 1));
    let output = vc.run("list");
    assert_eq!(output.code, Some(0), "{output}");
    assert!(output.time >= Duration::from_secs(1), "{output}");
}
