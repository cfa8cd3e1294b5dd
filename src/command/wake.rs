//! `vc wake`: bring sleeping virtual clusters back.

use std::time::Instant;

use super::Session;
use super::sleep::SleepRow;
use super::targets::{self, Targets};
use crate::cluster::{State, VirtualCluster};
use crate::error::{Error, Kind};
use crate::host::Host;
use crate::lifecycle;
use crate::progress::Progress;

/// Wake virtual clusters
///
/// Also those that `vcluster pause` or a scale to zero put to sleep. Returns when their API servers answer; the pods
/// inside come back after that.
#[derive(Debug, clap::Args)]
pub struct WakeArgs {
    #[command(flatten)]
    targets: Targets,
}

/// Wakes the clusters, some at once; one that fails does not keep the others.
pub async fn run(session: &Session, args: WakeArgs) -> Result<(), Error> {
    let host = session.host().await?;
    let clusters = args.targets.resolve(session, &host, "Wake").await?;
    let reporter = session.ui.reporter();
    let outcomes = targets::each(reporter, &clusters, async |cluster, course| {
        let began = Instant::now();
        wake_one(&host, cluster, course)
            .await
            .map(|outcome| SleepRow::new(cluster, outcome, began))
            .map_err(|error| error.within(format!("cannot wake {}", cluster.reference)))
    });
    let (rows, failures) = outcomes.await;
    session.ui.outcomes(&rows, SleepRow::sentence)?;
    targets::combine(failures)
}

async fn wake_one(
    host: &Host,
    cluster: &VirtualCluster,
    progress: &dyn Progress,
) -> Result<&'static str, Error> {
    if cluster.state == State::Deleting {
        return Err(Error::new(
            Kind::Failed,
            format!("{} is being deleted", cluster.reference),
        ));
    }
    // One that somebody else has just woken, or an interrupted command, is waited for; one that was scaled up loses the
    // marks of its sleep.
    if !cluster.state.is_sleeping() && cluster.ready > 0 && !cluster.is_marked_asleep {
        return Ok("awake already");
    }
    let connection = match lifecycle::fetch_connection(host, &cluster.reference).await {
        Ok((connection, _)) => Some(connection),
        // It was put to sleep before it had written how to reach it.
        Err(error) if error.kind == Kind::Failed => None,
        Err(error) => return Err(error),
    };
    lifecycle::wake(host, cluster, connection.as_ref(), progress).await?;
    Ok("awake")
}
