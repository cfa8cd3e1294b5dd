//! Helm's record of a release while an operation changes it: how `helm` and `vcluster` know a cluster of ours.
//!
//! Creating the record of the new revision as pending is the lock, so it is written before the first object. It is
//! always finalised; where that could not happen, the next operation finds its mark and goes on from there.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::history::{History, Recorded, collection, in_progress, selector};
use super::operation::{ANNOTATION, Operator};
use crate::cluster::{ClusterRef, Hook, Plan};
use crate::error::{Error, Kind};
use crate::helm::record::{self, Info, RecordedChart, Release, Stamp, Status};
use crate::helm::{self, Chart};
use crate::host::read::{Partial, Secret};
use crate::host::{Host, HostError};
use crate::progress::Progress;

/// Revisions kept, as Helm does by default.
const HISTORY: usize = 10;
/// The most that a Secret holds, all its values together.
const LARGEST_RECORD: usize = 1 << 20;

/// An operation that holds the lock of a release.
pub(super) struct Operation<'a> {
    pub(super) host: &'a Host,
    pub(super) reference: &'a ClusterRef,
    operator: &'a Operator,
    /// The record of the revision that it makes.
    pub(super) record: Release,
    resource_version: String,
}

/// The record of a plan that is about to be applied.
pub(super) fn pending(plan: &Plan, chart: &Chart, config: &Value, revision: u64) -> Release {
    let now = Timestamp::now().to_string();
    let (status, description) = if revision == 1 {
        (Status::PendingInstall, "Initial install underway")
    } else {
        (Status::PendingUpgrade, "Preparing upgrade")
    };
    Release {
        name: plan.reference.name.to_string(),
        namespace: plan.reference.namespace.to_string(),
        version: revision,
        config: config.clone(),
        manifest: plan.manifest.clone(),
        info: Info {
            first_deployed: now.clone(),
            last_deployed: now,
            status,
            description: description.to_owned(),
            notes: plan.notes.clone().unwrap_or_default(),
            ..Info::default()
        },
        chart: recorded_chart(chart, config),
        hooks: plan.hooks.iter().map(hook).collect(),
        apply_method: Some("ssa".to_owned()),
        other: serde_json::Map::new(),
    }
}

/// The chart as a record keeps it: as the values make it.
pub(super) fn recorded_chart(chart: &Chart, config: &Value) -> RecordedChart {
    match helm::prepare(chart, config) {
        Ok(prepared) => RecordedChart::from(&prepared.chart),
        // A chart that cannot be prepared was refused when it was rendered.
        Err(_) => RecordedChart::from(chart),
    }
}

/// A hook as a record keeps it, before it ran.
pub(super) fn hook(hook: &Hook) -> record::Hook {
    record::Hook {
        name: hook.name.clone(),
        kind: hook.kind.clone(),
        path: hook.source.clone(),
        manifest: hook.text.clone(),
        events: hook.events.clone(),
        last_run: json!({ "started_at": "", "completed_at": "", "phase": "" }),
        weight: hook.weight,
        delete_policies: hook.delete_policies.clone(),
        output_log_policies: hook.output_log_policies.clone(),
        other: serde_json::Map::new(),
    }
}

impl<'a> Operation<'a> {
    /// An operation that ends a release, which asks for no lock.
    pub(super) fn ending(
        host: &'a Host,
        reference: &'a ClusterRef,
        operator: &'a Operator,
        newest: &Recorded,
    ) -> Self {
        Self {
            host,
            reference,
            operator,
            record: newest.release.clone(),
            resource_version: newest.resource_version.clone(),
        }
    }

