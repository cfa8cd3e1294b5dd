//! The same create a second time: identical, different, as an upgrade, and only as a rehearsal.

use crate::support::{Story, json};

const CREATE: &str =
    "create NAME --no-connect --ephemeral --set 'controlPlane.statefulSet.env[0].name=WORD'";

#[test]
fn a_second_create_says_what_it_would_change_and_changes_only_when_told_to() {
    let story = Story::new("again");
    let before = story.kubeconfig();
    let namespace = story.namespace();
    let with_word =
        |word: &str| format!("{CREATE} --set 'controlPlane.statefulSet.env[0].value={word}'");
    let workload = || story.host_json(&format!("get deployment {} -n {namespace}", story.name));
    story.vc_does(&with_word("hidden-one"));
    let first = workload();

    let identical = story.vc_does(&with_word("hidden-one"));
    assert!(
        identical.stdout.contains("already exists, just like this"),
        "{identical}"
    );

    let different = story.vc(&with_word("hidden-two"));
    different.assert_refused(
        5,
        &[
            "already exists and differs",
            "differs in `controlPlane.statefulSet.env",
            "hint: add `--upgrade`",
        ],
    );
    assert!(
        !different.stderr.contains("hidden-"),
        "values may be secret: {different}"
    );
    assert_eq!(
        workload()["metadata"]["generation"],
        first["metadata"]["generation"]
    );

    let upgraded = story.vc_does(&format!("{} --upgrade", with_word("hidden-two")));
    assert!(upgraded.stdout.contains("Upgraded `"), "{upgraded}");
    let containers = workload()["spec"]["template"]["spec"]["containers"].to_string();
    assert!(containers.contains("hidden-two"), "{containers}");
    let records = story.host(&format!(
        "get secrets -n {namespace} -l owner=helm -o 'jsonpath={{.items[*].metadata.labels.status}}'"
    ));
    assert_eq!(records, "superseded deployed");

    story.vc_does("delete NAME");
    story.assert_no_trace(&before);
}

#[test]
fn a_dry_run_prints_the_objects_and_touches_nothing() {
    let story = Story::new("dry");
    let before = story.kubeconfig();
    let yaml = story.vc_does("create NAME --dry-run -o yaml").stdout;
    let file = story.write("work/dry.yaml", &yaml);
    let read = story.host(&format!(
        "apply --dry-run=client -o name -f {}",
        file.display()
    ));
    let workload = format!("statefulset.apps/{}", story.name);
    assert!(read.lines().any(|line| line == workload), "{read}");
    let list = json(&story.vc_does("create NAME --dry-run -o json").stdout);
    let count = list["items"].as_array().map(Vec::len);
    assert_eq!(count, Some(read.lines().count()));
    story.assert_no_trace(&before);
}

#[test]
fn a_create_in_a_script_gets_a_name_of_its_own_and_prints_it() {
    let story = Story::new("script");
    let namespace = story.make_namespace();
    let made = story.vc_does(&format!("create -n {namespace} --no-wait -o name"));
    let name = made.stdout.trim();
    let other = story.vc(&format!("create -n {namespace} --no-wait -o name"));
    other.assert_refused(5, &["already holds the virtual cluster", name]);
    story.vc_does(&format!("delete {name} -n {namespace}"));
    assert_eq!(story.objects_in(&namespace), [] as [&str; 0]);
}
