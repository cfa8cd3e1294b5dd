//! Many commands at once, as scripts and teams run them.

use crate::support::{Output, Running, Story};

/// How many processes.
const PROCESSES: usize = 10;

/// The node of CI has room for nine that ask for what they ask for otherwise.
const SMALL: &str = "--set controlPlane.statefulSet.resources.requests.cpu=10m";

#[test]
fn ten_creates_at_once_into_one_kubeconfig_lose_nothing() {
    let story = Story::new("ten");
    let before = story.kubeconfig();
    let name = |number: usize| format!("{}-{number}", story.name);
    let names: Vec<String> = (0..PROCESSES).map(name).collect();
    for name in &names {
        story.removes_namespace(&format!("vcluster-{name}"));
    }
    let creates: Vec<Running> = names
        .iter()
        .map(|name| story.start(&format!("create {name} {SMALL}")))
        .collect();
    for created in creates.into_iter().map(Running::finish) {
        assert_eq!(created.code, Some(0), "{created}");
    }
    for name in &names {
        let context = format!("vcluster_{name}_vcluster-{name}_vc-host");
        let made = story.kubectl(&format!(
            "--context {context} create configmap of --from-literal=name={name}"
        ));
        assert!(made.contains("created"), "{made}");
    }
    for name in &names {
        let context = format!("vcluster_{name}_vcluster-{name}_vc-host");
        let word = story.kubectl(&format!(
            "--context {context} get configmap of -o 'jsonpath={{.data.name}}'"
        ));
        assert_eq!(word, *name);
    }
    let asleep = story.vc_does(&format!("sleep {}", names.join(" ")));
    let told: Vec<&str> = asleep.stdout.lines().collect();
    let each = |word: &'static str, output: &Output| {
        for (line, name) in output.stdout.lines().zip(&names) {
            assert!(line.starts_with(&format!("{word} `{name}`")), "{output}");
        }
    };
    assert_eq!(told.len(), PROCESSES);
    each("Put", &asleep);
    let deleted = story.vc_does(&format!("delete {}", names.join(" ")));
    each("Deleted", &deleted);
    story.assert_no_trace(&before);
}
