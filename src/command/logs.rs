//! `vc logs`: what the control plane of a virtual cluster says.

use std::time::Duration;

use tokio::sync::mpsc::{self, Receiver};
use tokio::task::spawn_blocking;

use super::{Session, targets};
use crate::driver::component::Component;
use crate::error::Error;
use crate::lifecycle::{self, LogRequest};
use crate::settings::Value;
use crate::ui;

/// Lines that are read ahead of being printed.
const AHEAD: usize = 256;

/// Show what the control plane of a virtual cluster says
///
/// With `--follow` it goes on from pod to pod, through restarts and a sleep, until it is interrupted; `--timeout` does
/// not end it.
#[derive(Debug, clap::Args)]
pub struct LogsArgs {
    /// The virtual cluster [default: the one of the current context, else the only one]
    #[arg(add = clap_complete::ArgValueCandidates::new(crate::complete::clusters))]
    name: Option<String>,
    /// Go on with what it says from now on
    #[arg(short, long, conflicts_with = "previous")]
    pub(super) follow: bool,
    /// Only what it said in this last while, such as `5m`
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    since: Option<Duration>,
    /// Only this many of its last lines
    #[arg(long, value_name = "LINES")]
    tail: Option<usize>,
    /// Which part of it
    #[arg(
        long,
        value_name = "COMPONENT",
        value_enum,
        default_value_t,
        hide_default_value = true
    )]
    component: Component,
    /// What it said before its last restart
    #[arg(short, long)]
    previous: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    <Duration as Value>::parse(text).map_err(|invalid| invalid.problem)
}

impl LogsArgs {
    /// Whether it ends only when somebody ends it.
    pub fn is_endless(&self) -> bool {
        self.follow
    }
}

/// Prints lines as they come.
pub async fn run(session: &Session, args: LogsArgs) -> Result<(), Error> {
    let host = session.host().await?;
    let cluster = targets::current_or_only(session, &host, args.name.as_deref()).await?;
    let request = LogRequest {
        component: args.component,
        follow: args.follow,
        previous: args.previous,
        since: args.since,
        tail: args.tail,
    };
    let (sender, receiver) = mpsc::channel(AHEAD);
    let (read, printed) = tokio::join!(
        lifecycle::logs(&host, &cluster, &request, sender, session.progress()),
        print(receiver),
    );
    printed?;
    read
}

/// Prints what has come so far, again and again, off the async threads: a reader may take its time.
async fn print(mut lines: Receiver<Vec<u8>>) -> Result<(), Error> {
    let mut batch = Vec::with_capacity(AHEAD);
    while lines.recv_many(&mut batch, AHEAD).await > 0 {
        let text = batch.concat();
        batch.clear();
        let has_reader = spawn_blocking(move || ui::print_bytes(&text))
            .await
            .expect("printing does not panic")?;
        if !has_reader {
            break;
        }
    }
    Ok(())
}
