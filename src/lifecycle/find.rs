//! Which virtual clusters there are, and which one a name means.

use crate::cluster::{Name, Namespace, State, VirtualCluster};
use crate::driver::vcluster;
use crate::error::{Error, Kind};
use crate::host::read::{Pod, Workload};
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
    /// The one namespace that was looked at although all were meant, because the host allows no more.
    pub only_in: Option<Namespace>,
}

impl Scope {
    fn namespace(&self) -> Option<&str> {
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
    list_with(host, scope, labels, Reasons::Told).await
}

/// Whether a list says why a cluster is not ready, which may take one more request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reasons {
    Told,
    LeftOpen,
}

async fn list_with(
    host: &Host,
    scope: &Scope,
    labels: &str,
    reasons: Reasons,
) -> Result<Listing, HostError> {
    match list_in(host, scope, labels, reasons).await {
        Err(error) if error.is_forbidden() && *scope == Scope::Everywhere => {
            let Some(own) = host.namespace.clone() else {
                return Err(error);
            };
            let clusters = list_in(host, &Scope::In(own.clone()), labels, reasons)
                .await
                .map_err(|_| error)?;
            Ok(Listing {
                clusters,
                only_in: Some(own),
            })
        }
        result => Ok(Listing {
            clusters: result?,
            only_in: None,
        }),
    }
}

/// The cluster that a name means; without a namespace it must be the only one of that name.
///
/// Why it is not ready is left open: who wants to know looks at its pods.
pub async fn find(host: &Host, name: &Name, scope: &Scope) -> Result<VirtualCluster, Error> {
    let labels = format!("release={name}");
    let mut listing = list_with(host, scope, &labels, Reasons::LeftOpen).await?;
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
    reasons: Reasons,
) -> Result<Vec<VirtualCluster>, HostError> {
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
    let is_open = |cluster: &VirtualCluster| matches!(cluster.state, State::Creating(_));
    if reasons == Reasons::LeftOpen || !clusters.iter().any(is_open) {
        return Ok(clusters);
    }
    match host
        .list::<Pod>(&collection("Pod"), vcluster::SELECTOR)
        .await
    {
        Ok(pods) => Ok(vcluster::observe(statefulsets, deployments, &pods)),
        // Who may not look at pods still sees the clusters, without the reasons.
        Err(error) if error.is_forbidden() => Ok(clusters),
        Err(error) => Err(error),
    }
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
