//! Another program that decides over a virtual cluster, and may undo what we do to it.

use std::fmt;

use serde::Serialize;

/// A program that keeps a cluster as it has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Manager {
    /// Argo CD
    #[serde(rename = "Argo CD")]
    ArgoCd,
    /// Flux
    Flux,
    /// The vCluster platform
    #[serde(rename = "the vCluster platform")]
    Platform,
}

impl fmt::Display for Manager {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::ArgoCd => "Argo CD",
            Self::Flux => "Flux",
            Self::Platform => "the vCluster platform",
        })
    }
}
