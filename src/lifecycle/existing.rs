//! What is already where a cluster is to be created, and whether it may be there.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;

use super::create::{AT_ONCE, Facts};
use super::remains::{is_of_release, is_own_secret, written_secrets};
use crate::cluster::{ClusterRef, ObjectRef, Plan, VirtualCluster};
use crate::driver::vcluster::{self, CreateRequest};
use crate::error::{Error, Kind};
use crate::helm::Chart;
use crate::helm::record::Status;
use crate::host::read::{Partial, Workload};
use crate::host::{Collection, Host, HostError};
use crate::progress::Progress;

/// The control plane refuses to start beside another one, so that is told before anything is touched.
pub(super) async fn refuse_second_cluster(
    host: &Host,
    reference: &ClusterRef,
) -> Result<Vec<VirtualCluster>, Error> {
    let of = |kind: &str| Collection::of(kind, Some(reference.namespace.as_str()));
    let (statefulsets, deployments) = (of("StatefulSet"), of("Deployment"));
    let (statefulsets, deployments) = tokio::try_join!(
        host.list::<Workload>(&statefulsets, vcluster::SELECTOR),
        host.list::<Workload>(&deployments, vcluster::SELECTOR),
    )?;
    let clusters = vcluster::observe(statefulsets, deployments, &[]);
    match clusters
        .iter()
        .find(|cluster| cluster.reference != *reference)
    {
        Some(other) => Err(Error::new(
            Kind::Exists,
            format!(
                "`{}` already holds the virtual cluster `{}`, and a namespace holds only one",
                reference.namespace, other.reference.name
            ),
        )
        .hint("name another namespace with `-n`, or none to get one of its own")),
        None => Ok(clusters),
    }
}

/// Tells an identical cluster (`Some`), one that may be changed (`None`), and one that differs (an error) apart.
pub(super) fn compare<'a>(
    facts: &Facts,
    chart: &Chart,
    request: &CreateRequest,
    upgrade: bool,
    workloads: &'a [VirtualCluster],
) -> Result<Option<&'a VirtualCluster>, Error> {
    let reference = &request.reference;
    let own = workloads.first();
    let Some(newest) = facts.history.newest() else {
        return match own {
            None => Ok(None),
            Some(_) => Err(Error::new(
                Kind::Exists,
                format!("{reference} already exists, without a record of how it was made"),
            )
            .hint(format!(
                "run `vc connect {}` to use it, or `vc delete {}` first",
                reference.name, reference.name
            ))),
        };
    };
    let recorded = &newest.release.chart.metadata;
    let mut differences = differing_paths(&newest.release.config, &request.values);
    let recorded = ["name", "version"].map(|field| {
        recorded
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    });
    let now = [
        chart.metadata.name.as_str(),
        chart.metadata.version.as_str(),
    ];
    if recorded != now {
        differences.insert(format!(
            "its chart: it was `{}`, and this would be `{}`",
            recorded.join("-"),
            now.join("-")
        ));
    }
    let is_settled = newest.release.info.status == Status::Deployed;
    match own {
        Some(cluster) if differences.is_empty() && is_settled => Ok(Some(cluster)),
        _ if differences.is_empty() || upgrade => Ok(None),
        // What failed at first, was cut off, or was being deleted is no cluster that anybody could miss.
        _ if !facts.history.is_deployed() => Ok(None),
        _ => {
            let mut error = Error::new(
                Kind::Exists,
                format!("{reference} already exists and differs"),
            )
            .hint("add `--upgrade` to change it, or choose another name");
            error.causes = differences
                .into_iter()
                .map(|path| format!("differs in {path}"))
                .collect();
            Err(error)
        }
    }
}

/// The key paths in which two values differ; the values themselves may be secret.
pub(super) fn differing_paths(old: &Value, new: &Value) -> BTreeSet<String> {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    collect_leaves(String::new(), old, &mut before);
    collect_leaves(String::new(), new, &mut after);
    let is_other = |path: &&String| match (before.get(*path), after.get(*path)) {
        (Some(old), Some(new)) => !is_same(old, new),
        _ => true,
    };
    before
        .keys()
        .chain(after.keys())
        .filter(is_other)
        .map(|path| format!("`{path}`"))
        .collect()
}

