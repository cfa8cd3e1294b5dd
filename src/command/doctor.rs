//! `vc doctor`: what stands in the way of virtual clusters, and contexts that lead nowhere.

use std::path::{Path, PathBuf};

use serde::Serialize;
use tokio::task::spawn_blocking;

use super::{Session, findings};
use crate::cluster::{ClusterRef, Name};
use crate::error::{Error, Kind};
use crate::kubeconfig::EditOptions;
use crate::lifecycle::{self, Known, Presence};
use crate::ui::Row;

/// What `--kubeconfig` is without a file.
pub const NO_FILE: &str = "-";

/// Find out what stands in the way of virtual clusters, and clean up the kubeconfig
///
/// Looks at the kubeconfig, at the host (whether it answers, rights, storage, pod security), and at what `vc` keeps on
/// this machine. Contexts of clusters that no longer exist can be removed: it asks on a terminal, and `--yes` consents.
/// A host that cannot be reached leaves its contexts alone. Ends with 1 if there is a problem.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// Look at the kubeconfig alone; with a file, at all, with that kubeconfig
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = NO_FILE, value_hint = clap::ValueHint::FilePath)]
    kubeconfig: Option<PathBuf>,
    /// Remove nothing, and do not ask
    #[arg(long)]
    dry_run: bool,
}

/// How a finding is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// In the way.
    Problem,
    /// Was in the way until now.
    Mended,
}

/// One finding; the JSON contract of this command.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    pub(super) result: Verdict,
    pub(super) check: &'static str,
    pub(super) detail: String,
    pub(super) hint: Option<String>,
}

impl Row for Finding {
    const HEADINGS: &'static [&'static str] = &["RESULT", "CHECK", "DETAIL", "HINT"];
    const NARROW: usize = 3;

    fn cells(&self) -> Vec<String> {
        let result = match self.result {
            Verdict::Ok => "ok",
            Verdict::Note => "note",
            Verdict::Problem => "problem",
            Verdict::Mended => "mended",
        };
        let hint = self.hint.clone().unwrap_or_else(|| "-".to_owned());
        vec![
            result.to_owned(),
            self.check.to_owned(),
            self.detail.clone(),
            hint,
        ]
    }

    fn name(&self) -> String {
        self.detail.clone()
    }
}

/// Looks, offers to clean up, and tells.
pub async fn run(session: &Session, args: DoctorArgs) -> Result<(), Error> {
    let is_kubeconfig_alone = args
        .kubeconfig
        .is_some_and(|file| file == Path::new(NO_FILE));
    let mut found = check_files(session).await;
    found.extend(check_connections(session, args.dry_run).await?);
    if !is_kubeconfig_alone {
        found.extend(check_host(session).await?);
        found.extend(check_machine(session).await?);
    }
    session.ui.rows(&found)?;
    let problems: Vec<&Finding> = found
        .iter()
        .filter(|finding| finding.result == Verdict::Problem)
        .collect();
    let mut error = match problems.len() {
        0 => return Ok(()),
        1 => Error::new(Kind::Failed, "there is a problem"),
        many => Error::new(Kind::Failed, format!("there are {many} problems")),
    };
    for hint in problems
        .into_iter()
        .filter_map(|problem| problem.hint.clone())
    {
        if !error.hints.contains(&hint) {
            error = error.hint(hint);
        }
    }
    Err(error)
}

async fn check_files(session: &Session) -> Vec<Finding> {
    let files = session.kubeconfig_files();
    let work = spawn_blocking(move || {
        let faults = files.faults(EditOptions::default().stale_after);
        findings::of_files(&files, faults)
    });
    work.await.expect("looking at files does not panic")
}

/// Which contexts lead to clusters that are there; those that do not are removed if the user wants that.
async fn check_connections(session: &Session, is_dry_run: bool) -> Result<Vec<Finding>, Error> {
    let Ok(kubeconfig) = session.kubeconfig_files().read() else {
        // What is wrong with it is told already.
        return Ok(Vec::new());
    };
    let mut found = findings::of_entries(&kubeconfig);
    let presences = lifecycle::presences(&kubeconfig, session.agent).await;
    let is_gone = |presence: &Presence| matches!(presence, Presence::Gone | Presence::Replaced);
    let gone: Vec<Known> = presences
        .iter()
        .filter(|(_, presence)| is_gone(presence))
        .map(|(known, _)| known.clone())
        .collect();
    let is_removed =
        !gone.is_empty() && !is_dry_run && session.ui.confirm(&question(&gone), false)?;
    if is_removed {
        lifecycle::remove_gone(&session.local()?, &gone, session.progress()).await?;
    }
    found.extend(findings::of_presences(&presences, is_removed));
    Ok(found)
}

fn question(gone: &[Known]) -> String {
    let names: Vec<String> = gone
        .iter()
        .map(|known| format!("`{}`", known.context))
        .collect();
    format!(
        "Remove from your kubeconfig what leads to clusters that no longer exist: {}?",
        names.join(", ")
    )
}

async fn check_host(session: &Session) -> Result<Vec<Finding>, Error> {
    let host = match session.host().await {
        Ok(host) => host,
        Err(error) => return Ok(vec![findings::of_error("host", &error)]),
    };
    let checkup = lifecycle::check_up(&host, &place(session)).await?;
    Ok(findings::of_checkup(&host, &place(session), &checkup))
}

/// Where a cluster would be made: in the namespace that was named, else in one of its own.
fn place(session: &Session) -> ClusterRef {
    session.reference(Name::parse("dev").expect("a valid name"))
}

async fn check_machine(session: &Session) -> Result<Vec<Finding>, Error> {
    let local = match session.local() {
        Ok(local) => local,
        Err(error) => return Ok(vec![findings::of_error("state", &error)]),
    };
    let tunnels = lifecycle::tunnels(&local).await;
    Ok(vec![
        findings::of_state_folder(&local.state_folder),
        findings::of_agent(tunnels),
    ])
}
