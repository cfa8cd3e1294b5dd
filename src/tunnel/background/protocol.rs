//! What commands and the agent say to each other: one JSON object a line, one question for each connection.
//!
//! After a question come any number of [`Answer::Note`]s and then one other answer.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Raised when the two sides of an earlier version would misunderstand each other.
pub const PROTOCOL: u32 = 1;

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A question with who asks; what is asked is read only after the versions were compared.
#[derive(Debug, Serialize, Deserialize)]
pub struct Question {
    /// The version of the program that asks.
    pub vc: String,
    /// The protocol that it speaks.
    pub protocol: u32,
    /// An [`Ask`].
    pub ask: Value,
}

/// An answer with who gives it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reply {
    /// The version of the agent.
    pub vc: String,
    /// What it says.
    pub answer: Answer,
}

/// What can be asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Ask {
    /// Have a tunnel: answered with [`Answer::Opened`].
    Open(Box<Opening>),
    /// Have a cluster that answers, and its credentials: [`Answer::Credential`].
    Credential {
        /// Which cluster.
        key: Key,
        /// UID of its Service: a later cluster of the same name is another one.
        uid: String,
        /// Whether it may be woken.
        may_wake: bool,
        /// Where it is reached without a tunnel; `None` if by its tunnel.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<Server>,
        /// How it is reached; sent after [`Answer::Unknown`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opening: Option<Box<Opening>>,
    },
    /// Keep these credentials, with which the cluster has just answered: [`Answer::Kept`].
    Keep {
        /// Which cluster.
        key: Key,
        /// UID of its Service.
        uid: String,
        /// What goes under `user` in a kubeconfig.
        user: Value,
    },
    /// Trust nothing that is known of a cluster, which was changed just now: [`Answer::Forgotten`]. What a watch tells
    /// comes a moment later.
    Forget {
        /// Which cluster.
        key: Key,
    },
    /// Say what tunnels there are: [`Answer::Tunnels`].
    List,
    /// Close the tunnel of one cluster: [`Answer::Stopped`]. Its port stays its own.
    Stop {
        /// Which cluster.
        key: Key,
    },
    /// End: [`Answer::Left`]. Understood by every version.
    Leave {
        /// Whether the tunnels are closed for good, and not only handed over.
        #[serde(default)]
        is_final: bool,
    },
}

/// What can be answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Answer {
    /// Something to tell the user while they wait.
    Note {
        /// What.
        text: String,
    },
    /// The tunnel takes connections.
    Opened {
        /// On this local port.
        port: u16,
    },
    /// The cluster answers.
    Credential {
        /// On this local port; `None` if it is reached without a tunnel.
        port: Option<u16>,
        /// What goes under `user` in a kubeconfig.
        user: Value,
    },
    /// The credentials are kept, in memory.
    Kept,
    /// Nothing is taken for known any more.
    Forgotten,
    /// The agent does not know how the cluster is reached.
    Unknown,
    /// The tunnels.
    Tunnels {
        /// By host, namespace and name.
        tunnels: Vec<TunnelView>,
    },
    /// Whether there was a tunnel.
    Stopped {
        /// There was.
        was_open: bool,
    },
    /// The agent ends, and these were its tunnels.
    Left {
        /// For the next agent.
        openings: Vec<Opening>,
    },
    /// The agent is older than who asks, and is to be replaced.
    Outdated,
    /// It cannot be done.
    Failed(Failure),
}

/// Why it cannot be done, as the user is to read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// What could not be done.
    pub message: String,
    /// Why, from the nearest cause to the root.
    pub causes: Vec<String>,
    /// What to type next.
    pub hints: Vec<String>,
}

/// Which virtual cluster a tunnel is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// What tells its host from others: the address of the host's API server.
    pub host: String,
    /// Its namespace on the host.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// Where the API server of a cluster is reached without a tunnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Its address, such as `https://dev.example.com:8443`.
    pub url: String,
    /// The name that its certificate is checked for, if that is not the host of the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certified_name: Option<String>,
}

/// How a host is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Way {
    /// The context that leads to it.
    pub context: String,
    /// The kubeconfig files that have it; none for the service account of the pod we are in.
    pub kubeconfigs: Vec<PathBuf>,
}

/// A tunnel that is wanted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Opening {
    /// To which cluster.
    pub key: Key,
    /// UID of its Service.
    pub uid: String,
    /// Through which host.
    pub way: Way,
    /// The user's kubeconfig files, in which contexts lead to its port.
    pub contexts_in: Vec<PathBuf>,
    /// In which the credential plugins of that host run.
    #[serde(default)]
    pub environment: Environment,
}

/// The variables of a command. They may be secrets: held in memory, and shown nowhere.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Those that are text; others cannot be handed on.
    pub fn of(variables: &BTreeMap<OsString, OsString>) -> Self {
        let text = |(name, value): (&OsString, &OsString)| {
            Some((name.to_str()?.to_owned(), value.to_str()?.to_owned()))
        };
        Self(variables.iter().filter_map(text).collect())
    }

    /// Whether nothing was handed on.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Every variable with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Environment({} variables)", self.0.len())
    }
}

/// A tunnel as it is shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TunnelView {
    /// The cluster's name.
    pub name: String,
    /// Its namespace on the host.
    pub namespace: String,
    /// The context of the host.
    pub host_context: String,
    /// The address of the host.
    pub host: String,
    /// The local port.
    pub port: u16,
    /// `ready`, `starting`, `no-pod`, `unused` or `failing`.
    pub state: String,
    /// The pod that new connections lead to.
    pub pod: Option<String>,
    /// Local connections that are open.
    pub connections: usize,
    /// Bytes that went to the pod.
    pub bytes_sent: u64,
    /// Bytes that came from it.
    pub bytes_received: u64,
    /// Since when it takes connections.
    pub since: jiff::Timestamp,
    /// What went wrong last.
    pub last_error: Option<String>,
}
