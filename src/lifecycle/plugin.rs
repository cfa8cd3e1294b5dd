//! The credential plugin: the kubeconfig entry that runs it, and what it asks of the agent.

use serde_json::{Value, json};

use super::identity::leads_to;
use super::local::SERVICE_ACCOUNT;
use super::tunnel::{unexpected, unreachable};
use super::{Address, Identity, Local};
use crate::cluster::ClusterRef;
use crate::error::Error;
use crate::kubeconfig::{Edit, Entry, Files, Kubeconfig, NamedUser};
use crate::progress::Progress;
use crate::tunnel::background::{Answer, Ask, Key, Opening, Server, Way};

/// The word by which our program is told to be the plugin.
const COMMAND: &str = "credential";

/// What a client is told that cannot run us.
const INSTALL_HINT: &str = "the `vc` that made this context is not where it was; any `vc` command, such as `vc list`, \
                            has the context run the `vc` of now";

/// What the plugin was called for.
pub struct PluginCall<'a> {
    /// The cluster.
    pub reference: &'a ClusterRef,
    /// UID of its Service.
    pub uid: &'a str,
    /// The address of its host.
    pub host_server: &'a str,
    /// The context of the host; `None` for a pod's service account.
    pub host_context: Option<&'a str>,
    /// Whether it may be woken.
    pub may_wake: bool,
    /// Where it is reached without a tunnel.
    pub server: Option<Server>,
}

/// A cluster that answers.
pub struct Credential {
    /// The local port that leads to it; `None` if it is reached without a tunnel.
    pub port: Option<u16>,
    /// What goes under `user` in a kubeconfig: secrets.
    pub user: Value,
}

/// Asks the agent for a cluster that answers and its credentials. Blocks.
pub fn credential(
    local: &Local,
    call: &PluginCall<'_>,
    progress: &dyn Progress,
) -> Result<Credential, Error> {
    let key = Key {
        host: call.host_server.to_owned(),
        namespace: call.reference.namespace.to_string(),
        name: call.reference.name.to_string(),
    };
    let ask = |opening| {
        let ask = Ask::Credential {
            key: key.clone(),
            uid: call.uid.to_owned(),
            may_wake: call.may_wake,
            server: call.server.clone(),
            opening,
        };
        local
            .agent
            .ask(&ask, &mut |text| progress.note(text))
            .map_err(|error| unreachable(&error, local))
    };
    let answer = match ask(None)? {
        Answer::Unknown => ask(Some(Box::new(opening(local, call, key.clone()))))?,
        answer => answer,
    };
    match answer {
        Answer::Credential { port, user } => Ok(Credential { port, user }),
        answer => Err(unexpected(answer)),
    }
}

/// What an agent needs to know that has just begun.
fn opening(local: &Local, call: &PluginCall<'_>, key: Key) -> Opening {
    Opening {
        key,
        uid: call.uid.to_owned(),
        way: way(local, call),
        contexts_in: local.files.paths().to_vec(),
        environment: local.agent.environment().clone(),
    }
}

/// How the host is reached: by the kubeconfig of who calls if its context leads there, else by the recorded one.
fn way(local: &Local, call: &PluginCall<'_>) -> Way {
    let Some(context) = call.host_context else {
        return Way {
            context: SERVICE_ACCOUNT.to_owned(),
            kubeconfigs: Vec::new(),
        };
    };
    let leads_there = |kubeconfig: &Kubeconfig| leads_to(kubeconfig, context, call.host_server);
    let files = match &local.named_kubeconfig {
        Some(named)
            if !local
                .files
                .read()
                .is_ok_and(|kubeconfig| leads_there(&kubeconfig)) =>
        {
            Files::explicit(named)
        }
        _ => local.files.clone(),
    };
    Way {
        context: context.to_owned(),
        kubeconfigs: files.paths().to_vec(),
    }
}

/// What goes under `user` so that clients run the plugin.
pub(super) fn user_entry(
    local: &Local,
    identity: &Identity,
    address: &Address,
    may_wake: bool,
) -> Value {
    let mut arguments = vec![
        COMMAND.to_owned(),
        identity.name.clone(),
        "--namespace".to_owned(),
        identity.namespace.clone(),
        "--uid".to_owned(),
        identity.uid.clone(),
        "--host".to_owned(),
        identity.host_server.clone(),
    ];
    if !identity.is_by_service_account() {
        arguments.extend(["--context".to_owned(), identity.host_context.clone()]);
    }
    if let Some(file) = &identity.host_kubeconfig {
        arguments.extend(["--kubeconfig".to_owned(), file.clone()]);
    }
    if let Address::Server(server) = address {
        arguments.extend(["--server".to_owned(), server.url.clone()]);
        if let Some(name) = &server.certified_name {
            arguments.extend(["--tls-server-name".to_owned(), name.clone()]);
        }
    }
    if !may_wake {
        arguments.push("--no-wake".to_owned());
    }
    json!({
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": local.agent.program(),
            "args": arguments,
            "interactiveMode": "Never",
            "provideClusterInfo": true,
            "installHint": INSTALL_HINT,
        },
    })
}

/// Has those contexts of ours run this program whose own is not there any more; the edits that it takes.
pub(super) fn to_this_program(local: &Local, kubeconfig: &Kubeconfig) -> Vec<Edit> {
    let program = local.agent.program();
    let is_lost = |user: &&NamedUser| {
        let exec = &user.user["exec"];
        let command = exec["command"].as_str().unwrap_or_default();
        exec["args"][0] == COMMAND && !std::path::Path::new(command).exists()
    };
    let ours = Identity::all(kubeconfig).into_iter();
    ours.filter_map(|(name, _)| {
        let user = kubeconfig.user(&name).filter(is_lost)?;
        let mut entry = Entry {
            user: user.user.clone(),
            cluster: kubeconfig.cluster(&name)?.cluster.clone(),
            context: kubeconfig.context(&name)?.context.clone(),
            name,
        };
        entry.user["exec"]["command"] = json!(program);
        Some(Edit::Put(entry))
    })
    .collect()
}
