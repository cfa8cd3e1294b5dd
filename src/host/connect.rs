//! From a kubeconfig's context, or the service account of a pod, to a [`Host`].

use std::net::IpAddr;
use std::time::Duration;

use http::Uri;
use http::header::{HeaderValue, USER_AGENT};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::Value;

use super::cause::innermost;
use super::client::client;
use super::{Host, HostError};
use crate::cluster::Namespace;

/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What a host is called that is reached by a pod's own service account.
const IN_CLUSTER: &str = "in-cluster";

impl Host {
    /// Reaches a host by a kubeconfig that holds just the one context, as JSON. Sends nothing yet.
    ///
    /// Credentials of exec plugins are fetched here: the plugin may ask the user something. `agent` is what the host's
    /// audit log calls us.
    pub async fn from_kubeconfig(
        document: Value,
        context: &str,
        agent: &str,
    ) -> Result<Self, HostError> {
        let broken = |why: &str| HostError::Config {
            message: format!("the context `{context}` cannot be used: {why}"),
            hint: format!(
                "run `kubectl config view --minify --context {context}` to see what it holds"
            ),
        };
        // What is wrong is not passed on: it may quote a token that is in the wrong place.
        let kubeconfig: Kubeconfig = serde_json::from_value(document)
            .map_err(|_| broken("it is not in the form of a kubeconfig"))?;
        let options = KubeConfigOptions {
            context: Some(context.to_owned()),
            ..KubeConfigOptions::default()
        };
        let namespace = kubeconfig
            .contexts
            .iter()
            .find(|entry| entry.name == context)
            .and_then(|entry| entry.context.as_ref()?.namespace.clone());
        let own_proxy = proxy_of(&kubeconfig);
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(|error| broken(&innermost(&error)))?;
        // The client compares `NO_PROXY` with the address of the proxy instead of the host's.
        if own_proxy.is_some() {
            config.proxy_url = own_proxy;
        } else if is_loopback(&config.cluster_url) {
            config.proxy_url = None;
        }
        Self::from_config(config, context, namespace.as_deref(), agent)
    }

    /// Reaches the host that this pod runs in; `None` outside of a pod.
    pub fn from_service_account(agent: &str) -> Option<Result<Self, HostError>> {
        let config = Config::incluster().ok()?;
        let namespace = config.default_namespace.clone();
        Some(Self::from_config(
            config,
            IN_CLUSTER,
            Some(&namespace),
            agent,
        ))
    }

    fn from_config(
        mut config: Config,
        context: &str,
        namespace: Option<&str>,
        agent: &str,
    ) -> Result<Self, HostError> {
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        // Ours knows what may be repeated and says what it waits for.
        config.default_retry = false;
        if let Ok(agent) = HeaderValue::from_str(agent) {
            config.headers.push((USER_AGENT, agent));
        }
        let server = config
            .cluster_url
            .to_string()
            .trim_end_matches('/')
            .to_owned();
        let client = client(config).map_err(|error| HostError::Config {
            message: format!(
                "the credentials of the context `{context}` cannot be used: {}",
                innermost(&error)
            ),
            hint: format!("log in to `{context}` again, or name another context with `--context`"),
        })?;
        let namespace = namespace.and_then(|namespace| Namespace::parse(namespace).ok());
        Ok(Self {
            client,
            context: context.to_owned(),
            server,
            namespace,
        })
    }
}

/// The proxy that the one cluster of a kubeconfig names.
fn proxy_of(kubeconfig: &Kubeconfig) -> Option<Uri> {
    let cluster = kubeconfig.clusters.first()?.cluster.as_ref()?;
    let proxy = cluster.proxy_url.as_deref()?;
    proxy.parse().ok()
}

/// Whether an address is this machine's own, where a proxy would look for another.
fn is_loopback(address: &Uri) -> bool {
    let host = address.host().unwrap_or_default();
    let number = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || number
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_loopback() {
        let is = |address: &str| is_loopback(&address.parse().unwrap());
        assert!(
            is("https://127.0.0.1:6443") && is("https://[::1]:6443") && is("https://localhost")
        );
        assert!(!is("https://10.0.0.1:6443") && !is("https://localhost.example.com"));
    }
}
