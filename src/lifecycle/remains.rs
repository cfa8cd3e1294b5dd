//! What there is of a virtual cluster on the host, whole or left over.

use serde_json::{Value, json};

use super::history::History;
use crate::cluster::ClusterRef;
use crate::driver::vcluster;
use crate::error::Error;
use crate::host::read::{Metadata, Partial, Workload};
use crate::host::{Collection, Host, HostError};

/// What there is of a cluster.
pub(super) struct Remains {
    pub(super) history: History,
    namespace: Option<Partial>,
    workloads: Vec<(Collection, Workload)>,
    claims: Vec<Partial>,
}

impl Remains {
    /// Asks the host for all of it at once.
    pub(super) async fn look(host: &Host, reference: &ClusterRef) -> Result<Self, Error> {
        let of = |kind: &str| Collection::of(kind, Some(reference.namespace.as_str()));
        let (namespaces, statefulsets, deployments, claims) = (
            Collection::of("Namespace", None),
            of("StatefulSet"),
            of("Deployment"),
            of("PersistentVolumeClaim"),
        );
        let (namespace, history, stateful, stateless, found) = tokio::join!(
            host.fetch::<Partial>(&namespaces, reference.namespace.as_str()),
            History::fetch(host, reference),
            host.list::<Workload>(&statefulsets, ""),
            host.list::<Workload>(&deployments, ""),
            host.list::<Partial>(&claims, ""),
        );
        let namespace = match namespace {
            Err(error) if error.is_forbidden() => None,
            namespace => namespace?,
        };
        let stateful = stateful?
            .into_iter()
            .map(|workload| (statefulsets.clone(), workload));
        let stateless = stateless?
            .into_iter()
            .map(|workload| (deployments.clone(), workload));
        Ok(Self {
            namespace,
            history: history?,
            workloads: stateful.chain(stateless).collect(),
            claims: found?,
        })
    }

    /// Whether anything here is of the cluster.
    pub(super) fn are_of(&self, reference: &ClusterRef) -> bool {
        let is_ours =
            self.namespace_is_ours() && reference.name.default_namespace() == reference.namespace;
        self.history.is_of_virtual_cluster(reference)
            || is_ours
            || self.own_workloads(reference).next().is_some()
    }

    /// Whether the namespace was made for a virtual cluster.
    pub(super) fn namespace_is_ours(&self) -> bool {
        let annotations = self
            .namespace
            .as_ref()
            .map(|namespace| &namespace.metadata.annotations);
        annotations.is_some_and(|all| {
            all.get(vcluster::CREATED)
                .is_some_and(|value| value == "true")
        })
    }

    /// The workloads that run the control plane.
    pub(super) fn own_workloads(
        &self,
        reference: &ClusterRef,
    ) -> impl Iterator<Item = &(Collection, Workload)> {
        self.workloads
            .iter()
            .filter(move |(_, workload)| is_of_release(&workload.metadata, reference))
    }

    /// The claims of the control plane and of tenants.
    pub(super) fn own_claims(&self, reference: &ClusterRef) -> impl Iterator<Item = &Partial> {
        self.claims
            .iter()
            .filter(move |claim| is_own_claim(&claim.metadata, reference))
    }

