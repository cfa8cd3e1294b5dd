//! Which virtual clusters there are, and which one a name means.

use std::collections::BTreeMap;

use crate::cluster::{ClusterRef, Name, Namespace, State, VirtualCluster};
use crate::driver::vcluster;
use crate::error::{Error, Kind};
use crate::host::read::{Metadata, Pod, Workload};
use crate::host::{Collection, Host, HostError};

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In every namespace, or where that is forbidden, in the context's own.
    Everywhere,
    /// In one namespace.
    In(Namespace),
}

/// What was found, and where.
#[derive(Debug)]
pub struct Listing {
    /// The clusters by namespace and name.
    pub clusters: Vec<VirtualCluster>,
    /// The pods that each of them has on the host, if they were counted and may be looked at.
    pub pods: Option<BTreeMap<ClusterRef, usize>>,
    /// The one namespace that was looked at although all were meant, because the host allows no more.
    pub only_in: Option<Namespace>,
}

impl Scope {
    /// The one namespace, if it is one.
    pub(super) fn namespace(&self) -> Option<&str> {
        match self {
            Self::Everywhere => None,
            Self::In(namespace) => Some(namespace.as_str()),
        }
    }
}

/// Every virtual cluster in scope whose workload carries the labels too.
///
/// Two lists at once; the pods are a third, asked for only if a cluster is not ready and they may tell why.
pub async fn list(host: &Host, scope: &Scope, labels: &str) -> Result<Listing, HostError> {
    list_with(host, scope, labels, Pods::AsReasons).await
}

/// The same with the pods of each counted: three lists, whatever state they are in.
pub async fn list_with_pods(
    host: &Host,
    scope: &Scope,
    labels: &str,
) -> Result<Listing, HostError> {
    list_with(host, scope, labels, Pods::Counted).await
}

/// What a list asks about pods, which may take one more request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pods {
    /// Nothing.
    Ignored,
    /// Why a cluster is not ready.
    AsReasons,
    /// That, and how many each has.
    Counted,
}

async fn list_with(
    host: &Host,
    scope: &Scope,
    labels: &str,
    pods: Pods,
) -> Result<Listing, HostError> {
    match list_in(host, scope, labels, pods).await {
        Err(error) if error.is_forbidden() && *scope == Scope::Everywhere => {
            let Some(own) = host.namespace.clone() else {
                return Err(error);
            };
            let listing = list_in(host, &Scope::In(own.clone()), labels, pods)
                .await
                .map_err(|_| error)?;
            Ok(Listing {
                only_in: Some(own),
                ..listing
            })
        }
        result => result,
    }
}

/// The cluster that a name means; without a namespace it must be the only one of that name.
///
/// Why it is not ready is left open: who wants to know looks at its pods.
pub async fn find(host: &Host, name: &Name, scope: &Scope) -> Result<VirtualCluster, Error> {
    let labels = format!("release={name}");
    let mut listing = list_with(host, scope, &labels, Pods::Ignored).await?;
    match listing.clusters.len() {
        0 => Err(no_such(host, name, scope, listing.only_in.as_ref()).await),
        1 => Ok(listing.clusters.remove(0)),
        _ => {
            let places: Vec<String> = listing
                .clusters
                .iter()
                .map(|cluster| format!("`{}`", cluster.reference.namespace))
                .collect();
            let first = &listing.clusters[0].reference.namespace;
            Err(Error::usage(format!(
                "`{name}` is in more than one namespace: {}",
                places.join(", ")
            ))
            .hint(format!("say which with `-n`, for example `-n {first}`")))
        }
    }
}

