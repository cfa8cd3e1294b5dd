//! Round trips with real Helm, 3 and 4: what one made, the other changes, takes back and removes; and both tell the same.

use serde_json::Value;

use crate::support::{Helm, Story, json};

/// Its pod never gets a node, so that a trip costs nothing but the host's answers.
const PARKED: &str = "--set controlPlane.statefulSet.resources.requests.cpu=1000";

/// A cluster in a namespace, as both see it.
struct Trip<'a> {
    story: &'a Story,
    namespace: &'a str,
    /// What the release is made of.
    objects: Vec<String>,
}

impl<'a> Trip<'a> {
    fn begin(story: &'a Story, namespace: &'a str) -> Self {
        Self {
            story,
            namespace,
            objects: objects(story, namespace),
        }
    }

    fn vc(&self, arguments: &str) {
        self.story
            .vc_does(&format!("{arguments} -n {}", self.namespace));
    }

    fn helm(&self, helm: Helm, arguments: &str) -> String {
        self.story
            .helm(helm, &format!("{arguments} -n {}", self.namespace))
    }

    /// Fails unless the note is this one, no object is left or doubled, and both tell the same history.
    fn arrived(&self, note: &str, revision: u64) {
        let (story, namespace) = (self.story, self.namespace);
        let service = story.host_json(&format!("get service {} -n {namespace}", story.name));
        let annotations = &service["metadata"]["annotations"];
        assert_eq!(
            annotations["note"].as_str().unwrap_or_default(),
            note,
            "at revision {revision}"
        );
        assert_eq!(objects(story, namespace), self.objects);
        let ours = told(
            &story
                .vc_does(&format!("history NAME -n {namespace} -o json"))
                .stdout,
        );
        assert_eq!(
            ours.last().map(|last| (&last[0], &last[1])),
            Some((&revision.to_string(), &"deployed".to_owned()))
        );
        for helm in [Helm::V3, Helm::V4] {
            let theirs = told(&self.helm(helm, "history NAME -o json"));
            assert_eq!(theirs, ours, "as {helm:?} tells it");
            let all = self.helm(helm, "get all NAME");
            assert!(all.contains(&format!("REVISION: {revision}")), "{all}");
        }
    }
}

/// Everything of a namespace but the records, and what the host's controllers make in their own time.
fn objects(story: &Story, namespace: &str) -> Vec<String> {
    let others = ["secret/sh.helm.release.", "pod/", "persistentvolumeclaim/"];
    let mut objects = story.objects_in(namespace);
    objects.retain(|object| !others.iter().any(|other| object.starts_with(other)));
    objects
}

/// What both tell of each revision, the time to the second.
fn told(history: &str) -> Vec<[String; 6]> {
    let revisions = json(history);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let revision = |revision: &Value| {
        [
            revision["revision"].to_string(),
            text(&revision["status"]),
            text(&revision["chart"]),
            text(&revision["app_version"]),
            text(&revision["description"]),
            text(&revision["updated"]).chars().take(19).collect(),
        ]
    };
    revisions
        .as_array()
        .into_iter()
        .flatten()
        .map(revision)
        .collect()
}

fn note(text: &str) -> String {
    format!("--set controlPlane.service.annotations.note={text}")
}

#[test]
fn helm_changes_takes_back_and_removes_what_vc_made() {
    for helm in [Helm::V3, Helm::V4] {
        let story = Story::new("ours");
        let before = story.kubeconfig();
        let namespace = story.namespace();
        story.vc_does(&format!("create NAME --no-wait {PARKED}"));
        let trip = Trip::begin(&story, &namespace);
        trip.arrived("", 1);
        let change = |text: &str| format!("upgrade NAME CHART --reuse-values {}", note(text));
        trip.helm(helm, &change("helm"));
        trip.arrived("helm", 2);
        // By whichever way the last revision was made.
        trip.vc(&format!("upgrade NAME --no-wait {}", note("vc")));
        trip.arrived("vc", 3);
        trip.helm(helm, "rollback NAME 2");
        trip.arrived("helm", 4);
        trip.vc("rollback NAME 1 --no-wait");
        trip.arrived("", 5);
        trip.helm(helm, &change("again"));
        trip.arrived("again", 6);
        trip.helm(helm, "uninstall NAME --wait");
        let left = story.objects_in(&namespace);
        // Neither the pod that is ending nor its claim is Helm's.
        let claim = format!("persistentvolumeclaim/data-{}-0", story.name);
        let pod = format!("pod/{}-0", story.name);
        assert!(
            left.iter().all(|object| *object == claim || *object == pod),
            "{left:?}"
        );
        story.vc_does("delete NAME");
        story.assert_no_trace(&before);
    }
}

