//! Throw-away Kubernetes clusters inside a namespace of the one you have.
//!
//! A command walks through five values, in one direction (docs/architecture.md):
//!
//! ```text
//! arguments, environment, files --> cli --> settings --> command --> lifecycle --> ui
//! ```
//!
//! | module | owns |
//! |---|---|
//! | [`cli`], [`settings`], [`process`] | what was typed, and what it means |
//! | [`command`] | one file per subcommand: arguments to request, result to view |
//! | [`lifecycle`] | what happens to a cluster, as ordered steps |
//! | [`driver`] | what a control plane is made of, as data |
//! | [`host`] | the cluster underneath |
//! | [`helm`], [`chart`] | charts, templates, values, release records |
//! | [`kubeconfig`], [`tunnel`] | the user's way into a virtual cluster |
//! | [`agent`] | the process in the background that keeps tunnels |
//! | [`ui`], [`progress`], [`error`] | what the user sees |

#[cfg(unix)]
pub mod agent;
pub mod chart;
pub mod cli;
pub mod cluster;
pub mod command;
pub mod complete;
pub mod driver;
pub mod error;
pub mod helm;
pub mod host;
pub mod kubeconfig;
pub mod lifecycle;
pub mod process;
pub mod progress;
pub mod settings;
pub mod tunnel;
pub mod ui;

mod run;

pub use process::Process;
pub use run::run;