/// Everything in a value that is no map, by its path.
fn collect_leaves<'a>(path: String, value: &'a Value, leaves: &mut BTreeMap<String, &'a Value>) {
    match value {
        Value::Object(map) => {
            for (key, below) in map {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                collect_leaves(path, below, leaves);
            }
        }
        Value::Null if path.is_empty() => {}
        leaf => {
            leaves.insert(path, leaf);
        }
    }
}

/// Equal as Helm's record keeps them: 1 and 1.0 are the same number there.
fn is_same(old: &Value, new: &Value) -> bool {
    let bits = |value: &Value| value.as_f64().map(f64::to_bits);
    old == new || old.is_number() && bits(old) == bits(new)
}

/// Looks at every planned object before the first is applied: one that belongs to someone else stops the create.
pub(super) async fn refuse_foreign_objects(host: &Host, plan: &Plan) -> Result<(), Error> {
    let foreign: Vec<ObjectRef> = stream::iter(&plan.objects)
        .map(|object| async move {
            let there = host.fetch_object(&object.reference).await?;
            let is_foreign =
                there.is_some_and(|body| !vcluster::belongs_to_release(&body, &plan.reference));
            Ok::<_, HostError>(is_foreign.then(|| object.reference.clone()))
        })
        .buffered(AT_ONCE)
        .try_filter_map(|foreign| async { Ok(foreign) })
        .try_collect()
        .await?;
    let foreign = [foreign, foreign_secrets(host, &plan.reference).await?].concat();
    if foreign.is_empty() {
        return Ok(());
    }
    let namespace = &plan.reference.namespace;
    let mut error = Error::new(
        Kind::Exists,
        format!(
            "cannot create {}: names that it needs are taken by objects that are not its own",
            plan.reference
        ),
    )
    .hint("name another namespace with `-n`, or another cluster name; nothing was touched");
    error.causes = foreign
        .iter()
        .map(|object| format!("{object} in `{namespace}` belongs to someone else"))
        .collect();
    Err(error)
}

/// Secrets that the control plane would write to, and that are somebody else's.
async fn foreign_secrets(host: &Host, reference: &ClusterRef) -> Result<Vec<ObjectRef>, HostError> {
    let namespace = reference.namespace.as_str();
    let secrets = Collection::of("Secret", Some(namespace));
    let mut foreign = Vec::new();
    for name in written_secrets(reference) {
        let there = host.fetch::<Partial>(&secrets, &name).await?;
        if there.is_some_and(|secret| !is_own_secret(&secret.metadata, reference)) {
            foreign.push(ObjectRef {
                api_version: "v1".to_owned(),
                kind: "Secret".to_owned(),
                namespace: Some(namespace.to_owned()),
                name,
            });
        }
    }
    Ok(foreign)
}

/// A volume that an earlier cluster left brings back all that was in it, which can surprise.
pub(super) async fn note_old_claims(
    host: &Host,
    reference: &ClusterRef,
    workloads: &[VirtualCluster],
    progress: &dyn Progress,
) {
    if !workloads.is_empty() {
        return;
    }
    let claims = Collection::of("PersistentVolumeClaim", Some(reference.namespace.as_str()));
    let claim = format!("data-{}-0", reference.name);
    if let Ok(Some(there)) = host.fetch::<Partial>(&claims, &claim).await
        && is_of_release(&there.metadata, reference)
    {
        progress.note(&format!(
            "the volume `{claim}` of an earlier {reference} is used again, with what is in it"
        ));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_named_by_its_path_and_never_by_its_value() {
        let old = json!({"a": {"b": "secret", "c": 1}, "same": [1]});
        let new = json!({"a": {"b": "other", "c": 1.0}, "same": [1], "new": {"deep": true}});
        assert_eq!(
            differing_paths(&old, &new),
            BTreeSet::from(["`a.b`".to_owned(), "`new.deep`".to_owned()])
        );
        assert!(differing_paths(&Value::Null, &json!({})).is_empty());
    }
}