    /// Takes the lock by writing the pending record; whoever holds it meanwhile is told in the error.
    ///
    /// A revision that an earlier command left pending is gone on with where the new record has its number, else it
    /// is marked as failed; both are said first.
    pub(super) async fn begin(
        host: &'a Host,
        reference: &'a ClusterRef,
        operator: &'a Operator,
        record: Release,
        history: &History,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let mut operation = Self {
            host,
            reference,
            operator,
            record,
            resource_version: String::new(),
        };
        // Before anything is touched: a record that is too large would be refused only then.
        operation.body()?;
        if let Some(cut_off) = history.cut_off(reference, operator)? {
            let revision = cut_off.release.version;
            let what = format!(
                "revision {revision}, under way {}, was cut off",
                cut_off.trace
            );
            if revision == operation.record.version {
                progress.note(&format!("{what}; this goes on with it"));
                operation
                    .resource_version
                    .clone_from(&cut_off.resource_version);
                operation.write().await?;
                return Ok(operation);
            }
            progress.note(&format!("{what}; it is marked as failed"));
            give_up(host, reference, cut_off, &what).await?;
        }
        prune(host, reference, history).await?;
        operation.create().await?;
        Ok(operation)
    }

    async fn create(&mut self) -> Result<(), Error> {
        let secrets = collection(self.reference);
        match self.host.create(&secrets, &self.body()?).await {
            Ok(made) => {
                self.resource_version = resource_version(&made);
                Ok(())
            }
            Err(error) if error.is_already_there() => {
                let name = record::secret_name(&self.record.name, self.record.version);
                let there: Option<Secret> = self.host.fetch(&secrets, &name).await?;
                let there = there.and_then(|secret| Recorded::read(&secret).ok());
                match there {
                    // The answer to our first attempt was lost.
                    Some(there) if there.trace.operator.as_ref() == Some(self.operator) => {
                        self.resource_version = there.resource_version;
                        Ok(())
                    }
                    Some(there) => {
                        let until = there
                            .trace
                            .goes_on_until(self.operator, Timestamp::now())
                            .filter(|_| there.is_pending());
                        Err(in_progress(
                            self.reference,
                            until.map(|until| (&there, until)),
                        ))
                    }
                    None => Err(in_progress(self.reference, None)),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the record as it is now.
    ///
    /// One that somebody else has written since is theirs: they took this operation for one that was cut off.
    pub(super) async fn write(&mut self) -> Result<(), Error> {
        let name = record::secret_name(&self.record.name, self.record.version);
        let mut body = self.body()?;
        body["metadata"]["resourceVersion"] = Value::from(self.resource_version.clone());
        let secrets = collection(self.reference);
        match self.host.replace(&secrets, &name, &body).await {
            Ok(written) => {
                self.resource_version = resource_version(&written);
                Ok(())
            }
            // Somebody has deleted the release meanwhile: there is nothing to mark any more.
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) if error.is_conflict() => self.write_over(&secrets, &name, body).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Writes over a record that changed, if it is still ours: somebody may have labelled it.
    async fn write_over(
        &mut self,
        secrets: &crate::host::Collection,
        name: &str,
        mut body: Value,
    ) -> Result<(), Error> {
        let there: Option<Secret> = self.host.fetch(secrets, name).await?;
        let there = there.and_then(|secret| Recorded::read(&secret).ok());
        if let Some(there) = &there
            && there.release.info == self.record.info
        {
            // The answer to our first attempt was lost.
            self.resource_version.clone_from(&there.resource_version);
            return Ok(());
        }
        let ours = there.filter(|there| there.trace.operator.as_ref() == Some(self.operator));
        let Some(ours) = ours else {
            return Err(Error::new(
                Kind::Exists,
                format!(
                    "another operation on {} has taken over from this one",
                    self.reference
                ),
            )
            .hint(format!(
                "see what it did with `vc history {}`",
                self.reference.name
            )));
        };
        body["metadata"]["resourceVersion"] = Value::from(ours.resource_version);
        let written = self.host.replace(secrets, name, &body).await?;
        self.resource_version = resource_version(&written);
        Ok(())
    }

    /// Marks the revision as deployed, and what was deployed before as superseded.
    pub(super) async fn finish(
        &mut self,
        history: &History,
        description: &str,
    ) -> Result<(), Error> {
        let older = history.revisions.iter().filter(|older| {
            older.status() == Status::Deployed && older.release.version != self.record.version
        });
        for older in older {
            let mut release = older.release.clone();
            release.info.status = Status::Superseded;
            rewrite(self.host, self.reference, &release, None).await?;
        }
        self.record.info.status = Status::Deployed;
        description.clone_into(&mut self.record.info.description);
        self.write().await
    }

    /// Says in the record why the operation failed, in Helm's form, so that it does not stay pending.
    pub(super) async fn fail(&mut self, heading: &str, error: &Error) {
        let cause = error
            .causes
            .first()
            .map_or(String::new(), |cause| format!(": {cause}"));
        self.record.info.status = Status::Failed;
        self.record.info.description = format!(
            "{heading} {:?} failed: {}{cause}",
            self.record.name, error.message
        );
        // That this fails too is no news beside the first failure.
        let _ = self.write().await;
    }

    /// The Secret of the record, marked as ours for as long as it is pending.
    fn body(&self) -> Result<Value, Error> {
        let is_new = self.resource_version.is_empty();
        let mut body = body(&self.record, is_new)?;
        if self.record.info.status.is_pending() {
            let mark = serde_json::to_string(self.operator).expect("strings always serialise");
            body["metadata"]["annotations"] = json!({ ANNOTATION: mark });
        }
        Ok(body)
    }
}

/// Forgets every revision, those too that cannot be read.
pub(super) async fn remove(host: &Host, reference: &ClusterRef) -> Result<(), HostError> {
    let collection = collection(reference);
    for record in host
        .list::<Partial>(&collection, &selector(reference))
        .await?
    {
        host.delete(&collection, &record.metadata.name).await?;
    }
    Ok(())
}

/// Marks a revision as failed whose command was cut off. Of two commands that find it, one does, and the other is told.
async fn give_up(
    host: &Host,
    reference: &ClusterRef,
    cut_off: &Recorded,
    why: &str,
) -> Result<(), Error> {
    let mut release = cut_off.release.clone();
    release.info.status = Status::Failed;
    why.clone_into(&mut release.info.description);
    rewrite(host, reference, &release, Some(&cut_off.resource_version)).await
}

/// Makes room for one more revision. The last one that was deployed stays, whatever its age.
async fn prune(host: &Host, reference: &ClusterRef, history: &History) -> Result<(), HostError> {
    let deployed = history.deployed().map(|record| record.release.version);
    let surplus = (history.revisions.len() + 1).saturating_sub(HISTORY);
    let oldest = history
        .revisions
        .iter()
        .filter(|record| Some(record.release.version) != deployed);
    for record in oldest.take(surplus) {
        host.delete(&collection(reference), &record.secret).await?;
    }
    Ok(())
}

async fn rewrite(
    host: &Host,
    reference: &ClusterRef,
    release: &Release,
    resource_version: Option<&str>,
) -> Result<(), Error> {
    let name = record::secret_name(&release.name, release.version);
    let mut body = body(release, false)?;
    if let Some(version) = resource_version {
        body["metadata"]["resourceVersion"] = Value::from(version);
    }
    match host.replace(&collection(reference), &name, &body).await {
        Err(error) if error.is_conflict() => Err(in_progress(reference, None)),
        // Somebody else has deleted the release meanwhile: there is nothing to mark any more.
        Err(error) if !error.is_not_found() => Err(error.into()),
        _ => Ok(()),
    }
}

fn body(release: &Release, is_new: bool) -> Result<Value, Error> {
    let record = record::encode(release).map_err(|error| {
        Error::new(Kind::Failed, "cannot write the release record").because(&error)
    })?;
    if record.len() > LARGEST_RECORD {
        return Err(Error::new(
            Kind::Failed,
            format!(
                "the release record of `{}` would be {} KiB, and a Secret holds at most {} KiB",
                release.name,
                record.len() >> 10,
                LARGEST_RECORD >> 10
            ),
        )
        .hint("leave out of the chart's folder what is no part of it, with a `.helmignore`, or set shorter values"));
    }
    let now = Timestamp::now().as_second();
    let stamp = if is_new {
        Stamp::Created(now)
    } else {
        Stamp::Modified(now)
    };
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": record::SECRET_TYPE,
        "metadata": {
            "name": record::secret_name(&release.name, release.version),
            "namespace": release.namespace,
            "labels": record::labels(release, stamp),
        },
        "data": { record::SECRET_KEY: STANDARD.encode(record) },
    }))
}

fn resource_version(body: &Value) -> String {
    body["metadata"]["resourceVersion"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}
