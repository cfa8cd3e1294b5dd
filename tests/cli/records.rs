//! Release records: the lock that they are, and what becomes of an operation that was cut off.

use insta::assert_snapshot;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::{
    api_server::{Fault, Nth},
    cluster::running,
    release,
    sandbox::Sandbox,
};

/// Requests that change something on the host.
fn writes(vc: &Sandbox) -> Vec<String> {
    let calls = vc.each_call().0;
    let writes = calls
        .iter()
        .filter(|call| !matches!(call.verb, "get" | "list" | "watch" | "forward"));
    writes.map(ToString::to_string).collect()
}

/// A pending revision 2 of `dev` that began so many minutes ago.
fn pending(vc: &Sandbox, minutes: i64) -> Value {
    let mut record = release::of_dev(&vc.host, 1);
    let since = Timestamp::now() - SignedDuration::from_mins(minutes);
    record["version"] = 2.into();
    record["info"]["status"] = "pending-upgrade".into();
    record["info"]["last_deployed"] = since.to_string().into();
    release::secret(&record)
}

#[test]
fn an_operation_of_somebody_else_is_left_alone() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host.create_all([pending(&vc, 1)]);
    assert_snapshot!(vc.run("create dev --upgrade"));
    assert_eq!(writes(&vc), Vec::<String>::new());
}

#[test]
fn an_operation_of_another_machine_is_named_with_who_runs_it() {
    let vc = Sandbox::new().with(running("dev"));
    let mut record = pending(&vc, 30);
    let mark = |until: Timestamp| {
        json!({
            "who": "alice@laptop", "place": "another machine", "process": 123, "started": "1", "until": until.to_string(),
        })
    };
    let until = Timestamp::now() + SignedDuration::from_mins(5);
    record["metadata"]["annotations"] = json!({ "vc/operation": mark(until).to_string() });
    vc.host.create_all([record]);
    assert_snapshot!(vc.run("create dev --upgrade"));
    assert_eq!(writes(&vc), Vec::<String>::new());
    let path = "/api/v1/namespaces/vcluster-dev/secrets/sh.helm.release.v1.dev.v2";
    let until = Timestamp::now() - SignedDuration::from_mins(5);
    vc.host.edit(path, |secret| {
        secret["metadata"]["annotations"]["vc/operation"] = mark(until).to_string().into();
    });
    let output = vc.run("create dev --upgrade --no-connect");
    assert_eq!(output.code, Some(0), "{output}");
    assert!(output.stderr.contains("by `alice@laptop`"), "{output}");
}

#[test]
fn an_operation_of_helm_that_was_cut_off_is_marked_as_failed() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host.create_all([pending(&vc, 30)]);
    let values = "--set controlPlane.statefulSet.labels.team=a";
    assert_snapshot!(vc.run(&format!("create dev --no-connect --upgrade {values}")));
    assert_eq!(
        release::statuses_of_dev(&vc.host),
        ["1 superseded", "2 failed", "3 deployed"]
    );
}

#[test]
fn of_two_that_find_an_operation_cut_off_one_goes_on() {
    let vc = Sandbox::new().with(running("dev"));
    vc.host.create_all([pending(&vc, 30)]);
    // Somebody else was faster: the record is not as it was read.
    vc.host
        .fault("update */secrets/*.v2", Nth::Only(1), Fault::Status(409));
    assert_snapshot!(vc.run("create dev --upgrade --set controlPlane.statefulSet.labels.team=a"));
}

#[test]
fn a_create_that_is_killed_at_any_request_is_completed_by_the_next() {
    for number in 1.. {
        let vc = Sandbox::new();
        vc.host.fault("*", Nth::Only(number), Fault::Hang);
        let mut started = vc.start("create dev --no-connect");
        let is_killed = started.until_asked_times(number);
        if is_killed {
            started.signal("KILL");
        }
        started.finish();
        if !is_killed {
            return;
        }
        let culprit = vc.each_call().0[number - 1].to_string();
        vc.host.behave();
        let output = vc.run("create dev --no-connect");
        assert_eq!(output.code, Some(0), "killed at {culprit}:\n{output}");
        assert_eq!(
            release::statuses_of_dev(&vc.host),
            ["1 deployed"],
            "killed at {culprit}:\n{output}"
        );
    }
}

#[test]
fn a_killed_create_is_no_hindrance_to_another_wish() {
    let vc = Sandbox::new();
    vc.host
        .fault("apply */statefulsets/dev", Nth::Every, Fault::Hang);
    let started = vc.start("create dev --no-connect");
    started.until_asked("apply /apis/apps/v1/namespaces/vcluster-dev/statefulsets/dev");
    let own = vc.run("create dev --no-connect");
    assert_eq!(own.code, Some(5), "{own}");
    assert!(own.stderr.contains("is in progress"), "{own}");
    started.signal("KILL");
    started.finish();
    vc.host.behave();
    let output = vc.run("create dev --no-connect --ephemeral");
    assert_eq!(output.code, Some(0), "{output}");
    assert!(output.stderr.contains("was cut off"), "{output}");
    assert_eq!(
        release::statuses_of_dev(&vc.host),
        ["1 failed", "2 deployed"]
    );
}

#[test]
fn ten_revisions_are_kept_and_never_less_than_the_running_one() {
    let vc = Sandbox::new().with(running("dev"));
    let mut record = release::of_dev(&vc.host, 1);
    let older: Vec<Value> = (2..=12)
        .map(|version| {
            record["version"] = version.into();
            record["info"]["status"] = "failed".into();
            release::secret(&record)
        })
        .collect();
    vc.host.create_all(older);
    let output =
        vc.run("create dev --no-connect --upgrade --set controlPlane.statefulSet.labels.team=a");
    assert_eq!(output.code, Some(0), "{output}");
    let statuses = release::statuses_of_dev(&vc.host);
    assert_eq!(statuses.len(), 10, "{statuses:?}");
    assert_eq!(statuses[0], "1 superseded");
    assert_eq!(statuses[9], "13 deployed");
}

#[test]
fn a_record_that_no_secret_can_hold_is_refused_before_anything_is_touched() {
    let vc = Sandbox::new();
    vc.write(
        "work/chart/Chart.yaml",
        "apiVersion: v2\nname: vcluster\nversion: 1.0.0\n",
    );
    vc.write(
        "work/chart/templates/service.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: dev}\nspec: {ports: [{port: 443}]}\n",
    );
    // Text that does not pack well.
    let mut word = 1_u64;
    let noise: String = (0..2_500_000)
        .map(|_| {
            word = word
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            char::from(b'!' + u8::try_from((word >> 33) % 90).expect("less than 90"))
        })
        .collect();
    vc.write("work/chart/noise.txt", &noise);
    assert_snapshot!(vc.run("create dev --chart chart"));
    let left = vc.host.paths();
    assert!(
        left.iter().all(|path| !path.contains("/secrets/")),
        "{left:?}"
    );
}

#[test]
fn a_lost_answer_to_the_lock_is_not_taken_for_somebody_else() {
    for pattern in ["create */secrets*", "update */secrets/*"] {
        let vc = Sandbox::new();
        // The request arrives, and its answer does not.
        vc.host.fault(pattern, Nth::Only(1), Fault::LoseAnswer);
        let output = vc.run("create dev --no-connect");
        assert_eq!(output.code, Some(0), "{pattern}: {output}");
        assert_eq!(release::statuses_of_dev(&vc.host), ["1 deployed"]);
    }
}
