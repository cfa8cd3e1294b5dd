//! Which virtual cluster a kubeconfig context of ours leads to, as the context itself records it.
//!
//! Names are never parsed for this: an `extensions` entry is the one place that every client-go program keeps when
//! it rewrites the file.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::local::SERVICE_ACCOUNT;
use crate::cluster::{ClusterRef, Name, Namespace};
use crate::kubeconfig::{Kubeconfig, NamedContext};

/// The name of our entry among a context's extensions.
const EXTENSION: &str = "vc";

/// What a context of ours leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The kubeconfig file that holds the host's context; `None` for a pod's service account.
    pub host_kubeconfig: Option<String>,
    /// The context of the host.
    pub host_context: String,
    /// The address of the host's API server.
    pub host_server: String,
    /// The namespace on the host.
    pub namespace: String,
    /// The cluster's name.
    pub name: String,
    /// UID of the cluster's Service: tells it from a later one of the same name.
    pub uid: String,
    /// The context that was current before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_context: Option<String>,
    /// The address at which the cluster is reached without a tunnel; `None` if by its tunnel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

impl Identity {
    /// What a context leads to; `None` if it is not one of ours.
    pub fn of(context: &NamedContext) -> Option<Self> {
        serde_json::from_value(context.extension(EXTENSION)?.clone()).ok()
    }

    /// Every context of ours with its name.
    pub fn all(kubeconfig: &Kubeconfig) -> Vec<(String, Self)> {
        let ours = |context: &NamedContext| Some((context.name.clone(), Self::of(context)?));
        kubeconfig.contexts.iter().filter_map(ours).collect()
    }

    /// The cluster; `None` if the recorded names are no names.
    pub fn reference(&self) -> Option<ClusterRef> {
        let namespace = Namespace::parse(&self.namespace).ok()?;
        Some(ClusterRef {
            namespace,
            name: Name::parse(&self.name).ok()?,
        })
    }

    /// Whether it leads to that cluster of that host.
    pub fn is_of(&self, host_server: &str, reference: &ClusterRef) -> bool {
        self.host_server == host_server
            && self.namespace == reference.namespace.as_str()
            && self.name == reference.name.as_str()
    }

    /// Whether it leads to that cluster of that host through its tunnel.
    pub fn uses_tunnel_to(&self, host_server: &str, reference: &ClusterRef) -> bool {
        self.server.is_none() && self.is_of(host_server, reference)
    }

    /// Whether the context of the host still leads to it in that kubeconfig: a name can be given to another cluster.
    pub fn leads_to_host_in(&self, kubeconfig: &Kubeconfig) -> bool {
        leads_to(kubeconfig, &self.host_context, &self.host_server)
    }

    /// Whether the host was reached by a pod's service account.
    pub fn is_by_service_account(&self) -> bool {
        self.host_kubeconfig.is_none() && self.host_context == SERVICE_ACCOUNT
    }

    /// The entry that goes into a context's `extensions`.
    pub fn to_extension(&self) -> Value {
        json!({ "name": EXTENSION, "extension": self })
    }
}

/// Whether a context leads to that server.
pub(super) fn leads_to(kubeconfig: &Kubeconfig, context: &str, host_server: &str) -> bool {
    let server = kubeconfig
        .context(context)
        .and_then(NamedContext::cluster)
        .and_then(|cluster| kubeconfig.cluster(cluster)?.server());
    server.is_some_and(|server| is_same_server(server, host_server))
}

/// Whether two addresses of an API server are one.
pub fn is_same_server(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(|server| server.trim().trim_end_matches('/'));
    one.eq_ignore_ascii_case(other)
}

/// The host context in the name of a context that the `vcluster` CLI made, which records it nowhere else.
pub fn host_context_in_name(context: &str) -> Option<&str> {
    context.strip_prefix("vcluster_")?.splitn(3, '_').nth(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubeconfig::NamedCluster;

    fn identity() -> Identity {
        Identity {
            host_kubeconfig: None,
            host_context: "kind-kind".to_owned(),
            host_server: "https://127.0.0.1:6443".to_owned(),
            namespace: "vcluster-dev".to_owned(),
            name: "dev".to_owned(),
            uid: "1".to_owned(),
            previous_context: None,
            server: None,
        }
    }

    #[test]
    fn a_context_that_was_given_to_another_host_does_not_lead_to_it() {
        let with_server = |server: &str| Kubeconfig {
            contexts: vec![NamedContext {
                name: "kind-kind".to_owned(),
                file: "config".into(),
                context: json!({ "cluster": "kind" }),
            }],
            clusters: vec![NamedCluster {
                name: "kind".to_owned(),
                file: "config".into(),
                cluster: json!({ "server": server }),
            }],
            ..Kubeconfig::default()
        };
        assert!(identity().leads_to_host_in(&with_server("https://127.0.0.1:6443/")));
        assert!(!identity().leads_to_host_in(&with_server("https://127.0.0.1:7443")));
        assert!(!identity().leads_to_host_in(&Kubeconfig::default()));
    }

    #[test]
    fn a_host_context_with_underscores_survives_in_a_name() {
        assert_eq!(
            host_context_in_name("vcluster_dev_team-a_gke_project_zone_name"),
            Some("gke_project_zone_name")
        );
        assert_eq!(host_context_in_name("vcluster_dev_team-a"), None);
        assert_eq!(host_context_in_name("kind-kind"), None);
    }
}
