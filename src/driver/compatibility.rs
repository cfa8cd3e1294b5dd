//! What a virtual cluster that runs cannot be changed to, because its state or its control plane would not survive it.
//!
//! The rules for values are those of `vcluster` itself ([loft-sh/vcluster](https://github.com/loft-sh/vcluster),
//! `config/config.go`, `ValidateChanges`); those for Kubernetes versions are of its
//! [version skew policy](https://kubernetes.io/releases/version-skew-policy/).

use semver::Version;
use serde_json::Value;

use crate::cluster::{ClusterRef, Object};

/// Where the state of a virtual cluster is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    EmbeddedEtcd,
    ExternalEtcd,
    DeployedEtcd,
    EmbeddedDatabase,
    ExternalDatabase,
}

impl Store {
    /// The store that values turn on.
    fn of(values: &Value) -> Self {
        let is_on = |path: &str| {
            let path = format!("/controlPlane/backingStore/{path}/enabled");
            values.pointer(&path).is_some_and(|value| value == true)
        };
        if is_on("etcd/embedded") {
            Self::EmbeddedEtcd
        } else if is_on("etcd/external") {
            Self::ExternalEtcd
        } else if is_on("etcd/deploy") {
            Self::DeployedEtcd
        } else if is_on("database/embedded") {
            Self::EmbeddedDatabase
        } else if is_on("database/external") {
            Self::ExternalDatabase
        } else {
            Self::EmbeddedDatabase
        }
    }

    /// Whether the control plane takes the state along from another store.
    fn can_follow(self, before: Self) -> bool {
        match self {
            _ if self == before => true,
            Self::DeployedEtcd | Self::EmbeddedEtcd => matches!(
                before,
                Self::ExternalEtcd | Self::DeployedEtcd | Self::EmbeddedDatabase
            ),
            Self::ExternalDatabase => before == Self::EmbeddedDatabase,
            Self::ExternalEtcd | Self::EmbeddedDatabase => false,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::EmbeddedEtcd => "embedded etcd",
            Self::ExternalEtcd => "external etcd",
            Self::DeployedEtcd => "deployed etcd",
            Self::EmbeddedDatabase => "embedded database",
            Self::ExternalDatabase => "external database",
        }
    }
}

/// Values that no running cluster can change, with what they are where nothing is said.
const FIXED: &[&str] = &[
    "sync.toHost.namespaces.enabled",
    "sync.toHost.namespaces.mappingsOnly",
    "sync.toHost.namespaces.mappings.byName",
    "sync.toHost.namespaces.patches",
    "privateNodes.vpn.enabled",
    "privateNodes.vpn.nodeToNode.enabled",
];

/// Why values, each over the defaults of its chart, cannot follow others.
pub fn of_values(before: &Value, after: &Value) -> Vec<String> {
    let mut refusals = Vec::new();
    let (from, to) = (Store::of(before), Store::of(after));
    if !to.can_follow(from) {
        refusals.push(format!(
            "`controlPlane.backingStore`: its state is in the {}, and would not be in the {}",
            from.name(),
            to.name()
        ));
    }
    let fixed = FIXED
        .iter()
        .filter(|path| at(before, path) != at(after, path));
    refusals.extend(fixed.map(|path| format!("`{path}` cannot be changed while a cluster runs")));
    refusals
}

/// Why objects cannot follow others.
pub fn of_objects(before: &[Object], after: &[Object], reference: &ClusterRef) -> Vec<String> {
    let mut refusals = of_volume(before, after, reference);
    let (Some(from), Some(to)) = (
        kubernetes_of(before, reference),
        kubernetes_of(after, reference),
    ) else {
        return refusals;
    };
    if (to.major, to.minor) < (from.major, from.minor) {
        refusals.push(format!(
            "its Kubernetes is v{from}, and does not go back to v{to}"
        ));
    } else if to.major == from.major && to.minor > from.minor + 1 {
        refusals.push(format!(
            "its Kubernetes is v{from}, and goes from one minor version to the next, so first to {}.{}",
            from.major,
            from.minor + 1
        ));
    }
    refusals
}

/// What is uncertain about the Kubernetes version of objects that follow others.
pub fn of_kubernetes(
    before: &[Object],
    after: &[Object],
    reference: &ClusterRef,
) -> Option<String> {
    let from = kubernetes_of(before, reference)?;
    let to = kubernetes_of(after, reference)?;
    ((to.major, to.minor) < (from.major, from.minor)).then(|| {
        format!(
            "its Kubernetes goes back from v{from} to v{to}, which Kubernetes does not promise to work"
        )
    })
}

