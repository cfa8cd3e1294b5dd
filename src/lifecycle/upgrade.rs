//! Changing a virtual cluster to another revision: looked at first, then made, as one ordered story for `upgrade`,
//! `create --upgrade` and, after its own look, `rollback`.

use jiff::Timestamp;
use serde_json::Value;

use super::changes::{Changes, Fate};
use super::create::Applied;
use super::history::{History, Recorded};
use super::hooks;
use super::method::Method;
use super::operation::Operator;
use super::release::{Operation, hook, recorded_chart};
use super::wait::Watches;
use crate::cluster::{ClusterRef, Object, ObjectRef, Plan, Tier};
use crate::driver::{compatibility, sleep, vcluster};
use crate::error::{Error, Kind};
use crate::helm::record::{Info, RecordedChart, Release, Status};
use crate::helm::{self, Chart};
use crate::host::read::Workload;
use crate::host::{Collection, Host};
use crate::progress::Progress;

/// How a revision is made.
#[derive(Clone, Debug)]
pub struct UpgradeOptions {
    /// Who makes it.
    pub operator: Operator,
    /// Watch it roll out.
    pub wait: bool,
    /// Run the chart's hooks.
    pub hooks: bool,
    /// Take over fields that other programs have set.
    pub force_conflicts: bool,
}

/// A new revision, looked at and not yet made.
pub struct Upgrade {
    pub(super) purpose: Purpose,
    pub(super) plan: Plan,
    pub(super) record: Release,
    pub(super) changes: Changes,
    /// Whether the record says something that the running one does not.
    pub(super) is_other_wish: bool,
}

/// Why there is a new revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Upgrade,
    Rollback(u64),
}

impl Purpose {
    fn event(self, when: &str) -> String {
        let what = match self {
            Self::Upgrade => "upgrade",
            Self::Rollback(_) => "rollback",
        };
        format!("{when}-{what}")
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Upgrade => "upgrade",
            Self::Rollback(_) => "roll back",
        }
    }

    /// The word with which Helm begins the description of a failure.
    fn heading(self) -> &'static str {
        match self {
            Self::Upgrade => "Upgrade",
            Self::Rollback(_) => "Rollback",
        }
    }

    /// How the revision is described in the end, in Helm's words.
    fn description(self) -> String {
        match self {
            Self::Upgrade => "Upgrade complete".to_owned(),
            Self::Rollback(target) => format!("Rollback to {target}"),
        }
    }
}

/// Looks at what a plan of other values, or of another chart, would change.
pub async fn look_at_upgrade(
    host: &Host,
    plan: Plan,
    chart: &Chart,
    config: &Value,
    history: &History,
    options: &UpgradeOptions,
) -> Result<Upgrade, Error> {
    let reference = plan.reference.clone();
    let base = base(history, &reference, &options.operator)?;
    let older = older_objects(history, &reference)?;
    let chart = recorded_chart(chart, config);
    let mut refusals = compatibility::of_values(
        &all_values(&base.release.chart, &base.release.config),
        &all_values(&chart, config),
    );
    refusals.extend(compatibility::of_objects(
        &base.objects(&reference)?,
        &plan.objects,
        &reference,
    ));
    refuse(&reference, refusals)?;
    let newest = history.newest().unwrap_or(base);
    let method = Method::of(
        newest.release.apply_method.as_deref(),
        options.force_conflicts,
    );
    let changes = Changes::look(host, &plan, &older, method).await?;
    let is_same_chart = ["name", "version"]
        .iter()
        .all(|field| chart.text(field) == base.release.chart.text(field));
    let record = Release {
        chart,
        config: config.clone(),
        manifest: plan.manifest.clone(),
        hooks: plan.hooks.iter().map(hook).collect(),
        info: Info {
            notes: plan.notes.clone().unwrap_or_default(),
            ..pending_info(history, Purpose::Upgrade)
        },
        ..next_record(history, base, method)
    };
    let is_same = is_same_chart && same_values(&base.release.config, config);
    Ok(Upgrade {
        purpose: Purpose::Upgrade,
        is_other_wish: !(is_same && is_settled(history)),
        plan,
        record,
        changes,
    })
}

impl Upgrade {
    /// The revision that it goes back to, if it is a rollback.
    pub fn rolls_back_to(&self) -> Option<u64> {
        match self.purpose {
            Purpose::Rollback(to) => Some(to),
            Purpose::Upgrade => None,
        }
    }

    /// Whether there is anything to do.
    pub fn is_needed(&self) -> bool {
        self.is_other_wish || !self.changes.is_empty()
    }

    /// The number of the new revision.
    pub fn revision(&self) -> u64 {
        self.record.version
    }

    /// The version of its chart.
    pub fn chart_version(&self) -> &str {
        self.record.chart.text("version")
    }

    /// What becomes of which object.
    pub fn fates(&self) -> Vec<(ObjectRef, Fate)> {
        self.changes.fates()
    }

    /// The changes line by line, without what Secrets hold.
    pub fn text(&self) -> String {
        self.changes.text()
    }

    /// Makes the revision.
    pub async fn carry_out(
        self,
        host: &Host,
        history: &History,
        options: &UpgradeOptions,
        progress: &dyn Progress,
    ) -> Result<Applied, Error> {
        let (reference, purpose) = (self.plan.reference.clone(), self.purpose);
        let ClusterRef { namespace, name } = &reference;
        progress.begin(&format!("changing the objects of {reference}"));
        progress.if_interrupted(
            &format!("{reference} is partly changed"),
            &format!("run the same command again to go on, or `vc rollback {name} -n {namespace}` to go back"),
        );
        let Self {
            record, changes, ..
        } = self;
        let operator = &options.operator;
        let mut operation =
            Operation::begin(host, &reference, operator, record, history, progress).await?;
        match make(&mut operation, &changes, purpose, options, progress).await {
            Ok(applied) => {
                operation.finish(history, &purpose.description()).await?;
                progress.end();
                Ok(applied)
            }
            Err(error) => {
                operation.fail(purpose.heading(), &error).await;
                Err(error
                    .within(format!("cannot {} {reference}", purpose.verb()))
                    .hint(format!(
                        "correct it and run the command again, or `vc rollback {name} -n {namespace}` to go back"
                    )))
            }
        }
    }
}

