//! Deleting a virtual cluster with everything that it brought, and proving that it is gone.

use jiff::Timestamp;

use super::departure::{until_claims_are_gone, until_namespace_is_gone, until_pods_are_gone};
use super::foreign;
use super::hooks;
use super::operation::Operator;
use super::release::{self, Operation};
use super::remains::{Remains, is_own_claim, is_own_secret, written_secrets};
use crate::cluster::{ClusterRef, Object, ObjectRef};
use crate::driver::vcluster;
use crate::error::Error;
use crate::helm::record::Status;
use crate::host::read::Partial;
use crate::host::{Collection, Host, HostError};
use crate::progress::Progress;

/// Kinds that a release of this chart's kind can hold, for a cluster whose record is lost.
const RELEASE_KINDS: &[&str] = &[
    "Ingress",
    "Service",
    "PodDisruptionBudget",
    "RoleBinding",
    "Role",
    "ConfigMap",
    "Secret",
    "ServiceAccount",
    "LimitRange",
    "ResourceQuota",
    "NetworkPolicy",
];
/// Kinds that the control plane syncs to the host; what it makes belongs to its Service too, unless that is turned off.
const SYNCED_KINDS: &[&str] = &["Pod", "Service", "ConfigMap", "Secret", "Ingress"];
/// Seconds that pods get to end when all of their state goes with them.
const HURRIED_GRACE: u32 = 1;
/// An object that Helm is asked to leave behind.
const KEEP: &str = "helm.sh/resource-policy";
/// The moments at which hooks of a deletion run.
const BEFORE: &str = "pre-delete";
const AFTER: &str = "post-delete";

/// What a delete did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deletion {
    /// Whether the namespace went too.
    pub namespace_deleted: bool,
    /// Claims that stay because it was asked for.
    pub kept_claims: Vec<String>,
    /// Why a namespace that the tool made stays.
    pub namespace_kept_for: Vec<String>,
}

/// How a delete is to go about it.
#[derive(Clone, Debug)]
pub struct DeleteOptions {
    /// Who deletes.
    pub operator: Operator,
    /// Keep every volume claim, and the namespace they are in.
    pub keep_volumes: bool,
    /// Run the chart's hooks.
    pub hooks: bool,
}

/// Deletes one cluster, whole or what is left of it; `None` if there is nothing of it.
pub async fn delete(
    host: &Host,
    reference: &ClusterRef,
    options: &DeleteOptions,
    progress: &dyn Progress,
) -> Result<Option<Deletion>, Error> {
    progress.begin(&format!("looking at {reference}"));
    let remains = Remains::look(host, reference).await?;
    if !remains.are_of(reference) {
        return Ok(None);
    }
    progress.if_interrupted(
        &format!("{reference} is partly deleted"),
        &format!(
            "run `vc delete {} -n {}` again to delete the rest",
            reference.name, reference.namespace
        ),
    );
    match delete_remains(host, reference, remains, options, progress).await {
        Ok(deletion) => {
            progress.end();
            Ok(Some(deletion))
        }
        Err(error) => {
            let again = format!(
                "run `vc delete {} -n {}` again to delete the rest",
                reference.name, reference.namespace
            );
            Err(error
                .within(format!("{reference} could not be deleted whole"))
                .hint(again))
        }
    }
}

/// Whether anything of a cluster is there, if only what an interrupted command left.
pub async fn has_remains(host: &Host, reference: &ClusterRef) -> Result<bool, Error> {
    Ok(Remains::look(host, reference).await?.are_of(reference))
}

