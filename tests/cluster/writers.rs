//! `vc` and the real `kubectl` writing one kubeconfig at the same time.

use std::fmt::Write as _;

use crate::support::Story;

/// A context as `vc connect` leaves one, for a cluster that nobody asks.
fn add_connection(text: &mut String, number: usize) {
    let identity = "hostContext: host, hostKubeconfig: null, hostServer: 'https://127.0.0.1:1', namespace: ns, uid: u";
    _ = writeln!(
        text,
        "- name: {0}\n  context: {{cluster: {0}, user: {0}, extensions: [{{name: vc, extension: {{{identity}, name: c{number}}}}}]}}",
        ours(number)
    );
}

fn ours(number: usize) -> String {
    format!("vcluster_c{number}_ns_host")
}

/// `kubectl` reads before it takes the lock, and may put back what `vc` took out meanwhile. It writes one context after
/// another here, so that none is lost by `kubectl` itself: one that is missing in the end, `vc` has lost.
#[test]
fn nothing_that_kubectl_writes_is_lost_by_vc() {
    write_beside_each_other(60);
}

#[test]
#[ignore = "takes minutes: `cargo test --all-features --test cluster five_hundred -- --ignored`"]
fn nothing_of_five_hundred_writes_of_kubectl_is_lost_by_vc() {
    write_beside_each_other(500);
}

/// `vc` and `kubectl` write so many times each.
fn write_beside_each_other(count: usize) {
    let story = Story::new("writers");
    let mut text = "apiVersion: v1\nkind: Config\nclusters:\n- name: host\n  cluster: {server: 'https://127.0.0.1:1'}\n\
                    users: []\ncurrent-context: host\ncontexts:\n- name: host\n  context: {cluster: host, user: host}\n"
        .to_owned();
    (0..count).for_each(|number| add_connection(&mut text, number));
    story.write("kubeconfig", &text);
    let mut under_way = Vec::new();
    let theirs: Vec<usize> = (0..count)
        .filter(|number| {
            under_way.push(story.start(&format!("disconnect c{number} -n ns")));
            // It fails where it finds the file locked, and then has not written.
            let set = format!("config set-context mine-{number} --cluster=host");
            story.try_kubectl(&set).code == Some(0)
        })
        .collect();
    for ended in under_way {
        let output = ended.finish();
        assert_eq!(output.code, Some(0), "{output}");
    }
    assert!(!theirs.is_empty(), "kubectl never wrote");
    let names = || story.kubectl("config get-contexts -o name");
    let now = names();
    let is_back = |number: &usize| now.lines().any(|name| name == ours(*number));
    for number in (0..count).filter(is_back) {
        story.vc_does(&format!("disconnect c{number} -n ns"));
    }
    let mut expected: Vec<String> = theirs
        .iter()
        .map(|number| format!("mine-{number}"))
        .collect();
    expected.push("host".to_owned());
    expected.sort();
    let mut left: Vec<String> = names().lines().map(str::to_owned).collect();
    left.sort();
    assert_eq!(left, expected);
}
