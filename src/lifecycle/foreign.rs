//! Whether a namespace holds anything that is not part of one virtual cluster.
//!
//! Asked before a namespace is deleted: every kind that the host knows is looked through, custom resources too,
//! because deleting the namespace would delete them.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};

use super::remains::{is_of_release, is_own_secret};
use crate::cluster::ClusterRef;
use crate::driver::vcluster;
use crate::host::read::{Metadata, Partial};
use crate::host::{Discovered, Host, HostError};

/// Kinds looked through at once.
const AT_ONCE: usize = 8;
/// Kinds that the host makes by itself, or that are gone with what they are about.
const OF_THE_HOST: &[(&str, &str)] = &[
    ("", "Event"),
    ("events.k8s.io", "Event"),
    ("metrics.k8s.io", "PodMetrics"),
];

/// Why a namespace has to stay when the cluster goes, a reason for each thing that is not part of it; empty if it has not.
pub(super) async fn reasons_to_stay(
    host: &Host,
    reference: &ClusterRef,
) -> Result<Vec<String>, HostError> {
    let kinds = match host.fetch_namespaced_kinds().await {
        Ok(kinds) => kinds,
        Err(error @ HostError::Unreachable { .. }) => return Err(error),
        Err(error) => {
            return Ok(vec![format!(
                "what else it holds could not be told: {error}"
            )]);
        }
    };
    let kinds = kinds.into_iter().filter(|kind| !is_of_the_host(kind));
    let lists: Vec<(String, Result<Vec<Partial>, HostError>)> = stream::iter(kinds)
        .map(|kind| async move {
            let collection = kind.in_namespace(reference.namespace.as_str());
            (kind.kind, host.list::<Partial>(&collection, "").await)
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut all = Vec::new();
    let mut unseen = Vec::new();
    for (kind, list) in lists {
        match list {
            Ok(objects) => all.extend(
                objects
                    .into_iter()
                    .map(|object| (kind.clone(), object.metadata)),
            ),
            // Listed by discovery and yet not there: some servers do that for kinds without objects of their own.
            Err(error) if error.is_not_found() => {}
            Err(error @ HostError::Unreachable { .. }) => return Err(error),
            // What may not be seen may be there.
            Err(_) => unseen.push(format!(
                "it may hold objects of kind `{kind}`, which could not be looked at"
            )),
        }
    }
    let foreign = foreign_among(&all, reference)
        .into_iter()
        .map(|object| format!("it holds {object}"));
    Ok(foreign.chain(unseen).collect())
}

fn is_of_the_host(kind: &Discovered) -> bool {
    let group = kind
        .api_version
        .split_once('/')
        .map_or("", |(group, _)| group);
    OF_THE_HOST.contains(&(group, kind.kind.as_str()))
}

fn foreign_among(objects: &[(String, Metadata)], reference: &ClusterRef) -> Vec<String> {
    let mut own: BTreeSet<&str> = BTreeSet::new();
    let mut services: BTreeSet<&str> = BTreeSet::new();
    // What belongs to something of ours is ours; chains are short, so passes over all until nothing is added end soon.
    loop {
        let before = own.len();
        for (kind, metadata) in objects {
            let is_owned = metadata
                .owner_references
                .iter()
                .any(|owner| own.contains(owner.uid.as_str()));
            // Endpoints have no owner, but the name of their Service.
            let is_of_service = kind == "Endpoints" && services.contains(metadata.name.as_str());
            if is_to_be_kept(metadata) {
                continue;
            }
            if is_owned || is_of_service || is_own(kind, metadata, reference) {
                own.insert(&metadata.uid);
                if kind == "Service" {
                    services.insert(&metadata.name);
                }
            }
        }
        if own.len() == before {
            break;
        }
    }
    let foreign = objects
        .iter()
        .filter(|(_, metadata)| !own.contains(metadata.uid.as_str()));
    foreign
        .map(|(kind, metadata)| format!("{kind} `{}`", metadata.name))
        .collect()
}

/// Whether Helm is asked to leave it behind, in a namespace that then has to stay.
fn is_to_be_kept(metadata: &Metadata) -> bool {
    metadata
        .annotations
        .get("helm.sh/resource-policy")
        .is_some_and(|policy| policy == "keep")
}

fn is_own(kind: &str, metadata: &Metadata, reference: &ClusterRef) -> bool {
    let name = reference.name.as_str();
    let label = |key: &str| metadata.labels.get(key).map(String::as_str);
    let is_of_helm = metadata
        .annotations
        .get("meta.helm.sh/release-name")
        .map(String::as_str)
        == Some(name)
        || label("owner") == Some("helm") && label("name") == Some(name);
    let is_synced = label(vcluster::MANAGED_BY) == Some(name);
    let is_in_every_namespace = matches!(
        (kind, metadata.name.as_str()),
        ("ServiceAccount", "default") | ("ConfigMap", "kube-root-ca.crt")
    );
    is_of_release(metadata, reference)
        || is_of_helm
        || is_synced
        || is_in_every_namespace
        || kind == "Secret" && is_own_secret(metadata, reference)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::Name;

    fn object(kind: &str, metadata: serde_json::Value) -> (String, Metadata) {
        (kind.to_owned(), serde_json::from_value(metadata).unwrap())
    }

    #[test]
    fn only_what_is_not_of_the_cluster_is_foreign() {
        let name = Name::parse("dev").unwrap();
        let reference = ClusterRef {
            namespace: name.default_namespace(),
            name,
        };
        let objects = [
            object(
                "Service",
                json!({"name": "dev", "uid": "1", "labels": {"app": "vcluster", "release": "dev"}}),
            ),
            object(
                "Secret",
                json!({"name": "x", "uid": "2", "ownerReferences": [{"kind": "Service", "uid": "1"}]}),
            ),
            object(
                "Pod",
                json!({"name": "p", "uid": "3", "labels": {"vcluster.loft.sh/managed-by": "dev"}}),
            ),
            object("ConfigMap", json!({"name": "kube-root-ca.crt", "uid": "4"})),
            object(
                "PersistentVolumeClaim",
                json!({"name": "data-dev-2", "uid": "5", "labels": {"app": "vcluster", "release": "dev"}}),
            ),
            object("ConfigMap", json!({"name": "mine", "uid": "6"})),
            object(
                "PersistentVolumeClaim",
                json!({"name": "data-dev-etcd-0", "uid": "9"}),
            ),
            object("Endpoints", json!({"name": "dev", "uid": "8"})),
            object(
                "Pod",
                json!({"name": "q", "uid": "7", "labels": {"vcluster.loft.sh/managed-by": "other"}}),
            ),
        ];
        assert_eq!(
            foreign_among(&objects, &reference),
            [
                "ConfigMap `mine`",
                "PersistentVolumeClaim `data-dev-etcd-0`",
                "Pod `q`"
            ]
        );
    }
}
