//! Tunnels in processes of their own: at most one for each virtual cluster, always on the same local port.
//!
//! Owns the record of them and their start and end. What the process does while it lives is the caller's,
//! who writes it as:
//!
//! 1. [`detach`];
//! 2. [`Folder::serve`], which takes the cluster's lock or says that another process has it;
//! 3. [`super::bind`] the port of the [`Serving`], or of [`Serving::change_port`] if that is taken, then
//!    [`Serving::listening`];
//! 4. [`super::Tunnel::open`], until told to end; dropping the [`Serving`] gives the lock back.
//!
//! Whether a tunnel runs is decided by that lock alone. The system frees it however the process ends, and a
//! process id is never trusted without it.

mod lock;
mod process;
mod record;
mod start;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use lock::Lock;
pub use process::detach;
use record::{Files, Process, Record};
pub use start::StartError;
use start::{Begun, READY, last_line, wait_until_listening};

/// Ports of tunnels: the range that `vcluster` uses, below those that systems give out by themselves.
const PORTS: std::ops::Range<u16> = 10_000..13_000;

/// How long a started process may take to listen.
const START_LIMIT: Duration = Duration::from_secs(10);

/// How long a process may take to end when asked, before it is made to.
const STOP_LIMIT: Duration = Duration::from_secs(3);

/// How long a mere look at a lock may hold it.
const LOOK_LIMIT: Duration = Duration::from_millis(100);

/// Which virtual cluster a tunnel is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// What tells its host from others: the address of the host's API server.
    pub host: String,
    /// Its namespace on the host.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// A tunnel that takes connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its local port.
    pub port: u16,
    /// Its process.
    pub pid: u32,
    /// When that process began.
    pub since: Timestamp,
}

/// The record of all tunnels of one user.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The record within the user's folder for state; nothing is made before it is needed.
    pub fn new(state_folder: &Path) -> Self {
        Self(state_folder.join("tunnels"))
    }

    /// The local port of this cluster: chosen at the first call, then the same unless a stranger takes it.
    pub fn port(&self, key: &Key) -> io::Result<u16> {
        let _held = self.hold()?;
        Ok(self.record_or_new(key)?.port)
    }

    /// The tunnel of this cluster, if one takes connections.
    pub fn running(&self, key: &Key) -> io::Result<Option<Running>> {
        if !self.0.exists() {
            return Ok(None);
        }
        let _held = self.hold()?;
        let files = Files::new(&self.0, key);
        Ok(record::read(&files.record())?
            .filter(|record| record.key == *key)
            .and_then(|record| running(&record, &files)))
    }

    /// Starts `command` as the tunnel of this cluster, unless it has one.
    ///
    /// Returns once the process listens. It has no terminal and no input; what it says on standard error goes to
    /// a file beside the record.
    pub fn start(&self, key: &Key, mut command: Command) -> Result<Running, StartError> {
        let failed = |source| StartError::Record {
            folder: self.0.clone(),
            source,
        };
        let files = Files::new(&self.0, key);
        record::make_folder(&self.0).map_err(failed)?;
        let deadline = Instant::now() + START_LIMIT;
        let starting = Lock::open(&files.starting()).map_err(failed)?;
        if !starting.take_until(deadline).map_err(failed)? {
            return Err(StartError::TimedOut { after: START_LIMIT });
        }
        if let Some(running) = self.running(key).map_err(failed)? {
            return Ok(running);
        }
        let log = record::private()
            .create(true)
            .write(true)
            .truncate(true)
            .open(files.log())
            .map_err(failed)?;
        process::outlive(&mut command);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|source| StartError::Spawn {
                program: command.get_program().to_string_lossy().into_owned(),
                source,
            })?;
        let begun = wait_until_listening(&mut child, deadline);
        // The process may have found another one that came first: then that one counts.
        if let Some(running) = self.running(key).map_err(failed)? {
            return Ok(running);
        }
        // Not listening, so nobody uses it.
        let _ = child.kill();
        let _ = child.wait();
        match begun {
            Begun::TooLate => Err(StartError::TimedOut { after: START_LIMIT }),
            Begun::Listening | Begun::Ended => Err(StartError::Ended {
                message: last_line(&files.log()),
            }),
        }
    }

    /// Makes this process the tunnel of the cluster, or returns `None` if another one is.
    pub fn serve(&self, key: &Key) -> io::Result<Option<Serving>> {
        let _held = self.hold()?;
        let files = Files::new(&self.0, key);
        let lock = Lock::open(&files.serving())?;
        // A look at the lock holds it for a moment too, and must not be taken for a tunnel.
        if !lock.take_until(Instant::now() + LOOK_LIMIT)? {
            return Ok(None);
        }
        let mut record = self.record_or_new(key)?;
        record.process = Some(Process {
            pid: std::process::id(),
            since: Timestamp::now().to_string(),
            is_listening: false,
        });
        record::write(&files.record(), &record)?;
        Ok(Some(Serving {
            folder: self.clone(),
            files,
            record,
            _lock: lock,
        }))
    }

    /// Ends the process of this cluster's tunnel and returns once it is gone; `false` if there was none.
    pub fn stop(&self, key: &Key) -> io::Result<bool> {
        if !self.0.exists() {
            return Ok(false);
        }
        let files = Files::new(&self.0, key);
        let (lock, handle) = {
            let _held = self.hold()?;
            let lock = Lock::open(&files.serving())?;
            if lock.try_take()? {
                return Ok(false);
            }
            let process = record::read(&files.record())?.and_then(|record| record.process);
            let handle = process.and_then(|process| process::Handle::open(process.pid));
            // Still locked after the handle was opened, so the handle is of the process that holds it.
            if lock.try_take()? {
                return Ok(true);
            }
            (lock, handle)
        };
        let handle =
            handle.ok_or_else(|| io::Error::other("the tunnel's process is not in its record"))?;
        for by_force in [false, true] {
            handle.end(by_force);
            if lock.take_until(Instant::now() + STOP_LIMIT)? {
                return Ok(true);
            }
        }
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the tunnel's process does not end",
        ))
    }

    /// Forgets this cluster and its port, unless its tunnel runs.
    pub fn forget(&self, key: &Key) -> io::Result<()> {
        if !self.0.exists() {
            return Ok(());
        }
        let _held = self.hold()?;
        let files = Files::new(&self.0, key);
        let lock = Lock::open(&files.serving())?;
        if !lock.try_take()? {
            return Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                "its tunnel is running",
            ));
        }
        for path in files.all() {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Every cluster in the record, with its tunnel if one takes connections.
    pub fn all(&self) -> io::Result<Vec<(Key, Option<Running>)>> {
        if !self.0.exists() {
            return Ok(Vec::new());
        }
        let _held = self.hold()?;
        let mut all: Vec<_> = self
            .records()?
            .into_iter()
            .map(|record| {
                let running = running(&record, &Files::new(&self.0, &record.key));
                (record.key, running)
            })
            .collect();
        all.sort_by(|(a, _), (b, _)| {
            (&a.host, &a.namespace, &a.name).cmp(&(&b.host, &b.namespace, &b.name))
        });
        Ok(all)
    }

    /// Excludes every other reader and writer of the record while the lock lives.
    fn hold(&self) -> io::Result<Lock> {
        record::make_folder(&self.0)?;
        let lock = Lock::open(&self.0.join("record.lock"))?;
        lock.take()?;
        Ok(lock)
    }

    fn records(&self) -> io::Result<Vec<Record>> {
        let mut records = Vec::new();
        for entry in std::fs::read_dir(&self.0)? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                records.extend(record::read(&path)?);
            }
        }
        Ok(records)
    }

    fn record_or_new(&self, key: &Key) -> io::Result<Record> {
        let path = Files::new(&self.0, key).record();
        if let Some(record) = record::read(&path)?.filter(|record| record.key == *key) {
            return Ok(record);
        }
        let record = Record {
            key: key.clone(),
            port: self.free_port(key, None)?,
            process: None,
        };
        record::write(&path, &record)?;
        Ok(record)
    }

    /// A port that no cluster has and nobody listens on, the same one for the same cluster if possible.
    fn free_port(&self, key: &Key, but: Option<u16>) -> io::Result<u16> {
        let taken: Vec<u16> = self
            .records()?
            .into_iter()
            .map(|record| record.port)
            .collect();
        let text = format!("{} {} {}", key.host, key.namespace, key.name);
        let count = PORTS.end - PORTS.start;
        let first =
            u16::try_from(record::fingerprint(&text) % u64::from(count)).unwrap_or_default();
        let free = || {
            (0..count)
                .map(|step| PORTS.start + (first + step) % count)
                .filter(|port| but != Some(*port) && is_free(*port))
        };
        // Records of clusters that are long gone stay: when every port has had one, the first that nobody listens
        // on is given out again, and a cluster that finds its own taken changes it.
        let unrecorded = free().find(|port| !taken.contains(port));
        unrecorded.or_else(|| free().next()).ok_or_else(|| {
            io::Error::new(io::ErrorKind::AddrInUse, "every port for tunnels is taken")
        })
    }
}

