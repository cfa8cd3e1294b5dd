//! `vc agent`: the process in the background that keeps tunnels open. Started by other commands, not by users.

use std::time::Duration;

use super::Session;
use crate::agent;
use crate::error::{Error, Kind};
use crate::settings::{Invalid, Value};

/// Keep tunnels to virtual clusters open, in the background
#[derive(Debug, clap::Args)]
pub struct AgentArgs {
    /// After how long without use it ends
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    idle: Duration,
}

fn duration(text: &str) -> Result<Duration, String> {
    Value::parse(text).map_err(|invalid: Invalid| invalid.problem)
}

/// Runs until told to end, or nobody has used it for long, or another process already does the same.
pub async fn run(session: &Session, args: AgentArgs) -> Result<(), Error> {
    let state_folder = session.process.state_folder().ok_or_else(|| {
        Error::new(
            Kind::Failed,
            "there is no home folder to keep the state of connections in",
        )
    })?;
    let filter = session.process.variable("VC_LOG");
    agent::run(agent::Settings {
        place: session.agent_place(&state_folder),
        state_folder,
        idle: args.idle,
        log_filter: filter.and_then(|filter| filter.to_str()).map(str::to_owned),
    })
    .await
}
