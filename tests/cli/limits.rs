//! `vc create --isolated`, `--cpu` and `--memory`.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::sandbox::Sandbox;

/// The objects of a kind that a create would make.
fn objects(vc: &Sandbox, arguments: &str, kind: &str) -> Vec<Value> {
    let output = vc.run(&format!("create dev --dry-run -o json {arguments}"));
    let list: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output}"));
    let items = list["items"].as_array().cloned().unwrap_or_default();
    items
        .into_iter()
        .filter(|object| object["kind"] == kind)
        .collect()
}

#[test]
fn isolated_means_policies_quota_and_limits() {
    let vc = Sandbox::new();
    for kind in ["ResourceQuota", "LimitRange"] {
        assert_eq!(objects(&vc, "--isolated", kind).len(), 1, "{kind}");
        assert_eq!(objects(&vc, "", kind).len(), 0, "{kind}");
    }
    assert!(!objects(&vc, "--isolated", "NetworkPolicy").is_empty());
    assert_eq!(objects(&vc, "--cpu 4", "NetworkPolicy").len(), 0);
}

#[test]
fn figures_bound_what_runs_in_it_together() {
    let vc = Sandbox::new();
    let quota = &objects(&vc, "--cpu 4 --memory 8Gi", "ResourceQuota")[0];
    assert_snapshot!(serde_json::to_string_pretty(&quota["spec"]).expect("JSON"));
    let range = &objects(&vc, "--cpu 4 --memory 8Gi", "LimitRange")[0];
    assert_snapshot!(serde_json::to_string_pretty(&range["spec"]).expect("JSON"));
    let quota = &objects(
        &vc,
        "--cpu 4 --set policies.resourceQuota.quota.limits\\.cpu=9",
        "ResourceQuota",
    )[0];
    assert_eq!(quota["spec"]["hard"]["limits.cpu"], "9");
}

#[test]
fn slips_are_refused_before_the_host_is_asked() {
    let vc = Sandbox::new();
    assert_snapshot!(vc.run("create dev --memory 8"));
    assert_snapshot!(vc.run("create dev --cpu lots"));
    assert_eq!(vc.each_call().len(), 0);
}

#[test]
fn the_same_figures_again_change_nothing() {
    let vc = Sandbox::new();
    let output = vc.run("create dev --no-connect --isolated --cpu 4");
    assert_eq!(output.code, Some(0), "{output}");
    let again = vc.run("create dev --no-connect --isolated --cpu 4 -o json");
    assert!(again.stdout.contains("\"unchanged\""), "{again}");
    assert_eq!(
        vc.run("create dev --no-connect --isolated --cpu 5").code,
        Some(5)
    );
}
