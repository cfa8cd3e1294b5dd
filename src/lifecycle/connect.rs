//! Joining the user's kubeconfig to a virtual cluster, and taking it apart again.

use std::process::Command;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::identity::context_name;
use super::local::key;
use super::{Identity, Local};
use crate::cluster::ClusterRef;
use crate::error::{Error, Kind};
use crate::host::AGENT;
use crate::host::read::Secret;
use crate::host::{Host, HostError};
use crate::kubeconfig::{Edit, Edited, Entry, Kubeconfig};
use crate::progress::Progress;

/// How long the first answer of a virtual cluster may take.
const FIRST_ANSWER: Duration = Duration::from_secs(5);
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

/// What a connect did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// The context that leads to the cluster.
    pub context: String,
    /// The local port of its tunnel.
    pub port: u16,
    /// The Kubernetes version that answered.
    pub kubernetes: String,
    /// Whether the context is the current one now.
    pub is_current: bool,
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
        .and_then(|text| yaml_serde::from_slice(&text).ok())
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
    /// A kubeconfig of its own that leads to the cluster over a local port.
    pub fn to_document(&self, context: &str, port: u16) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": context, "cluster": self.cluster_at(port) }],
            "users": [{ "name": context, "user": self.user }],
            "contexts": [{ "name": context, "context": { "cluster": context, "user": context } }],
            "current-context": context,
        })
    }

    /// The name that its context gets.
    pub fn context_name(&self, host: &Host) -> String {
        context_name(&self.reference, &host.context)
    }

    fn cluster_at(&self, port: u16) -> Value {
        let mut cluster = self.cluster.clone();
        cluster["server"] = Value::from(format!("https://127.0.0.1:{port}"));
        cluster
    }

    /// Asks the virtual cluster for its version over the local port: the proof that the connection works.
    pub async fn fetch_version(&self, port: u16) -> Result<String, Error> {
        let name = self.reference.name.as_str();
        let ask = async {
            let cluster = Host::from_kubeconfig(self.to_document(name, port), name, AGENT).await?;
            Ok::<_, HostError>(cluster.fetch_version().await?.git_version)
        };
        let hint = "run `vc connect` again in a moment, or `vc list` to see what state it is in";
        let message = format!("{} does not answer over its tunnel", self.reference);
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

/// Makes sure that the cluster's tunnel runs in the background, and gives its local port.
pub async fn open_tunnel(
    local: &Local,
    host: &Host,
    reference: &ClusterRef,
    uid: &str,
) -> Result<u16, Error> {
    let mut command = Command::new(&local.program);
    command.args([
        "tunnel-serve",
        reference.name.as_str(),
        "--namespace",
        reference.namespace.as_str(),
    ]);
    command.args(["--uid", uid]);
    if !local.is_by_service_account(host) {
        command.args(["--context", &host.context]);
    }
    if let Some(kubeconfig) = &local.named_kubeconfig {
        command.arg("--kubeconfig").arg(kubeconfig);
    }
    let (tunnels, key) = (local.tunnels(), key(&host.server, reference));
    let started = spawn_blocking(move || tunnels.start(&key, command))
        .await
        .expect("starting a tunnel does not panic");
    let running = started.map_err(|error| {
        Error::new(Kind::Failed, format!("cannot open a tunnel to {reference}"))
            .because(&error)
            .hint(format!(
                "the log of tunnels is in `{}`",
                local.state_folder.join("tunnels").display()
            ))
    })?;
    Ok(running.port)
}

/// Puts a context for the cluster into the kubeconfig once its API has answered, and switches to it if asked to.
pub async fn connect(
    local: &Local,
    host: &Host,
    connection: &Connection,
    port: u16,
    switch: bool,
    progress: &dyn Progress,
) -> Result<Connected, Error> {
    let kubernetes = match connection.fetch_version(port).await {
        Ok(version) => version,
        Err(failure) => {
            return Err(why_not_connected(local, host, &connection.reference, failure).await);
        }
    };
    let kubeconfig = local.files.read()?;
    let context = connection.context_name(host);
    let mut identity = Identity {
        host_kubeconfig: None,
        host_context: host.context.clone(),
        host_server: host.server.clone(),
        namespace: connection.reference.namespace.to_string(),
        name: connection.reference.name.to_string(),
        uid: connection.uid.clone(),
        previous_context: previous(&kubeconfig, &context),
    };
    if !local.is_by_service_account(host) {
        identity.host_kubeconfig = kubeconfig
            .context(&host.context)
            .filter(|_| identity.leads_to_host_in(&kubeconfig))
            .map(|context| &context.file)
            .or(local.named_kubeconfig.as_ref())
            .map(|file| file.display().to_string());
    }
    let entry = Entry {
        name: context.clone(),
        cluster: connection.cluster_at(port),
        user: connection.user.clone(),
        context: json!({ "cluster": context, "user": context, "extensions": [identity.to_extension()] }),
    };
    let mut edits = vec![Edit::Put(entry)];
    if switch {
        edits.push(Edit::SetCurrent {
            to: Some(context.clone()),
            only_if_current: None,
        });
    }
    edit(local, edits, progress).await?;
    let is_current = switch || kubeconfig.current_context.as_deref() == Some(&context);
    Ok(Connected {
        context,
        port,
        kubernetes,
        is_current,
    })
}

/// What stands between us and a cluster whose tunnel gives no answer; the tunnel itself ends if nothing else uses it.
async fn why_not_connected(
    local: &Local,
    host: &Host,
    reference: &ClusterRef,
    failure: Error,
) -> Error {
    if !local.has_context_of(&host.server, reference) {
        let (tunnels, key) = (local.tunnels(), key(&host.server, reference));
        // It ends by itself when idle: that it could not be stopped now is no news beside the failure.
        let _ = spawn_blocking(move || tunnels.stop(&key)).await;
    }
    // The tunnel runs in another process and cannot tell us that it was refused, but the host can.
    match host
        .check_right(
            "create",
            "pods",
            "portforward",
            reference.namespace.as_str(),
        )
        .await
    {
        Err(refusal) if refusal.is_forbidden() => Error::from(refusal),
        _ => failure,
    }
}

/// Takes our contexts for a cluster out of the kubeconfig and stops its tunnel; the context that becomes current.
///
/// `None` if there was no context of ours for it.
pub async fn forget(
    local: &Local,
    host_server: &str,
    reference: &ClusterRef,
    progress: &dyn Progress,
) -> Result<Option<Option<String>>, Error> {
    let kubeconfig = local.files.read()?;
    let contexts: Vec<(String, Identity)> = Identity::all(&kubeconfig)
        .into_iter()
        .filter(|(_, identity)| identity.is_of(host_server, reference))
        .collect();
    let remaining = |name: &str| {
        kubeconfig.context(name).is_some() && !contexts.iter().any(|(context, _)| context == name)
    };
    let mut after = (!contexts.is_empty()).then(|| kubeconfig.current_context.clone());
    let mut edits = Vec::new();
    for (context, identity) in &contexts {
        let next = next_context(identity, remaining);
        if kubeconfig.current_context.as_ref() == Some(context) {
            after = Some(next.clone());
        }
        edits.push(Edit::SetCurrent {
            to: next,
            only_if_current: Some(context.clone()),
        });
        edits.push(Edit::Remove {
            name: context.clone(),
        });
    }
    if !edits.is_empty() {
        edit(local, edits, progress).await?;
    }
    let (tunnels, key) = (local.tunnels(), key(host_server, reference));
    let stopped = spawn_blocking(move || tunnels.stop(&key))
        .await
        .expect("stopping a tunnel does not panic");
    stopped.map_err(|error| {
        Error::new(
            Kind::Failed,
            format!("cannot stop the tunnel of {reference}"),
        )
        .because(&error)
    })?;
    Ok(after)
}

/// Undoes a connect: back to the context before, the tunnel stopped, our entries removed. Asks the host nothing.
pub async fn disconnect(
    local: &Local,
    identity: &Identity,
    progress: &dyn Progress,
) -> Result<Option<String>, Error> {
    let reference = identity.reference().ok_or_else(|| {
        Error::new(
            Kind::Failed,
            format!(
                "the context of `{}` does not record a cluster that can exist",
                identity.name
            ),
        )
    })?;
    Ok(forget(local, &identity.host_server, &reference, progress)
        .await?
        .flatten())
}

/// The context to come back to: the current one, or if that is this very context, what it remembers.
fn previous(kubeconfig: &Kubeconfig, context: &str) -> Option<String> {
    match kubeconfig.current_context.as_deref() {
        Some(current) if current == context => {
            Identity::of(kubeconfig.context(current)?)?.previous_context
        }
        current => current.map(str::to_owned),
    }
}

/// Where to go from a context that is about to be removed: where one came from, else to its host.
fn next_context(identity: &Identity, remains: impl Fn(&str) -> bool) -> Option<String> {
    [
        identity.previous_context.as_ref(),
        Some(&identity.host_context),
    ]
    .into_iter()
    .flatten()
    .find(|name| remains(name))
    .cloned()
}

async fn edit(local: &Local, edits: Vec<Edit>, progress: &dyn Progress) -> Result<Edited, Error> {
    let (files, options) = (local.files.clone(), local.edit_options());
    let edited = spawn_blocking(move || files.edit(&edits, &options))
        .await
        .expect("an edit does not panic")?;
    if let Some((lock, age)) = &edited.stale_lock {
        progress.note(&format!(
            "took over the lock `{}`, left behind {} s ago",
            lock.display(),
            age.as_secs()
        ));
    }
    Ok(edited)
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

    #[test]
    fn no_context_that_goes_too_is_gone_back_to() {
        let identity = Identity {
            host_kubeconfig: None,
            host_context: "host".to_owned(),
            host_server: "https://host".to_owned(),
            namespace: "vcluster-dev".to_owned(),
            name: "dev".to_owned(),
            uid: "1".to_owned(),
            previous_context: Some("twin".to_owned()),
        };
        let next = |remaining: &[&str]| next_context(&identity, |name| remaining.contains(&name));
        assert_eq!(next(&["twin", "host"]).as_deref(), Some("twin"));
        assert_eq!(next(&["host"]).as_deref(), Some("host"));
        assert_eq!(next(&[]), None);
    }
}
