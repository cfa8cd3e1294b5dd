//! Where objects of a kind live in the API: group, plural and scope.
//!
//! The kinds that charts use are known here, so that the common path asks no discovery; any other kind is looked up
//! in the discovery of its own group.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Call;
use crate::cluster::ObjectRef;

/// API version, kind, plural, and whether objects of the kind live in a namespace.
const WELL_KNOWN: &[(&str, &str, &str, bool)] = &[
    ("v1", "ConfigMap", "configmaps", true),
    ("v1", "Endpoints", "endpoints", true),
    ("v1", "Event", "events", true),
    ("v1", "LimitRange", "limitranges", true),
    ("v1", "Namespace", "namespaces", false),
    ("v1", "Node", "nodes", false),
    ("v1", "PersistentVolume", "persistentvolumes", false),
    (
        "v1",
        "PersistentVolumeClaim",
        "persistentvolumeclaims",
        true,
    ),
    ("v1", "Pod", "pods", true),
    ("v1", "ResourceQuota", "resourcequotas", true),
    ("v1", "Secret", "secrets", true),
    ("v1", "Service", "services", true),
    ("v1", "ServiceAccount", "serviceaccounts", true),
    ("apps/v1", "DaemonSet", "daemonsets", true),
    ("apps/v1", "Deployment", "deployments", true),
    ("apps/v1", "StatefulSet", "statefulsets", true),
    (
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        false,
    ),
    ("batch/v1", "CronJob", "cronjobs", true),
    ("batch/v1", "Job", "jobs", true),
    ("metrics.k8s.io/v1beta1", "PodMetrics", "pods", true),
    ("networking.k8s.io/v1", "Ingress", "ingresses", true),
    (
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "networkpolicies",
        true,
    ),
    (
        "policy/v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        true,
    ),
    (
        "rbac.authorization.k8s.io/v1",
        "ClusterRole",
        "clusterroles",
        false,
    ),
    (
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        "clusterrolebindings",
        false,
    ),
    ("rbac.authorization.k8s.io/v1", "Role", "roles", true),
    (
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        "rolebindings",
        true,
    ),
    (
        "scheduling.k8s.io/v1",
        "PriorityClass",
        "priorityclasses",
        false,
    ),
    ("storage.k8s.io/v1", "StorageClass", "storageclasses", false),
];

/// All objects of one kind, in one namespace, in all of them, or of the whole host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    api_version: String,
    plural: String,
    namespace: Option<String>,
}

/// A namespaced kind as discovery lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovered {
    /// For example `apps/v1`.
    pub api_version: String,
    /// For example `StatefulSet`.
    pub kind: String,
    plural: String,
}

impl Discovered {
    /// Its plural with its group, as the host writes it in access rules and messages: `pods`, `statefulsets.apps`.
    pub fn resource(&self) -> String {
        match self.api_version.split_once('/') {
            Some((group, _)) => format!("{}.{group}", self.plural),
            None => self.plural.clone(),
        }
    }

    /// The objects of this kind in one namespace.
    pub fn in_namespace(&self, namespace: &str) -> Collection {
        Collection {
            api_version: self.api_version.clone(),
            plural: self.plural.clone(),
            namespace: Some(namespace.to_owned()),
        }
    }
}

impl Collection {
    /// A collection by the kind's name, in one namespace or in all.
    ///
    /// # Panics
    /// If the kind is not in the table of this file: the callers name kinds that are.
    pub fn of(kind: &str, namespace: Option<&str>) -> Self {
        let (api_version, _, plural, _) = WELL_KNOWN
            .iter()
            .find(|entry| entry.1 == kind)
            .expect("callers name kinds of the table");
        Self {
            api_version: (*api_version).to_owned(),
            plural: (*plural).to_owned(),
            namespace: namespace.map(str::to_owned),
        }
    }

    pub(super) fn well_known(object: &ObjectRef) -> Option<Self> {
        let (_, _, plural, namespaced) = WELL_KNOWN
            .iter()
            .find(|entry| entry.0 == object.api_version && entry.1 == object.kind)?;
        Some(Self::new(object, plural, *namespaced))
    }

    pub(super) fn discovered(object: &ObjectRef, resources: &Value) -> Option<Self> {
        let entries = resources.get("resources")?.as_array()?;
        let entry = entries.iter().find(|entry| {
            entry["kind"] == object.kind.as_str()
                && entry["name"]
                    .as_str()
                    .is_some_and(|name| !name.contains('/'))
        })?;
        Some(Self::new(
            object,
            entry["name"].as_str()?,
            entry["namespaced"].as_bool()?,
        ))
    }

    fn new(object: &ObjectRef, plural: &str, namespaced: bool) -> Self {
        Self {
            api_version: object.api_version.clone(),
            plural: plural.to_owned(),
            namespace: object.namespace.clone().filter(|_| namespaced),
        }
    }

