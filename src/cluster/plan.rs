//! What creating a cluster means, as data: ordered objects, printable and comparable.

use std::fmt;

use serde_json::Value;

use super::{ClusterRef, Namespace};

/// A Kubernetes object with its identity read once.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Which object it is.
    pub reference: ObjectRef,
    /// The whole object, as it will be applied.
    pub body: Value,
}

/// Names one object of the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// For example `apps/v1`, or `v1`.
    pub api_version: String,
    /// For example `StatefulSet`.
    pub kind: String,
    /// `None` for an object of the whole host.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// When an object is applied. Within a tier the order does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// What the pods need before they can start.
    Support,
    /// What makes pods.
    Workload,
}

/// Everything that creating one cluster puts on the host.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The cluster it makes.
    pub reference: ClusterRef,
    /// Definitions of kinds, which come before all else and are left alone where they are there.
    pub crds: Vec<Object>,
    /// The objects in Helm's install order.
    pub objects: Vec<Object>,
    /// The same objects as Helm's record keeps them.
    pub manifest: String,
    /// What is made at moments of the release's life, in Helm's install order.
    pub hooks: Vec<Hook>,
    /// The chart's own words about what it installed.
    pub notes: Option<String>,
}

/// An object that is made at moments of a release's life, and is no part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The template it came from.
    pub source: String,
    /// The object's text.
    pub text: String,
    /// The moments, in Helm's words.
    pub events: Vec<String>,
    /// Lighter ones run first.
    pub weight: i64,
    /// When it is deleted, in Helm's words.
    pub delete_policies: Vec<String>,
    /// When its log is shown, in Helm's words.
    pub output_log_policies: Vec<String>,
}

impl Plan {
    /// The objects of one tier.
    pub fn tier(&self, tier: Tier) -> impl Iterator<Item = &Object> {
        self.objects
            .iter()
            .filter(move |object| object.reference.tier() == tier)
    }
}

impl Object {
    /// Reads the identity of an object; one without a namespace of its own goes to `namespace`.
    ///
    /// `None` if it lacks a kind, an API version or a name.
    pub fn from_body(body: Value, namespace: Option<&Namespace>) -> Option<Self> {
        let text = |pointer: &str| {
            body.pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let reference = ObjectRef {
            api_version: text("/apiVersion")?,
            kind: text("/kind")?,
            namespace: text("/metadata/namespace")
                .or_else(|| namespace.map(|namespace| namespace.as_str().to_owned())),
            name: text("/metadata/name")?,
        };
        Some(Self { reference, body })
    }
}

impl ObjectRef {
    /// Whether both name the same object, perhaps in different versions of its API.
    pub fn is_same_object(&self, other: &Self) -> bool {
        let group = |version: &str| {
            version
                .split_once('/')
                .map_or("", |(group, _)| group)
                .to_owned()
        };
        (&self.kind, &self.namespace, &self.name) == (&other.kind, &other.namespace, &other.name)
            && group(&self.api_version) == group(&other.api_version)
    }

    /// When an object of this kind is applied.
    pub fn tier(&self) -> Tier {
        match self.kind.as_str() {
            "StatefulSet" | "Deployment" | "DaemonSet" | "ReplicaSet" | "Pod" | "Job"
            | "CronJob" => Tier::Workload,
            _ => Tier::Support,
        }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} `{}`", self.kind, self.name)
    }
}
