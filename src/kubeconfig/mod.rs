//! Kubeconfig files: which ones count, what they say together, and safe edits of a single one.
//!
//! Owns kubectl's file rule, kubectl's lock, edits that keep every byte that is not ours, and atomic
//! writes. Leaves to others what the entries mean, where the environment comes from, and any network.
//!
//! Reading may merge several files; writing never does. Merged entries written back would move a
//! user's secrets between files.
//!
//! Everything here blocks, and [`Files::edit`] may wait for a lock: call it off the async threads.

mod composer;
mod document;
mod edit;
mod emit;
mod entries;
mod error;
mod files;
mod flow;
mod health;
mod lines;
mod lock;
mod origin;
mod plan;
mod platform;
mod scalar;
mod splice;
mod view;
mod write;

#[cfg(test)]
mod generated;
#[cfg(test)]
mod made_up;
#[cfg(test)]
mod neighbours;
#[cfg(test)]
mod shapes;

pub use edit::{Edit, EditOptions, Edited, Entry, edited};
pub use error::Error;
pub use files::Files;
pub use health::Fault;
pub use view::{Kubeconfig, NamedCluster, NamedContext, NamedUser};
pub use write::{replace, write_new};
