//! One file per subcommand: its arguments, what they mean, one call to `lifecycle`, and the view it prints.

pub mod agent;
pub mod cache;
mod chart;
pub mod completion;
pub mod config;
pub mod connect;
mod context;
pub mod create;
pub mod credential;
pub mod delete;
pub mod disconnect;
pub mod doctor;
mod findings;
pub mod history;
mod limits;
pub mod list;
pub mod logs;
mod objects;
mod revision;
pub mod rollback;
mod session;
pub mod shell;
pub mod sleep;
pub mod status;
mod targets;
pub mod template;
pub mod tunnels;
pub mod upgrade;
mod values;
pub mod version;
pub mod wake;

pub use session::Session;

use crate::cli::Command;
use crate::error::Error;

/// How a command ended: with all done, or with a program running whose exit code is ours.
#[derive(Debug)]
pub enum Ending {
    /// Done.
    Done,
    /// The user ended what would have gone on.
    Interrupted,
    /// This program runs; it is bound neither by our time limit nor by the signals that end us.
    Runs(Box<connect::Running>),
}

/// Runs a subcommand that asks nobody anything; `None` if it is not one of those.
///
/// What `version` costs is what starting `vc` costs, and a shell starts it at each of its own starts.
pub fn run_locally(session: &Session, command: &Command) -> Option<Result<(), Error>> {
    match command {
        Command::Cache(args) => Some(cache::run(session, args)),
        Command::Completion(args) => Some(completion::run(session, args)),
        Command::Config(args) => Some(config::run(session, args)),
        Command::Credential(args) => Some(credential::run(session, args)),
        Command::Version(args) => Some(version::run(session, args)),
        _ => None,
    }
}

/// Whether a subcommand is one of those, and so needs no settings either.
pub fn is_local(command: &Command) -> bool {
    matches!(
        command,
        Command::Cache(_)
            | Command::Completion(_)
            | Command::Config(_)
            | Command::Credential(_)
            | Command::Version(_)
    )
}

/// Runs a subcommand.
pub async fn run(session: &Session, command: Command) -> Result<Ending, Error> {
    match command {
        Command::Connect(args) => return connect::run(session, args).await,
        Command::Shell(args) => return shell::run(session, args).await,
        Command::Create(args) => Box::pin(create::run(session, *args)).await,
        Command::Disconnect(args) => disconnect::run(session, args).await,
        Command::Doctor(args) => Box::pin(doctor::run(session, args)).await,
        Command::History(args) => history::run(session, args).await,
        Command::List(args) => list::run(session, args).await,
        Command::Logs(args) => logs::run(session, args).await,
        Command::Delete(args) => delete::run(session, args).await,
        Command::Rollback(args) => Box::pin(rollback::run(session, args)).await,
        Command::Sleep(args) => sleep::run(session, args).await,
        Command::Status(args) => status::run(session, args).await,
        Command::Upgrade(args) => Box::pin(upgrade::run(session, args)).await,
        Command::Template(args) => template::run(session, args).await,
        Command::Wake(args) => wake::run(session, args).await,
        Command::Cache(args) => cache::run(session, &args),
        Command::Completion(args) => completion::run(session, &args),
        Command::Config(args) => config::run(session, &args),
        Command::Credential(args) => credential::run(session, &args),
        Command::Version(args) => version::run(session, &args),
        Command::Tunnels(args) => tunnels::run(session, args).await,
        Command::Agent(args) => agent::run(session, args).await,
    }?;
    Ok(Ending::Done)
}
