//! The tunnels that the agent keeps: having one, seeing all, closing them.

use tokio::task::spawn_blocking;

use super::Local;
use super::local::key;
use crate::cluster::ClusterRef;
use crate::error::{Error, Kind};
use crate::host::Host;
use crate::tunnel::background::{AgentError, Answer, Ask, Failure, Key, Opening, TunnelView, Way};

/// Makes sure that the agent keeps a tunnel to the cluster, and gives its local port.
pub async fn open_tunnel(
    local: &Local,
    host: &Host,
    reference: &ClusterRef,
    uid: &str,
) -> Result<u16, Error> {
    let opening = Opening {
        key: key(&host.server, reference),
        uid: uid.to_owned(),
        way: local.way_to(host),
        contexts_in: local.files.paths().to_vec(),
        environment: local.agent.environment().clone(),
    };
    let agent = local.agent.clone();
    let answer = spawn_blocking(move || agent.ask(&Ask::Open(Box::new(opening)), &mut |_| {}))
        .await
        .expect("asking the agent does not panic");
    let message = || format!("cannot open a tunnel to {reference}");
    match answer {
        Ok(Answer::Opened { port }) => Ok(port),
        Ok(answer) => Err(unexpected(answer).within(message())),
        Err(error) => Err(unreachable(&error, local).within(message())),
    }
}

/// Every tunnel; none where no agent runs.
pub async fn tunnels(local: &Local) -> Result<Vec<TunnelView>, Error> {
    match ask_running(local, Ask::List).await? {
        Some(Answer::Tunnels { tunnels }) => Ok(tunnels),
        Some(answer) => Err(unexpected(answer)),
        None => Ok(Vec::new()),
    }
}

/// Closes the tunnel of one cluster, if there is one. Its port stays its own.
pub async fn stop_tunnel(local: &Local, host_server: &str, namespace: &str, name: &str) {
    let key = Key {
        host: host_server.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    let local = local.clone();
    spawn_blocking(move || local.stop_tunnel(&key))
        .await
        .expect("asking the agent does not panic");
}

/// Has the agent trust nothing that it knows of a cluster, which was changed just now: it would see that by its watch
/// a moment later. No agent is started for it.
pub async fn tell_changed(local: &Local, host_server: &str, reference: &ClusterRef) {
    let forget = Ask::Forget {
        key: key(host_server, reference),
    };
    let agent = local.agent.clone();
    let told = spawn_blocking(move || agent.ask_running(&forget))
        .await
        .expect("asking the agent does not panic");
    if let Err(error) = told {
        // Its watch tells it all the same.
        tracing::debug!(%error, "the agent cannot be told of a change");
    }
}

/// Closes every tunnel and ends the agent, of whatever version it is; the names of the clusters.
pub async fn stop_all_tunnels(local: &Local) -> Result<Vec<String>, Error> {
    let agent = local.agent.clone();
    let ended = spawn_blocking(move || agent.end(true))
        .await
        .expect("asking the agent does not panic");
    let openings = ended.map_err(|error| unreachable(&error, local))?;
    let names = openings.into_iter().flatten();
    Ok(names.map(|opening| opening.key.name).collect())
}

async fn ask_running(local: &Local, ask: Ask) -> Result<Option<Answer>, Error> {
    let agent = local.agent.clone();
    spawn_blocking(move || agent.ask_running(&ask))
        .await
        .expect("asking the agent does not panic")
        .map_err(|error| unreachable(&error, local))
}

/// What an answer of the agent that was not hoped for means to the user.
pub(super) fn unexpected(answer: Answer) -> Error {
    let Answer::Failed(failure) = answer else {
        return Error::new(
            Kind::Bug,
            "the agent in the background answered something else than it was asked",
        );
    };
    let Failure {
        code,
        message,
        causes,
        hints,
    } = failure;
    Error {
        kind: Kind::of_code(code),
        message,
        causes,
        hints,
    }
}

/// What it means to the user that there is no agent.
pub(super) fn unreachable(error: &AgentError, local: &Local) -> Error {
    let hint = format!("its log is `{}`", local.agent.log().display());
    Error::new(Kind::Failed, "the agent in the background does not answer")
        .because(error)
        .hint(hint)
}

impl Local {
    /// How the agent is to reach a host that was reached from here.
    fn way_to(&self, host: &Host) -> Way {
        let kubeconfigs = if self.is_by_service_account(host) {
            Vec::new()
        } else {
            match &self.named_kubeconfig {
                Some(file) => vec![file.clone()],
                None => self.files.paths().to_vec(),
            }
        };
        Way {
            context: host.context.clone(),
            kubeconfigs,
        }
    }
}
