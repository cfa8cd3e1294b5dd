//! The agent: one process in the background for each user and state folder, which keeps all tunnels.
//!
//! Owns what commands know of it: where it is found, how it is started and asked, and the record of its tunnels. What
//! it does while it lives is the caller's, who writes it as:
//!
//! 1. [`detach`];
//! 2. [`Place::serve`], which takes the agent's lock or says that another process has it;
//! 3. answers at the socket of the [`Serving`], and [`Serving::ready`];
//! 4. dropping the [`Serving`] gives socket and lock back.
//!
//! Whether an agent runs is decided by that lock alone. The system frees it however the process ends, and a process id
//! is never trusted without it.

mod client;
mod lock;
mod process;
pub mod protocol;
mod record;
mod serving;
mod start;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use client::{Agent, AgentError};
pub use process::{Listener, detach};
pub use protocol::{Answer, Ask, Environment, Failure, Key, Opening, Server, TunnelView, Way};
pub use record::{Record, Records};
pub use serving::Serving;

/// The longest path that every system takes for a socket.
const LONGEST_SOCKET: usize = 100;

/// Where an agent is found.
#[derive(Clone, Debug)]
pub struct Place {
    folder: PathBuf,
    runtime: Option<PathBuf>,
}

impl Place {
    /// The place within the user's folder for state, its socket in the one for what goes with the machine's restart.
    ///
    /// Nothing is made before it is needed.
    pub fn new(state_folder: &Path, runtime_folder: Option<PathBuf>) -> Self {
        Self {
            folder: state_folder.join("tunnels"),
            runtime: runtime_folder,
        }
    }

    /// The record of tunnels, for the agent itself.
    pub fn records(&self) -> Records {
        Records::new(&self.folder)
    }

    /// What the agent logs to.
    pub fn log(&self) -> PathBuf {
        self.folder.join("agent.log")
    }

    /// Locked by the agent, as long as it lives; what it holds says where to find it.
    fn lock(&self) -> PathBuf {
        self.folder.join("agent.lock")
    }

    /// Locked by whoever is starting the agent.
    fn starting(&self) -> PathBuf {
        self.folder.join("agent.start")
    }

    /// What the agent said on its standard error, which is nothing unless it failed.
    fn last_words(&self) -> PathBuf {
        self.folder.join("agent.stderr")
    }

    /// Where an agent that starts now puts its socket.
    fn socket(&self) -> PathBuf {
        // Two state folders can share the folder for what runs.
        let own = record::fingerprint(&self.folder.to_string_lossy());
        let in_runtime = self
            .runtime
            .as_ref()
            .map(|folder| folder.join(format!("agent-{own:016x}.sock")));
        in_runtime
            .filter(|path| path.as_os_str().len() <= LONGEST_SOCKET)
            .unwrap_or_else(|| self.folder.join("agent.sock"))
    }
}

/// How long an agent may take to end when asked, before it is made to.
const STOP_LIMIT: Duration = Duration::from_secs(3);

/// How long a mere look at a lock may hold it.
const LOOK_LIMIT: Duration = Duration::from_millis(100);
