//! Contexts that never go stale: whatever becomes of agent, pod and cluster, `kubectl` gets its answer.

use std::time::{Duration, Instant};

use crate::support::{Story, json};

/// How much longer an answer may take that has to bring the agent back.
const REVIVAL: Duration = Duration::from_millis(300);

/// Asks the current context, which has to answer, and how long that took.
fn ask(story: &Story) -> Duration {
    let began = Instant::now();
    let namespaces = story.kubectl("get namespaces -o name");
    assert!(namespaces.contains("namespace/default"), "{namespaces}");
    assert!(!namespaces.contains(&story.namespace()), "{namespaces}");
    began.elapsed()
}

/// The shortest of some answers when all is well: what the machine needs, whatever else it does.
fn usual(story: &Story) -> Duration {
    (0..5).map(|_| ask(story)).min().expect("five answers")
}

#[test]
fn a_context_survives_whatever_ends() {
    let story = Story::new("stale");
    let before = story.kubeconfig();
    story.vc_does("create NAME");
    assert!(!story.kubeconfig().contains("client-key-data"));
    let usual = usual(&story);
    let ports = story.tunnels();

    // The least of several, as others use the machine too.
    let after_kill = (0..4).map(|_| {
        story.kill_agents();
        ask(&story)
    });
    let after_kill = after_kill.min().expect("four answers");
    assert!(
        after_kill < usual + REVIVAL,
        "{after_kill:.0?} after the agent was killed, {usual:.0?} before"
    );

    // As after a restart of the machine: no process, and nothing of what goes with it.
    story.kill_agents();
    std::fs::remove_dir_all(story.path("run")).expect("the folder for what runs");
    ask(&story);
    assert_eq!(story.agents().len(), 1);

    story.vc_does("sleep NAME");
    let woken = story.try_kubectl("get namespaces -o name");
    assert_eq!(woken.code, Some(0), "{woken}");
    assert!(woken.stderr.contains("waking"), "{woken}");
    ask(&story);

    let pod = format!("pod/{}-0 -n {}", story.name, story.namespace());
    story.host(&format!("delete {pod} --wait --timeout=60s"));
    ask(&story);

    assert_eq!(story.tunnels(), ports, "the port of a cluster stays");
    let tunnels = json(&story.vc_does("tunnels -o json").stdout);
    assert_eq!(tunnels[0]["name"], story.name.as_str());
    assert_eq!(tunnels[0]["port"], ports[0]);

    story.vc_does("delete NAME");
    story.assert_no_trace(&before);
}
