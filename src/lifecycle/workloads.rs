//! The workloads of a cluster beside its control plane, and how many pods the control plane has by its values.

use serde_json::Value;

use crate::cluster::VirtualCluster;
use crate::driver::vcluster;
use crate::helm::yaml;
use crate::host::read::{Secret, Workload};
use crate::host::{Collection, Host, HostError};

/// What runs beside the control plane, sleeps after it and wakes before it: an etcd of its own, and what older charts
/// deploy.
pub(super) async fn companions(
    host: &Host,
    cluster: &VirtualCluster,
) -> Result<Vec<(Collection, Workload)>, HostError> {
    let selector = vcluster::companions(&cluster.reference.name);
    let of = |kind: &str| Collection::of(kind, Some(cluster.reference.namespace.as_str()));
    let (statefulsets, deployments) = (of("StatefulSet"), of("Deployment"));
    let (stateful, stateless) = tokio::try_join!(
        host.list::<Workload>(&statefulsets, &selector),
        host.list::<Workload>(&deployments, &selector),
    )?;
    let with = |collection: Collection| move |workload| (collection.clone(), workload);
    let stateful = stateful.into_iter().map(with(statefulsets));
    Ok(stateful
        .chain(stateless.into_iter().map(with(deployments)))
        .collect())
}

/// The pods that the control plane has when it is awake: as many as it is known to come back to, else as its values
/// say, else one.
pub(super) async fn replicas_awake(
    host: &Host,
    cluster: &VirtualCluster,
) -> Result<u32, HostError> {
    if let Some(replicas) = cluster.replicas_awake {
        return Ok(replicas);
    }
    let values = fetch_values(host, cluster).await?;
    let replicas = values
        .pointer("/controlPlane/statefulSet/highAvailability/replicas")
        .and_then(Value::as_u64)
        .and_then(|replicas| u32::try_from(replicas).ok());
    Ok(replicas.unwrap_or(1).max(1))
}

/// Whether the state of a control plane without a volume outlives it all the same: an etcd of its own has one, or it is
/// kept outside of the host.
pub(super) async fn keeps_state_elsewhere(
    host: &Host,
    cluster: &VirtualCluster,
) -> Result<bool, HostError> {
    let companions = companions(host, cluster).await?;
    if companions
        .iter()
        .any(|(_, companion)| !companion.spec.volume_claim_templates.is_empty())
    {
        return Ok(true);
    }
    let values = fetch_values(host, cluster).await?;
    let is_on = |store: &str| {
        let path = format!("/controlPlane/backingStore/{store}/external/enabled");
        values.pointer(&path).is_some_and(|value| value == true)
    };
    Ok(is_on("etcd") || is_on("database"))
}

/// All values of a control plane as its Secret holds them; null where we may not look.
async fn fetch_values(host: &Host, cluster: &VirtualCluster) -> Result<Value, HostError> {
    let reference = &cluster.reference;
    let secrets = Collection::of("Secret", Some(reference.namespace.as_str()));
    let config = format!("vc-config-{}", reference.name);
    let config = match host.fetch::<Secret>(&secrets, &config).await {
        Err(error) if error.is_forbidden() => None,
        config => config?,
    };
    let values = config
        .and_then(|secret| secret.value("config.yaml"))
        .and_then(|text| yaml::parse(std::str::from_utf8(&text).ok()?, "the Secret").ok());
    Ok(values.unwrap_or_default())
}
