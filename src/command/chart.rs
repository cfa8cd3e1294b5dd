//! Which chart a command is about: the flags, and where they lead.

use super::Session;
use crate::driver::vcluster;
use crate::error::{Error, Kind};
use crate::helm::Chart;

/// Flags that say which chart.
#[derive(Debug, clap::Args)]
pub(super) struct ChartArgs {
    /// Chart to deploy instead of the built-in one: a folder or a `.tgz` of the upstream `vcluster` chart
    #[arg(long, value_name = "CHART", value_hint = clap::ValueHint::AnyPath)]
    chart: Option<String>,
}

impl ChartArgs {
    /// Whether nothing but the chart in this program was asked for.
    pub(super) fn is_built_in(&self) -> bool {
        self.chart.is_none()
    }

    /// The built-in chart, or the one that was named.
    #[expect(
        clippy::unused_async,
        reason = "charts that lie elsewhere will be fetched here"
    )]
    pub(super) async fn resolve(&self, session: &Session) -> Result<Chart, Error> {
        let Some(given) = &self.chart else {
            return vcluster::chart().map_err(|error| {
                Error::new(Kind::Bug, "the built-in chart cannot be read").because(&error)
            });
        };
        let path = session.absolute(given.as_ref());
        let read = if path.is_dir() {
            Chart::from_folder(&path)
        } else {
            let bytes = std::fs::read(&path).map_err(|error| {
                Error::usage(format!("cannot read the chart `{given}`")).because(&error)
            })?;
            Chart::from_archive(&bytes)
        };
        read.map_err(|error| {
            Error::usage(format!("`{given}` is not a chart that can be used"))
                .because(&error)
                .hint("name a folder or a `.tgz` of a Helm chart, such as `helm pull` fetches")
        })
    }
}
