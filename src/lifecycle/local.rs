//! The user's own side: the kubeconfig that contexts are written to and the tunnels that run in the background.

use std::path::{Path, PathBuf};

use super::Identity;
use crate::cluster::ClusterRef;
use crate::host::Host;
use crate::kubeconfig::{EditOptions, Files};
use crate::tunnel::background::{Agent, Answer, Ask, Key};

/// What a host is called that a pod reaches by its own service account; no kubeconfig has a context for it.
pub(super) const SERVICE_ACCOUNT: &str = "in-cluster";

/// The user's files and this program, as far as a connection needs them.
#[derive(Clone, Debug)]
pub struct Local {
    /// The kubeconfig files, by kubectl's rule.
    pub files: Files,
    /// The kubeconfig that the user named, handed on to a tunnel.
    pub named_kubeconfig: Option<PathBuf>,
    /// Where what must outlive a command is kept.
    pub state_folder: PathBuf,
    /// The agent that keeps the tunnels.
    pub agent: Agent,
}

/// A tunnel that goes unless somebody uses it; see [`Local::unless_used`].
#[derive(Debug)]
pub struct UnlessUsed {
    /// `None` if it is not ours to stop.
    tunnel: Option<(Local, Key)>,
    reference: ClusterRef,
}

impl Drop for UnlessUsed {
    fn drop(&mut self) {
        if let Some((local, key)) = &self.tunnel
            && !local.has_tunnelled_context(&key.host, &self.reference)
        {
            let _ = local.stop_tunnel(key);
        }
    }
}

/// What identifies the tunnel of a cluster.
pub(super) fn key(host_server: &str, reference: &ClusterRef) -> Key {
    Key {
        host: host_server.to_owned(),
        namespace: reference.namespace.to_string(),
        name: reference.name.to_string(),
    }
}

impl Local {
    /// Closes the tunnel of a cluster, if there is one.
    ///
    /// An agent that does not answer is no news beside what is being undone: the tunnel ends when it is idle.
    pub(super) fn stop_tunnel(&self, key: &Key) -> bool {
        let stop = Ask::Stop { key: key.clone() };
        matches!(
            self.agent.ask_running(&stop),
            Ok(Some(Answer::Stopped { was_open: true }))
        )
    }

    /// Whether the cluster has a tunnel.
    fn has_tunnel(&self, key: &Key) -> bool {
        match self.agent.ask_running(&Ask::List) {
            Ok(Some(Answer::Tunnels { tunnels })) => tunnels.iter().any(|tunnel| {
                (&tunnel.host, &tunnel.namespace, &tunnel.name)
                    == (&key.host, &key.namespace, &key.name)
            }),
            _ => false,
        }
    }

    /// Whether the host was reached by a pod's service account, and not by a context that only has its name.
    pub(super) fn is_by_service_account(&self, host: &Host) -> bool {
        let has_context = |files: &Files| {
            files
                .read()
                .is_ok_and(|kubeconfig| kubeconfig.context(&host.context).is_some())
        };
        host.context == SERVICE_ACCOUNT
            && !has_context(&self.files)
            && !self
                .named_kubeconfig
                .as_ref()
                .is_some_and(|file| has_context(&Files::explicit(file)))
    }

    /// Stops the tunnel of a cluster when dropped, if by then it is still nobody's: an undertaking that fails or is
    /// cut off leaves none behind. One that runs already is somebody's.
    pub fn unless_used(&self, host: &Host, reference: &ClusterRef) -> UnlessUsed {
        let key = key(&host.server, reference);
        UnlessUsed {
            tunnel: (!self.has_tunnel(&key)).then(|| (self.clone(), key)),
            reference: reference.clone(),
        }
    }

    /// Whether a context of ours leads to the cluster by its tunnel.
    pub(super) fn has_tunnelled_context(&self, host_server: &str, reference: &ClusterRef) -> bool {
        self.files.read().is_ok_and(|kubeconfig| {
            Identity::all(&kubeconfig)
                .iter()
                .any(|(_, identity)| identity.uses_tunnel_to(host_server, reference))
        })
    }

    /// How the kubeconfig is edited: patiently, and with the last good copy kept.
    pub fn edit_options(&self) -> EditOptions {
        edit_options(&self.state_folder)
    }
}

/// How a kubeconfig is edited by whoever keeps state there: patiently, and with the last good copy kept.
pub fn edit_options(state_folder: &Path) -> EditOptions {
    EditOptions {
        private_lock: Some(state_folder.join("kubeconfig.lock")),
        backup_folder: Some(state_folder.join("kubeconfig-backup")),
        ..EditOptions::default()
    }
}
