//! What happens to virtual clusters, as ordered steps: the only orchestration.
//!
//! Each step can be repeated, so that an interrupted command is run again, not repaired. Everything here speaks to the
//! host through [`crate::host::Host`] and to the user's own files through [`Local`].

mod connect;
mod create;
mod delete;
mod departure;
mod existing;
mod find;
mod foreign;
mod history;
mod identity;
mod local;
mod operation;
mod plan;
mod release;
mod remains;
mod sleep;
mod wait;

pub use connect::{Connected, Connection, connect, disconnect, forget, kubeconfig_of, open_tunnel};
pub use create::{Applied, CreateOptions, Created, create, look};
pub use delete::{Deletion, delete, has_remains};
pub use find::{Listing, Scope, find, list};
pub use history::{History, Revision, release_of};
pub use identity::{Identity, host_context_in_name};
pub use local::Local;
pub use operation::Operator;
pub use plan::{draft, plan};
pub use sleep::{sleep, wake};
pub use wait::until_ready;
