//! Creating a virtual cluster: look, plan, apply, wait.

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use super::changes::remove_dropped;
use super::crds;
use super::existing::{compare, note_old_claims, refuse_foreign_objects, refuse_second_cluster};
use super::history::History;
use super::hooks;
use super::operation::Operator;
use super::release::{self, Operation};
use super::upgrade::{self, UpgradeOptions};
use super::wait::Watches;
use crate::cluster::{ClusterRef, Object, ObjectRef, Plan, Tier, VirtualCluster};
use crate::driver::vcluster::{self, CreateRequest};
use crate::error::{Error, Kind};
use crate::helm::Chart;
use crate::host::read::{Partial, Secret};
use crate::host::{Collection, Host, HostError};
use crate::progress::Progress;

/// Objects applied at once: enough to hide the round-trips, few enough not to crowd a small API server.
pub(super) const AT_ONCE: usize = 8;

/// What the host said before anything was planned.
#[derive(Debug)]
pub struct Facts {
    /// The host's Kubernetes version.
    pub host_version: String,
    namespace: Place,
    pub(super) history: History,
}

/// What is known of the namespace.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Absent,
    Present,
    /// We may not look at namespaces: it must be there, since we could not make it.
    Unseen,
}

/// How a create is to go about it.
#[derive(Clone, Debug)]
pub struct CreateOptions {
    /// Who creates.
    pub operator: Operator,
    /// Change a cluster that is there and differs.
    pub upgrade: bool,
    /// Watch it become ready.
    pub wait: bool,
    /// Run the chart's hooks.
    pub hooks: bool,
}

/// What came of a create.
pub enum Created {
    /// It was there already, just like this, and was left alone.
    Unchanged(Box<VirtualCluster>),
    /// Its objects are on the host.
    Applied(Box<Applied>),
}

/// A cluster whose objects were put on the host just now.
pub struct Applied {
    /// Whether it was there before.
    pub is_new: bool,
    /// UID of its Service.
    pub uid: String,
    /// Each workload with the generation that it was given.
    workloads: Vec<(ObjectRef, u64)>,
    watches: Option<Watches>,
}

/// Asks the host what a plan needs to know: three requests at once.
pub async fn look(host: &Host, reference: &ClusterRef) -> Result<Facts, Error> {
    let namespaces = Collection::of("Namespace", None);
    let (version, namespace, history) = tokio::join!(
        host.fetch_version(),
        host.fetch::<Partial>(&namespaces, reference.namespace.as_str()),
        History::fetch(host, reference),
    );
    let namespace = match namespace {
        Ok(None) => Place::Absent,
        Ok(Some(found)) if found.metadata.deletion_timestamp.is_some() => {
            return Err(Error::new(
                Kind::Failed,
                format!("the namespace `{}` is being deleted", reference.namespace),
            )
            .hint("wait until it is gone, or name another with `-n`"));
        }
        Ok(Some(_)) => Place::Present,
        Err(error) if error.is_forbidden() => Place::Unseen,
        Err(error) => return Err(error.into()),
    };
    Ok(Facts {
        host_version: version?.git_version,
        namespace,
        history: history?,
    })
}

impl Facts {
    /// The revision that the next record gets: a command that was cut off is gone on with, if it wanted the same.
    pub fn next_revision(&self, values: &Value) -> u64 {
        match self.history.newest() {
            Some(newest)
                if newest.is_pending()
                    && !self.history.is_deployed()
                    && newest.release.config == *values =>
            {
                newest.release.version
            }
            _ => self.history.next_revision(),
        }
    }
}

