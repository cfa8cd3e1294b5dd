//! The few fields that we read of a Service.

use serde::Deserialize;

use super::read::{HasMetadata, Metadata};

/// A Service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Service {
    metadata: Metadata,
    spec: Spec,
    status: Status,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    #[serde(rename = "type")]
    kind: String,
    ports: Vec<Port>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Port {
    port: u16,
    node_port: Option<u16>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    load_balancer: LoadBalancer,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct LoadBalancer {
    ingress: Option<Vec<Address>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Address {
    ip: Option<String>,
    hostname: Option<String>,
}

impl Status {
    /// The address that the host has given it.
    pub(super) fn address(&self) -> Option<&str> {
        let address = self.load_balancer.ingress.as_ref()?.first()?;
        let given = address.hostname.as_deref().or(address.ip.as_deref())?;
        Some(given).filter(|given| !given.is_empty())
    }
}

impl HasMetadata for Service {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

impl Service {
    /// Its type, such as `NodePort`.
    pub fn kind(&self) -> &str {
        match self.spec.kind.as_str() {
            "" => "ClusterIP",
            kind => kind,
        }
    }

    /// Where its first port can be reached from outside the host; `None` where it cannot, or not yet.
    pub fn exposed(&self) -> Option<String> {
        match self.kind() {
            "LoadBalancer" => self.load_balancer(),
            "NodePort" => Some(format!("port {} of each node", self.node_port()?)),
            _ => None,
        }
    }

    /// Where its load balancer can be reached; `None` where it has none, or no address yet.
    pub fn load_balancer(&self) -> Option<String> {
        let host = self.status.address()?;
        // An address of IPv6 is full of what stands before a port.
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        Some(match self.spec.ports.first()?.port {
            443 => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        })
    }

    /// The port of each node that leads to its first one.
    pub fn node_port(&self) -> Option<u16> {
        self.spec.ports.first()?.node_port.filter(|port| *port > 0)
    }
}
