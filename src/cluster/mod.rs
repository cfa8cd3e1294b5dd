//! The words of the domain as plain values: what a virtual cluster is called, where it lives, what state it is in,
//! and what creating or changing it means. Nothing here does I/O.

mod context_name;
mod manager;
mod name;
mod plan;
mod quantity;
mod state;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use context_name::{ContextName, InvalidContextName};
pub use manager::Manager;
pub use name::{ClusterRef, InvalidName, Name, Namespace};
pub use plan::{Hook, Object, ObjectRef, Plan, Tier};
pub use quantity::{InvalidQuantity, Quantity};
pub use state::State;

/// A virtual cluster as it was observed on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct VirtualCluster {
    /// Where it lives and what it is called.
    pub reference: ClusterRef,
    /// What it is doing.
    pub state: State,
    /// Version of its control plane, as the image tag says it; `None` where the image carries no tag.
    pub version: Option<String>,
    /// Version of its Kubernetes, as the tag of the image says it that it is taken from.
    pub kubernetes: Option<String>,
    /// The chart it was made with, such as `vcluster-0.36.1`.
    pub chart: Option<String>,
    /// Who made it, as far as that is recorded.
    pub owner: Option<String>,
    /// Since when it sleeps, as far as that is recorded.
    pub sleeping_since: Option<Timestamp>,
    /// When its control-plane workload was created.
    pub created: Option<Timestamp>,
    /// The workload that runs the control plane.
    pub workload: ObjectRef,
    /// Labels of that workload.
    pub labels: BTreeMap<String, String>,
    /// Control-plane pods asked for.
    pub replicas: u32,
    /// Control-plane pods that are ready.
    pub ready: u32,
    /// Control-plane pods that there are.
    pub pods: u32,
    /// Control-plane pods to come back to after a sleep; `None` if it was only scaled to zero.
    pub replicas_awake: Option<u32>,
    /// Whether it carries the marks of a sleeping cluster, even if somebody has scaled it up since.
    pub is_marked_asleep: bool,
    /// Whether the vCluster platform put it to sleep.
    pub is_slept_by_platform: bool,
    /// Whether its state outlives its pods.
    pub keeps_state: bool,
    /// Another program that decides over it and may undo what we do.
    pub manager: Option<Manager>,
}
