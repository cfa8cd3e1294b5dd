//! Contexts of the kubeconfig that lead to virtual clusters which no longer exist.
//!
//! A cluster is gone only if its host says so: one that cannot be reached, or does not let us look, says nothing.

use std::collections::BTreeMap;
use std::path::Path;

use futures_util::future::join_all;

use super::connect::{edit, next_context};
use super::{Identity, Local, host_context_in_name, stop_tunnel};
use crate::cluster::{Name, Namespace};
use crate::error::Error;
use crate::host::read::Partial;
use crate::host::{Collection, Host, HostError};
use crate::kubeconfig::{Edit, Files, Kubeconfig, NamedContext};
use crate::progress::Progress;

/// A context that leads to a virtual cluster.
#[derive(Clone, Debug)]
pub struct Known {
    /// The context.
    pub context: String,
    /// The cluster's name.
    pub name: String,
    /// Its namespace on the host.
    pub namespace: String,
    /// The context of its host.
    pub host_context: String,
    /// What the context records; `None` for one that `vcluster` made, which records nothing.
    identity: Option<Identity>,
}

/// Whether the cluster that a context leads to is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    Exists,
    /// Its host says that it is not.
    Gone,
    /// Another one has its name and place.
    Replaced,
    /// Nobody can say, and why.
    Unknown(String),
}

/// Looks up every virtual cluster that the kubeconfig has a context for: one request for each.
pub async fn presences(kubeconfig: &Kubeconfig, agent: &str) -> Vec<(Known, Presence)> {
    let mut by_host: BTreeMap<(String, String), Vec<Known>> = BTreeMap::new();
    for known in known(kubeconfig) {
        let server = known
            .identity
            .as_ref()
            .map(|identity| identity.host_server.clone());
        let host = (known.host_context.clone(), server.unwrap_or_default());
        by_host.entry(host).or_default().push(known);
    }
    let hosts = by_host
        .into_values()
        .map(|known| on_one_host(known, kubeconfig, agent));
    join_all(hosts).await.concat()
}

/// Takes these contexts out of the kubeconfig, and closes their tunnels.
pub async fn remove(local: &Local, gone: &[Known], progress: &dyn Progress) -> Result<(), Error> {
    let kubeconfig = local.files.read()?;
    let remains = |name: &str| {
        kubeconfig.context(name).is_some() && !gone.iter().any(|known| known.context == name)
    };
    let mut edits = Vec::new();
    for known in gone {
        let next = match &known.identity {
            Some(identity) => next_context(identity, remains),
            None => Some(known.host_context.clone()).filter(|name| remains(name)),
        };
        edits.push(Edit::SetCurrent {
            to: next,
            only_if_current: Some(known.context.clone()),
        });
        edits.push(Edit::Remove {
            name: known.context.clone(),
        });
    }
    edit(local, edits, progress).await?;
    for Identity {
        host_server,
        namespace,
        name,
        ..
    } in gone.iter().filter_map(|known| known.identity.as_ref())
    {
        stop_tunnel(local, host_server, namespace, name).await;
    }
    Ok(())
}

fn known(kubeconfig: &Kubeconfig) -> Vec<Known> {
    let ours = |context: &NamedContext| {
        let identity = Identity::of(context)?;
        Some(Known {
            context: context.name.clone(),
            name: identity.name.clone(),
            namespace: identity.namespace.clone(),
            host_context: identity.host_context.clone(),
            identity: Some(identity),
        })
    };
    let contexts = kubeconfig.contexts.iter();
    contexts
        .filter_map(|context| ours(context).or_else(|| of_vcluster(context, kubeconfig)))
        .collect()
}

/// A context that the `vcluster` CLI made. Neither a name nor a namespace has an underscore, so its name can be read in
/// one way only.
fn of_vcluster(context: &NamedContext, kubeconfig: &Kubeconfig) -> Option<Known> {
    let host_context = host_context_in_name(&context.name)?;
    kubeconfig.context(host_context)?;
    let mut parts = context.name.split('_').skip(1);
    let name = Name::parse(parts.next()?).ok()?;
    let namespace = Namespace::parse(parts.next()?).ok()?;
    Some(Known {
        context: context.name.clone(),
        name: name.to_string(),
        namespace: namespace.to_string(),
        host_context: host_context.to_owned(),
        identity: None,
    })
}

async fn on_one_host(
    known: Vec<Known>,
    kubeconfig: &Kubeconfig,
    agent: &str,
) -> Vec<(Known, Presence)> {
    let Some(first) = known.first() else {
        return Vec::new();
    };
    let host = match reach(first, kubeconfig, agent).await {
        Ok(host) => host,
        Err(why) => {
            return known
                .into_iter()
                .map(|known| (known, Presence::Unknown(why.clone())))
                .collect();
        }
    };
    // Where the host does not answer, one attempt is enough to know.
    let presence = presence(&host, first).await;
    let is_silent = matches!(presence, Err(HostError::Unreachable { .. }));
    let mut presences = vec![presence.clone()];
    if is_silent {
        presences.resize(known.len(), presence);
    } else {
        presences
            .extend(join_all(known[1..].iter().map(|known| self::presence(&host, known))).await);
    }
    let told = |presence: Result<Presence, HostError>| {
        presence.unwrap_or_else(|error| Presence::Unknown(error.to_string()))
    };
    known
        .into_iter()
        .zip(presences.into_iter().map(told))
        .collect()
}

async fn presence(host: &Host, known: &Known) -> Result<Presence, HostError> {
    let services = Collection::of("Service", Some(&known.namespace));
    let service: Option<Partial> = host.fetch(&services, &known.name).await?;
    Ok(match (service, &known.identity) {
        (None, _) => Presence::Gone,
        (Some(service), Some(identity)) if service.metadata.uid != identity.uid => {
            Presence::Replaced
        }
        _ => Presence::Exists,
    })
}

/// The host of a context, or why it cannot be found.
async fn reach(known: &Known, kubeconfig: &Kubeconfig, agent: &str) -> Result<Host, String> {
    let context = &known.host_context;
    let no_context =
        || format!("the context `{context}` of its host is in your kubeconfig no more");
    let document = match &known.identity {
        Some(identity) if !identity.leads_to_host_in(kubeconfig) => {
            if identity.is_by_service_account() {
                let host = Host::from_service_account(agent).ok_or_else(no_context)?;
                let host = host.map_err(|error| error.to_string())?;
                let is_same = host.server == identity.host_server;
                return if is_same { Ok(host) } else { Err(no_context()) };
            }
            let recorded = identity.host_kubeconfig.as_deref().map(Path::new);
            let recorded = recorded.and_then(|file| Files::explicit(file).read().ok());
            recorded
                .filter(|recorded| identity.leads_to_host_in(recorded))
                .and_then(|recorded| recorded.to_json_for(context))
        }
        _ => kubeconfig.to_json_for(context),
    };
    let document = document.ok_or_else(no_context)?;
    let host = Host::from_kubeconfig(document, context, agent).await;
    host.map_err(|error| error.to_string())
}
