//! `vc sleep`: take virtual clusters down to zero pods and keep their state.

use std::time::Instant;

use serde::Serialize;

use super::Session;
use super::targets::{self, Targets};
use crate::cluster::VirtualCluster;
use crate::error::Error;
use crate::lifecycle::{self, SleepOptions};
use crate::ui::Row;

/// Put virtual clusters to sleep: no pods, everything kept
///
/// The control plane and all it runs are taken down to zero pods. Volumes, objects and contexts stay, and `vc wake`
/// or `vc connect` brings everything back.
#[derive(Debug, clap::Args)]
pub struct SleepArgs {
    #[command(flatten)]
    targets: Targets,
    /// Let clusters without a volume sleep too, although they forget everything
    #[arg(long)]
    discard_state: bool,
    /// Also those that Argo CD, Flux or the vCluster platform manages, and may wake again
    #[arg(long)]
    force: bool,
}

/// What became of one cluster; the JSON contract of `sleep` and `wake`.
#[derive(Serialize)]
pub(super) struct SleepRow {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) outcome: &'static str,
    pub(super) seconds: f64,
}

impl SleepRow {
    pub(super) fn new(cluster: &VirtualCluster, outcome: &'static str, began: Instant) -> Self {
        Self {
            name: cluster.reference.name.to_string(),
            namespace: cluster.reference.namespace.to_string(),
            outcome,
            seconds: crate::ui::seconds(began.elapsed()),
        }
    }

    /// The row as a sentence for people.
    pub(super) fn sentence(&self) -> String {
        let Self {
            name,
            namespace,
            outcome,
            seconds,
        } = self;
        match *outcome {
            "asleep" => format!("Put `{name}` in `{namespace}` to sleep in {seconds:.1} s\n"),
            "awake" => format!("Woke `{name}` in `{namespace}` in {seconds:.1} s\n"),
            unchanged => format!("`{name}` in `{namespace}` is {unchanged}\n"),
        }
    }
}

impl Row for SleepRow {
    const HEADINGS: &'static [&'static str] = &["NAME", "NAMESPACE", "OUTCOME", "SECONDS"];
    const NARROW: usize = 4;

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.namespace.clone(),
            self.outcome.to_owned(),
            format!("{:.1}", self.seconds),
        ]
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// Puts the clusters to sleep, some at once; one that fails does not keep the others.
pub async fn run(session: &Session, args: SleepArgs) -> Result<(), Error> {
    let host = session.host().await?;
    let clusters = args.targets.resolve(session, &host, "Put to sleep").await?;
    let options = SleepOptions {
        discard_state: args.discard_state,
        force: args.force,
    };
    let reporter = session.ui.reporter();
    let outcomes = targets::each(reporter, &clusters, async |cluster, course| {
        let began = Instant::now();
        let slept = lifecycle::sleep(&host, cluster, options, course).await;
        // Whatever became of it. Who has no folder for an agent has none.
        if let Ok(local) = session.local() {
            lifecycle::tell_changed(&local, &host.server, &cluster.reference).await;
        }
        match slept {
            // Repeated whole: what an interrupted sleep left running is put down now.
            Ok(()) if cluster.state.is_sleeping() => {
                Ok(SleepRow::new(cluster, "asleep already", began))
            }
            Ok(()) => Ok(SleepRow::new(cluster, "asleep", began)),
            Err(error) => Err(error.within(format!("cannot put {} to sleep", cluster.reference))),
        }
    });
    let (rows, failures) = outcomes.await;
    session.ui.outcomes(&rows, SleepRow::sentence)?;
    targets::combine(failures)
}
