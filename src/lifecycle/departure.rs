//! Waiting until what was deleted is gone, and saying meanwhile what holds it.

use serde::Deserialize;
use serde_json::Value;

use super::remains::is_own_claim;
use crate::cluster::ClusterRef;
use crate::error::Error;
use crate::host::read::{HasMetadata, Metadata, Partial};
use crate::host::{Collection, Host, Watch};
use crate::progress::Progress;

/// Waits until every claim of the cluster is gone.
pub(super) async fn until_claims_are_gone(
    host: &Host,
    reference: &ClusterRef,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let claims = Collection::of("PersistentVolumeClaim", Some(reference.namespace.as_str()));
    let mut left = Watch::<Partial>::for_departures(host, claims, "", "").await?;
    let is_own = |claim: &Partial| is_own_claim(&claim.metadata, reference);
    until_none(&mut left, is_own, "volume claim", progress).await
}

async fn until_none(
    watch: &mut Watch<Partial>,
    counts: impl Fn(&Partial) -> bool,
    what: &str,
    progress: &dyn Progress,
) -> Result<(), Error> {
    loop {
        let left: Vec<&Partial> = watch.objects().filter(|object| counts(object)).collect();
        let Some(first) = left.first() else {
            return Ok(());
        };
        let name = &first.metadata.name;
        let held = first
            .metadata
            .finalizers
            .iter()
            .find(|finalizer| !finalizer.starts_with("kubernetes.io/"));
        match held {
            Some(finalizer) => progress.because(&format!(
                "{what} `{name}` is held by the finalizer `{finalizer}`"
            )),
            None => progress.because(&format!("{what} `{name}` is ending ({} left)", left.len())),
        }
        watch.changed().await?;
    }
}

/// Waits until the last pod with these labels has ended.
pub(super) async fn until_pods_are_gone(
    host: &Host,
    reference: &ClusterRef,
    selector: &str,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let pods = Collection::of("Pod", Some(reference.namespace.as_str()));
    let mut left = Watch::<Partial>::for_departures(host, pods, selector, "").await?;
    until_none(&mut left, |_| true, "pod", progress).await
}

/// Waits until the namespace is gone, and says what holds it.
pub(super) async fn until_namespace_is_gone(
    host: &Host,
    reference: &ClusterRef,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let field = format!("metadata.name={}", reference.namespace);
    let namespaces = Collection::of("Namespace", None);
    let mut watch = Watch::<Namespace>::for_departures(host, namespaces, "", &field).await?;
    loop {
        let Some(namespace) = watch.objects().next() else {
            return Ok(());
        };
        if let Some(reason) = namespace.obstacle() {
            progress.because(&reason);
        }
        watch.changed().await?;
    }
}

/// A namespace, with what its deletion waits for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Namespace {
    metadata: Metadata,
    status: Value,
}

impl HasMetadata for Namespace {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

impl Namespace {
    /// What its deletion waits for, in the host's words.
    fn obstacle(&self) -> Option<String> {
        let conditions = self.status["conditions"].as_array()?;
        let is_true = |condition: &&Value| condition["status"] == "True";
        let wanted = |kind: &str| {
            conditions
                .iter()
                .filter(is_true)
                .find(|condition| condition["type"] == kind)
        };
        let condition = wanted("NamespaceFinalizersRemaining")
            .or_else(|| wanted("NamespaceDeletionDiscoveryFailure"))
            .or_else(|| wanted("NamespaceContentRemaining"))?;
        condition["message"].as_str().map(str::to_owned)
    }
}
