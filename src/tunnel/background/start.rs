//! Starting the agent, and what it says meanwhile.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::lock::Lock;
use super::serving::Holder;
use super::{AgentError, Place, STOP_LIMIT, process, record};

/// What the started process says once it answers.
pub(super) const READY: &str = "ready";

/// How long a started process may take to answer.
pub(super) const START_LIMIT: Duration = Duration::from_secs(10);

/// What became of a process that was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    Ready,
    Ended,
    TooLate,
}

impl Place {
    /// Excludes everyone else who would start the agent, or end it to start another.
    pub(super) fn hold_starting(&self, deadline: Instant) -> Result<Lock, AgentError> {
        let failed = |source| self.unusable(source);
        record::make_folder(&self.folder).map_err(failed)?;
        let starting = Lock::open(&self.starting()).map_err(failed)?;
        if starting.take_until(deadline).map_err(failed)? {
            Ok(starting)
        } else {
            Err(AgentError::TimedOut { after: START_LIMIT })
        }
    }

    /// Ends an agent that holds the lock and cannot be asked, and returns once it is gone.
    ///
    /// One that is ending anyway gets the time for it. A folder for what runs that was removed under an agent, as at
    /// the end of a login, leaves one that nobody can ask.
    pub(super) fn clear(&self) -> io::Result<()> {
        let lock = Lock::open(&self.lock())?;
        if lock.try_take()? {
            return Ok(());
        }
        let handle = Holder::read(self).and_then(|holder| process::Handle::open(holder.pid));
        // Still locked after the handle was opened, so the handle is of the process that holds it.
        if lock.try_take()? {
            return Ok(());
        }
        for by_force in [false, true] {
            if let Some(handle) = &handle {
                handle.end(by_force);
            }
            if lock.take_until(Instant::now() + STOP_LIMIT)? {
                return Ok(());
            }
        }
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "an earlier agent does not end",
        ))
    }

    /// Starts `command` as the agent and returns once it answers. The caller holds the lock for starting.
    pub(super) fn start(&self, mut command: Command, deadline: Instant) -> Result<(), AgentError> {
        let failed = |source| self.unusable(source);
        let last_words = record::private()
            .create(true)
            .write(true)
            .truncate(true)
            .open(self.last_words())
            .map_err(failed)?;
        process::outlive(&mut command);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(last_words)
            .spawn()
            .map_err(|source| AgentError::Spawn {
                program: command.get_program().to_string_lossy().into_owned(),
                source,
            })?;
        let begun = wait_until_ready(&mut child, deadline);
        if begun == Begun::Ready {
            return Ok(());
        }
        // Not answering, so nobody uses it.
        let _ = child.kill();
        let _ = child.wait();
        if begun == Begun::TooLate {
            return Err(AgentError::TimedOut { after: START_LIMIT });
        }
        if let Some(message) = last_line(&self.last_words()) {
            return Err(AgentError::Ended { message });
        }
        let message = "it said nothing";
        // On a full disk it cannot say why it ends, and this fails as well.
        std::fs::write(self.last_words(), message).map_err(failed)?;
        Err(AgentError::Ended {
            message: message.to_owned(),
        })
    }

    pub(super) fn unusable(&self, source: io::Error) -> AgentError {
        AgentError::Folder {
            folder: self.folder.clone(),
            source,
        }
    }
}

/// Waits for [`READY`] on the child's standard output.
fn wait_until_ready(child: &mut Child, deadline: Instant) -> Begun {
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
        let _ = send.send(if is_ready { Begun::Ready } else { Begun::Ended });
    });
    let left = deadline.saturating_duration_since(Instant::now());
    receive.recv_timeout(left).unwrap_or(Begun::TooLate)
}

/// The error that the process ended with, or else what it said last.
fn last_line(file: &Path) -> Option<String> {
    let text = std::fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines = || {
        text.lines()
            .rev()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    };
    let error = lines().find_map(|line| line.strip_prefix("error: "));
    error.or_else(|| lines().next()).map(str::to_owned)
}
