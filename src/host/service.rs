//! The few fields that we read of a Service.

use serde::Deserialize;

/// A Service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Service {
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
struct Status {
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

impl Service {
    /// Where its first port can be reached from outside the host; `None` where it cannot, or not yet.
    pub fn exposed(&self) -> Option<String> {
        let port = self.spec.ports.first()?;
        match self.spec.kind.as_str() {
            "LoadBalancer" => {
                let address = self.status.load_balancer.ingress.as_ref()?.first()?;
                let host = address.hostname.as_ref().or(address.ip.as_ref())?;
                let port = if port.port == 443 {
                    String::new()
                } else {
                    format!(":{}", port.port)
                };
                Some(format!("https://{host}{port}"))
            }
            "NodePort" => Some(format!("port {} of each node", port.node_port?)),
            _ => None,
        }
    }
}
