//! Waking a cluster, as an ordered story. Each step can be repeated, so an interrupted one is run again.

use std::time::Duration;

use tokio::time::sleep as pause;

use super::wait::{Watches, until_ready, until_serving};
use super::workloads::{companions, replicas_awake};
use super::{Address, Connection};
use crate::cluster::{Manager, VirtualCluster};
use crate::driver::{sleep as marks, vcluster};
use crate::error::{Error, Kind};
use crate::host::read::Workload;
use crate::host::{Collection, Host, HostError};
use crate::progress::Progress;
use crate::tunnel::{self, Target, Tunnel};

/// Between two questions to an API server that has just begun to serve.
const BETWEEN_ANSWERS: Duration = Duration::from_millis(100);

/// Wakes a cluster, whoever put it to sleep, and whatever sleeps of it still: `vcluster resume` wakes no etcd that is
/// deployed on its own, and without it the control plane waits for ever. Returns when its API answers; without a connection, since it has never
/// come to run, when its pod is ready.
pub async fn wake(
    host: &Host,
    cluster: &VirtualCluster,
    connection: Option<&Connection>,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let reference = &cluster.reference;
    if cluster.is_slept_by_platform {
        return Err(Error::new(
            Kind::Failed,
            format!("{reference} was put to sleep by {}", Manager::Platform),
        )
        .hint("wake it there; the platform would put it to sleep again"));
    }
    progress.begin(&format!("waking {reference}"));
    let (namespace, name) = (reference.namespace.as_str(), reference.name.as_str());
    let (companions, replicas, watches) = tokio::try_join!(
        companions(host, cluster),
        replicas_awake(host, cluster),
        Watches::open(host, reference),
    )?;
    progress.if_interrupted(
        &format!("{reference} is waking by itself"),
        &format!("run `vc wake {name} -n {namespace}` again to wait for it"),
    );
    wake_companions(host, &companions).await?;
    let workloads = Collection::of(&cluster.workload.kind, Some(namespace));
    host.merge_patch(&workloads, name, &marks::to_wake(Some(replicas)))
        .await?;
    let Some(connection) = connection else {
        return until_ready(host, reference, progress).await;
    };
    let (port, listeners) = tunnel::bind(None)
        .await
        .map_err(|error| Error::new(Kind::Failed, "cannot open a local port").because(&error))?;
    let target = Target {
        namespace: namespace.to_owned(),
        selector: reference.selector(),
        port: vcluster::API_PORT,
    };
    let _tunnel = Tunnel::open(host.client(), target, listeners);
    let address = Address::Tunnel(port);
    tokio::select! {
        failed = until_serving(watches, progress) => failed?,
        () = until_answering(connection, &address) => {}
    }
    progress.end();
    Ok(())
}

fn is_asleep(workload: &Workload) -> bool {
    workload.spec.replicas == Some(0)
}

async fn wake_companions(
    host: &Host,
    companions: &[(Collection, Workload)],
) -> Result<(), HostError> {
    for (collection, companion) in companions {
        if is_asleep(companion) || marks::is_marked(&companion.metadata) {
            let replicas = marks::replicas_awake(companion).unwrap_or(1);
            host.merge_patch(
                collection,
                &companion.metadata.name,
                &marks::to_wake(Some(replicas)),
            )
            .await?;
        }
    }
    Ok(())
}

/// Asks until the API answers. The tunnel holds each question until there is a pod, so this is no busy loop.
async fn until_answering(connection: &Connection, tunnel: &Address) {
    while connection.fetch_version(tunnel).await.is_err() {
        pause(BETWEEN_ANSWERS).await;
    }
}
