//! Clusters that cannot start: the reason is told at once, and not after a time-out.

use std::time::Duration;

use crate::support::{Story, eventually};

/// A reason is told as soon as the host knows it, not when patience ends.
const AT_ONCE: Duration = Duration::from_secs(15);

#[test]
fn a_pod_that_no_node_will_ever_take_ends_the_create_with_the_reason() {
    let story = Story::new("no-room");
    let before = story.kubeconfig();
    let too_large = "--set controlPlane.statefulSet.resources.requests.cpu=1000";
    let output = story.vc(&format!("create NAME {too_large}"));
    output.assert_refused(
        1,
        &[
            "cannot start: pod `",
            "fits no node of the host: it asks for 1000 of cpu",
            "hint: lower what it asks for",
            &format!("hint: run `vc delete {}", story.name),
        ],
    );
    assert!(output.time < AT_ONCE, "{output}");
    assert_eq!(story.kubeconfig(), before);
    story.vc_does("delete NAME");
    story.assert_no_trace(&before);
}

#[test]
fn a_pod_that_the_namespace_refuses_ends_the_create_with_the_reason() {
    let story = Story::new("refused");
    let before = story.kubeconfig();
    let namespace = story.make_namespace();
    story.host(&format!(
        "label namespace {namespace} pod-security.kubernetes.io/enforce=restricted"
    ));
    let output = story.vc(&format!("create NAME -n {namespace}"));
    output.assert_refused(1, &["cannot start", "violates PodSecurity", "hint: "]);
    assert!(output.time < AT_ONCE, "{output}");
    story.vc_does(&format!("delete NAME -n {namespace}"));
    let unknown_class = "--set controlPlane.statefulSet.persistence.volumeClaim.storageClass=none";
    story.host(&format!(
        "label namespace {namespace} pod-security.kubernetes.io/enforce-"
    ));
    let output = story.vc(&format!("create NAME -n {namespace} {unknown_class}"));
    output.assert_refused(1, &["cannot start", "\"none\" not found", "hint: "]);
    assert!(output.time < AT_ONCE, "{output}");
    assert_eq!(story.kubeconfig(), before);
    story.vc_does(&format!("delete NAME -n {namespace}"));
    assert_eq!(story.objects_in(&namespace), [] as [&str; 0]);
}

#[test]
fn an_image_that_cannot_be_pulled_is_told_while_waiting_and_in_the_time_out() {
    let story = Story::new("no-image");
    let before = story.kubeconfig();
    // Nothing listens there, on the node as little as here, which the node learns at once.
    let mut running = story.start("create NAME --timeout 12s --registry 127.0.0.1:9");
    running.until_it_says("cannot be pulled");
    let output = running.finish();
    output.assert_refused(
        6,
        &[
            "error: timed out after 12 s while waiting for the control plane",
            "image `127.0.0.1:9/loft-sh/kubernetes:",
            "hint: run the same command again to go on, or `vc delete ",
        ],
    );
    assert_eq!(story.kubeconfig(), before);
    story.vc_does("delete NAME");
    story.assert_no_trace(&before);
}

#[test]
fn a_quota_that_is_exceeded_ends_the_create_with_the_reason() {
    let story = Story::new("quota");
    let before = story.kubeconfig();
    let namespace = story.make_namespace();
    story.host(&format!("create quota none -n {namespace} --hard=pods=0"));
    // The quota's controller has to have counted once before it is enforced.
    story.host(&format!(
        "wait resourcequota/none -n {namespace} --for=jsonpath={{.status.hard.pods}}=0 --timeout=60s"
    ));
    let output = story.vc(&format!("create NAME -n {namespace}"));
    output.assert_refused(1, &["cannot start", "exceeded quota", "hint: "]);
    assert!(output.time < AT_ONCE, "{output}");
    assert_eq!(story.kubeconfig(), before);
    story.vc_does(&format!("delete NAME -n {namespace}"));
    assert_eq!(story.objects_in(&namespace), ["resourcequota/none"]);
    assert_eq!(story.tunnels(), [] as [u64; 0]);
}

#[test]
fn a_control_plane_that_has_too_little_memory_is_told() {
    let story = Story::new("oom");
    let before = story.kubeconfig();
    let resources = "--set controlPlane.statefulSet.resources";
    let mut running = story.start(&format!(
        "create NAME {resources}.limits.memory=24Mi {resources}.requests.memory=8Mi --timeout 40s"
    ));
    running.until_it_says("used more memory than its limit");
    let output = running.finish();
    // The fourth time ends it at once, if it comes in time.
    assert!(matches!(output.code, Some(1 | 6)), "{output}");
    assert!(output.stderr.contains("hint: allow it more"), "{output}");
    assert_eq!(story.kubeconfig(), before);
    story.vc_does("delete NAME");
    story.assert_no_trace(&before);
}

/// Refuses, or cannot be asked, in the namespaces of one story.
const ADMISSION: &str = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: refuses-NAME, labels: {story: NAME}}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [statefulsets]}]
  validations: [{expression: 'false', message: 'no owner label'}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: refuses-NAME, labels: {story: NAME}}
spec:
  policyName: refuses-NAME
  validationActions: [Deny]
  matchResources: {namespaceSelector: {matchLabels: {refuses: NAME}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: down-NAME, labels: {story: NAME}}
webhooks:
- name: down.example.com
  clientConfig: {url: 'https://127.0.0.1:9/'}
  rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  namespaceSelector: {matchLabels: {down: NAME}}
  failurePolicy: Fail
  sideEffects: None
  admissionReviewVersions: [v1]
";

#[test]
fn what_admission_refuses_or_cannot_judge_is_told_with_who_it_was() {
    let story = Story::new("admission");
    let before = story.kubeconfig();
    let namespace = story.make_namespace();
    story.apply_to_host(ADMISSION);
    story.host(&format!(
        "label namespace {namespace} refuses={}",
        story.name
    ));
    // A policy is enforced a moment after it was made.
    let refused = eventually("the policy is enforced", || {
        let output = story.vc(&format!("create NAME -n {namespace} --no-wait"));
        if output.code == Some(0) {
            story.vc_does(&format!("delete NAME -n {namespace}"));
            return None;
        }
        Some(output)
    });
    refused.assert_refused(
        1,
        &[
            &format!("ValidatingAdmissionPolicy 'refuses-{}'", story.name),
            "no owner label",
            "hint: ",
        ],
    );
    story.vc_does(&format!("delete NAME -n {namespace}"));
    story.host(&format!(
        "label namespace {namespace} refuses- down={}",
        story.name
    ));
    // It may come back, so it is waited for.
    let mut running = story.start(&format!("create NAME -n {namespace} --timeout 20s"));
    running.until_it_says("failed calling webhook \"down.example.com\"");
    let down = running.finish();
    story.end_admission();
    down.assert_refused(6, &["webhook \"down.example.com\"", "hint: "]);
    story.vc_does(&format!("delete NAME -n {namespace}"));
    assert_eq!(story.objects_in(&namespace), [] as [&str; 0]);
    assert_eq!(story.kubeconfig(), before);
}
