//! `vc wake`: bring sleeping virtual clusters back.

use std::time::Instant;

use super::Session;
use super::sleep::SleepRow;
use super::targets::{self, Targets};
use crate::error::{Error, Kind};
use crate::lifecycle;

/// Wake virtual clusters
///
/// Also those that `vcluster pause` or a scale to zero put to sleep. Returns when their API servers answer; the pods
/// inside come back after that.
#[derive(Debug, clap::Args)]
pub struct WakeArgs {
    #[command(flatten)]
    targets: Targets,
}

/// Wakes the clusters, one after the other; the first that fails does not keep the others.
pub async fn run(session: &Session, args: WakeArgs) -> Result<(), Error> {
    let host = session.host().await?;
    let clusters = args.targets.resolve(session, &host, "Wake").await?;
    let mut rows = Vec::new();
    let mut failures = Vec::new();
    for cluster in clusters {
        let began = Instant::now();
        let woken = async {
            let is_asleep = cluster.state.is_sleeping();
            if !is_asleep && !lifecycle::sleeps_in_part(&host, &cluster).await? {
                return Ok::<_, Error>("awake already");
            }
            let connection = match lifecycle::fetch_connection(&host, &cluster.reference).await {
                Ok((connection, _)) => Some(connection),
                // It was put to sleep before it had written how to reach it.
                Err(error) if error.kind == Kind::Failed => None,
                Err(error) => return Err(error),
            };
            let progress = session.progress();
            lifecycle::wake(&host, &cluster, connection.as_ref(), progress).await?;
            Ok("awake")
        };
        match woken.await {
            Ok(outcome) => rows.push(SleepRow::new(&cluster, outcome, began)),
            Err(error) => failures.push(error.within(format!("cannot wake {}", cluster.reference))),
        }
    }
    session.ui.outcomes(&rows, SleepRow::sentence)?;
    targets::combine(failures)
}
