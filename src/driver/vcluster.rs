//! The vCluster control plane, deployed by a Helm chart: what it is made of and how it is recognised.
//!
//! The names, labels and annotations here are the contract with the `vcluster` CLI and with Helm; their sources are
//! named in docs/architecture.md.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::sleep;
use crate::chart::builtin;
use crate::cluster::{
    ClusterRef, Hook, Name, Namespace, Object, ObjectRef, Plan, State, VirtualCluster,
};
use crate::helm::{self, Chart};
use crate::host::explain;
use crate::host::read::{Container, Metadata, Pod, Workload};

/// The label that every control-plane workload and pod carries.
pub const SELECTOR: &str = "app=vcluster";
/// The label under which the control plane puts what it synced to the host.
pub const MANAGED_BY: &str = "vcluster.loft.sh/managed-by";
/// The label that says of which namespace of the virtual cluster that is.
pub const TENANT_NAMESPACE: &str = "vcluster.loft.sh/namespace";
/// On a namespace that the tool made, so that it may delete it.
pub const CREATED: &str = "vcluster.loft.sh/created";
/// The port on which a control-plane pod serves the virtual cluster's API.
pub const API_PORT: u16 = 8443;
/// The container of the control plane; its image tag is the version.
pub const CONTAINER: &str = "syncer";
/// The init container that brings Kubernetes itself; its image tag is the version of that.
pub const KUBERNETES_CONTAINER: &str = "kubernetes";
/// On the workload: who made the cluster, as the host knows them.
pub const CREATED_BY: &str = "vc/created-by";

/// Labels of workloads that older charts, and an etcd deployed beside the control plane, run as well.
const COMPANIONS: &str = "app in (vcluster-etcd,vcluster-api,vcluster-controller)";
/// The same, and the control plane's own.
const OWN_APPS: &[&str] = &[
    "vcluster",
    "vcluster-etcd",
    "vcluster-api",
    "vcluster-controller",
];

/// What to create.
#[derive(Clone, Debug)]
pub struct CreateRequest {
    /// Where, and what it is called.
    pub reference: ClusterRef,
    /// What the user set, as `vcluster.yaml` keys, not merged with any default.
    pub values: Value,
}

/// How far a plan came.
#[derive(Debug)]
pub enum Planned {
    /// It is whole.
    Done(Plan),
    /// The chart asks this of the host.
    Needs(helm::Needs),
}

