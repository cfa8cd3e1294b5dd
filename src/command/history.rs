//! `vc history`: the revisions of a virtual cluster's release.

use jiff::Timestamp;
use serde::Serialize;

use super::Session;
use crate::cluster::Name;
use crate::complete;
use crate::error::Error;
use crate::lifecycle::{self, Revision};
use crate::ui::Row;

/// Show what was done to a virtual cluster, revision by revision
///
/// `vc upgrade` and `vc rollback` make a revision each, and so do `helm` and `vcluster`; the last 10 are kept. JSON has
/// the fields of `helm history -o json`.
#[derive(Debug, clap::Args)]
pub struct HistoryArgs {
    /// The virtual cluster
    #[arg(add = clap_complete::ArgValueCandidates::new(complete::clusters))]
    name: String,
}

/// One revision; the JSON contract of this command, which is Helm's.
#[derive(Serialize)]
struct HistoryRow {
    revision: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    updated: String,
    status: String,
    chart: String,
    app_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback_revision: Option<u64>,
    description: String,
}

impl From<Revision> for HistoryRow {
    fn from(revision: Revision) -> Self {
        Self {
            revision: revision.number,
            updated: revision.updated,
            status: revision.status,
            chart: revision.chart,
            app_version: revision.app_version,
            rollback_revision: Some(revision.rolled_back_to).filter(|number| *number > 0),
            description: revision.description,
        }
    }
}

impl Row for HistoryRow {
    const HEADINGS: &'static [&'static str] = &[
        "REVISION",
        "UPDATED",
        "STATUS",
        "CHART",
        "APP VERSION",
        "DESCRIPTION",
        "ROLLBACK",
    ];
    const NARROW: usize = 6;

    fn cells(&self) -> Vec<String> {
        let or_dash = |text: &str| {
            if text.is_empty() {
                "-".to_owned()
            } else {
                text.to_owned()
            }
        };
        vec![
            self.revision.to_string(),
            or_dash(&self.updated.parse().map_or(String::new(), in_go_words)),
            or_dash(&self.status),
            or_dash(&self.chart),
            or_dash(&self.app_version),
            self.description.clone(),
            self.rollback_revision
                .map_or_else(|| "-".to_owned(), |number| number.to_string()),
        ]
    }

    fn name(&self) -> String {
        self.revision.to_string()
    }
}

/// Lists the revisions.
pub async fn run(session: &Session, args: HistoryArgs) -> Result<(), Error> {
    let name = Name::parse(&args.name)?;
    let host = session.host().await?;
    let (_, history) = lifecycle::release_of(&host, &name, &session.scope()).await?;
    let rows: Vec<HistoryRow> = history.rows().into_iter().map(HistoryRow::from).collect();
    session.ui.rows(&rows)
}

/// A time in the form in which `helm history` shows it, which Go calls ANSIC.
fn in_go_words(time: Timestamp) -> String {
    time.strftime("%a %b %e %H:%M:%S %Y").to_string()
}
