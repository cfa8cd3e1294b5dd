//! The few fields that we read of a claim to a volume.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::read::{HasMetadata, Metadata};

/// A claim to a volume.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Claim {
    /// What it says of itself.
    pub metadata: Metadata,
    spec: Spec,
    status: Status,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    storage_class_name: Option<String>,
    resources: Resources,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Resources {
    requests: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    phase: String,
    capacity: BTreeMap<String, String>,
}

impl Claim {
    /// The size of its volume, or the size that it asks for while there is none.
    pub fn size(&self) -> Option<&str> {
        let sizes = [&self.status.capacity, &self.spec.resources.requests];
        sizes
            .into_iter()
            .find_map(|sizes| sizes.get("storage"))
            .map(String::as_str)
    }

    /// Its storage class; `None` while the host has not given it its own.
    pub fn class(&self) -> Option<&str> {
        self.spec
            .storage_class_name
            .as_deref()
            .filter(|class| !class.is_empty())
    }

    /// `Pending`, `Bound` or `Lost`.
    pub fn phase(&self) -> &str {
        &self.status.phase
    }

    /// Whether it has its volume.
    pub fn is_bound(&self) -> bool {
        self.status.phase == "Bound"
    }
}

impl HasMetadata for Claim {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}