#[test]
fn vc_changes_takes_back_and_removes_what_helm_made() {
    for helm in [Helm::V3, Helm::V4] {
        let story = Story::new("theirs");
        let namespace = story.make_namespace();
        story.helm(
            helm,
            &format!(
                "install NAME CHART -n {namespace} {PARKED} {}",
                note("helm")
            ),
        );
        let trip = Trip::begin(&story, &namespace);
        trip.arrived("helm", 1);
        let listed = story.vc_does(&format!("list -n {namespace} -o name"));
        assert_eq!(listed.stdout, format!("{}\n", story.name));
        trip.vc(&format!("upgrade NAME --no-wait {}", note("vc")));
        trip.arrived("vc", 2);
        let values = trip.helm(helm, "get values NAME -o json");
        assert!(values.contains("1000"), "what was set is kept: {values}");
        trip.vc("rollback NAME --no-wait");
        trip.arrived("helm", 3);
        trip.helm(
            helm,
            &format!("upgrade NAME CHART --reuse-values {}", note("again")),
        );
        trip.arrived("again", 4);
        story.vc_does(&format!("delete NAME -n {namespace}"));
        assert_eq!(story.objects_in(&namespace), [] as [&str; 0]);
    }
}

#[test]
fn another_kubernetes_takes_over_and_what_is_in_the_cluster_stays() {
    let story = Story::new("newer");
    let before = story.kubeconfig();
    let namespace = story.namespace();
    story.vc_does("create NAME --k8s 1.35");
    story.kubectl("create namespace kept");
    let has_kept = || {
        story
            .kubectl("get namespaces -o name")
            .contains("namespace/kept")
    };
    let kubernetes = || {
        let pod = story.host_json(&format!("get pod {}-0 -n {namespace}", story.name));
        pod["spec"]["initContainers"].to_string()
    };
    let upgraded = story.vc_does("upgrade NAME --k8s 1.36 --diff");
    assert!(upgraded.stdout.contains("+        image: "), "{upgraded}");
    assert!(kubernetes().contains("/kubernetes:v1.36."));
    assert!(has_kept());
    let again = story.vc_does("upgrade NAME --k8s 1.36");
    assert!(again.stdout.contains("already like this"), "{again}");
    let size = "controlPlane.statefulSet.persistence.volumeClaim.size=7Gi";
    let refused = story.vc(&format!("upgrade NAME --set {size}"));
    refused.assert_refused(1, &["nothing was touched"]);
    story.vc_does("rollback NAME");
    assert!(kubernetes().contains("/kubernetes:v1.35."));
    assert!(has_kept());
    story.vc_does("delete NAME");
    story.assert_no_trace(&before);
}

#[test]
fn hooks_run_to_their_end_on_a_real_host() {
    let story = Story::new("hooks");
    let before = story.kubeconfig();
    let namespace = story.namespace();
    story.copy_chart("work/chart");
    let hook = |name: &str, events: &str, command: &str| {
        story.write(
            &format!("work/chart/templates/{name}.yaml"),
            &format!(
                "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, annotations: {{helm.sh/hook: '{events}'}}}}\n\
                 spec:\n  backoffLimit: 0\n  template:\n    spec:\n      restartPolicy: Never\n      \
                 containers: [{{name: main, image: 'busybox:1.36', command: [{command}]}}]\n"
            ),
        );
    };
    hook("before", "pre-install,pre-upgrade,pre-delete", "'true'");
    story.vc_does(&format!("create NAME --no-wait --chart chart {PARKED}"));
    let job = story.host_json(&format!("get job before -n {namespace}"));
    assert_eq!(job["status"]["succeeded"], 1);
    hook("after", "post-upgrade", "'false'");
    let failed = story.vc(&format!(
        "upgrade NAME --no-wait --chart chart {}",
        note("x")
    ));
    failed.assert_refused(1, &["the `post-upgrade` hook Job `after` failed"]);
    let hooks = story.helm(Helm::V4, &format!("get hooks NAME -n {namespace}"));
    assert!(hooks.contains("name: after"), "{hooks}");
    story.vc_does("rollback NAME --no-wait");
    story.vc_does("delete NAME");
    story.assert_no_trace(&before);
}