async fn list_in(
    host: &Host,
    scope: &Scope,
    labels: &str,
    pods: Pods,
) -> Result<Listing, HostError> {
    let selector = if labels.is_empty() {
        vcluster::SELECTOR.to_owned()
    } else {
        format!("{},{labels}", vcluster::SELECTOR)
    };
    let collection = |kind: &str| Collection::of(kind, scope.namespace());
    let (statefulsets, deployments) = (collection("StatefulSet"), collection("Deployment"));
    // Both are awaited whatever the first says, so that the same refusal is told every time.
    let (statefulsets, deployments) = tokio::join!(
        host.list::<Workload>(&statefulsets, &selector),
        host.list::<Workload>(&deployments, &selector),
    );
    let (statefulsets, deployments) = (statefulsets?, deployments?);
    let clusters = vcluster::observe(statefulsets.clone(), deployments.clone(), &[]);
    let listing = |clusters, pods| Listing {
        clusters,
        pods,
        only_in: None,
    };
    let is_open = |cluster: &VirtualCluster| matches!(cluster.state, State::Creating(_));
    let selector = match (pods, clusters.iter().any(is_open)) {
        (Pods::Ignored, _) | (Pods::AsReasons, false) => return Ok(listing(clusters, None)),
        (Pods::AsReasons, true) => vcluster::SELECTOR,
        // Those that tell a reason and those that are counted have no label in common.
        (Pods::Counted, true) => "",
        (Pods::Counted, false) => vcluster::MANAGED_BY,
    };
    match host.list::<Pod>(&collection("Pod"), selector).await {
        Ok(found) => {
            let clusters = vcluster::observe(statefulsets, deployments, &found);
            let counts = (pods == Pods::Counted).then(|| count(&clusters, &found));
            Ok(listing(clusters, counts))
        }
        // Who may not look at pods still sees the clusters, without the reasons.
        Err(error) if error.is_forbidden() => Ok(listing(clusters, None)),
        Err(error) => Err(error),
    }
}

/// How many pods each cluster has: those of its control plane, and those that it runs.
fn count(clusters: &[VirtualCluster], pods: &[Pod]) -> BTreeMap<ClusterRef, usize> {
    let mut synced: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for Metadata {
        namespace, labels, ..
    } in pods.iter().map(|pod| &pod.metadata)
    {
        if let Some(name) = labels.get(vcluster::MANAGED_BY) {
            *synced.entry((namespace, name)).or_default() += 1;
        }
    }
    let of = |cluster: &VirtualCluster| {
        let reference = &cluster.reference;
        let key = (reference.namespace.as_str(), reference.name.as_str());
        let synced = synced.get(&key).copied().unwrap_or_default();
        synced + usize::try_from(cluster.pods).unwrap_or_default()
    };
    clusters
        .iter()
        .map(|cluster| (cluster.reference.clone(), of(cluster)))
        .collect()
}

async fn no_such(host: &Host, name: &Name, scope: &Scope, only_in: Option<&Namespace>) -> Error {
    let place = match (scope, only_in) {
        (Scope::In(namespace), _) => format!(" in `{namespace}`"),
        (_, Some(namespace)) => format!(" in `{namespace}`, the only namespace you may list"),
        _ => String::new(),
    };
    let error = Error::new(
        Kind::NotFound,
        format!("there is no virtual cluster `{name}`{place}"),
    );
    // The nearest names are a courtesy: without them the error is still whole.
    let others = list(host, &Scope::Everywhere, "")
        .await
        .map(|listing| listing.clusters)
        .unwrap_or_default();
    let mut names: Vec<(usize, &VirtualCluster)> = others
        .iter()
        .map(|other| {
            (
                strsim::damerau_levenshtein(name.as_str(), other.reference.name.as_str()),
                other,
            )
        })
        .filter(|(distance, _)| *distance <= 2)
        .collect();
    names.sort_by_key(|(distance, _)| *distance);
    match names.first() {
        Some((0, other)) => error.hint(format!(
            "`{name}` is in `{0}`: add `-n {0}`",
            other.reference.namespace
        )),
        Some((_, other)) => error.hint(format!("did you mean `{}`?", other.reference.name)),
        None => error.hint("run `vc list` to see every virtual cluster"),
    }
}