async fn make(
    operation: &mut Operation<'_>,
    changes: &Changes,
    purpose: Purpose,
    options: &UpgradeOptions,
    progress: &dyn Progress,
) -> Result<Applied, Error> {
    let (host, reference) = (operation.host, operation.reference);
    if options.hooks {
        hooks::run(operation, &purpose.event("pre"), progress).await?;
        progress.begin(&format!("changing the objects of {reference}"));
    }
    let watches = async {
        if options.wait {
            Ok(Some(Watches::open(host, reference).await?))
        } else {
            Ok(None)
        }
    };
    // The watches open before the workload is changed, so that nothing is missed.
    let (support, watches) = tokio::try_join!(changes.apply(host, Tier::Support), watches)?;
    let workloads = changes.apply(host, Tier::Workload).await?;
    changes.remove(host, progress).await?;
    for workload in &workloads {
        wake(host, reference, workload).await?;
    }
    if options.hooks {
        hooks::run(operation, &purpose.event("post"), progress).await?;
    }
    Applied::changed(reference, &support, &workloads, watches)
}

/// A cluster that slept has been woken by the change, and must not be marked as sleeping.
async fn wake(host: &Host, reference: &ClusterRef, body: &Value) -> Result<(), Error> {
    if !vcluster::is_asleep(body) {
        return Ok(());
    }
    let Ok(workload) = serde_json::from_value::<Workload>(body.clone()) else {
        return Ok(());
    };
    let kind = body["kind"].as_str().unwrap_or_default();
    if !matches!(kind, "StatefulSet" | "Deployment") {
        return Ok(());
    }
    let workloads = Collection::of(kind, Some(reference.namespace.as_str()));
    let change = sleep::to_wake(sleep::replicas_awake(&workload).or(Some(1)));
    host.merge_patch(&workloads, &workload.metadata.name, &change)
        .await?;
    Ok(())
}

/// The revision that the new one is compared with: the one that runs, or the newest where none does.
pub(super) fn base<'a>(
    history: &'a History,
    reference: &ClusterRef,
    operator: &Operator,
) -> Result<&'a Recorded, Error> {
    history.check_readable(reference)?;
    history.cut_off(reference, operator)?;
    let gone = matches!(
        history.newest().map(Recorded::status),
        Some(Status::Uninstalled | Status::Uninstalling)
    );
    history
        .deployed()
        .or_else(|| history.newest())
        .filter(|_| !gone)
        .ok_or_else(|| {
            Error::new(
                Kind::NotFound,
                format!("{reference} is deleted, or about to be"),
            )
            .hint(format!(
                "run `vc create {}` to make it anew",
                reference.name
            ))
        })
}

/// Whether the newest revision is the one that runs.
pub(super) fn is_settled(history: &History) -> bool {
    history.newest().map(Recorded::status) == Some(Status::Deployed)
}

/// The objects of the running revision, and of all that were tried since, each revision's behind those of the older.
pub(super) fn older_objects(
    history: &History,
    reference: &ClusterRef,
) -> Result<Vec<Object>, Error> {
    let runs = history
        .deployed()
        .map_or(0, |recorded| recorded.release.version);
    let mut objects = Vec::new();
    for recorded in &history.revisions {
        if recorded.release.version >= runs {
            objects.extend(recorded.objects(reference)?);
        }
    }
    Ok(objects)
}

pub(super) fn refuse(reference: &ClusterRef, refusals: Vec<String>) -> Result<(), Error> {
    if refusals.is_empty() {
        return Ok(());
    }
    let mut error = Error::usage(format!(
        "{reference} cannot be changed so; nothing was touched"
    ))
    .hint("make another cluster with these values, and delete this one when you need it no more");
    error.causes = refusals;
    Err(error)
}

/// The values that a chart sees; a null among them stands for nothing.
pub(super) fn all_values(chart: &RecordedChart, config: &Value) -> Value {
    let mut all = chart.values.clone();
    helm::values::merge(&mut all, config.clone());
    all
}

fn same_values(old: &Value, new: &Value) -> bool {
    super::existing::differing_paths(old, new).is_empty()
}

pub(super) fn pending_info(history: &History, purpose: Purpose) -> Info {
    let first = history
        .revisions
        .first()
        .map(|first| first.release.info.first_deployed.clone());
    let (status, description) = match purpose {
        Purpose::Upgrade => (Status::PendingUpgrade, "Preparing upgrade".to_owned()),
        Purpose::Rollback(_) => (Status::PendingRollback, purpose.description()),
    };
    Info {
        first_deployed: first.unwrap_or_default(),
        last_deployed: Timestamp::now().to_string(),
        status,
        description,
        ..Info::default()
    }
}

/// What a new revision has from the one before it.
pub(super) fn next_record(history: &History, base: &Recorded, method: Method) -> Release {
    Release {
        name: base.release.name.clone(),
        namespace: base.release.namespace.clone(),
        version: history.next_revision(),
        config: Value::Null,
        manifest: String::new(),
        hooks: Vec::new(),
        info: Info::default(),
        chart: RecordedChart::default(),
        apply_method: Some(method.word().to_owned()),
        other: serde_json::Map::new(),
    }
}