async fn delete_remains(
    host: &Host,
    reference: &ClusterRef,
    mut remains: Remains,
    options: &DeleteOptions,
    progress: &dyn Progress,
) -> Result<Deletion, Error> {
    let keep_volumes = options.keep_volumes;
    let newest = remains.history.newest().cloned();
    let mut operation = newest
        .as_ref()
        .map(|newest| Operation::ending(host, reference, &options.operator, newest));
    if let Some(operation) = &mut operation {
        say_goodbye(operation, options, progress).await?;
        // Those of an earlier revision too: one that failed may have hooks that no other has.
        let hooks = operation.record.hooks.iter().chain(remains.history.hooks());
        hooks::sweep(host, reference, hooks).await?;
    }
    let objects = recorded_objects(&remains, reference)?;
    let mut deletion = Deletion::default();
    let mut is_empty = false;
    if let Some(operation) = &mut operation
        && options.hooks
        && hooks::has(&operation.record.hooks, AFTER)
    {
        // These run when all is gone, and in the namespace.
        delete_one_by_one(
            host,
            reference,
            &mut remains,
            &objects,
            keep_volumes,
            progress,
        )
        .await?;
        is_empty = true;
        hooks::run(operation, AFTER, progress).await?;
        hooks::sweep(host, reference, &operation.record.hooks).await?;
    }
    if keep_volumes {
        remains.retain_claims(host, reference).await?;
        remains.free_claims(host, reference).await?;
        deletion.kept_claims = remains
            .own_claims(reference)
            .map(|claim| claim.metadata.name.clone())
            .collect();
    } else if remains.namespace_is_ours() {
        progress.begin(&format!(
            "looking for anything else in `{}`",
            reference.namespace
        ));
        deletion.namespace_kept_for = foreign::reasons_to_stay(host, reference).await?;
        if deletion.namespace_kept_for.is_empty() {
            progress.begin(&format!("deleting the namespace `{}`", reference.namespace));
            delete_elsewhere(host, reference, &objects).await?;
            match delete_namespace(host, reference, &remains).await {
                Ok(()) => {
                    until_namespace_is_gone(host, reference, progress).await?;
                    deletion.namespace_deleted = true;
                    return Ok(deletion);
                }
                Err(error) if error.is_forbidden() => {
                    deletion
                        .namespace_kept_for
                        .push("you may not `delete` `namespaces` on the host".to_owned());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    if !is_empty {
        delete_one_by_one(
            host,
            reference,
            &mut remains,
            &objects,
            keep_volumes,
            progress,
        )
        .await?;
    }
    release::remove(host, reference).await?;
    Ok(deletion)
}

/// Runs the hooks that come before a deletion, and says in the record that it has begun.
async fn say_goodbye(
    operation: &mut Operation<'_>,
    options: &DeleteOptions,
    progress: &dyn Progress,
) -> Result<(), Error> {
    if options.hooks && operation.record.info.status != Status::Uninstalling {
        hooks::run(operation, BEFORE, progress).await?;
    }
    let info = &mut operation.record.info;
    info.status = Status::Uninstalling;
    info.deleted = Timestamp::now().to_string();
    "Deletion in progress (or silently failed)".clone_into(&mut info.description);
    operation.write().await
}

/// Deletes everything of the cluster and leaves the namespace.
async fn delete_one_by_one(
    host: &Host,
    reference: &ClusterRef,
    remains: &mut Remains,
    objects: &[Object],
    keep_volumes: bool,
    progress: &dyn Progress,
) -> Result<(), Error> {
    progress.begin(&format!("stopping the control plane of {reference}"));
    stop_control_plane(host, reference, remains, keep_volumes).await?;
    until_pods_are_gone(host, reference, &reference.selector(), progress).await?;
    if keep_volumes {
        // Once more: until it had stopped, the control plane could have claimed them back.
        remains.free_claims(host, reference).await?;
    }
    delete_synced(host, reference, keep_volumes).await?;
    // Without a record that can be read, or with one that cannot, what is its own is told by its labels.
    if remains.history.revisions.is_empty() || !remains.history.unreadable.is_empty() {
        for kind in RELEASE_KINDS {
            let collection = Collection::of(kind, Some(reference.namespace.as_str()));
            delete_labelled(host, &collection, &reference.selector()).await?;
        }
    }
    for object in objects.iter().rev() {
        let is_kept = keep_volumes && object.reference.kind == "PersistentVolumeClaim";
        if !is_kept {
            delete_object(host, &object.reference).await?;
        }
    }
    delete_written_secrets(host, reference).await?;
    if !keep_volumes {
        progress.begin(&format!("waiting for the volumes of {reference} to go"));
        delete_claims(host, reference).await?;
        until_claims_are_gone(host, reference, progress).await?;
    }
    let tenants = format!("{}={}", vcluster::MANAGED_BY, reference.name);
    until_pods_are_gone(host, reference, &tenants, progress).await
}

/// Deletes what the release has outside of its namespace, which goes with none.
async fn delete_elsewhere(
    host: &Host,
    reference: &ClusterRef,
    objects: &[Object],
) -> Result<(), HostError> {
    for object in objects.iter().rev() {
        let collection = match host.collection_of(&object.reference).await {
            Ok(collection) => collection,
            Err(HostError::UnknownKind { .. }) => continue,
            Err(error) => return Err(error),
        };
        if collection.namespace() != Some(reference.namespace.as_str()) {
            host.delete(&collection, &object.reference.name).await?;
        }
    }
    Ok(())
}

/// Deletes the Secrets that the control plane wrote, if they are its own.
async fn delete_written_secrets(host: &Host, reference: &ClusterRef) -> Result<(), HostError> {
    let secrets = Collection::of("Secret", Some(reference.namespace.as_str()));
    for name in written_secrets(reference) {
        let there = host.fetch::<Partial>(&secrets, &name).await?;
        if there.is_some_and(|secret| is_own_secret(&secret.metadata, reference)) {
            host.delete(&secrets, &name).await?;
        }
    }
    Ok(())
}

/// Deletes every claim of the cluster, those too that were made since the first look.
async fn delete_claims(host: &Host, reference: &ClusterRef) -> Result<(), HostError> {
    let claims = Collection::of("PersistentVolumeClaim", Some(reference.namespace.as_str()));
    for claim in host.list::<Partial>(&claims, "").await? {
        if is_own_claim(&claim.metadata, reference) {
            host.delete(&claims, &claim.metadata.name).await?;
        }
    }
    Ok(())
}

/// The objects of the newest record, less those that it asks to keep.
fn recorded_objects(remains: &Remains, reference: &ClusterRef) -> Result<Vec<Object>, Error> {
    let Some(newest) = remains.history.newest() else {
        return Ok(Vec::new());
    };
    let mut objects = newest.objects(reference)?;
    objects.retain(|object| object.body["metadata"]["annotations"][KEEP] != "keep");
    Ok(objects)
}

async fn delete_object(host: &Host, object: &ObjectRef) -> Result<(), HostError> {
    let collection = match host.collection_of(object).await {
        Ok(collection) => collection,
        // Its kind has been removed from the host, and every object with it.
        Err(HostError::UnknownKind { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    host.delete(&collection, &object.name).await
}

/// Deletes the namespace and at once all that has a finalizer or a grace time.
///
/// The namespace controller looks first after 5 s, and if anything is left then, not again for 8 s or more
/// (kubernetes/kubernetes `pkg/controller/namespace`). What is gone by then does not make it wait.
async fn delete_namespace(
    host: &Host,
    reference: &ClusterRef,
    remains: &Remains,
) -> Result<(), HostError> {
    let namespace = reference.namespace.as_str();
    let of = |kind: &str| Collection::of(kind, Some(namespace));
    host.delete(&Collection::of("Namespace", None), namespace)
        .await?;
    let (pods, claims) = (of("Pod"), of("PersistentVolumeClaim"));
    let workloads = async {
        for (collection, workload) in remains.own_workloads(reference) {
            host.delete(collection, &workload.metadata.name).await?;
        }
        Ok(())
    };
    let hurried = tokio::join!(
        workloads,
        host.delete_all(&pods, "", Some(HURRIED_GRACE)),
        host.delete_all(&claims, "", None),
    );
    // The namespace goes with all that is in it in any case; these only make it go sooner.
    for error in [hurried.0, hurried.1, hurried.2]
        .into_iter()
        .filter_map(Result::err)
    {
        tracing::debug!(%error, "the namespace goes without hurry");
    }
    Ok(())
}

/// Deletes the workloads, so that nothing syncs any more. State that is to be kept gets its whole grace time.
async fn stop_control_plane(
    host: &Host,
    reference: &ClusterRef,
    remains: &Remains,
    keeps_state: bool,
) -> Result<(), Error> {
    for (collection, workload) in remains.own_workloads(reference) {
        host.delete(collection, &workload.metadata.name).await?;
    }
    if keeps_state {
        Ok(())
    } else {
        Ok(hurry_pods(host, reference, &reference.selector()).await?)
    }
}

/// Shortens the grace time of pods whose state nobody will read again.
async fn hurry_pods(host: &Host, reference: &ClusterRef, selector: &str) -> Result<(), HostError> {
    let pods = Collection::of("Pod", Some(reference.namespace.as_str()));
    match host.delete_all(&pods, selector, Some(HURRIED_GRACE)).await {
        Err(error) if !error.is_forbidden() => Err(error),
        _ => Ok(()),
    }
}

/// Deletes what the control plane put on the host by its label, for those who turned ownership off.
async fn delete_synced(
    host: &Host,
    reference: &ClusterRef,
    keeps_state: bool,
) -> Result<(), HostError> {
    let selector = format!("{}={}", vcluster::MANAGED_BY, reference.name);
    if !keeps_state {
        hurry_pods(host, reference, &selector).await?;
    }
    for kind in SYNCED_KINDS {
        let collection = Collection::of(kind, Some(reference.namespace.as_str()));
        delete_labelled(host, &collection, &selector).await?;
    }
    Ok(())
}

/// Deletes what carries the labels; what we may not look at, the host's own garbage collection takes.
async fn delete_labelled(
    host: &Host,
    collection: &Collection,
    selector: &str,
) -> Result<(), HostError> {
    match host.list::<Partial>(collection, selector).await {
        Ok(objects) => {
            for object in objects {
                host.delete(collection, &object.metadata.name).await?;
            }
            Ok(())
        }
        Err(error) if error.is_forbidden() => Ok(()),
        Err(error) => Err(error),
    }
}
