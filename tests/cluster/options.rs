//! What the flags of `create` put on the host, judged by a real API server.

use crate::support::Story;

/// Values that bring every object that the chart can render.
const EVERYTHING: &str = "
controlPlane:
  statefulSet:
    labels: {team: a}
    pods: {labels: {tier: control}, annotations: {note: kept}}
    env: [{name: WORD, value: spoken}]
    scheduling:
      nodeSelector: {kubernetes.io/os: linux}
      tolerations: [{operator: Exists}]
  ingress: {enabled: true, host: dev.example.com}
  advanced:
    podDisruptionBudget: {enabled: true}
sync:
  toHost:
    ingresses: {enabled: true}
    networkPolicies: {enabled: true}
  fromHost:
    nodes: {enabled: true}
rbac:
  role:
    extraRules: [{apiGroups: [''], resources: [pods], verbs: [get]}]
policies:
  resourceQuota: {enabled: true}
  limitRange: {enabled: true}
  networkPolicy: {enabled: true}
";

#[test]
fn the_host_accepts_every_object_that_the_chart_can_render() {
    let story = Story::new("options");
    let namespace = story.make_namespace();
    story.write("work/everything.yaml", EVERYTHING);
    let flags = [
        "",
        "--ephemeral",
        "--expose nodeport --label team=a --api-server-arg=--v=2",
        "--expose loadbalancer --k8s 1.35 --registry registry.example.com --pull-secret login",
        "-f everything.yaml",
        "-f everything.yaml --ephemeral",
    ];
    for flags in flags {
        let objects = story.vc_does(&format!(
            "create NAME -n {namespace} --dry-run -o yaml {flags}"
        ));
        story.write("work/objects.yaml", &objects.stdout);
        story.host("apply --server-side --dry-run=server --validate=strict -f objects.yaml");
    }
    assert_eq!(story.objects_in(&namespace), [] as [&str; 0]);
}

#[test]
fn labels_choose_clusters_and_a_name_in_two_namespaces_has_to_be_chosen() {
    let story = Story::new("twice");
    let namespace = story.make_namespace();
    let own = story.namespace();
    // Its pod never gets a node, so that it costs nothing.
    let create = "create NAME --no-wait --set controlPlane.statefulSet.resources.requests.cpu=1000";
    story.vc_does(&format!("{create} --label story={}", story.name));
    story.vc_does(&format!("{create} -n {namespace}"));

    for command in ["connect NAME", "delete NAME"] {
        let refused = story.vc(command);
        refused.assert_refused(2, &[&format!("`{own}`"), &format!("`{namespace}`"), "-n"]);
    }
    let labelled = story.vc_does(&format!("list -l story={} -o name", story.name));
    assert_eq!(labelled.stdout, format!("{}\n", story.name));

    let unasked = story.vc(&format!("delete -l story={}", story.name));
    unasked.assert_refused(2, &["nobody consented", "hint: add `--yes`"]);
    story.vc_does(&format!("delete -l story={} --yes", story.name));
    assert!(!story.has_namespace(&own));
    story.vc_does(&format!("delete --all -n {namespace} --yes"));
    assert_eq!(story.objects_in(&namespace), [] as [&str; 0]);
}
