//! Going back to an earlier revision: what it would change, from the records alone.

use super::changes::Changes;
use super::history::{History, Recorded};
use super::method::Method;
use super::upgrade::{
    Purpose, Upgrade, UpgradeOptions, all_values, base, is_settled, next_record, older_objects,
    pending_info, refuse,
};
use crate::cluster::ClusterRef;
use crate::driver::{compatibility, vcluster};
use crate::error::{Error, Kind};
use crate::helm::record::{Info, Release, Status};
use crate::host::Host;
use crate::progress::Progress;

/// Looks at what going back to an earlier revision would change; without one, to the last that ran before.
pub async fn look_at_rollback(
    host: &Host,
    reference: &ClusterRef,
    to: Option<u64>,
    history: &History,
    options: &UpgradeOptions,
    progress: &dyn Progress,
) -> Result<Upgrade, Error> {
    let base = base(history, reference, &options.operator)?;
    let target = target(history, reference, to)?;
    let plan = vcluster::plan_of_record(reference, &target.release.manifest).map_err(|error| {
        Error::new(Kind::Failed, "cannot read the record of that revision").because(&error)
    })?;
    let older = older_objects(history, reference)?;
    let (before, after) = (&base.release, &target.release);
    let refusals = compatibility::of_values(
        &all_values(&before.chart, &before.config),
        &all_values(&after.chart, &after.config),
    );
    refuse(reference, refusals)?;
    let running = base.objects(reference)?;
    refuse(
        reference,
        compatibility::of_volume(&running, &plan.objects, reference),
    )?;
    if let Some(risk) = compatibility::of_kubernetes(&running, &plan.objects, reference) {
        progress.note(&risk);
    }
    // Where one of the two was changed by patches, the fields of both are found only by patches.
    let newest = history.newest().unwrap_or(base);
    let methods = [&newest.release, after];
    let is_server = methods
        .iter()
        .all(|release| release.apply_method.as_deref() == Some("ssa"));
    let method = Method::of(is_server.then_some("ssa"), options.force_conflicts);
    let changes = Changes::look(host, &plan, &older, method).await?;
    let purpose = Purpose::Rollback(after.version);
    let record = Release {
        chart: after.chart.clone(),
        config: after.config.clone(),
        manifest: after.manifest.clone(),
        hooks: after.hooks.clone(),
        info: Info {
            notes: after.info.notes.clone(),
            rollback_revision: after.version,
            ..pending_info(history, purpose)
        },
        ..next_record(history, base, method)
    };
    let is_same = base.release.manifest == after.manifest && base.release.config == after.config;
    Ok(Upgrade {
        purpose,
        is_other_wish: !(is_same && is_settled(history)),
        plan,
        record,
        changes,
    })
}

/// The revision that is meant; without a number the last one before that ran.
fn target<'a>(
    history: &'a History,
    reference: &ClusterRef,
    to: Option<u64>,
) -> Result<&'a Recorded, Error> {
    let newest = history.newest().map_or(0, |newest| newest.release.version);
    let has_run =
        |recorded: &&Recorded| matches!(recorded.status(), Status::Deployed | Status::Superseded);
    let found = match to {
        Some(number) => history.revision(number),
        None => history
            .revisions
            .iter()
            .rev()
            .filter(has_run)
            .find(|recorded| recorded.release.version < newest),
    };
    found.ok_or_else(|| {
        let message = match to {
            Some(number) => format!("{reference} has no revision {number}"),
            None => format!("{reference} has no earlier revision that ran"),
        };
        Error::new(Kind::NotFound, message).hint(format!(
            "run `vc history {} -n {}` to see those that there are",
            reference.name, reference.namespace
        ))
    })
}
