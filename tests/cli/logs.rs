//! `vc logs`.

use insta::assert_snapshot;
use jiff::SignedDuration;

use crate::support::{
    api_server::Scope,
    cluster::{running, sleeping},
    sandbox::Sandbox,
};

const NAMESPACE: &str = "vcluster-dev";
const POD: &str = "/api/v1/namespaces/vcluster-dev/pods/dev-0";

fn say(vc: &Sandbox, container: &str, line: &str, minutes: i64) {
    let age = SignedDuration::from_mins(minutes);
    vc.host.say(NAMESPACE, "dev-0", container, line, age);
}

fn sandbox() -> Sandbox {
    let vc = Sandbox::new().with(running("dev"));
    say(&vc, "kubernetes", "copied", 10);
    for (line, minutes) in [
        (
            "2026-01-01 10:00:00\tINFO\tstarting\t{\"component\": \"vcluster\"}",
            9,
        ),
        (
            "2026-01-01 10:00:01\tINFO\tserving\t{\"component\": \"vcluster\", \"component\": \"apiserver\"}",
            8,
        ),
        ("goes on", 8),
        (
            "2026-01-01 10:00:02\tINFO\tsyncing\t{\"component\": \"vcluster\"}",
            2,
        ),
    ] {
        say(&vc, "syncer", line, minutes);
    }
    vc
}

#[test]
fn it_prints_what_the_control_plane_said() {
    let vc = sandbox();
    assert_snapshot!(vc.run("logs dev"));
    assert_snapshot!(vc.calls());
    let lines = |arguments: &str| vc.run(arguments).stdout.lines().count();
    assert_eq!(lines("logs dev --since 5m"), 1);
    assert_eq!(lines("logs dev --tail 2"), 2);
    assert_eq!(lines("logs dev --tail 0"), 0);
}

#[test]
fn each_component_has_its_own_lines() {
    let vc = sandbox();
    assert_snapshot!(vc.run("logs dev --component apiserver"));
    assert_snapshot!(vc.run("logs dev --component syncer --tail 1"));
    assert_snapshot!(vc.run("logs dev --component init"));
    assert_snapshot!(vc.run("logs dev --component etcd"));
    assert_snapshot!(vc.run("logs dev --component api"));
}

#[test]
fn followed_it_goes_on_in_the_next_pod_and_ends_with_130() {
    let vc = sandbox();
    let mut following = vc.start("logs dev -f --tail 1 --timeout 1s");
    following.until_printed("syncing");
    say(&vc, "syncer", "more", 0);
    following.until_printed("more");
    vc.host.delete(POD);
    say(&vc, "syncer", "of the next pod", 0);
    following.until_printed("of the next pod");
    following.signal("INT");
    let output = following.finish();
    assert_eq!(output.code, Some(130), "{output}");
    assert!(!output.stderr.contains("error"), "{output}");
}

#[test]
fn of_one_component_the_last_lines_come_first_and_then_the_new_ones() {
    let vc = sandbox();
    let mut following = vc.start("logs dev -f --component syncer --tail 1");
    following.until_printed("syncing");
    say(
        &vc,
        "syncer",
        "2026-01-01 10:00:03\tINFO\tnew\t{\"component\": \"vcluster\"}",
        0,
    );
    following.until_printed("new");
    following.signal("TERM");
    let output = following.finish();
    assert_eq!(output.stdout.lines().count(), 2, "{output}");
}

#[test]
fn a_reader_that_has_enough_ends_it() {
    let vc = sandbox();
    let following = vc.start("logs dev -f").without_reader();
    say(&vc, "syncer", "more", 0);
    let output = following.finish();
    assert_eq!(output.code, Some(0), "{output}");
}

#[test]
fn where_there_is_no_log_the_reason_is_said() {
    let vc = Sandbox::new().with(sleeping("dev"));
    assert_snapshot!(vc.run("logs dev"));
    let vc = sandbox();
    assert_snapshot!(vc.run("logs dev --previous"));
    assert_snapshot!(vc.run("logs dev --previous -f"));
    vc.host.forbid("get", "pods/log", Scope::Anywhere);
    assert_snapshot!(vc.run("logs dev"));
    assert_eq!(vc.run("logs dev -f").code, Some(3));
}