/// Puts the objects of a plan on the host, and with `wait` opens the watches that will tell when it is ready.
pub async fn create(
    host: &Host,
    plan: &Plan,
    chart: &Chart,
    request: &CreateRequest,
    facts: Facts,
    options: CreateOptions,
    progress: &dyn Progress,
) -> Result<Created, Error> {
    let reference = &request.reference;
    let history = &facts.history;
    history.check_readable(reference)?;
    history.cut_off(reference, &options.operator)?;
    if facts.namespace != Place::Absent {
        let workloads = refuse_second_cluster(host, reference).await?;
        if let Some(unchanged) = compare(&facts, chart, request, options.upgrade, &workloads)? {
            return Ok(Created::Unchanged(Box::new(unchanged.clone())));
        }
        if history.is_deployed() {
            let applied = change(host, plan, chart, request, history, &options, progress).await?;
            return Ok(Created::Applied(Box::new(applied)));
        }
        refuse_foreign_objects(host, plan).await?;
        note_old_claims(host, reference, &workloads, progress).await;
    }
    progress.begin(&format!("creating the objects of {reference}"));
    crds::create_missing(host, plan).await?;
    if facts.namespace == Place::Absent && !create_namespace(host, reference).await? {
        // Somebody made it since we looked.
        refuse_second_cluster(host, reference).await?;
        refuse_foreign_objects(host, plan).await?;
    }
    let ClusterRef { namespace, name } = reference;
    progress.if_interrupted(
        &format!("parts of {reference} are on the host"),
        &format!("run the same command again to go on, or `vc delete {name} -n {namespace}`"),
    );
    let revision = facts.next_revision(&request.values);
    let record = release::pending(plan, chart, &request.values, revision);
    let operator = &options.operator;
    let mut operation =
        Operation::begin(host, reference, operator, record, history, progress).await?;
    match install(&mut operation, plan, history, &options, progress).await {
        Ok(applied) => {
            let finished = operation.finish(history, "Install complete");
            let noted = note_maker(host, &applied, reference, operator, progress);
            let (finished, ()) = tokio::join!(finished, noted);
            finished?;
            progress.end();
            Ok(Created::Applied(Box::new(applied)))
        }
        Err(error) => {
            operation.fail("Release", &error).await;
            Err(error
                .within(format!("cannot create {reference}"))
                .hint(format!(
                    "correct it and run the command again, or `vc delete {name} -n {namespace}` to remove what was created"
                )))
        }
    }
}

/// Notes on the workload who made the cluster, for `vc list -o wide`; it is the same cluster without.
///
/// Not part of what is applied: a later upgrade, by whomever, would take it away or put its own user in.
async fn note_maker(
    host: &Host,
    applied: &Applied,
    reference: &ClusterRef,
    operator: &Operator,
    progress: &dyn Progress,
) {
    let mut workloads = applied.workloads.iter().map(|(workload, _)| workload);
    let Some(own) = workloads.find(|workload| workload.name == reference.name.as_str()) else {
        return;
    };
    let workloads = Collection::of(&own.kind, Some(reference.namespace.as_str()));
    let patch = json!({ "metadata": { "annotations": { vcluster::CREATED_BY: operator.who() } } });
    if let Err(error) = host.merge_patch(&workloads, &own.name, &patch).await {
        progress.note(&format!("who made {reference} could not be noted: {error}"));
    }
}

/// Puts the objects of a new release on the host, between the hooks of an install.
async fn install(
    operation: &mut Operation<'_>,
    plan: &Plan,
    history: &History,
    options: &CreateOptions,
    progress: &dyn Progress,
) -> Result<Applied, Error> {
    let (host, reference) = (operation.host, operation.reference);
    if options.hooks {
        hooks::run(operation, "pre-install", progress).await?;
    }
    let applied = apply(host, plan, options.wait).await?;
    let older = upgrade::older_objects(history, reference)?;
    remove_dropped(host, plan, &older, progress).await?;
    if options.hooks {
        hooks::run(operation, "post-install", progress).await?;
    }
    Ok(applied)
}