/// Why a cluster that keeps its state in a volume cannot become one that does not, and the reverse.
pub fn of_volume(before: &[Object], after: &[Object], reference: &ClusterRef) -> Vec<String> {
    let (Some(old), Some(new)) = (
        control_plane(before, reference),
        control_plane(after, reference),
    ) else {
        return Vec::new();
    };
    let (from, to) = (&old.reference.kind, &new.reference.kind);
    if from == to {
        return Vec::new();
    }
    vec![format!(
        "its control plane is a {from}, and would be a {to}: whether its state outlives its pod cannot be changed"
    )]
}

/// The Kubernetes version of a control plane: the tag of the image that brings its binaries.
fn kubernetes_of(objects: &[Object], reference: &ClusterRef) -> Option<Version> {
    let pod = &control_plane(objects, reference)?.body["spec"]["template"]["spec"];
    ["initContainers", "containers"]
        .iter()
        .flat_map(|field| pod[*field].as_array().into_iter().flatten())
        .filter_map(|container| {
            container["image"]
                .as_str()?
                .rsplit('/')
                .next()?
                .split_once(':')
        })
        .filter(|(image, _)| *image == "kubernetes")
        .find_map(|(_, tag)| {
            let tag = tag.split('@').next()?;
            Version::parse(tag.trim_start_matches('v')).ok()
        })
}

/// The workload of the control plane, which is named as the release.
fn control_plane<'a>(objects: &'a [Object], reference: &ClusterRef) -> Option<&'a Object> {
    objects.iter().find(|object| {
        matches!(object.reference.kind.as_str(), "StatefulSet" | "Deployment")
            && object.reference.name == reference.name.as_str()
    })
}

/// The value at a path. What is off, empty or not there is the same.
fn at<'a>(values: &'a Value, path: &str) -> Option<&'a Value> {
    let value = path
        .split('.')
        .try_fold(values, |value, step| value.get(step))?;
    let is_nothing = match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    (!is_nothing).then_some(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::Name;

    fn dev() -> ClusterRef {
        let name = Name::parse("dev").unwrap();
        ClusterRef {
            namespace: name.default_namespace(),
            name,
        }
    }

    fn workload(kind: &str, kubernetes: &str) -> Vec<Object> {
        let image = format!("registry.example.com:5000/loft-sh/kubernetes:{kubernetes}");
        let body = json!({
            "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "dev"},
            "spec": {"template": {"spec": {"initContainers": [{"name": "kubernetes", "image": image}]}}},
        });
        Object::from_body(body, None).into_iter().collect()
    }

    #[test]
    fn a_store_is_left_only_for_one_that_takes_the_state_along() {
        let store = |path: &str| {
            let (group, kind) = path.split_once('.').unwrap();
            json!({"controlPlane": {"backingStore": {group: {kind: {"enabled": true}}}}})
        };
        let refused = |before: &Value, after: &Value| !of_values(before, after).is_empty();
        let nothing = json!({});
        assert!(!refused(&nothing, &store("database.embedded")));
        assert!(!refused(&nothing, &store("etcd.deploy")));
        assert!(!refused(&nothing, &store("database.external")));
        assert!(refused(&nothing, &store("etcd.external")));
        assert!(refused(&store("etcd.deploy"), &nothing));
        assert!(refused(
            &store("etcd.embedded"),
            &store("database.external")
        ));
        insta::assert_snapshot!(
            of_values(&store("etcd.deploy"), &nothing).join("\n"),
            @"`controlPlane.backingStore`: its state is in the deployed etcd, and would not be in the embedded database"
        );
    }

    #[test]
    fn what_is_off_is_the_same_as_what_is_not_said() {
        let off = json!({"sync": {"toHost": {"namespaces": {"enabled": false, "patches": []}}}});
        assert!(of_values(&json!({}), &off).is_empty());
        let on = json!({"sync": {"toHost": {"namespaces": {"enabled": true}}}});
        assert_eq!(of_values(&off, &on).len(), 1);
    }

    #[test]
    fn kubernetes_goes_one_minor_version_at_a_time_and_never_back() {
        let refused = |from: &str, to: &str| {
            let objects = |tag: &str| workload("StatefulSet", tag);
            !of_objects(&objects(from), &objects(to), &dev()).is_empty()
        };
        assert!(!refused("v1.35.0", "v1.36.0"));
        assert!(!refused("v1.35.2", "v1.35.0"));
        assert!(refused("v1.36.0", "v1.35.0"));
        assert!(refused("v1.34.0", "v1.36.0"));
        assert!(!refused("latest", "v1.30.0"));
    }

    #[test]
    fn a_volume_neither_comes_nor_goes() {
        let (kept, lost) = (
            workload("StatefulSet", "v1.36.0"),
            workload("Deployment", "v1.36.0"),
        );
        assert_eq!(of_volume(&kept, &lost, &dev()).len(), 1);
        assert_eq!(of_volume(&lost, &kept, &dev()).len(), 1);
        assert!(of_volume(&kept, &kept, &dev()).is_empty());
        assert!(of_volume(&[], &kept, &dev()).is_empty());
    }
}