    /// Takes from every claim of the cluster the owners that would have it deleted with them, and no others.
    pub(super) async fn free_claims(
        &mut self,
        host: &Host,
        reference: &ClusterRef,
    ) -> Result<(), HostError> {
        let collection =
            Collection::of("PersistentVolumeClaim", Some(reference.namespace.as_str()));
        self.claims = host.list(&collection, "").await?;
        for claim in self.own_claims(reference) {
            let name = &claim.metadata.name;
            if claim.metadata.owner_references.is_empty() {
                continue;
            }
            let Some(whole) = host.fetch::<Value>(&collection, name).await? else {
                continue;
            };
            let owners = whole["metadata"]["ownerReferences"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let others: Vec<Value> = owners
                .into_iter()
                .filter(|owner| !self.is_own_owner(owner, reference))
                .collect();
            let patch = json!({ "metadata": { "ownerReferences": others } });
            host.merge_patch(&collection, name, &patch).await?;
        }
        Ok(())
    }

    /// Has the workloads leave their claims behind, whatever they were made with.
    pub(super) async fn retain_claims(
        &self,
        host: &Host,
        reference: &ClusterRef,
    ) -> Result<(), HostError> {
        let retain = json!({ "whenDeleted": "Retain", "whenScaled": "Retain" });
        let patch = json!({ "spec": { "persistentVolumeClaimRetentionPolicy": retain } });
        let statefulsets = Collection::of("StatefulSet", Some(reference.namespace.as_str()));
        for (collection, workload) in self.own_workloads(reference) {
            if *collection == statefulsets {
                host.merge_patch(collection, &workload.metadata.name, &patch)
                    .await?;
            }
        }
        Ok(())
    }

    fn is_own_owner(&self, owner: &Value, reference: &ClusterRef) -> bool {
        let is_service = owner["kind"] == "Service" && owner["name"] == reference.name.as_str();
        let is_workload = self
            .own_workloads(reference)
            .any(|(_, workload)| owner["uid"] == workload.metadata.uid.as_str());
        is_service || is_workload
    }
}

/// Whether an object carries the labels of the cluster's release.
///
/// The StatefulSet controller gives them to the claims it makes, so a claim that merely has such a name is not ours.
pub(super) fn is_of_release(metadata: &Metadata, reference: &ClusterRef) -> bool {
    let label = |key: &str| metadata.labels.get(key).map(String::as_str);
    label("release") == Some(reference.name.as_str())
        && label("app").is_some_and(|app| app.starts_with("vcluster"))
}

/// Whether a claim is the control plane's, or one that it synced for a tenant.
pub(super) fn is_own_claim(metadata: &Metadata, reference: &ClusterRef) -> bool {
    let manager = metadata
        .labels
        .get(vcluster::MANAGED_BY)
        .map(String::as_str);
    is_of_release(metadata, reference) || manager == Some(reference.name.as_str())
}

/// Whether a Secret is one that the cluster's control plane wrote, and not somebody else's of that name.
pub(super) fn is_own_secret(metadata: &Metadata, reference: &ClusterRef) -> bool {
    let name = reference.name.as_str();
    let is_labelled = metadata
        .labels
        .get("vcluster-name")
        .is_some_and(|value| value == name);
    is_labelled
        || metadata
            .owner_references
            .iter()
            .any(|owner| owner.kind == "Service" && owner.name == name)
}

/// The Secrets that a control plane writes under names of its own.
pub(super) fn written_secrets(reference: &ClusterRef) -> [String; 2] {
    [
        reference.kubeconfig_secret(),
        format!("{}-certs", reference.name),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Name;

    fn metadata(value: Value) -> Metadata {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_name_alone_makes_nothing_ours() {
        let name = Name::parse("dev").unwrap();
        let reference = ClusterRef {
            namespace: name.default_namespace(),
            name,
        };
        let of_helm =
            json!({"name": "data-dev-etcd-0", "labels": {"app.kubernetes.io/instance": "dev"}});
        assert!(!is_own_claim(&metadata(of_helm), &reference));
        let ours = json!({"name": "data-dev-0", "labels": {"app": "vcluster", "release": "dev"}});
        assert!(is_own_claim(&metadata(ours), &reference));
        let tenant = json!({"name": "x", "labels": {"vcluster.loft.sh/managed-by": "dev"}});
        assert!(is_own_claim(&metadata(tenant), &reference));
        assert!(!is_own_secret(
            &metadata(json!({"name": "dev-certs"})),
            &reference
        ));
        let owned =
            json!({"name": "dev-certs", "ownerReferences": [{"kind": "Service", "name": "dev"}]});
        assert!(is_own_secret(&metadata(owned), &reference));
    }
}
