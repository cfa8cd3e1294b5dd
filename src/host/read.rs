//! The few fields that we read of the host's objects.
//!
//! Own structs instead of `k8s-openapi`'s: a list of 200 clusters is mostly fields nobody looks at, and skipping them
//! halves both time and memory.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

pub use super::event::{Event, InvolvedObject};
pub use super::node::{Node, NodeAddress, NodeSpec, NodeStatus};

/// One page of a list.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub struct List<T> {
    /// Where the list stands and goes on.
    #[serde(default)]
    pub metadata: ListMetadata,
    /// The objects.
    #[serde(default = "Vec::new", deserialize_with = "null_as_empty")]
    pub items: Vec<T>,
}

/// Where a list stands and goes on.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListMetadata {
    /// The state of the host that the list shows.
    pub resource_version: Option<String>,
    /// The token of the next page.
    #[serde(rename = "continue")]
    pub proceed: Option<String>,
}

/// What every object says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// Its name.
    pub name: String,
    /// Its namespace, empty for an object of the whole host.
    pub namespace: String,
    /// Its identity, unlike that of any other object ever.
    pub uid: String,
    /// Its state.
    pub resource_version: String,
    /// Counts the changes of what it should be.
    pub generation: u64,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// When it was made.
    pub creation_timestamp: Option<Timestamp>,
    /// When its deletion was asked for.
    pub deletion_timestamp: Option<Timestamp>,
    /// Who holds up its deletion.
    pub finalizers: Vec<String>,
    /// Objects it goes with.
    pub owner_references: Vec<OwnerReference>,
}

/// An object that another one goes with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct OwnerReference {
    /// For example `Service`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uid: String,
}

/// An object of which only the metadata matters.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Partial {
    /// What it says of itself.
    pub metadata: Metadata,
}

/// A StatefulSet or a Deployment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Workload {
    /// What it says of itself.
    pub metadata: Metadata,
    /// What it should be.
    pub spec: WorkloadSpec,
    /// What it is.
    pub status: WorkloadStatus,
}

/// What a workload should be.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadSpec {
    /// Pods asked for; absent means 1.
    pub replicas: Option<u32>,
    /// What the pods are made from.
    pub template: PodTemplate,
    /// The volumes that each pod gets of its own.
    pub volume_claim_templates: Vec<IgnoredAny>,
}

/// What pods are made from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodTemplate {
    /// What each pod runs.
    pub spec: PodSpec,
}

/// What a pod runs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    /// The node it runs on.
    pub node_name: Option<String>,
    /// What runs before its containers.
    pub init_containers: Vec<Container>,
    /// Its containers.
    pub containers: Vec<Container>,
}

/// A container as it was asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// What it reserves, and may use at most.
    pub resources: Resources,
}

/// Amounts by resource, such as `cpu`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// What is reserved.
    pub requests: BTreeMap<String, String>,
    /// What may be used at most.
    pub limits: BTreeMap<String, String>,
}

/// What a workload is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadStatus {
    /// Pods that are ready.
    pub ready_replicas: u32,
    /// Pods that are of the newest template.
    pub updated_replicas: u32,
    /// All pods of it.
    pub replicas: u32,
    /// The state of the workload that this status is of.
    pub observed_generation: u64,
}

impl Workload {
    /// Whether every pod is of the template of that generation, or a later one, and ready.
    pub fn is_rolled_out(&self, generation: u64) -> bool {
        let (wanted, status) = (self.spec.replicas.unwrap_or(1), &self.status);
        status.observed_generation >= generation.max(self.metadata.generation)
            && [
                status.updated_replicas,
                status.ready_replicas,
                status.replicas,
            ] == [wanted; 3]
    }
}

/// A pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// What it says of itself.
    pub metadata: Metadata,
    /// What it runs, and where.
    pub spec: PodSpec,
    /// What became of it.
    pub status: PodStatus,
}

impl Pod {
    /// Since when it serves; `None` if it does not.
    pub fn ready_since(&self) -> Option<Timestamp> {
        let conditions = &self.status.conditions;
        let ready = conditions.iter().find(|fact| fact.holds("Ready"));
        ready.and_then(|ready| ready.last_transition_time)
    }

