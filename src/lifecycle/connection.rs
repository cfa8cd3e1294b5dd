//! How to reach a virtual cluster: the credentials that its control plane writes, and whether it answers to them.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::{sleep, timeout};

use super::Address;
use super::wait::{Watches, until_serving};
use crate::cluster::ClusterRef;
use crate::error::{Error, Kind};
use crate::helm::yaml;
use crate::host::read::{Partial, Secret};
use crate::host::{AGENT, Collection, Host, HostError};
use crate::progress::Progress;

/// How long the first answer of a virtual cluster may take.
const FIRST_ANSWER: Duration = Duration::from_secs(15);
/// Between two questions to an API server that has just begun to serve.
const BETWEEN_ANSWERS: Duration = Duration::from_millis(100);
/// What is taken from the kubeconfig in a Secret. Whoever writes that Secret must not choose what runs on the user's
/// machine (`exec`), which of their files are read, or where their requests go.
const USER_KEYS: &[&str] = &["client-certificate-data", "client-key-data", "token"];
/// The same of its cluster.
const CLUSTER_KEYS: &[&str] = &["certificate-authority-data", "tls-server-name"];

/// How to reach a virtual cluster: its credentials, with the address left open.
pub struct Connection {
    reference: ClusterRef,
    uid: String,
    cluster: Value,
    user: Value,
}

/// The credentials that the control plane wrote, and the UID of the cluster's Service.
pub async fn fetch_connection(
    host: &Host,
    reference: &ClusterRef,
) -> Result<(Connection, String), Error> {
    let of = |kind: &str| Collection::of(kind, Some(reference.namespace.as_str()));
    let (secrets, services, secret) = (of("Secret"), of("Service"), reference.kubeconfig_secret());
    let (secret, service) = tokio::try_join!(
        host.fetch::<Secret>(&secrets, &secret),
        host.fetch::<Partial>(&services, reference.name.as_str()),
    )?;
    let (Some(secret), Some(service)) = (secret, service) else {
        return Err(Error::new(
            Kind::Failed,
            format!("{reference} is not ready to connect to"),
        )
        .hint(format!(
            "run `vc list -n {} -o wide` to see why",
            reference.namespace
        )));
    };
    let connection = kubeconfig_of(&secret, reference, &service.metadata.uid)?;
    Ok((connection, service.metadata.uid))
}

/// What tells the cluster from a later one of the same name; `None` if there is no such cluster.
pub async fn fetch_uid(host: &Host, reference: &ClusterRef) -> Result<Option<String>, HostError> {
    let services = Collection::of("Service", Some(reference.namespace.as_str()));
    let service = host
        .fetch::<Partial>(&services, reference.name.as_str())
        .await?;
    Ok(service.map(|service| service.metadata.uid))
}

/// Reads how to reach a cluster from the Secret that its control plane writes.
pub fn kubeconfig_of(
    secret: &Secret,
    reference: &ClusterRef,
    uid: &str,
) -> Result<Connection, Error> {
    let broken = || {
        Error::new(
            Kind::Failed,
            format!(
                "the Secret `{}` of {reference} holds no kubeconfig",
                reference.kubeconfig_secret()
            ),
        )
        .hint("wait until its control plane has written it, or look at the pod's log")
    };
    // The parse error is not passed on: it could quote the text, and the text is a credential.
    let config: Value = secret
        .value("config")
        .and_then(|text| yaml::parse(std::str::from_utf8(&text).ok()?, "the Secret").ok())
        .ok_or_else(broken)?;
    let part = |pointer: &str, keys| config.pointer(pointer).and_then(|part| only(part, keys));
    Ok(Connection {
        reference: reference.clone(),
        uid: uid.to_owned(),
        cluster: part("/clusters/0/cluster", CLUSTER_KEYS).ok_or_else(broken)?,
        user: part("/users/0/user", USER_KEYS)
            .filter(|user| *user != json!({}))
            .ok_or_else(broken)?,
    })
}

/// A mapping with those of the keys alone that hold text; `None` if it is no mapping.
fn only(part: &Value, keys: &[&str]) -> Option<Value> {
    let entries = part.as_object()?.iter();
    let kept: Map<String, Value> = entries
        .filter(|(key, value)| keys.contains(&key.as_str()) && value.is_string())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    Some(Value::Object(kept))
}

