//! Sleeping and waking, as ordered stories. Each step can be repeated, so an interrupted one is run again.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep as pause;

use super::Connection;
use super::departure;
use super::wait::until_serving;
use crate::cluster::VirtualCluster;
use crate::driver::vcluster;
use crate::error::{Error, Kind};
use crate::host::read::Workload;
use crate::host::{Collection, Host, HostError};
use crate::progress::Progress;
use crate::tunnel::{self, Target, Tunnel};

/// Between two questions to an API server that has just begun to serve.
const BETWEEN_ANSWERS: Duration = Duration::from_millis(100);

/// Puts a cluster to sleep: the control plane first, so that nothing brings back the pods that end after it.
///
/// Returns when the last pod has ended. Everything but pods stays.
pub async fn sleep(
    host: &Host,
    cluster: &VirtualCluster,
    discard_state: bool,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let reference = &cluster.reference;
    if !cluster.keeps_state && !discard_state && !cluster.state.is_sleeping() {
        return Err(Error::new(
            Kind::Failed,
            format!("{reference} has no volume, and would forget everything"),
        )
        .hint("add `--discard-state` if it may, or create it without `--ephemeral`"));
    }
    if let Some(manager) = cluster.manager {
        progress.note(&format!(
            "{reference} is managed by {manager}, which may wake it again"
        ));
    }
    progress.begin(&format!("putting {reference} to sleep"));
    let (namespace, name) = (reference.namespace.as_str(), &reference.name);
    progress.if_interrupted(
        &format!("{reference} is partly asleep"),
        &format!("run `vc sleep {name} -n {namespace}` again to go on, or `vc wake {name} -n {namespace}`"),
    );
    let workloads = Collection::of(&cluster.workload.kind, Some(namespace));
    if !cluster.state.is_sleeping() {
        let change = vcluster::to_sleep(cluster.replicas_awake, Timestamp::now());
        host.merge_patch(&workloads, name.as_str(), &change).await?;
    }
    for (collection, companion) in companions(host, cluster).await? {
        let change = vcluster::to_sleep(vcluster::replicas_awake(&companion), Timestamp::now());
        host.merge_patch(&collection, &companion.metadata.name, &change)
            .await?;
    }
    departure::until_pods_are_gone(host, reference, &vcluster::own_pods(name), progress).await?;
    let tenants = format!("{}={name}", vcluster::MANAGED_BY);
    host.delete_all(&Collection::of("Pod", Some(namespace)), &tenants, None)
        .await?;
    departure::until_pods_are_gone(host, reference, &tenants, progress).await?;
    progress.end();
    Ok(())
}

/// Wakes a cluster, whoever put it to sleep, and returns when its API answers.
pub async fn wake(
    host: &Host,
    cluster: &VirtualCluster,
    connection: &Connection,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let reference = &cluster.reference;
    if cluster.manager == Some(vcluster::PLATFORM) {
        return Err(Error::new(
            Kind::Failed,
            format!("{reference} was put to sleep by the vCluster platform"),
        )
        .hint("wake it there; the platform would put it to sleep again"));
    }
    progress.begin(&format!("waking {reference}"));
    let (namespace, name) = (reference.namespace.as_str(), reference.name.as_str());
    for (collection, companion) in companions(host, cluster).await? {
        let change = vcluster::to_wake(vcluster::replicas_awake(&companion));
        host.merge_patch(&collection, &companion.metadata.name, &change)
            .await?;
    }
    let workloads = Collection::of(&cluster.workload.kind, Some(namespace));
    host.merge_patch(&workloads, name, &vcluster::to_wake(cluster.replicas_awake))
        .await?;
    progress.if_interrupted(
        &format!("{reference} is waking by itself"),
        &format!("run `vc list -n {namespace}`"),
    );
    let (port, listeners) = tunnel::bind(None)
        .await
        .map_err(|error| Error::new(Kind::Failed, "cannot open a local port").because(&error))?;
    let target = Target {
        namespace: namespace.to_owned(),
        selector: reference.selector(),
        port: vcluster::API_PORT,
    };
    let _tunnel = Tunnel::open(host.client(), target, listeners);
    tokio::select! {
        failed = until_serving(host, reference, progress) => failed?,
        () = until_answering(connection, port) => {}
    }
    progress.end();
    Ok(())
}

/// Asks until the API answers. The tunnel holds each question until there is a pod, so this is no busy loop.
async fn until_answering(connection: &Connection, port: u16) {
    while connection.fetch_version(port).await.is_err() {
        pause(BETWEEN_ANSWERS).await;
    }
}

/// What runs beside the control plane and sleeps with it.
async fn companions(
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
    let stateful = stateful
        .into_iter()
        .map(|workload| (statefulsets.clone(), workload));
    Ok(stateful
        .chain(
            stateless
                .into_iter()
                .map(|workload| (deployments.clone(), workload)),
        )
        .collect())
}
