//! `/version`, `/api` and `/apis`, in the old form and the aggregated one.

use serde_json::{Value, json};

use super::kinds::{KINDS, ResourceKind};

const VERBS: [&str; 8] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

/// The answer to a path that names no resource, if there is one.
pub(super) fn answer(path: &str, accept: &str, version: &str) -> Option<Value> {
    let is_aggregated = accept.contains("APIGroupDiscoveryList");
    match path
        .trim_matches('/')
        .split('/')
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["version"] => Some(server_version(version)),
        ["api"] if is_aggregated => Some(aggregated(str::is_empty)),
        ["apis"] if is_aggregated => Some(aggregated(|group| !group.is_empty())),
        ["api"] => Some(json!({ "kind": "APIVersions", "versions": ["v1"] })),
        ["apis"] => {
            let groups: Vec<Value> = groups()
                .into_iter()
                .filter(|g| !g.0.is_empty())
                .map(group)
                .collect();
            Some(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups }))
        }
        ["api", "v1"] => resources("", "v1"),
        ["apis", name] => groups()
            .into_iter()
            .find(|known| known.0 == *name)
            .map(|known| {
                let mut group = group(known);
                group["kind"] = "APIGroup".into();
                group["apiVersion"] = "v1".into();
                group
            }),
        ["apis", group, version] => resources(group, version),
        _ => None,
    }
}

fn server_version(version: &str) -> Value {
    let mut numbers = version.trim_start_matches('v').split('.');
    json!({
        "major": numbers.next(),
        "minor": numbers.next(),
        "gitVersion": version,
        "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": "go1.26.0",
        "compiler": "gc",
        "platform": "linux/amd64",
    })
}

fn groups() -> Vec<(&'static str, &'static str)> {
    let mut groups: Vec<_> = KINDS
        .iter()
        .map(|kind| (kind.group, kind.version))
        .collect();
    groups.dedup();
    groups
}

fn group((name, version): (&str, &str)) -> Value {
    let version = json!({ "groupVersion": format!("{name}/{version}"), "version": version });
    json!({ "name": name, "versions": [version], "preferredVersion": version })
}

fn resources(group: &str, version: &str) -> Option<Value> {
    let resources: Vec<Value> = KINDS
        .iter()
        .filter(|kind| kind.group == group && kind.version == version)
        .map(|kind| {
            json!({
                "name": kind.plural,
                "singularName": kind.kind.to_lowercase(),
                "namespaced": kind.is_namespaced,
                "kind": kind.kind,
                "verbs": VERBS,
            })
        })
        .collect();
    let group_version = KINDS.iter().find(|kind| kind.group == group)?.api_version();
    (!resources.is_empty()).then(|| {
        json!({
            "kind": "APIResourceList", "apiVersion": "v1",
            "groupVersion": group_version, "resources": resources,
        })
    })
}

fn aggregated(is_wanted: impl Fn(&str) -> bool) -> Value {
    let resource = |kind: &ResourceKind| {
        json!({
            "resource": kind.plural,
            "responseKind": { "group": kind.group, "version": kind.version, "kind": kind.kind },
            "scope": if kind.is_namespaced { "Namespaced" } else { "Cluster" },
            "singularResource": kind.kind.to_lowercase(),
            "verbs": VERBS,
        })
    };
    let items: Vec<Value> = groups()
        .into_iter()
        .filter(|(group, _)| is_wanted(group))
        .map(|(group, version)| {
            let resources: Vec<Value> =
                KINDS.iter().filter(|kind| kind.group == group).map(resource).collect();
            let metadata = if group.is_empty() { json!({}) } else { json!({ "name": group }) };
            json!({
                "metadata": metadata,
                "versions": [{ "version": version, "resources": resources, "freshness": "Current" }],
            })
        })
        .collect();
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {}, "items": items,
    })
}
