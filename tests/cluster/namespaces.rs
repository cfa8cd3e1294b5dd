//! Namespaces that others use too: what is theirs stays, and a namespace stays with it.

use crate::support::{Story, eventually};

const THEIRS: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: theirs, namespace: NAMESPACE}
data: {word: mine}
";

fn put_theirs(story: &Story, namespace: &str) {
    story.apply_to_host(&THEIRS.replace("NAMESPACE", namespace));
}

#[test]
fn a_namespace_that_was_there_stays_with_all_that_was_in_it() {
    let story = Story::new("there");
    let before = story.kubeconfig();
    let namespace = story.make_namespace();
    put_theirs(&story, &namespace);
    story.vc_does(&format!("create NAME -n {namespace}"));
    assert_eq!(
        story.kubectl("get namespace default -o name").trim(),
        "namespace/default"
    );
    let second = story.vc(&format!(
        "create second --no-connect -n {namespace} --context vc-host"
    ));
    second.assert_refused(
        5,
        &["already holds the virtual cluster", &story.name, "hint: "],
    );
    let volumes = story.volumes_of(&namespace);
    assert_eq!(volumes.len(), 1, "{volumes:?}");

    story.vc_does(&format!("delete NAME -n {namespace}"));
    assert_eq!(story.objects_in(&namespace), ["configmap/theirs"]);
    eventually("the volume is gone", || {
        story.volumes_of(&namespace).is_empty().then_some(())
    });
    assert_eq!(story.kubeconfig(), before);
    assert_eq!(story.tunnels(), [] as [u64; 0]);
}

#[test]
fn an_object_of_someone_else_under_a_needed_name_stops_the_create_before_it_begins() {
    let story = Story::new("taken");
    let before = story.kubeconfig();
    let namespace = story.make_namespace();
    story.host(&format!(
        "create service clusterip {} -n {namespace} --tcp=443",
        story.name
    ));
    let objects = story.objects_in(&namespace);
    let refused = story.vc(&format!("create NAME -n {namespace}"));
    refused.assert_refused(
        5,
        &[
            &format!(
                "Service `{}` in `{namespace}` belongs to someone else",
                story.name
            ),
            "nothing was touched",
        ],
    );
    assert_eq!(story.objects_in(&namespace), objects);
    assert_eq!(story.kubeconfig(), before);
}

#[test]
fn kept_volumes_bring_everything_back() {
    let story = Story::new("kept");
    let namespace = story.namespace();
    story.vc_does("create NAME");
    story.kubectl("create configmap memory --from-literal=word=kept");
    let claim = format!("data-{}-0", story.name);
    let deleted = story.vc_does("delete NAME --keep-volumes");
    assert!(
        deleted.stdout.contains(&format!("; kept `{claim}`")),
        "{deleted}"
    );
    assert_eq!(
        story.objects_in(&namespace),
        [format!("persistentvolumeclaim/{claim}")]
    );

    let again = story.vc_does("create NAME");
    assert!(
        again
            .stderr
            .contains(&format!("the volume `{claim}` of an earlier")),
        "{again}"
    );
    assert_eq!(
        story.kubectl("get configmap memory -o 'jsonpath={.data.word}'"),
        "kept"
    );
    story.vc_does("delete NAME");
    assert!(!story.has_namespace(&namespace));
}

#[test]
fn a_namespace_that_vc_made_stays_when_someone_has_put_something_into_it() {
    let story = Story::new("shared");
    let namespace = story.namespace();
    story.vc_does("create NAME --no-connect --ephemeral");
    put_theirs(&story, &namespace);
    let deleted = story.vc_does("delete NAME");
    assert!(
        deleted.stderr.contains(&format!(
            "the namespace `{namespace}` stays, because it holds ConfigMap `theirs`"
        )),
        "{deleted}"
    );
    assert_eq!(story.objects_in(&namespace), ["configmap/theirs"]);
}
