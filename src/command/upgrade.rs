//! `vc upgrade`: change a virtual cluster that is there.

use std::time::Instant;

use super::Session;
use super::chart::ChartArgs;
use super::revision::RevisionArgs;
use super::values::{self, ValueArgs};
use crate::cluster::Name;
use crate::complete;
use crate::driver::charts;
use crate::driver::vcluster::CreateRequest;
use crate::error::{Error, Kind};
use crate::helm::Chart;
use crate::helm::record::RecordedChart;
use crate::lifecycle;

/// Change a virtual cluster: its Kubernetes, its values, its chart
///
/// What was set before is kept, unless it is set again; a value of `null` goes back to the chart's default. What the
/// host would refuse is found before anything is touched. Without `--chart` or `--chart-version`, a cluster keeps the chart
/// that it has, or gets the built-in one if it has an older one of these.
#[derive(Debug, clap::Args)]
pub struct UpgradeArgs {
    /// The virtual cluster
    #[arg(add = clap_complete::ArgValueCandidates::new(complete::clusters))]
    name: String,
    #[command(flatten)]
    values: ValueArgs,
    #[command(flatten)]
    chart: ChartArgs,
    /// Keep what was set before; this is the default
    #[arg(long, conflicts_with = "reset_values")]
    reuse_values: bool,
    /// Forget what was set before
    #[arg(long)]
    reset_values: bool,
    #[command(flatten)]
    revision: RevisionArgs,
}

/// Changes the cluster.
pub async fn run(session: &Session, args: UpgradeArgs) -> Result<(), Error> {
    let began = Instant::now();
    let name = Name::parse(&args.name)?;
    // What is wrong with files and flags is told before the host is asked anything.
    let mut all = if args.reset_values {
        args.values.over_settings(session)?
    } else {
        args.values.alone(session)?
    };
    let named = if args.chart.is_built_in() {
        None
    } else {
        Some(args.chart.resolve(session).await?)
    };
    let host = session.host().await?;
    let (progress, scope) = (session.progress(), session.scope());
    progress.begin(&format!("looking at `{name}`"));
    let (release, version) = tokio::join!(
        lifecycle::release_of(&host, &name, &scope),
        host.fetch_version(),
    );
    let ((reference, history), version) = (release?, version?);
    let recorded = history.chart();
    let is_built_in = named.is_none() && recorded.is_none_or(charts::is_built_in);
    let chart = match (named, recorded) {
        (Some(chart), _) => chart,
        (None, Some(recorded)) if !is_built_in => of_record(recorded)?,
        _ => args.chart.resolve(session).await?,
    };
    // Keeping is what is done without a flag, too.
    if args.reuse_values || !args.reset_values {
        crate::helm::values::keep(&mut all, history.values());
    }
    if is_built_in {
        values::check(&all)?;
    }
    let request = CreateRequest {
        reference: reference.clone(),
        values: all,
    };
    // A chart that refuses the values does so before the host is asked about any object.
    lifecycle::draft(&chart, &request)?;
    let revision = history.next_revision();
    let plan = lifecycle::plan(&host, &chart, &request, &version.git_version, revision).await?;
    let options = args.revision.options(session);
    let upgrade =
        lifecycle::look_at_upgrade(&host, plan, &chart, &request.values, &history, &options)
            .await?;
    let about = (&reference, "upgraded");
    args.revision
        .make(session, &host, upgrade, &history, about, began)
        .await
}

/// The chart of a release as its record keeps it.
fn of_record(recorded: &RecordedChart) -> Result<Chart, Error> {
    let label = format!("{}-{}", recorded.text("name"), recorded.text("version"));
    recorded.to_chart().map_err(|error| {
        Error::new(
            Kind::Failed,
            format!("the chart `{label}` cannot be made from the release record"),
        )
        .because(&error)
        .hint("name the chart with `--chart`")
    })
}
