//! The few fields that we read of a node.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A node, as far as it tells which pods it can take.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Node {
    /// What it should be.
    pub spec: NodeSpec,
    /// What it is.
    pub status: NodeStatus,
}

/// What a node should be.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeSpec {
    /// The machine below it, such as `aws:///eu-central-1a/i-0`.
    #[serde(rename = "providerID")]
    pub provider_id: String,
}

/// What a node is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeStatus {
    /// What all of its pods together may ask for: quantities by resource.
    pub allocatable: BTreeMap<String, String>,
    /// Where it is reached.
    pub addresses: Vec<NodeAddress>,
}

/// One address of a node.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeAddress {
    /// `InternalIP`, `ExternalIP`, `Hostname`, `InternalDNS` or `ExternalDNS`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The address itself.
    pub address: String,
}

impl Node {
    /// Its addresses for the world outside the host.
    pub fn external_addresses(&self) -> Vec<String> {
        let addresses = self.status.addresses.iter();
        addresses
            .filter(|address| matches!(address.kind.as_str(), "ExternalIP" | "ExternalDNS"))
            .map(|address| address.address.clone())
            .collect()
    }
}
