//! Contexts that never go stale: whatever becomes of agent, pod and cluster, `kubectl` gets its answer.

use crate::support::{Story, json};

/// Asks the current context, which has to answer.
fn ask(story: &Story) {
    let namespaces = story.kubectl("get namespaces -o name");
    assert!(namespaces.contains("namespace/default"), "{namespaces}");
    assert!(!namespaces.contains(&story.namespace()), "{namespaces}");
}

#[test]
fn a_context_survives_whatever_ends() {
    let story = Story::new("stale");
    let before = story.kubeconfig();
    story.vc_does("create NAME");
    let keys = |kubeconfig: &str| kubeconfig.matches("client-key-data").count();
    assert_eq!(
        keys(&story.kubeconfig()),
        keys(&before),
        "the key is not in the kubeconfig"
    );
    ask(&story);
    let ports = story.tunnels();

    story.kill_agents();
    ask(&story);

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
