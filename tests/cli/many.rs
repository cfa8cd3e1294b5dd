//! Many commands at once, with one kubeconfig file among them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::sandbox::Sandbox;

/// How many users of one file there are at once.
const MANY: usize = 50;

#[test]
fn fifty_creates_at_once_make_fifty_contexts() {
    let vc = Sandbox::new();
    let before = vc.kubeconfig();
    let names: Vec<String> = (0..MANY).map(|number| format!("c{number}")).collect();
    let started: Vec<_> = names
        .iter()
        .map(|name| vc.start(&format!("create {name}")))
        .collect();
    for one in started {
        let output = one.finish();
        assert_eq!(output.code, Some(0), "{output}");
    }
    let kubeconfig = vc.kubeconfig();
    for line in before
        .lines()
        .filter(|line| !line.starts_with("current-context"))
    {
        assert!(kubeconfig.contains(line), "`{line}` is lost");
    }
    let contexts: Vec<String> = names
        .iter()
        .map(|name| format!("vcluster_{name}_vcluster-{name}_host"))
        .collect();
    let config: Value = yaml_serde::from_str(&kubeconfig).expect("a kubeconfig");
    let of = |list: &str| -> BTreeSet<String> {
        let items = config[list].as_array().into_iter().flatten();
        items
            .filter_map(|item| item["name"].as_str().map(str::to_owned))
            .collect()
    };
    for list in ["contexts", "clusters", "users"] {
        let there = of(list);
        for context in &contexts {
            assert!(there.contains(context), "{context} is not among the {list}");
        }
        assert_eq!(there.len(), MANY + 1, "{list}");
    }
    let current = config["current-context"].as_str().unwrap_or_default();
    assert!(
        contexts.iter().any(|context| context == current),
        "{current}"
    );
    let listed: Value = serde_json::from_str(&vc.run("list -o json").stdout).expect("JSON");
    let listed = listed.as_array().expect("a list");
    assert_eq!(listed.len(), MANY);
    let connected = listed.iter().filter(|row| row["connected"] == true);
    assert_eq!(connected.count(), 1, "one of them is the current context");
    // Any of them leads to its own cluster.
    for name in [&names[0], &names[MANY / 2], &names[MANY - 1]] {
        let output = vc.run(&format!("connect {name}"));
        assert_eq!(output.code, Some(0), "{output}");
    }
    let output = vc.run("delete --all --yes");
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(vc.kubeconfig(), before);
    assert_eq!(vc.tunnels(), [] as [u64; 0]);
}

#[test]
fn the_same_create_many_times_at_once_makes_one_cluster() {
    let vc = Sandbox::new();
    let started: Vec<_> = (0..4).map(|_| vc.start("create dev")).collect();
    let outputs: Vec<_> = started
        .into_iter()
        .map(crate::support::sandbox::Started::finish)
        .collect();
    assert!(outputs.iter().any(|output| output.code == Some(0)));
    for output in &outputs {
        let is_second = output.code == Some(5) && output.stderr.contains("hint: ");
        assert!(output.code == Some(0) || is_second, "{output}");
    }
    let records = vc.host.paths();
    let records = records
        .iter()
        .filter(|path| path.contains("sh.helm.release"));
    assert_eq!(records.count(), 1);
    let made = vc.each_call().0;
    let made = made.iter().filter(|call| {
        call.verb == "create" && call.path.ends_with("/secrets") && call.answer == 201
    });
    assert_eq!(made.count(), 1, "one of them made it:\n{}", vc.calls());
    assert_eq!(vc.run("create dev").code, Some(0));
    assert_eq!(vc.run("list -o name").stdout, "dev\n");
}

#[test]
fn creates_that_differ_do_not_mix() {
    let vc = Sandbox::new();
    let one = vc.start("create dev --set-string controlPlane.statefulSet.labels.of=one");
    let other = vc.start("create dev --set-string controlPlane.statefulSet.labels.of=other");
    let codes = [one.finish(), other.finish()].map(|output| output.code);
    assert!(
        codes.contains(&Some(0)) && codes.contains(&Some(5)),
        "{codes:?}"
    );
}
