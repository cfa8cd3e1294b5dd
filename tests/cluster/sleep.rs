//! Sleep and wake: no pods, and everything kept.

use crate::support::{Story, eventually, json};

/// A workload that ends at once when told to.
const WEB: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: web, image: 'busybox:1.36', command: [sleep, '2147483647']}
";

/// Counts seconds, and goes on from what its volume remembers.
const COUNTER: &str = "
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: count}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: counter}
spec:
  selector: {matchLabels: {app: counter}}
  template:
    metadata: {labels: {app: counter}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: counter
        image: busybox:1.36
        command: [sh, -c, 'n=$(cat /data/n || echo 0); while true; do n=$((n+1)); echo $n >/data/n; echo $n; sleep 1; done']
        volumeMounts: [{name: data, mountPath: /data}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: count}}]
";

#[test]
fn a_cluster_sleeps_without_pods_and_wakes_with_everything_it_had() {
    let story = Story::new("sleepy");
    let before = story.kubeconfig();
    let namespace = story.namespace();
    story.vc_does("create NAME");
    let apps = story.write("work/apps.yaml", &format!("{WEB}---{COUNTER}"));
    story.kubectl(&format!("apply -f {}", apps.display()));
    story
        .kubectl("wait --for=condition=Available deployment/web deployment/counter --timeout=120s");
    let counts = || {
        let log = story.kubectl("logs deployment/counter");
        log.lines()
            .filter_map(|line| line.parse().ok())
            .collect::<Vec<u64>>()
    };
    let reached = eventually("it counts", || {
        counts().last().copied().filter(|count| *count > 1)
    });

    let asleep = story.vc_does("sleep NAME");
    assert!(asleep.stdout.contains("to sleep in "), "{asleep}");
    assert_eq!(story.host(&format!("get pods -n {namespace} -o name")), "");
    let state = || {
        let rows = json(
            &story
                .vc_does(&format!("list -n {namespace} -o json"))
                .stdout,
        );
        rows[0]["state"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(state(), "Sleeping");
    let again = story.vc_does("sleep NAME");
    assert!(again.stdout.contains("is asleep already"), "{again}");

    story.vc_does("wake NAME");
    // The pods inside come back after the API server does.
    story.host(&format!(
        "wait pod -l app=web -n {namespace} --for=create --timeout=120s"
    ));
    story
        .kubectl("wait --for=condition=Available deployment/web deployment/counter --timeout=120s");
    let after = eventually("it counts again", || counts().first().copied());
    assert!(
        after > reached,
        "it counted to {reached}, and then began with {after}"
    );
    eventually("the cluster is seen to run", || {
        (state() == "Running").then_some(())
    });
    let again = story.vc_does("wake NAME");
    assert!(again.stdout.contains("is awake already"), "{again}");

    story.vc_does("sleep NAME");
    story.vc_does("delete NAME");
    story.assert_no_trace(&before);
}
