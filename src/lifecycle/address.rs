//! Where the API of a virtual cluster is reached: over the local port of its tunnel, or at an address of its own.

use serde_json::Value;

use crate::tunnel::background::Server;

/// Where the API of a cluster is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Over this local port, which a tunnel joins to it.
    Tunnel(u16),
    /// Where its host offers it to the outside.
    Server(Server),
}

impl Address {
    /// The address as a kubeconfig has it.
    pub fn url(&self) -> String {
        match self {
            Self::Tunnel(port) => format!("https://127.0.0.1:{port}"),
            Self::Server(server) => server.url.clone(),
        }
    }

    /// The local port of its tunnel; `None` if it has none.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tunnel(port) => Some(*port),
            Self::Server(_) => None,
        }
    }

    /// Has what goes under `cluster` in a kubeconfig lead there.
    pub(super) fn put_into(&self, cluster: &mut Value) {
        cluster["server"] = Value::from(self.url());
        let Self::Server(server) = self else { return };
        match (&server.certified_name, cluster.as_object_mut()) {
            (Some(name), _) => cluster["tls-server-name"] = Value::from(name.as_str()),
            // What the control plane wrote is for the address that it wrote.
            (None, Some(entries)) => drop(entries.remove("tls-server-name")),
            (None, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_server_of_its_own_says_for_which_name_its_certificate_is() {
        let cluster = |address: &Address| {
            let mut cluster = json!({ "tls-server-name": "written" });
            address.put_into(&mut cluster);
            cluster
        };
        let server = |name: Option<&str>| {
            Address::Server(Server {
                url: "https://dev.example.com".to_owned(),
                certified_name: name.map(str::to_owned),
            })
        };
        assert_eq!(
            cluster(&Address::Tunnel(10_001)),
            json!({ "server": "https://127.0.0.1:10001", "tls-server-name": "written" })
        );
        assert_eq!(
            cluster(&server(Some("dev.team-a"))),
            json!({ "server": "https://dev.example.com", "tls-server-name": "dev.team-a" })
        );
        assert_eq!(
            cluster(&server(None)),
            json!({ "server": "https://dev.example.com" })
        );
    }
}
