//! Which chart a command is about: the flags, and where they lead.

use super::Session;
use crate::chart::reference::{Named, Reference};
use crate::chart::source::Source;
use crate::driver::vcluster;
use crate::error::{Error, Kind};
use crate::helm::Chart;

/// Flags that say which chart.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Which chart")]
pub(super) struct ChartArgs {
    /// Chart to deploy instead of the built-in one: `upstream` is the official one; else a folder, a `.tgz`, the URL of
    /// one, `oci://REGISTRY/CHART[:TAG]`, or 'REPOSITORY-URL NAME'
    #[arg(long, value_name = "CHART", value_hint = clap::ValueHint::AnyPath)]
    chart: Option<String>,
    /// Version of the chart: `0.36.1`, `latest`, or a constraint such as `^0.36`; alone, that of the upstream chart
    #[arg(long, value_name = "VERSION")]
    chart_version: Option<String>,
    /// Repository or registry that has the chart which `--chart` names
    #[arg(long, value_name = "URL", value_hint = clap::ValueHint::Url)]
    chart_repo: Option<String>,
    /// Take charts from the cache alone, and fetch none
    #[arg(long)]
    offline: bool,
    /// Let charts come from servers without TLS, such as a registry in your own network
    #[arg(long)]
    plain_http: bool,
}

impl ChartArgs {
    /// Whether nothing but the chart in this program was asked for.
    pub(super) fn is_built_in(&self) -> bool {
        self.chart.is_none() && self.chart_version.is_none() && self.chart_repo.is_none()
    }

    /// The built-in chart, or the one that was named.
    pub(super) async fn resolve(&self, session: &Session) -> Result<Chart, Error> {
        let named = Named {
            chart: self.chart.as_deref(),
            repository: self.chart_repo.as_deref(),
            version: self.chart_version.as_deref(),
        };
        let Some(reference) = Reference::of(named, &session.settings.chart_repo)? else {
            return vcluster::chart().map_err(|error| {
                Error::new(Kind::Bug, "the built-in chart cannot be read").because(&error)
            });
        };
        let source = Source::new(
            &session.process,
            self.offline || session.settings.offline,
            self.plain_http || session.settings.plain_http,
            session.progress(),
        );
        let folder = session.absolute("".as_ref());
        let chart = source.chart(&reference, &folder).await.map_err(|error| {
            let copy = source.copy_of(&reference).filter(|_| error.is_of_network());
            match (Error::from(error), copy) {
                (error, Some(version)) => error.hint(format!(
                    "add `--offline` to use {version}, which is in the cache"
                )),
                (error, None) => error,
            }
        })?;
        if chart.metadata.is_deprecated() {
            let name = chart.name();
            session
                .progress()
                .note(&format!("the chart `{name}` is deprecated"));
        }
        Ok(chart)
    }
}
