//! `vc tunnel-serve`: the process in the background that keeps a tunnel open. Started by other commands, not by users.

use std::time::Duration;

use tokio::time::timeout;

use super::Session;
use crate::cluster::{ClusterRef, Name};
use crate::driver::vcluster;
use crate::error::{Error, Kind};
use crate::host::read::Partial;
use crate::host::{Collection, Host, HostError};
use crate::tunnel::background::{self, Key};
use crate::tunnel::{self, Target, Tunnel};

/// After this long without a connection the tunnel ends by itself; the next `vc connect` starts it again.
const IDLE_LIMIT: Duration = Duration::from_hours(8);

/// How often a cluster without a pod is looked at: asleep, it keeps its tunnel; deleted by another tool, it does not.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// Keep a tunnel to a virtual cluster open, in the background
#[derive(Debug, clap::Args)]
pub struct TunnelServeArgs {
    /// The virtual cluster
    name: String,
    /// UID of its Service: a later cluster of the same name is another one
    #[arg(long)]
    uid: String,
}

/// Serves until told to end, or nobody has used it for long, or another process already does.
pub async fn run(session: &Session, args: TunnelServeArgs) -> Result<(), Error> {
    background::detach();
    let reference = session.reference(Name::parse(&args.name)?);
    let (host, local) = session.host_and_local().await?;
    let key = Key {
        host: host.server.clone(),
        namespace: reference.namespace.to_string(),
        name: reference.name.to_string(),
    };
    let failed = |error: std::io::Error| {
        Error::new(
            Kind::Failed,
            format!("cannot serve the tunnel to {reference}"),
        )
        .because(&error)
    };
    let folder = local.tunnels();
    let Some(mut serving) = folder.serve(&key).map_err(failed)? else {
        return Ok(());
    };
    let (_, listeners) = match tunnel::bind(Some(serving.port())).await {
        // A stranger has taken the port while we were away: the cluster gets another one, for good.
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            let port = serving.change_port().map_err(failed)?;
            tunnel::bind(Some(port)).await.map_err(failed)?
        }
        bound => bound.map_err(failed)?,
    };
    serving.listening().map_err(failed)?;
    // Gone, or not to be seen, is for whoever uses the tunnel to find out.
    if let Ok(Some(uid)) = fetch_uid(&host, &reference).await
        && uid != args.uid
    {
        return Err(another_cluster(&reference));
    }
    let target = Target {
        namespace: reference.namespace.to_string(),
        selector: reference.selector(),
        port: vcluster::API_PORT,
    };
    let mut tunnel = Tunnel::open(host.client(), target, listeners);
    loop {
        let status = tunnel.status();
        let left = IDLE_LIMIT.saturating_sub(status.idle());
        let is_abandoned = status.without_pod >= Some(LOOK_EVERY)
            // A host that cannot be asked says nothing about its clusters.
            && fetch_uid(&host, &reference)
                .await
                .is_ok_and(|uid| uid.as_ref() != Some(&args.uid));
        if left.is_zero() || is_abandoned {
            return Ok(());
        }
        if let Ok(error) = timeout(left.min(LOOK_EVERY), tunnel.closed()).await {
            return Err(failed(error));
        }
    }
}

/// What tells the cluster from a later one of the same name; `None` if there is no such cluster.
async fn fetch_uid(host: &Host, reference: &ClusterRef) -> Result<Option<String>, HostError> {
    let services = Collection::of("Service", Some(reference.namespace.as_str()));
    let service = host
        .fetch::<Partial>(&services, reference.name.as_str())
        .await?;
    Ok(service.map(|service| service.metadata.uid))
}

/// A cluster that was deleted and made again under the same name is not the one that the context was made for.
fn another_cluster(reference: &ClusterRef) -> Error {
    Error::new(
        Kind::Exists,
        format!("{reference} is another cluster than the one that was connected to"),
    )
    .hint(format!(
        "run `vc connect {} -n {}` to use the new one",
        reference.name, reference.namespace
    ))
}
