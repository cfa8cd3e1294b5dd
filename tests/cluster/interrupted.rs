//! Commands that do not come to their end, and what puts things right after them.

use crate::support::{Story, json};

/// What `-o json` says at the beginning of two steps of a create.
const APPLYING: &str = r#""event":"begin","step":"creating the objects"#;
const WAITING: &str = r#""event":"begin","step":"waiting for the control plane"#;

#[test]
fn an_interrupted_create_says_what_is_left_and_delete_removes_it() {
    let story = Story::new("ctrl-c");
    let before = story.kubeconfig();
    // An image that takes its time, so that the signal always comes within the wait.
    let mut running =
        story.start("create NAME -o json --set controlPlane.statefulSet.image.tag=none");
    running.until_it_says(WAITING);
    running.signal("INT");
    let output = running.finish();
    assert_eq!(output.code, Some(130), "{output}");
    assert_eq!(output.stdout, "");
    let last = output.stderr.lines().last().unwrap_or_default();
    let error = json(last);
    assert_eq!(error["kind"], "interrupted");
    let hints = error["hints"].to_string();
    assert!(
        hints.contains(&format!("vc delete {}", story.name)),
        "{error}"
    );
    assert!(
        error["causes"].to_string().contains("are on the host"),
        "{error}"
    );
    assert_eq!(story.kubeconfig(), before);

    story.vc_does("delete NAME");
    story.assert_no_trace(&before);
}

#[test]
fn a_create_that_was_killed_is_completed_by_the_same_command() {
    let story = Story::new("killed");
    let before = story.kubeconfig();
    let mut running = story.start("create NAME -o json");
    running.until_it_says(APPLYING);
    running.signal("KILL");
    assert_eq!(running.finish().code, None);
    assert_eq!(story.kubeconfig(), before);

    story.vc_does("create NAME");
    assert!(
        story
            .kubectl("get namespaces -o name")
            .contains("namespace/default")
    );
    story.vc_does("delete NAME");
    story.assert_no_trace(&before);
}

#[test]
fn what_a_killed_create_left_can_be_deleted_at_once() {
    let story = Story::new("half");
    let before = story.kubeconfig();
    let mut running = story.start("create NAME -o json");
    running.until_it_says(WAITING);
    running.signal("KILL");
    running.finish();
    story.vc_does("delete NAME");
    story.assert_no_trace(&before);
}