/// Why a request cannot become a plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The chart does not hold together.
    #[error(transparent)]
    Chart(#[from] helm::ChartError),
    /// The chart cannot be used with the values.
    #[error(transparent)]
    Prepare(#[from] helm::PrepareError),
    /// A template failed.
    #[error(transparent)]
    Render(#[from] helm::RenderError),
    /// A file of `crds/` cannot be read.
    #[error(transparent)]
    Crd(#[from] helm::YamlError),
    /// The chart rendered something that is no object.
    #[error("{source_file} renders something without a kind, an API version or a name")]
    NoObject {
        /// The template.
        source_file: String,
    },
}

/// The chart built into this program.
pub fn chart() -> Result<Chart, helm::ChartError> {
    Chart::from_files(builtin::files())
}

/// Renders a request into the objects it puts on the host.
///
/// Pure: where the chart asks of the host what is not known, what it needs is returned.
pub fn plan(
    chart: &Chart,
    request: &CreateRequest,
    capabilities: &helm::Capabilities,
    revision: u64,
    lookups: &helm::Lookups,
) -> Result<Planned, PlanError> {
    let ClusterRef { namespace, name } = &request.reference;
    let release = helm::ReleaseInfo {
        name: name.to_string(),
        namespace: namespace.to_string(),
        revision,
        is_upgrade: revision > 1,
    };
    let prepared = helm::prepare(chart, &request.values)?;
    let rendered = match helm::render(&prepared, &release, capabilities, lookups)? {
        helm::Rendering::Done(rendered) => rendered,
        helm::Rendering::Needs(needs) => return Ok(Planned::Needs(needs)),
    };
    let crds = prepared.crds()?.into_iter();
    let crds = crds.map(|crd| {
        Object::from_body(crd.object, None).ok_or(PlanError::NoObject {
            source_file: crd.source,
        })
    });
    Ok(Planned::Done(Plan {
        manifest: rendered.manifest_text(),
        objects: objects_of(rendered.manifests, &request.reference)?,
        reference: request.reference.clone(),
        crds: crds.collect::<Result<_, _>>()?,
        hooks: rendered
            .hooks
            .into_iter()
            .map(hook)
            .collect::<Result<_, _>>()?,
        notes: rendered.notes,
    }))
}

/// The plan of a revision as its record keeps it; its hooks are in the record.
pub fn plan_of_record(reference: &ClusterRef, manifest: &str) -> Result<Plan, PlanError> {
    let manifests = helm::parse_manifest_text(manifest).map_err(helm::RenderError::from)?;
    Ok(Plan {
        crds: Vec::new(),
        reference: reference.clone(),
        objects: objects_of(manifests, reference)?,
        manifest: manifest.to_owned(),
        hooks: Vec::new(),
        notes: None,
    })
}

fn objects_of(
    manifests: Vec<helm::Manifest>,
    reference: &ClusterRef,
) -> Result<Vec<Object>, PlanError> {
    let objects = manifests.into_iter().map(|manifest| {
        Object::from_body(manifest.object, Some(&reference.namespace))
            .map(|object| owned_by_release(object, reference))
            .ok_or(PlanError::NoObject {
                source_file: manifest.source,
            })
    });
    objects.collect()
}

/// A hook; one that is run and has no name of its own is refused, as Helm cannot run it either.
fn hook(hook: helm::Hook) -> Result<Hook, PlanError> {
    let is_run = hook.events.iter().any(|event| event != "test");
    if is_run && Object::from_body(hook.manifest.object, None).is_none() {
        return Err(PlanError::NoObject {
            source_file: hook.manifest.source,
        });
    }
    Ok(Hook {
        name: hook.name,
        kind: hook.kind,
        source: hook.manifest.source,
        text: hook.manifest.text,
        events: hook.events,
        weight: hook.weight,
        delete_policies: hook.delete_policies,
        output_log_policies: hook.output_log_policies,
    })
}

/// Marks an object as part of the release: Helm skips objects without this when it upgrades or uninstalls.
fn owned_by_release(mut object: Object, reference: &ClusterRef) -> Object {
    let marks = [
        ("labels", "app.kubernetes.io/managed-by", "Helm"),
        (
            "annotations",
            "meta.helm.sh/release-name",
            reference.name.as_str(),
        ),
        (
            "annotations",
            "meta.helm.sh/release-namespace",
            reference.namespace.as_str(),
        ),
    ];
    for (field, key, value) in marks {
        let map = &mut object.body["metadata"][field];
        if !map.is_object() {
            *map = json!({});
        }
        map[key] = Value::from(value);
    }
    object
}

/// Whether a workload of a control plane has been put to sleep, or scaled to zero.
pub fn is_asleep(body: &Value) -> bool {
    let metadata = &body["metadata"];
    let app = metadata["labels"]["app"].as_str().unwrap_or_default();
    app.starts_with("vcluster")
        && matches!(body["kind"].as_str(), Some("StatefulSet" | "Deployment"))
        && (metadata["annotations"][sleep::PAUSED] == "true" || body["spec"]["replicas"] == 0)
}

/// Whether an object that is already on the host belongs to the release.
pub fn belongs_to_release(body: &Value, reference: &ClusterRef) -> bool {
    let annotation = |key: &str| body["metadata"]["annotations"][key].as_str();
    annotation("meta.helm.sh/release-name") == Some(reference.name.as_str())
        && annotation("meta.helm.sh/release-namespace") == Some(reference.namespace.as_str())
}

/// Recognises virtual clusters among workloads; pods tell why one is not ready.
pub fn observe(
    statefulsets: Vec<Workload>,
    deployments: Vec<Workload>,
    pods: &[Pod],
) -> Vec<VirtualCluster> {
    let mut by_release: BTreeMap<(&str, &str), Vec<&Pod>> = BTreeMap::new();
    for pod in pods {
        if let Some(release) = pod.metadata.labels.get("release") {
            by_release
                .entry((&pod.metadata.namespace, release))
                .or_default()
                .push(pod);
        }
    }
    let kinds = [("StatefulSet", statefulsets), ("Deployment", deployments)];
    let mut clusters: Vec<VirtualCluster> = kinds
        .into_iter()
        .flat_map(|(kind, workloads)| workloads.into_iter().map(move |workload| (kind, workload)))
        .filter_map(|(kind, workload)| {
            let release = workload.metadata.labels.get("release")?;
            let own = by_release
                .get(&(workload.metadata.namespace.as_str(), release))
                .map_or(&[][..], Vec::as_slice);
            observe_one(kind, &workload, own)
        })
        .collect();
    clusters.sort_by(|a, b| a.reference.cmp(&b.reference));
    clusters
}

fn observe_one(kind: &str, workload: &Workload, pods: &[&Pod]) -> Option<VirtualCluster> {
    let metadata = &workload.metadata;
    // A chart may deploy etcd with the same labels; the control plane is the workload named as the release.
    if metadata.labels.get("release") != Some(&metadata.name) {
        return None;
    }
    let reference = ClusterRef {
        namespace: Namespace::parse(&metadata.namespace).ok()?,
        name: Name::parse(&metadata.name).ok()?,
    };
    let template = &workload.spec.template.spec;
    let version_in = |containers: &[Container], name: &str| {
        containers
            .iter()
            .find(|container| container.name == name)
            .and_then(|container| tag_of(&container.image))
    };
    Some(VirtualCluster {
        state: state_of(workload, pods),
        version: version_in(&template.containers, CONTAINER),
        kubernetes: version_in(&template.init_containers, KUBERNETES_CONTAINER),
        chart: metadata.labels.get("chart").cloned(),
        owner: metadata.annotations.get(CREATED_BY).cloned(),
        sleeping_since: sleep::sleeping_since(metadata).filter(|_| is_at_zero(workload)),
        created: metadata.creation_timestamp,
        workload: ObjectRef {
            api_version: "apps/v1".to_owned(),
            kind: kind.to_owned(),
            namespace: Some(metadata.namespace.clone()),
            name: metadata.name.clone(),
        },
        labels: metadata.labels.clone(),
        replicas: workload.spec.replicas.unwrap_or(1),
        pods: workload.status.replicas,
        replicas_awake: sleep::replicas_awake(workload),
        is_marked_asleep: sleep::is_marked(metadata),
        is_slept_by_platform: sleep::is_slept_by_platform(metadata),
        keeps_state: !workload.spec.volume_claim_templates.is_empty(),
        manager: sleep::manager_of(metadata),
        ready: workload.status.ready_replicas,
        reference,
    })
}

/// The workloads that sleep and wake with the control plane of a cluster, as a selector.
pub fn companions(name: &Name) -> String {
    format!("{COMPANIONS},release={name}")
}

/// The pods of a cluster's own workloads, of companions too, as a selector.
pub fn own_pods(name: &Name) -> String {
    format!("app in ({}),release={name}", OWN_APPS.join(","))
}

/// Whether a pod is of a cluster's control plane.
pub fn is_control_plane(metadata: &Metadata, name: &Name) -> bool {
    is_own_pod(metadata, name)
        && metadata
            .labels
            .get("app")
            .is_some_and(|app| app == "vcluster")
}

/// Whether a pod is of a cluster's own workloads; what [`own_pods`] selects.
pub fn is_own_pod(metadata: &Metadata, name: &Name) -> bool {
    let label = |key: &str| metadata.labels.get(key).map(String::as_str);
    label("release") == Some(name.as_str())
        && label("app").is_some_and(|app| OWN_APPS.contains(&app))
}

/// Whether the control plane of a cluster put an object on the host for its tenants.
pub fn is_synced(metadata: &Metadata, name: &Name) -> bool {
    metadata
        .labels
        .get(MANAGED_BY)
        .is_some_and(|value| value == name.as_str())
}

/// The one place where objects become a state.
fn state_of(workload: &Workload, pods: &[&Pod]) -> State {
    let metadata = &workload.metadata;
    if metadata.deletion_timestamp.is_some() {
        State::Deleting
    } else if is_at_zero(workload) {
        // A mark of sleep alone is not: somebody has scaled it up since.
        State::Sleeping
    } else if workload.status.ready_replicas > 0 {
        State::Running
    } else {
        let obstacle = pods.iter().find_map(|pod| explain::pod(pod));
        match obstacle {
            Some(obstacle) if obstacle.is_final => State::Broken(obstacle.reason),
            obstacle => State::Creating(obstacle.map(|obstacle| obstacle.reason)),
        }
    }
}

/// Whether a workload is to have no pod.
fn is_at_zero(workload: &Workload) -> bool {
    workload.spec.replicas == Some(0)
}

/// The tag of an image; neither the port of a registry nor a digest is one.
fn tag_of(image: &str) -> Option<String> {
    let without_digest = image.split('@').next()?;
    let (_, tag) = without_digest.rsplit('/').next()?.split_once(':')?;
    Some(tag.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_the_tag_and_nothing_else() {
        assert_eq!(
            tag_of("ghcr.io/loft-sh/vcluster-oss:0.36.1").as_deref(),
            Some("0.36.1")
        );
        assert_eq!(tag_of("localhost:5000/vcluster-oss").as_deref(), None);
        assert_eq!(
            tag_of("localhost:5000/vcluster-oss:1@sha256:ab").as_deref(),
            Some("1")
        );
        assert_eq!(tag_of("vcluster-oss@sha256:ab").as_deref(), None);
    }

    fn workload(json: Value) -> Workload {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_state_is_told_from_the_workload_first() {
        let state = |json: Value| state_of(&workload(json), &[]);
        assert_eq!(
            state(json!({"status": {"readyReplicas": 1}})),
            State::Running
        );
        assert_eq!(state(json!({})), State::Creating(None));
        assert_eq!(state(json!({"spec": {"replicas": 0}})), State::Sleeping);
        let scaled_up = json!({"metadata": {"annotations": {"loft.sh/paused": "true"}}, "status": {"readyReplicas": 1}});
        assert_eq!(state(scaled_up), State::Running);
        let going = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {"readyReplicas": 1}});
        assert_eq!(state(going), State::Deleting);
    }
}