    /// Whether its objects are of one of Kubernetes' own kinds that charts use.
    pub fn is_well_known(&self) -> bool {
        WELL_KNOWN
            .iter()
            .any(|entry| entry.0 == self.api_version && entry.2 == self.plural)
    }

    /// The namespace of its objects; `None` for all namespaces or for objects of the whole host.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    pub(super) fn path(&self) -> String {
        let group = group_path(&self.api_version);
        match &self.namespace {
            Some(namespace) => format!("{group}/namespaces/{namespace}/{}", self.plural),
            None => format!("{group}/{}", self.plural),
        }
    }

    pub(super) fn item(&self, name: &str) -> String {
        format!("{}/{name}", self.path())
    }

    pub(super) fn call(&self, verb: &'static str) -> Call {
        let resource = match self.api_version.split_once('/') {
            Some((group, _)) => format!("{}.{group}", self.plural),
            None => self.plural.clone(),
        };
        Call {
            verb,
            resource,
            namespace: self.namespace.clone(),
            name: None,
        }
    }
}

pub(super) fn group_path(api_version: &str) -> String {
    if api_version.contains('/') {
        format!("/apis/{api_version}")
    } else {
        format!("/api/{api_version}")
    }
}

/// Reads an `APIGroupDiscoveryList`: every `group/version`, and every `group/version/Kind`. `None` if it is no such list.
pub(super) fn api_versions(list: &Value) -> Option<Vec<String>> {
    if list["kind"] != "APIGroupDiscoveryList" {
        return None;
    }
    let mut found = Vec::new();
    for group in array(list, "items") {
        let name = group["metadata"]["name"].as_str().unwrap_or_default();
        for version in array(group, "versions") {
            let number = version["version"].as_str().unwrap_or_default();
            let api_version = api_version(name, number);
            for resource in array(version, "resources") {
                let of_resource = std::iter::once(resource).chain(array(resource, "subresources"));
                let kinds = of_resource.filter_map(|one| one["responseKind"]["kind"].as_str());
                found.extend(kinds.map(|kind| format!("{api_version}/{kind}")));
            }
            found.push(api_version);
        }
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    }
}

/// Reads an `APIGroupDiscoveryList`: what can be listed and deleted in a namespace, in all versions of each group, the
/// preferred one first. `None` if it is no such list.
pub(super) fn namespaced_kinds(list: &Value) -> Option<Vec<Discovered>> {
    if list["kind"] != "APIGroupDiscoveryList" {
        return None;
    }
    let mut kinds = Vec::new();
    for group in array(list, "items") {
        let name = group["metadata"]["name"].as_str().unwrap_or_default();
        // The same objects are served in several versions; some kinds are not served in the preferred one.
        let mut known = BTreeSet::new();
        for version in array(group, "versions") {
            let number = version["version"].as_str().unwrap_or_default();
            let api_version = api_version(name, number);
            for resource in array(version, "resources") {
                let has = |verb: &str| array(resource, "verbs").iter().any(|entry| entry == verb);
                let plural = resource["resource"].as_str().unwrap_or_default();
                if resource["scope"] == "Namespaced"
                    && has("list")
                    && has("delete")
                    && known.insert(plural)
                {
                    kinds.push(Discovered {
                        api_version: api_version.clone(),
                        kind: resource["responseKind"]["kind"]
                            .as_str()
                            .unwrap_or_default()
                            .to_owned(),
                        plural: plural.to_owned(),
                    });
                }
            }
        }
    }
    Some(kinds)
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_version_of_a_group_counts_and_each_kind_once() {
        let resource = |plural: &str, kind: &str| {
            json!({
                "resource": plural, "responseKind": { "kind": kind }, "scope": "Namespaced",
                "verbs": ["list", "delete"],
            })
        };
        let list = json!({ "kind": "APIGroupDiscoveryList", "items": [{
            "metadata": { "name": "example.com" },
            "versions": [
                { "version": "v1", "resources": [resource("lamps", "Lamp")] },
                { "version": "v1alpha1", "resources": [resource("lamps", "Lamp"), resource("fans", "Fan")] },
            ],
        }] });
        let found: Vec<(String, String)> = namespaced_kinds(&list)
            .unwrap()
            .into_iter()
            .map(|found| (found.api_version, found.plural))
            .collect();
        let pair = |version: &str, plural: &str| (version.to_owned(), plural.to_owned());
        assert_eq!(
            found,
            [
                pair("example.com/v1", "lamps"),
                pair("example.com/v1alpha1", "fans")
            ]
        );
    }

    #[test]
    fn the_old_form_of_discovery_is_not_a_list_without_kinds() {
        for kind in ["APIVersions", "APIGroupList"] {
            assert_eq!(namespaced_kinds(&json!({ "kind": kind })), None);
        }
    }
}
