//! What a process says while it starts, and how that can fail.

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// What the started process says once its port takes connections.
pub(super) const READY: &str = "ready";

/// Why no tunnel could be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The record cannot be used.
    #[error("cannot use the record of tunnels in `{}`", folder.display())]
    Record {
        /// Where it lies.
        folder: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// The process could not be made.
    #[error("cannot start `{program}`")]
    Spawn {
        /// What was to be run.
        program: String,
        /// What happened.
        source: io::Error,
    },
    /// The process ended before it listened.
    #[error("the tunnel ended as soon as it began: {message}")]
    Ended {
        /// What it said last.
        message: String,
    },
    /// The process did not listen in time and was ended.
    #[error("the tunnel did not listen within {} s", after.as_secs())]
    TimedOut {
        /// How long it was given.
        after: Duration,
    },
}

/// What became of a process that was told to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    Listening,
    Ended,
    TooLate,
}

/// Waits for [`READY`] on the child's standard output.
pub(super) fn wait_until_listening(child: &mut Child, deadline: Instant) -> Begun {
    let Some(output) = child.stdout.take() else {
        return Begun::Ended;
    };
    let (send, receive) = mpsc::channel();
    // A thread, because a pipe cannot be read with a deadline; it ends with the child at the latest.
    thread::spawn(move || {
        let is_ready = BufReader::new(output)
            .lines()
            .map_while(Result::ok)
            .any(|line| line == READY);
        let _ = send.send(if is_ready {
            Begun::Listening
        } else {
            Begun::Ended
        });
    });
    let left = deadline.saturating_duration_since(Instant::now());
    receive.recv_timeout(left).unwrap_or(Begun::TooLate)
}

/// The error that the process ended with, or else what it said last.
pub(super) fn last_line(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines = || {
        text.lines()
            .rev()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    };
    let error = lines().find_map(|line| line.strip_prefix("error: "));
    error
        .or_else(|| lines().next())
        .unwrap_or("it said nothing")
        .to_owned()
}
