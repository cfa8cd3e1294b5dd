//! Joining the user's kubeconfig to a virtual cluster, and taking it apart again.

use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::connection::Connection;
use super::local::key;
use super::tunnel::stop_tunnel;
use super::{Address, Identity, Local, plugin};
use crate::cluster::{ClusterRef, ContextName};
use crate::error::{Error, Kind};
use crate::host::Host;
use crate::kubeconfig::{Edit, EditOptions, Edited, Entry, Files, Kubeconfig};
use crate::progress::Progress;
use crate::tunnel::background::Ask;

/// What a connect did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// The context that leads to the cluster.
    pub context: String,
    /// Where it leads.
    pub address: Address,
    /// The Kubernetes version that answered.
    pub kubernetes: String,
    /// Whether the context is the current one now.
    pub is_current: bool,
}

/// How a context is made.
#[derive(Clone, Debug)]
pub struct Manner {
    /// What it is called.
    pub name: ContextName,
    /// Whether it holds the credentials itself, instead of running us for them.
    pub embed: bool,
    /// Whether using it wakes the cluster.
    pub may_wake: bool,
    /// Whether it becomes the current one.
    pub switch: bool,
}

/// Puts a context for the cluster into the kubeconfig once its API has answered, and switches to it if asked to.
pub async fn connect(
    local: &Local,
    host: &Host,
    connection: &Connection,
    address: Address,
    manner: &Manner,
    progress: &dyn Progress,
) -> Result<Connected, Error> {
    let kubernetes = match connection.fetch_version(&address).await {
        Ok(version) => version,
        Err(failure) if address.port().is_none() => return Err(failure),
        Err(failure) => {
            return Err(why_not_connected(local, host, connection.reference(), failure).await);
        }
    };
    let kubeconfig = local.files.read()?;
    let entry = entry(local, host, connection, &address, manner, &kubeconfig);
    refuse_anothers(&kubeconfig, host, connection.reference(), &entry.name)?;
    keep_credentials(local, host, connection).await;
    let context = entry.name.clone();
    let mut edits = vec![Edit::Put(entry)];
    if manner.switch {
        edits.push(Edit::SetCurrent {
            to: Some(context.clone()),
            only_if_current: None,
        });
    }
    let edited = edit(local, edits, progress).await;
    let reference = connection.reference();
    let leaves_tunnel = address.port().is_none() || edited.is_err();
    if leaves_tunnel && !local.has_tunnelled_context(&host.server, reference) {
        // The one that the context had before, if it was another then, or was to have.
        stop(local, &host.server, reference).await;
    }
    edited?;
    let is_current = manner.switch || kubeconfig.current_context.as_deref() == Some(&context);
    Ok(Connected {
        context,
        address,
        kubernetes,
        is_current,
    })
}

/// The context of a cluster beside those of the kubeconfig, and what it consists of.
pub fn entry(
    local: &Local,
    host: &Host,
    connection: &Connection,
    address: &Address,
    manner: &Manner,
    kubeconfig: &Kubeconfig,
) -> Entry {
    let reference = connection.reference();
    let context = manner.name.of(reference, &host.context);
    let mut identity = Identity {
        host_kubeconfig: None,
        host_context: host.context.clone(),
        host_server: host.server.clone(),
        namespace: reference.namespace.to_string(),
        name: reference.name.to_string(),
        uid: connection.uid().to_owned(),
        previous_context: previous(kubeconfig, &context),
        server: address.port().is_none().then(|| address.url()),
    };
    if !local.is_by_service_account(host) {
        identity.host_kubeconfig = kubeconfig
            .context(&host.context)
            .filter(|_| identity.leads_to_host_in(kubeconfig))
            .map(|context| &context.file)
            .or(local.named_kubeconfig.as_ref())
            .map(|file| file.display().to_string());
    }
    let user = if manner.embed {
        connection.user().clone()
    } else {
        plugin::user_entry(local, &identity, address, manner.may_wake)
    };
    Entry {
        cluster: connection.cluster_at(address),
        user,
        context: json!({ "cluster": context, "user": context, "extensions": [identity.to_extension()] }),
        name: context,
    }
}

/// A context of that name that leads elsewhere stays as it is. One that `vcluster` made for the cluster is replaced.
fn refuse_anothers(
    kubeconfig: &Kubeconfig,
    host: &Host,
    reference: &ClusterRef,
    name: &str,
) -> Result<(), Error> {
    let Some(context) = kubeconfig.context(name) else {
        return Ok(());
    };
    let is_the_clusters = match Identity::of(context) {
        Some(identity) => identity.is_of(&host.server, reference),
        None => name == ContextName::default().of(reference, &host.context),
    };
    if is_the_clusters {
        return Ok(());
    }
    Err(Error::new(
        Kind::Exists,
        format!(
            "your kubeconfig has a context `{name}` already, which does not lead to {reference}"
        ),
    )
    .hint("name the new one with `vc connect --context-name`, for example `{name}-{namespace}`"))
}

