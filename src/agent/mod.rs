//! The process in the background that keeps every tunnel of a user, and answers the credential plugin.
//!
//! Owns which tunnels there are and what becomes of them, how their hosts are reached, and what is told to whom asks.
//! How it is found and spoken to is in [`crate::tunnel::background`]; what happens to clusters, in
//! [`crate::lifecycle`]. Nothing here polls: a process that nobody uses is not noticed.

mod answer;
mod cluster;
mod hosts;
mod log;
mod notes;
mod tunnels;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::Notify;

use crate::error::{Error, Kind};
use crate::tunnel::background::{self, Place, Serving};
use tunnels::Tunnels;

/// What an agent is told when it is started.
pub struct Settings {
    /// Where it is found.
    pub place: Place,
    /// Where the user's state is kept.
    pub state_folder: PathBuf,
    /// After how long without use it ends.
    pub idle: Duration,
    /// What it logs, if not the usual.
    pub log_filter: Option<String>,
}

/// Keeps tunnels until told to end, or nobody has used one for long, or another process already does.
pub async fn run(settings: Settings) -> Result<(), Error> {
    background::detach();
    let failed = |error: std::io::Error| {
        Error::new(Kind::Failed, "cannot keep tunnels in the background").because(&error)
    };
    let Some(mut serving) = settings.place.serve().map_err(failed)? else {
        return Ok(());
    };
    log::start(settings.place.log(), settings.log_filter.as_deref());
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "the agent begins");
    let listener = serving.listener().expect("it is taken here alone");
    listener.set_nonblocking(true).map_err(failed)?;
    let listener = UnixListener::from_std(listener).map_err(failed)?;
    let tunnels = Arc::new(Tunnels::new(
        settings.place.records(),
        settings.state_folder,
    ));
    tunnels.revive().await;
    serve(&serving, listener, &tunnels, settings.idle).await;
    tunnels.close_all().await;
    tracing::info!("the agent ends");
    Ok(())
}

async fn serve(serving: &Serving, listener: UnixListener, tunnels: &Arc<Tunnels>, idle: Duration) {
    let leave = Arc::new(Notify::new());
    serving.ready();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if answer::is_from_us(&stream) => {
                    tokio::spawn(answer::answer(stream, tunnels.clone(), leave.clone()));
                }
                Ok(_) => tracing::warn!("somebody else asked, and got no answer"),
                Err(error) => {
                    // About one connection, or it passes: too many open files.
                    tracing::warn!(%error, "cannot accept a question");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            () = tunnels.unused_for(idle) => {
                tracing::info!("nobody has used a tunnel for long");
                return;
            }
            () = leave.notified() => return,
            () = terminated() => return,
        }
    }
}

async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait_for = async |kind: SignalKind| match signal(kind) {
        Ok(mut stream) => stream.recv().await.unwrap_or(()),
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        () = wait_for(SignalKind::interrupt()) => {}
        () = wait_for(SignalKind::terminate()) => {}
    }
}