/// This process as the tunnel of a cluster, until dropped.
#[derive(Debug)]
pub struct Serving {
    folder: Folder,
    files: Files,
    record: Record,
    _lock: Lock,
}

impl Serving {
    /// The local port to listen on.
    pub fn port(&self) -> u16 {
        self.record.port
    }

    /// Chooses another port, because a stranger listens on this one, and returns it.
    ///
    /// Whoever starts the tunnel learns of it by [`Running::port`].
    pub fn change_port(&mut self) -> io::Result<u16> {
        let _held = self.folder.hold()?;
        self.record.port = self
            .folder
            .free_port(&self.record.key, Some(self.record.port))?;
        record::write(&self.files.record(), &self.record)?;
        Ok(self.record.port)
    }

    /// Tells whoever started this process, and the record, that the port takes connections.
    pub fn listening(&mut self) -> io::Result<()> {
        if let Some(process) = &mut self.record.process {
            process.is_listening = true;
        }
        {
            let _held = self.folder.hold()?;
            record::write(&self.files.record(), &self.record)?;
        }
        let mut starter = io::stdout();
        // Whoever started us may have gone since, which is no reason to end.
        let _ = writeln!(starter, "{READY}").and_then(|()| starter.flush());
        Ok(())
    }
}

/// The process of `record`, if it holds the lock and listens. The caller holds the folder's lock.
fn running(record: &Record, files: &Files) -> Option<Running> {
    let process = record
        .process
        .as_ref()
        .filter(|process| process.is_listening)?;
    if !files.serving().exists() || Lock::open(&files.serving()).ok()?.try_take().ok()? {
        return None;
    }
    Some(Running {
        port: record.port,
        pid: process.pid,
        since: process.since.parse().unwrap_or_default(),
    })
}

fn is_free(port: u16) -> bool {
    let address = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, port));
    std::net::TcpListener::bind(address).is_ok()
}

#[cfg(all(test, unix))]
mod tests;
