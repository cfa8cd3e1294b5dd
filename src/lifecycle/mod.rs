//! What happens to virtual clusters, as ordered steps: the only orchestration.
//!
//! Each step can be repeated, so that an interrupted command is run again, not repaired. Everything here speaks to the
//! host through [`crate::host::Host`] and to the user's own files through [`Local`].

mod address;
mod changes;
mod checkup;
mod connect;
mod connection;
mod crds;
mod create;
mod delete;
mod departure;
mod difference;
mod existing;
mod exposure;
mod find;
mod foreign;
mod gone;
mod history;
mod hook_output;
mod hooks;
mod identity;
mod local;
mod logs;
mod method;
mod operation;
mod plan;
mod plugin;
mod proof;
mod reasons;
mod release;
mod remains;
mod rollback;
mod sleep;
mod status;
mod tunnel;
mod unfinished;
mod upgrade;
mod wait;
mod wake;
mod workloads;

pub use address::Address;
pub use changes::Fate;
pub use checkup::{Checkup, check_up};
pub use connect::{
    Connected, Manner, connect, disconnect, entry, forget, mend_programs, point_contexts,
};
pub use connection::{Connection, fetch_connection, fetch_uid, kubeconfig_of};
pub use create::{Applied, CreateOptions, Created, create, look};
pub use delete::{DeleteOptions, Deletion, delete, has_remains};
pub(crate) use exposure::until_answering;
pub use exposure::{Exposure, Route, reach};
pub use find::{Listing, Scope, find, list, list_with_pods};
pub use gone::{Known, Presence, presences, remove as remove_gone};
pub use history::{History, Revision, release_of};
pub use identity::{Identity, host_context_in_name, is_same_server};
pub use local::{Local, edit_options};
pub use logs::{LogRequest, logs};
pub use operation::Operator;
pub use plan::{draft, plan, render, render_for};
pub use plugin::{Credential, PluginCall, credential};
pub use rollback::look_at_rollback;
pub use sleep::{SleepOptions, sleep};
pub use status::{Amounts, OwnPod, Status, status, sum_of};
pub use tunnel::{open_tunnel, stop_all_tunnels, stop_tunnel, tell_changed, tunnels};
pub use unfinished::{Unfinished, find_unfinished, list_unfinished};
pub use upgrade::{Upgrade, UpgradeOptions, look_at_upgrade};
pub use wait::until_ready;
pub use wake::wake;
