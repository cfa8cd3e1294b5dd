//! `vc tunnels`: what the agent in the background keeps open, and closing it.

use clap::Subcommand;
use jiff::Timestamp;
use serde::Serialize;

use super::Session;
use crate::error::{Error, Kind};
use crate::lifecycle;
use crate::tunnel::background::TunnelView;
use crate::ui::age;
use crate::ui::{Row, View};

/// Show the tunnels to virtual clusters that the agent in the background keeps
///
/// There is nothing to do about them: they are opened by `vc connect`, and by using a context.
#[derive(Debug, clap::Args)]
pub struct TunnelsArgs {
    #[command(subcommand)]
    command: Option<TunnelsCommand>,
}

/// What can be done with tunnels.
#[derive(Debug, Subcommand)]
enum TunnelsCommand {
    /// Close tunnels; using a context opens its own again
    Stop(StopArgs),
}

/// Which tunnels are closed.
#[derive(Debug, clap::Args)]
struct StopArgs {
    /// The virtual cluster
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    name: Option<String>,
    /// Every tunnel, and end the agent
    #[arg(long)]
    all: bool,
}

/// One tunnel; the JSON contract of this command.
#[derive(Serialize)]
struct TunnelRow {
    name: String,
    namespace: String,
    /// Context of the host.
    host: String,
    port: u16,
    state: String,
    pod: Option<String>,
    connections: usize,
    bytes_sent: u64,
    bytes_received: u64,
    since: Timestamp,
    last_error: Option<String>,
}

impl From<TunnelView> for TunnelRow {
    fn from(view: TunnelView) -> Self {
        Self {
            name: view.name,
            namespace: view.namespace,
            host: view.host_context,
            port: view.port,
            state: view.state,
            pod: view.pod,
            connections: view.connections,
            bytes_sent: view.bytes_sent,
            bytes_received: view.bytes_received,
            since: view.since,
            last_error: view.last_error,
        }
    }
}

impl Row for TunnelRow {
    const HEADINGS: &'static [&'static str] = &[
        "NAME",
        "NAMESPACE",
        "PORT",
        "STATE",
        "CONNECTIONS",
        "SENT",
        "RECEIVED",
        "AGE",
        "HOST",
        "POD",
        "LAST ERROR",
    ];
    const NARROW: usize = 8;

    fn cells(&self) -> Vec<String> {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        vec![
            self.name.clone(),
            self.namespace.clone(),
            self.port.to_string(),
            self.state.clone(),
            self.connections.to_string(),
            size(self.bytes_sent),
            size(self.bytes_received),
            age(self.since),
            self.host.clone(),
            or_dash(&self.pod),
            or_dash(&self.last_error),
        ]
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// Which tunnels were closed; the JSON contract of `tunnels stop`.
#[derive(Serialize)]
struct StopView {
    stopped: Vec<String>,
}

impl View for StopView {
    fn sentence(&self) -> String {
        match self.stopped.len() {
            0 => "There was no tunnel to close".to_owned(),
            1 => format!("Closed the tunnel to `{}`", self.stopped[0]),
            count => format!("Closed {count} tunnels"),
        }
    }

    fn name(&self) -> String {
        self.stopped.join("\n")
    }
}

/// Shows or closes tunnels. No host is asked, and no agent is started.
pub async fn run(session: &Session, args: TunnelsArgs) -> Result<(), Error> {
    let local = session.local()?;
    let Some(TunnelsCommand::Stop(stop)) = args.command else {
        let tunnels = lifecycle::tunnels(&local).await?;
        let wanted = tunnels
            .into_iter()
            .filter(|tunnel| is_meant(session, tunnel));
        let rows: Vec<TunnelRow> = wanted.map(TunnelRow::from).collect();
        session.ui.rows(&rows)?;
        if rows.is_empty() {
            session
                .ui
                .next("there is no tunnel; `vc connect` and using a context open one");
        }
        return Ok(());
    };
    let stopped = match &stop.name {
        None => lifecycle::stop_all_tunnels(&local).await?,
        Some(name) => {
            let tunnel = named(session, lifecycle::tunnels(&local).await?, name)?;
            lifecycle::stop_tunnel(&local, &tunnel.host, &tunnel.namespace, &tunnel.name).await;
            vec![tunnel.name]
        }
    };
    session.ui.answer(&StopView { stopped })
}

/// Whether a tunnel is one of those that `-n` and `--context` leave.
fn is_meant(session: &Session, tunnel: &TunnelView) -> bool {
    let settings = &session.settings;
    let namespace = settings.namespace.as_ref();
    let context = settings.context.as_ref();
    namespace.is_none_or(|namespace| tunnel.namespace == namespace.as_str())
        && context.is_none_or(|context| tunnel.host_context == *context)
}

/// The one tunnel to a cluster of that name.
fn named(session: &Session, tunnels: Vec<TunnelView>, name: &str) -> Result<TunnelView, Error> {
    let mut fitting: Vec<TunnelView> = tunnels
        .into_iter()
        .filter(|tunnel| tunnel.name == name && is_meant(session, tunnel))
        .collect();
    match fitting.len() {
        0 => Err(
            Error::new(Kind::NotFound, format!("there is no tunnel to `{name}`"))
                .hint("run `vc tunnels` to see what there is"),
        ),
        1 => Ok(fitting.remove(0)),
        _ => {
            let places: Vec<String> = fitting
                .iter()
                .map(|tunnel| format!("`{}` on `{}`", tunnel.namespace, tunnel.host_context))
                .collect();
            Err(Error::usage(format!(
                "there is more than one tunnel to `{name}`: {}",
                places.join(", ")
            ))
            .hint("say which with `-n`, and with `--context` on which host"))
        }
    }
}

/// A number of bytes in the largest unit that leaves a whole number, as people read it.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut size = bytes;
    let mut unit = 0;
    while size >= 10_000 && unit + 1 < UNITS.len() {
        size /= 1000;
        unit += 1;
    }
    format!("{size} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_at_most_four_digits() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(9_999), "9999 B");
        assert_eq!(size(10_000), "10 kB");
        assert_eq!(size(1_234_567_890), "1234 MB");
    }
}
