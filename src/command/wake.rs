//! `vc wake`: bring sleeping virtual clusters back.

use std::time::Instant;

use super::Session;
use super::sleep::SleepRow;
use super::targets::{self, Targets};
use crate::error::Error;
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
        if !cluster.state.is_sleeping() {
            rows.push(SleepRow::new(&cluster, "awake already", began));
            continue;
        }
        let woken = async {
            let (connection, _) = lifecycle::fetch_connection(&host, &cluster.reference).await?;
            lifecycle::wake(&host, &cluster, &connection, session.progress()).await
        };
        match woken.await {
            Ok(()) => rows.push(SleepRow::new(&cluster, "awake", began)),
            Err(error) => failures.push(error.within(format!("cannot wake {}", cluster.reference))),
        }
    }
    session.ui.outcomes(&rows, SleepRow::sentence)?;
    targets::combine(failures)
}