/// Changes a cluster that is there to what a create asks for.
async fn change(
    host: &Host,
    plan: &Plan,
    chart: &Chart,
    request: &CreateRequest,
    history: &History,
    options: &CreateOptions,
    progress: &dyn Progress,
) -> Result<Applied, Error> {
    let how = UpgradeOptions {
        operator: options.operator.clone(),
        wait: options.wait,
        hooks: options.hooks,
        force_conflicts: false,
    };
    let config = &request.values;
    let upgrade =
        upgrade::look_at_upgrade(host, plan.clone(), chart, config, history, &how).await?;
    upgrade.carry_out(host, history, &how, progress).await
}

impl Applied {
    /// A cluster that was there before, with its objects as the host has them now.
    pub(super) fn changed(
        reference: &ClusterRef,
        support: &[Value],
        workloads: &[Value],
        watches: Option<Watches>,
    ) -> Result<Self, Error> {
        let name = reference.name.as_str();
        let service = support
            .iter()
            .find(|body| body["kind"] == "Service" && body["metadata"]["name"] == name);
        let uid = service
            .and_then(|body| body["metadata"]["uid"].as_str())
            .ok_or_else(|| {
                Error::new(Kind::Failed, format!("the chart makes no Service `{name}`"))
            })?;
        let generation = |body: &Value| body["metadata"]["generation"].as_u64().unwrap_or_default();
        let workloads = workloads.iter().filter_map(|body| {
            let object = Object::from_body(body.clone(), Some(&reference.namespace))?;
            Some((object.reference, generation(body)))
        });
        Ok(Self {
            is_new: false,
            uid: uid.to_owned(),
            workloads: workloads.collect(),
            watches,
        })
    }

    /// Waits until the control plane serves, and gives the Secret with its kubeconfig.
    pub async fn until_ready(self, host: &Host, progress: &dyn Progress) -> Result<Secret, Error> {
        let mut watches = self
            .watches
            .expect("a create that waits has opened its watches");
        if self.is_new {
            watches = watches.of_new_cluster();
        } else {
            // The kubeconfig is there from before, and the pod that is there is about to be replaced.
            watches
                .until_rolled_out(host, &self.workloads, progress)
                .await?;
        }
        watches.until_kubeconfig(&self.uid, progress).await
    }
}

/// Makes the namespace; `false` if somebody else was faster.
async fn create_namespace(host: &Host, reference: &ClusterRef) -> Result<bool, Error> {
    let body = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": reference.namespace, "annotations": { vcluster::CREATED: "true" } },
    });
    match host.create(&Collection::of("Namespace", None), &body).await {
        Ok(_) => Ok(true),
        // Or it is ours, and the answer to our first attempt was lost.
        Err(error) if error.is_already_there() => Ok(false),
        Err(error) => {
            let is_forbidden = error.is_forbidden();
            let error = Error::from(error).within(format!(
                "cannot create the namespace `{}`",
                reference.namespace
            ));
            Err(if is_forbidden {
                error.hint("name a namespace that you may use with `-n`")
            } else {
                error
            })
        }
    }
}

/// Applies the tiers one after the other; the watches open before the workload, so that nothing is missed.
async fn apply(host: &Host, plan: &Plan, wait: bool) -> Result<Applied, Error> {
    let watches = async {
        if wait {
            Watches::open(host, &plan.reference).await.map(Some)
        } else {
            Ok(None)
        }
    };
    let (support, watches) = tokio::try_join!(apply_tier(host, plan, Tier::Support), watches)?;
    let workloads = apply_tier(host, plan, Tier::Workload).await?;
    Ok(Applied {
        is_new: true,
        ..Applied::changed(&plan.reference, &support, &workloads, watches)?
    })
}

async fn apply_tier(host: &Host, plan: &Plan, tier: Tier) -> Result<Vec<Value>, HostError> {
    stream::iter(plan.tier(tier))
        .map(|object: &Object| host.apply(object))
        .buffered(AT_ONCE)
        .try_collect()
        .await
}