impl Connection {
    /// A kubeconfig of its own that leads to the cluster at this address.
    pub fn to_document(&self, context: &str, address: &Address) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": context, "cluster": self.cluster_at(address) }],
            "users": [{ "name": context, "user": self.user }],
            "contexts": [{ "name": context, "context": { "cluster": context, "user": context } }],
            "current-context": context,
        })
    }

    /// Which cluster it leads to.
    pub fn reference(&self) -> &ClusterRef {
        &self.reference
    }

    /// UID of that cluster's Service.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// What goes under `user` in a kubeconfig: secrets.
    pub fn user(&self) -> &Value {
        &self.user
    }

    /// Whether it says which authority signs the certificate of the cluster's API server.
    pub(super) fn has_authority(&self) -> bool {
        self.cluster["certificate-authority-data"]
            .as_str()
            .is_some_and(|authority| !authority.is_empty())
    }

    /// What goes under `cluster`.
    pub(super) fn cluster_at(&self, address: &Address) -> Value {
        let mut cluster = self.cluster.clone();
        address.put_into(&mut cluster);
        cluster
    }

    /// The cluster's API as it is reached at this address. Sends nothing yet.
    pub(super) async fn open(&self, address: &Address) -> Result<Host, HostError> {
        let name = self.reference.name.as_str();
        Host::from_kubeconfig(self.to_document(name, address), name, AGENT).await
    }

    /// Waits until the API answers over its tunnel, and says meanwhile what holds it up.
    pub async fn until_answering(
        &self,
        host: &Host,
        port: u16,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let tunnel = Address::Tunnel(port);
        // The tunnel holds each question until there is a pod, so this is no busy loop.
        let answering = async {
            while self.fetch_version(&tunnel).await.is_err() {
                sleep(BETWEEN_ANSWERS).await;
            }
        };
        let failing = async {
            let watches = Watches::open_midway(host, &self.reference).await?;
            until_serving(watches, progress).await
        };
        tokio::select! {
            failed = failing => failed,
            () = answering => Ok(()),
        }
    }

    /// Asks the virtual cluster for its version: the proof that the connection works.
    pub async fn fetch_version(&self, address: &Address) -> Result<String, Error> {
        let once = async || {
            let cluster = self.open(address).await?;
            Ok::<_, HostError>(cluster.fetch_version().await?.git_version)
        };
        let ask = async {
            loop {
                match once().await {
                    // A machine, or a host, with much to do just now.
                    Err(HostError::Unreachable { causes, .. })
                        if causes
                            .iter()
                            .any(|cause| cause.contains("deadline has elapsed")) => {}
                    answer => return answer,
                }
            }
        };
        let hint = "run `vc connect` again in a moment, or `vc list` to see what state it is in";
        let over = match address {
            Address::Tunnel(_) => "over its tunnel".to_owned(),
            Address::Server(server) => format!("at `{}`", server.url),
        };
        let message = format!("{} does not answer {over}", self.reference);
        let failure = match timeout(FIRST_ANSWER, ask).await {
            Ok(Ok(version)) => return Ok(version),
            Ok(Err(HostError::Unreachable { causes, .. })) => Error {
                causes,
                ..Error::new(Kind::Failed, message)
            },
            Ok(Err(error)) => Error::new(Kind::Failed, message).because(&error),
            Err(_) => Error::new(
                Kind::Timeout,
                format!("{message}: no answer within {} s", FIRST_ANSWER.as_secs()),
            ),
        };
        Err(failure.hint(hint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_gives_credentials_and_nothing_that_runs_or_leads_elsewhere() {
        let user = json!({
            "client-certificate-data": "Yw==",
            "client-key-data": "aw==",
            "token": "t",
            "tokenFile": "/home/me/.ssh/id_ed25519",
            "exec": { "command": "/bin/sh", "args": ["-c", "true"] },
            "auth-provider": { "name": "gcp" },
        });
        assert_eq!(
            only(&user, USER_KEYS),
            Some(
                json!({ "client-certificate-data": "Yw==", "client-key-data": "aw==", "token": "t" })
            )
        );
        let cluster = json!({
            "certificate-authority-data": "Yw==",
            "insecure-skip-tls-verify": true,
            "proxy-url": "http://elsewhere",
            "server": "https://elsewhere",
            "tls-server-name": { "not": "text" },
        });
        assert_eq!(
            only(&cluster, CLUSTER_KEYS),
            Some(json!({ "certificate-authority-data": "Yw==" }))
        );
        assert_eq!(only(&json!("text"), USER_KEYS), None);
    }
}
