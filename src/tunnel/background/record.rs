//! The files of a state folder: one record per virtual cluster, read and written whole.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Key;

/// What is kept about one cluster's tunnel.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) key: Key,
    pub(super) port: u16,
    /// The process that held the tunnel's lock last; only the lock says whether it still does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) process: Option<Process>,
}

/// A process that serves a tunnel.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) since: String,
    /// Whether it has told that its port takes connections.
    pub(super) is_listening: bool,
}

/// Where the files of one cluster lie.
#[derive(Clone, Debug)]
pub(super) struct Files {
    folder: PathBuf,
    stem: String,
}

impl Files {
    pub(super) fn new(folder: &Path, key: &Key) -> Self {
        let stem = format!(
            "{}.{}.{:016x}",
            key.namespace,
            key.name,
            fingerprint(&key.host)
        );
        Self {
            folder: folder.to_owned(),
            stem,
        }
    }

    /// The record.
    pub(super) fn record(&self) -> PathBuf {
        self.with("json")
    }

    /// Locked by the process that serves the tunnel, as long as it lives.
    pub(super) fn serving(&self) -> PathBuf {
        self.with("lock")
    }

    /// Locked by whoever is starting that process.
    pub(super) fn starting(&self) -> PathBuf {
        self.with("start")
    }

    /// What the process said on its standard error.
    pub(super) fn log(&self) -> PathBuf {
        self.with("log")
    }

    pub(super) fn all(&self) -> [PathBuf; 4] {
        [self.record(), self.serving(), self.starting(), self.log()]
    }

    fn with(&self, extension: &str) -> PathBuf {
        self.folder.join(format!("{}.{extension}", self.stem))
    }
}

/// A short name for a host that stays the same from version to version (FNV-1a).
pub(super) fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The record at `path`, or `None` if there is none or it is not one of ours.
pub(super) fn read(path: &Path) -> io::Result<Option<Record>> {
    match fs::read(path) {
        // A damaged record is as good as none: its port is chosen anew.
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces the record at `path`. The caller holds the folder's lock, so one temporary name is enough.
pub(super) fn write(path: &Path, record: &Record) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = private()
        .create(true)
        .write(true)
        .truncate(true)
        .open(&new)?;
    file.write_all(&serde_json::to_vec_pretty(record)?)?;
    fs::rename(new, path)
}

/// Options that make new files readable by their owner alone.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes the folder, readable by its owner alone.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
