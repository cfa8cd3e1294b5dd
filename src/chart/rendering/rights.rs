//! The rights the chart asks for: those of the enabled syncs and no others.

use serde_json::{Value, json};

use super::{find, nested, render, render_in, render_on};

/// The rules of a Role, one `group/resource: verbs` a line.
pub(super) fn rights(objects: &[Value], kind: &str, name: &str) -> Vec<String> {
    let texts = |value: &Value| -> Vec<String> {
        value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let mut lines = Vec::new();
    let rules = find(objects, kind, name)
        .and_then(|role| role["rules"].as_array())
        .cloned()
        .unwrap_or_default();
    for rule in rules {
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                let names = texts(&rule["resourceNames"]).join(",");
                let names = if names.is_empty() {
                    names
                } else {
                    format!(" [{names}]")
                };
                lines.push(format!(
                    "{group}/{resource}{names}: {}",
                    texts(&rule["verbs"]).join(" ")
                ));
            }
        }
    }
    lines.sort();
    lines
}

pub(super) const WRITE: &str = "create delete patch update get list watch";
const READ: &str = "get list watch";

#[test]
fn each_sync_to_the_host_brings_the_rights_it_needs_and_takes_them_away() {
    let cases = [
        (
            "persistentVolumeClaims",
            vec![format!("/persistentvolumeclaims: {WRITE}")],
        ),
        (
            "endpointSlices",
            vec![format!("discovery.k8s.io/endpointslices: {WRITE}")],
        ),
        (
            "endpoints",
            vec!["/endpoints: create delete patch update".to_owned()],
        ),
        (
            "ingresses",
            vec![format!("networking.k8s.io/ingresses: {WRITE}")],
        ),
        (
            "networkPolicies",
            vec![format!("networking.k8s.io/networkpolicies: {WRITE}")],
        ),
        (
            "podDisruptionBudgets",
            vec![format!("policy/poddisruptionbudgets: {WRITE}")],
        ),
        (
            "serviceAccounts",
            vec![format!("/serviceaccounts: {WRITE}")],
        ),
        (
            "pods",
            [
                "/pods/attach: create get",
                "/pods/ephemeralcontainers: patch update",
                "/pods/exec: create get",
                "/pods/log: get",
                "/pods/portforward: create get",
                "/pods/resize: patch update",
                "/pods/status: patch update",
                "/pods: create delete patch update",
            ]
            .map(str::to_owned)
            .to_vec(),
        ),
    ];
    for (sync, expected) in cases {
        let with = |enabled: bool| {
            let objects = render(&nested(
                &format!("sync.toHost.{sync}.enabled"),
                json!(enabled),
            ));
            assert!(
                find(&objects, "ClusterRole", "vc-dev-v-team-a").is_none(),
                "{sync}"
            );
            rights(&objects, "Role", "vc-dev")
        };
        let (on, off) = (with(true), with(false));
        let added: Vec<String> = on
            .iter()
            .filter(|line| !off.contains(line))
            .cloned()
            .collect();
        assert_eq!(added, expected, "{sync}");
        assert!(off.iter().all(|line| on.contains(line)), "{sync}");
    }
}

#[test]
fn what_lies_outside_of_the_namespace_needs_a_cluster_role_with_no_more_than_it() {
    let cases = [
        (
            "sync.fromHost.ingressClasses.enabled",
            vec![format!("networking.k8s.io/ingressclasses: {READ}")],
        ),
        (
            "sync.fromHost.storageClasses.enabled",
            vec![format!("storage.k8s.io/storageclasses: {READ}")],
        ),
        (
            "sync.fromHost.csiNodes.enabled",
            vec![format!("storage.k8s.io/csinodes: {READ}")],
        ),
        (
            "sync.fromHost.runtimeClasses.enabled",
            vec![format!("node.k8s.io/runtimeclasses: {READ}")],
        ),
        (
            "sync.fromHost.priorityClasses.enabled",
            vec![format!("scheduling.k8s.io/priorityclasses: {READ}")],
        ),
        (
            "sync.toHost.priorityClasses.enabled",
            vec![format!("scheduling.k8s.io/priorityclasses: {WRITE}")],
        ),
        (
            "sync.toHost.storageClasses.enabled",
            vec![format!("storage.k8s.io/storageclasses: {WRITE}")],
        ),
        (
            "sync.toHost.persistentVolumes.enabled",
            vec![format!("/persistentvolumes: {WRITE}")],
        ),
        (
            "sync.fromHost.nodes.enabled",
            vec![
                "/nodes/metrics: get".to_owned(),
                "/nodes/proxy: get".to_owned(),
                "/nodes/stats: get".to_owned(),
                format!("/nodes/status: {READ}"),
                format!("/nodes: {READ}"),
                format!("/pods: {READ}"),
            ],
        ),
    ];
    for (path, expected) in cases {
        let objects = render(&nested(path, json!(true)));
        assert_eq!(
            rights(&objects, "ClusterRole", "vc-dev-v-team-a"),
            expected,
            "{path}"
        );
        let binding = find(&objects, "ClusterRoleBinding", "vc-dev-v-team-a").expect(path);
        assert_eq!(binding["subjects"][0]["name"], "vc-dev", "{path}");
    }
}

#[test]
fn mapped_objects_are_read_by_name_where_that_is_possible() {
    let objects = render(&json!({"sync": {"fromHost": {
        "secrets": {"enabled": true, "mappings": {"byName": {"certs/tls": "default/tls", "/own": "default/own"}}},
    }}}));
    assert_eq!(
        rights(&objects, "ClusterRole", "vc-dev-v-team-a"),
        [
            "/namespaces [certs,team-a]: get list watch",
            "/secrets [own,tls]: get",
            "/secrets: list watch",
        ]
    );
}

#[test]
fn pods_are_resized_only_on_hosts_that_can() {
    let resize = |version: &str| {
        let objects = render_on(version, &json!({})).expect("renders");
        rights(&objects, "Role", "vc-dev").contains(&"/pods/resize: patch update".to_owned())
    };
    assert!(resize("v1.35.2") && resize("v1.36.0-eks-1234567") && resize("v1.40.1+k3s1"));
    assert!(!resize("v1.34.9") && !resize("v1.30.14-gke.100"));
}

#[test]
fn the_name_of_a_cluster_role_tells_long_namespaces_apart() {
    let name = |namespace: &str| {
        let objects = render_in(
            namespace,
            "v1.36.0",
            &nested("sync.fromHost.ingressClasses.enabled", json!(true)),
        );
        let role = objects
            .expect("renders")
            .into_iter()
            .find(|object| object["kind"] == "ClusterRole");
        role.expect("a cluster role")["metadata"]["name"]
            .as_str()
            .expect("a name")
            .to_owned()
    };
    let (one, other) = (
        name(&format!("{}-1", "n".repeat(58))),
        name(&format!("{}-2", "n".repeat(58))),
    );
    assert!(
        one != other && one.len() <= 63 && other.len() <= 63,
        "{one} {other}"
    );
    assert_eq!(name("short"), "vc-dev-v-short");
}