/// Spares the agent the question that we have just asked the host.
async fn keep_credentials(local: &Local, host: &Host, connection: &Connection) {
    let keep = Ask::Keep {
        key: key(&host.server, connection.reference()),
        uid: connection.uid().to_owned(),
        user: connection.user().clone(),
    };
    let agent = local.agent.clone();
    // An agent that does not know them asks the host itself.
    let _ = spawn_blocking(move || agent.ask_running(&keep)).await;
}

/// Has the contexts of ours whose program was moved or removed run this one; whether there were any.
pub async fn mend_programs(
    local: &Local,
    kubeconfig: &Kubeconfig,
    progress: &dyn Progress,
) -> Result<bool, Error> {
    let edits = plugin::to_this_program(local, kubeconfig);
    let names: Vec<String> = edits
        .iter()
        .filter_map(|edit| match edit {
            Edit::Put(entry) => Some(format!("`{}`", entry.name)),
            _ => None,
        })
        .collect();
    if edits.is_empty() {
        return Ok(false);
    }
    edit(local, edits, progress).await?;
    progress.note(&format!(
        "`vc` is in another place than before; {} use it there now",
        names.join(", ")
    ));
    Ok(true)
}

/// What stands between us and a cluster whose tunnel gives no answer; the tunnel itself ends if nothing else uses it.
async fn why_not_connected(
    local: &Local,
    host: &Host,
    reference: &ClusterRef,
    failure: Error,
) -> Error {
    if !local.has_tunnelled_context(&host.server, reference) {
        stop(local, &host.server, reference).await;
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
    stop(local, host_server, reference).await;
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
pub(super) fn next_context(identity: &Identity, remains: impl Fn(&str) -> bool) -> Option<String> {
    [
        identity.previous_context.as_ref(),
        Some(&identity.host_context),
    ]
    .into_iter()
    .flatten()
    .find(|name| remains(name))
    .cloned()
}

async fn stop(local: &Local, host_server: &str, reference: &ClusterRef) {
    let ClusterRef { namespace, name } = reference;
    stop_tunnel(local, host_server, namespace.as_str(), name.as_str()).await;
}

/// Has our contexts that lead through a cluster's tunnel lead to another local port; their names.
pub async fn point_contexts(
    files: Files,
    options: EditOptions,
    host_server: &str,
    reference: &ClusterRef,
    port: u16,
) -> Result<Vec<String>, Error> {
    let kubeconfig = files.read()?;
    let mut names = Vec::new();
    let mut edits = Vec::new();
    for (name, identity) in Identity::all(&kubeconfig) {
        if !identity.uses_tunnel_to(host_server, reference) {
            continue;
        }
        let (context, cluster, user) = (
            kubeconfig.context(&name),
            kubeconfig.cluster(&name),
            kubeconfig.user(&name),
        );
        // One whose parts were renamed is no longer ours to change.
        let (Some(context), Some(cluster), Some(user)) = (context, cluster, user) else {
            continue;
        };
        let mut entry = Entry {
            name: name.clone(),
            cluster: cluster.cluster.clone(),
            user: user.user.clone(),
            context: context.context.clone(),
        };
        entry.cluster["server"] = Value::from(format!("https://127.0.0.1:{port}"));
        edits.push(Edit::Put(entry));
        names.push(name);
    }
    spawn_blocking(move || files.edit(&edits, &options))
        .await
        .expect("an edit does not panic")?;
    Ok(names)
}

pub(super) async fn edit(
    local: &Local,
    edits: Vec<Edit>,
    progress: &dyn Progress,
) -> Result<Edited, Error> {
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
    fn no_context_that_goes_too_is_gone_back_to() {
        let identity = Identity {
            host_kubeconfig: None,
            host_context: "host".to_owned(),
            host_server: "https://host".to_owned(),
            namespace: "vcluster-dev".to_owned(),
            name: "dev".to_owned(),
            uid: "1".to_owned(),
            previous_context: Some("twin".to_owned()),
            server: None,
        };
        let next = |remaining: &[&str]| next_context(&identity, |name| remaining.contains(&name));
        assert_eq!(next(&["twin", "host"]).as_deref(), Some("twin"));
        assert_eq!(next(&["host"]).as_deref(), Some("host"));
        assert_eq!(next(&[]), None);
    }
}