    /// Whether all its containers have ended for good.
    pub fn has_ended(&self) -> bool {
        matches!(self.status.phase.as_str(), "Succeeded" | "Failed")
    }

    /// What it is doing in one word, as kubectl has it.
    pub fn status_word(&self) -> String {
        if self.metadata.deletion_timestamp.is_some() {
            return "Terminating".to_owned();
        }
        let status = &self.status;
        let obstacle = |statuses: &[ContainerStatus]| {
            statuses
                .iter()
                .find_map(|container| container.state.obstacle().map(str::to_owned))
        };
        let init = obstacle(&status.init_container_statuses).map(|reason| format!("Init:{reason}"));
        init.or_else(|| obstacle(&status.container_statuses))
            .or_else(|| Some(status.reason.clone()).filter(|reason| !reason.is_empty()))
            .unwrap_or_else(|| status.phase.clone())
    }

    /// Whether it serves.
    pub fn is_ready(&self) -> bool {
        self.metadata.deletion_timestamp.is_none()
            && self
                .status
                .conditions
                .iter()
                .any(|fact| fact.holds("Ready"))
    }
}

/// What became of a pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: String,
    /// Why the whole pod failed, in one word.
    pub reason: String,
    /// The same in a sentence.
    pub message: String,
    /// The address of its node.
    #[serde(rename = "hostIP")]
    pub host_ip: String,
    /// Facts such as `PodScheduled` and `Ready`.
    pub conditions: Vec<Condition>,
    /// Its init containers.
    pub init_container_statuses: Vec<ContainerStatus>,
    /// Its containers.
    pub container_statuses: Vec<ContainerStatus>,
}

/// One fact about an object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// Which fact.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, in one word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
    /// Since when.
    pub last_transition_time: Option<Timestamp>,
}

impl Condition {
    /// Whether it is this fact, and true.
    pub fn holds(&self, kind: &str) -> bool {
        self.kind == kind && self.status == "True"
    }
}

/// What became of a container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Whether it serves.
    pub ready: bool,
    /// How often it was started again.
    pub restart_count: u32,
    /// What it does now.
    pub state: ContainerState,
    /// What it did before its last start.
    pub last_state: ContainerState,
}

/// What a container does; one of the fields is set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// It waits.
    pub waiting: Option<Reason>,
    /// It has ended.
    pub terminated: Option<Reason>,
}

impl ContainerState {
    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.waiting.is_none() && self.terminated.is_none()
    }

    /// Why it does not run, in one word; `None` if it runs, or has done what it was for.
    pub fn obstacle(&self) -> Option<&str> {
        let ended = self
            .terminated
            .as_ref()
            .filter(|ended| ended.exit_code != Some(0));
        let reason = self.waiting.as_ref().or(ended)?.reason.as_str();
        Some(reason).filter(|reason| !reason.is_empty())
    }
}

/// A reason in one word and in a sentence.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reason {
    /// For example `ImagePullBackOff`.
    pub reason: String,
    /// More.
    pub message: String,
    /// The exit code of a container that has ended.
    pub exit_code: Option<i32>,
}

/// A Secret, its values still in base64.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Secret {
    /// What it says of itself.
    pub metadata: Metadata,
    /// Its values.
    pub data: BTreeMap<String, String>,
}

impl Secret {
    /// One value, decoded; `None` where it is missing or not base64.
    pub fn value(&self, key: &str) -> Option<Vec<u8>> {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD
            .decode(self.data.get(key)?)
            .ok()
    }
}

impl fmt::Debug for Secret {
    /// Names the values and hides what they are. Annotations are left out too: `kubectl apply` keeps a copy there.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Secret")
            .field("namespace", &self.metadata.namespace)
            .field("name", &self.metadata.name)
            .field("keys", &self.data.keys())
            .finish_non_exhaustive()
    }
}

/// Objects that say who they are.
pub trait HasMetadata {
    /// What it says of itself.
    fn metadata(&self) -> &Metadata;
}

macro_rules! has_metadata {
    ($($kind:ty),*) => {$(
        impl HasMetadata for $kind {
            fn metadata(&self) -> &Metadata {
                &self.metadata
            }
        }
    )*};
}

has_metadata!(Event, Partial, Pod, Secret, Workload);

fn null_as_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default())
}
