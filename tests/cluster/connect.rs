//! The ways into a cluster and out again.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Story, json};

#[test]
fn every_way_in_leads_to_the_cluster_and_touches_only_what_it_says() {
    let story = Story::new("ways");
    let before = story.kubeconfig();
    story.vc_does("create NAME --no-connect");
    assert_eq!(story.kubeconfig(), before);
    story.vc_does("list -o json");
    assert_eq!(story.tunnels(), [] as [u64; 0]);

    a_command_has_a_kubeconfig_of_its_own(&story);
    a_command_gets_the_signal(&story);
    assert_eq!(story.kubeconfig(), before);
    assert_eq!(story.tunnels(), [] as [u64; 0]);

    a_printed_kubeconfig_works(&story);
    a_kubeconfig_file_is_private_and_works(&story);
    assert_eq!(story.kubeconfig(), before);

    story.vc_does("connect NAME --no-switch");
    assert_eq!(story.kubectl("config current-context").trim(), "vc-host");
    let first = story.vc_does("connect NAME -o json");
    assert_eq!(cluster_of(&story), story.name);
    let back = story.vc_does("disconnect");
    assert!(
        back.stdout.contains("the current context is `vc-host`"),
        "{back}"
    );
    assert_eq!(story.kubeconfig(), before);
    assert_eq!(story.tunnels(), [] as [u64; 0]);

    let second = story.vc_does("connect NAME -o json");
    assert_eq!(
        json(&first.stdout)["port"],
        json(&second.stdout)["port"],
        "the port of a cluster stays"
    );
    assert_eq!(cluster_of(&story), story.name);
    story.vc_does("delete NAME");
    story.assert_no_trace(&before);
}

/// The name of the cluster that the current context leads to, as the API server's own namespace tells.
fn cluster_of(story: &Story) -> String {
    let namespaces = story.kubectl("get namespaces -o name");
    assert!(
        !namespaces.contains(&story.namespace()),
        "this is the host: {namespaces}"
    );
    let context = story.kubectl("config current-context");
    context
        .trim()
        .split('_')
        .nth(1)
        .unwrap_or_default()
        .to_owned()
}

fn a_command_has_a_kubeconfig_of_its_own(story: &Story) {
    let script = "stat -c %a $KUBECONFIG; echo $KUBECONFIG; kubectl get namespaces -o name; exit 7";
    let output = story.vc(&format!("connect NAME -- sh -c '{script}'"));
    assert_eq!(output.code, Some(7), "{output}");
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines[0], "600", "{output}");
    assert!(
        !std::path::Path::new(lines[1]).exists(),
        "the temporary kubeconfig is left: {output}"
    );
    assert!(lines[2..].contains(&"namespace/default"), "{output}");
    assert!(
        !output.stdout.contains(&story.namespace()),
        "this is the host: {output}"
    );
}

fn a_command_gets_the_signal(story: &Story) {
    let script = "trap \"exit 9\" TERM; echo waiting >&2; while :; do sleep 0.1; done";
    let mut running = story.start(&format!("connect NAME -- sh -c '{script}'"));
    running.until_it_says("waiting");
    running.signal("TERM");
    let output = running.finish();
    assert_eq!(output.code, Some(9), "{output}");
    let left: Vec<_> = std::fs::read_dir(story.path("tmp"))
        .expect("a folder")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

fn a_printed_kubeconfig_works(story: &Story) {
    let printed = story.vc_does("connect NAME --print").stdout;
    let file = story.write("work/printed", &printed);
    let namespaces = story.kubectl(&format!(
        "--kubeconfig {} get namespaces -o name",
        file.display()
    ));
    assert!(namespaces.contains("namespace/default"), "{namespaces}");
    assert!(!namespaces.contains(&story.namespace()), "{namespaces}");
}

fn a_kubeconfig_file_is_private_and_works(story: &Story) {
    story.vc_does("connect NAME --kubeconfig-out out.yaml");
    let file = story.path("work/out.yaml");
    let mode = std::fs::metadata(&file)
        .expect("the file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let namespaces = story.kubectl("--kubeconfig out.yaml get namespaces -o name");
    assert!(namespaces.contains("namespace/default"), "{namespaces}");
}

#[test]
fn the_tunnel_follows_the_pod_of_the_control_plane() {
    let story = Story::new("follow");
    let before = story.kubeconfig();
    story.vc_does("create NAME");
    story.kubectl("create configmap memory --from-literal=word=kept");
    let namespace = story.namespace();
    let pod = format!("pod/{}-0 -n {namespace}", story.name);
    let process = story.tunnels();
    story.host(&format!("delete {pod} --wait --timeout=60s"));
    // Somebody asks while nobody can answer, which must not hold up those who ask later.
    let early = story.start_kubectl("get namespaces --request-timeout=30s");
    story.host(&format!("wait {pod} --for=create --timeout=60s"));
    story.host(&format!("wait {pod} --for=condition=Ready --timeout=120s"));
    let memory = "get configmap memory -o 'jsonpath={.data.word}' --request-timeout=5s";
    assert_eq!(story.kubectl(memory), "kept");
    drop(early);
    assert_eq!(story.tunnels(), process, "the same tunnel, still");
    story.vc_does("delete NAME");
    story.assert_no_trace(&before);
}

#[test]
fn a_node_port_needs_no_tunnel() {
    let story = Story::new("port");
    let before = story.kubeconfig();
    story.vc_does("create NAME --expose nodeport");
    assert_eq!(cluster_of(&story), story.name);
    assert_eq!(story.tunnels(), [] as [u64; 0]);
    let kubeconfig = story.kubeconfig();
    let name = format!("tls-server-name: {}.{}", story.name, story.namespace());
    assert!(kubeconfig.contains(&name), "{kubeconfig}");

    let host = story.kubectl(
        "config view --raw -o 'jsonpath={.clusters[?(@.name==\"vc-host\")].cluster.server}'",
    );
    let refused = story.vc(&format!("connect NAME --server {host}"));
    refused.assert_refused(
        1,
        &[
            "is not the API server of",
            "not signed by the cluster's own authority",
        ],
    );
    assert_eq!(story.kubeconfig(), kubeconfig);

    story.vc_does("sleep NAME");
    let woken = story.try_kubectl("get namespaces -o name");
    assert_eq!(woken.code, Some(0), "{woken}");
    assert!(woken.stderr.contains("waking"), "{woken}");
    assert_eq!(cluster_of(&story), story.name);
    assert_eq!(story.tunnels(), [] as [u64; 0]);

    story.vc_does("connect NAME");
    assert_eq!(story.tunnels().len(), 1);
    assert_eq!(cluster_of(&story), story.name);
    story.vc_does("connect NAME --expose");
    assert_eq!(story.tunnels(), [] as [u64; 0]);
    assert_eq!(cluster_of(&story), story.name);
    story.vc_does("delete NAME");
    story.assert_no_trace(&before);
}
