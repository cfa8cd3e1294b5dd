//! What `vc upgrade` and `vc rollback` have in common: how a new revision is made, and how it is told.

use std::time::Instant;

use serde::Serialize;

use super::Session;
use crate::cluster::ClusterRef;
use crate::error::Error;
use crate::host::Host;
use crate::lifecycle::{Fate, History, Upgrade, UpgradeOptions};
use crate::ui::{self, View};

/// Flags that say how a new revision is made.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own that the user sets"
)]
pub(super) struct RevisionArgs {
    /// Show what changes line by line, without what Secrets hold
    #[arg(long)]
    diff: bool,
    /// Show what would change and change nothing; the host checks it as if it were done
    #[arg(long)]
    dry_run: bool,
    /// Return when the objects are changed, without waiting until they run
    #[arg(long)]
    no_wait: bool,
    /// Leave out the chart's hooks
    #[arg(long)]
    no_hooks: bool,
    /// Take over fields that another program has set
    #[arg(long)]
    force_conflicts: bool,
}

/// What was done, or would be; the JSON contract of both commands.
#[derive(Serialize)]
struct RevisionView {
    name: String,
    namespace: String,
    outcome: &'static str,
    /// The revision that runs then.
    revision: u64,
    /// The revision that it goes back to; `null` where it goes forward.
    rolled_back_to: Option<u64>,
    /// Version of its chart.
    version: String,
    changes: Vec<ChangeView>,
    /// A unified diff; `null` if it was not asked for.
    diff: Option<String>,
    seconds: f64,
}

/// What became of one object.
#[derive(Serialize)]
struct ChangeView {
    kind: String,
    name: String,
    change: &'static str,
}

impl RevisionArgs {
    /// How the revision is to be made.
    pub(super) fn options(&self, session: &Session) -> UpgradeOptions {
        UpgradeOptions {
            operator: session.operator(),
            wait: !self.no_wait,
            hooks: !self.no_hooks,
            force_conflicts: self.force_conflicts,
        }
    }

    /// Makes the revision, or with `--dry-run` shows it, and tells what became of it.
    pub(super) async fn make(
        &self,
        session: &Session,
        host: &Host,
        upgrade: Upgrade,
        history: &History,
        (reference, done): (&ClusterRef, &'static str),
        began: Instant,
    ) -> Result<(), Error> {
        let progress = session.progress();
        let is_needed = upgrade.is_needed();
        let changes = upgrade.fates();
        let mut view = RevisionView {
            name: reference.name.to_string(),
            namespace: reference.namespace.to_string(),
            outcome: match (is_needed, self.dry_run) {
                (false, _) => "unchanged",
                (true, true) => "dry-run",
                (true, false) => done,
            },
            revision: upgrade.revision() - u64::from(!is_needed),
            rolled_back_to: upgrade.rolls_back_to(),
            version: upgrade.chart_version().to_owned(),
            changes: changes
                .into_iter()
                .map(|(object, fate): (_, Fate)| ChangeView {
                    kind: object.kind,
                    name: object.name,
                    change: fate.word(),
                })
                .collect(),
            diff: (self.diff || self.dry_run).then(|| upgrade.text()),
            seconds: 0.0,
        };
        if is_needed && !self.dry_run {
            let options = self.options(session);
            let applied = upgrade.carry_out(host, history, &options, progress).await?;
            if options.wait {
                let ready = applied.until_ready(host, progress).await;
                ready.map_err(|error| never_ready(error, reference))?;
            }
        }
        view.seconds = ui::seconds(began.elapsed());
        session.ui.answer(&view)?;
        if view.outcome == "upgraded" {
            let ClusterRef { namespace, name } = reference;
            session.ui.next(&format!(
                "run `vc rollback {name} -n {namespace}` to go back to what it was"
            ));
        }
        Ok(())
    }
}

/// The objects are changed, and what they should bring about does not come.
fn never_ready(error: Error, reference: &ClusterRef) -> Error {
    let ClusterRef { namespace, name } = reference;
    error
        .within(format!("{reference} is changed, and does not come to run"))
        .hint(format!(
            "run `vc rollback {name} -n {namespace}` to go back to what it was"
        ))
}

impl View for RevisionView {
    fn sentence(&self) -> String {
        let Self {
            name,
            namespace,
            revision,
            seconds,
            ..
        } = self;
        let diff = self.diff.as_deref().unwrap_or_default();
        match self.outcome {
            "unchanged" => {
                format!("`{name}` in `{namespace}` is already like this, at revision {revision}")
            }
            "dry-run" => format!(
                "{diff}Would make revision {revision} of `{name}` in `{namespace}`: {}",
                self.counts()
            ),
            "rolled-back" => format!(
                "{diff}Rolled back `{name}` in `{namespace}` to revision {}, as revision {revision}, in {seconds:.1} s: {}",
                self.rolled_back_to.unwrap_or_default(),
                self.counts()
            ),
            _ => format!(
                "{diff}Upgraded `{name}` in `{namespace}` to revision {revision} in {seconds:.1} s: {}",
                self.counts()
            ),
        }
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

impl RevisionView {
    /// How many objects have which fate.
    fn counts(&self) -> String {
        let counts: Vec<String> = [Fate::Created, Fate::Changed, Fate::Removed, Fate::Kept]
            .iter()
            .filter_map(|fate| {
                let number = self
                    .changes
                    .iter()
                    .filter(|change| change.change == fate.word())
                    .count();
                (number > 0).then(|| format!("{number} {}", fate.word()))
            })
            .collect();
        if counts.is_empty() {
            "no object changes".to_owned()
        } else {
            counts.join(", ")
        }
    }
}
