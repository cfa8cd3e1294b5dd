//! What a virtual cluster is doing, as one value that every command and test shares.

use std::fmt;

/// The state of a virtual cluster, computed from host objects alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Its control plane is not ready yet; why, if the host knows.
    Creating(Option<String>),
    /// Its control plane is ready.
    Running,
    /// It was put to sleep, or scaled to zero.
    Sleeping,
    /// It is going away.
    Deleting,
    /// It cannot run as it is; why.
    Broken(String),
}

impl State {
    /// The state in one word, as tables and JSON show it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Creating(_) => "Creating",
            Self::Running => "Running",
            Self::Sleeping => "Sleeping",
            Self::Deleting => "Deleting",
            Self::Broken(_) => "Broken",
        }
    }

    /// Why it is in this state, where there is more to say than the word.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Creating(reason) => reason.as_deref(),
            Self::Broken(reason) => Some(reason),
            Self::Running | Self::Sleeping | Self::Deleting => None,
        }
    }

    /// Whether it has been put to sleep.
    pub fn is_sleeping(&self) -> bool {
        *self == Self::Sleeping
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.word())
    }
}
