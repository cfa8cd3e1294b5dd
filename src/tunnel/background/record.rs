//! What is known of each tunnel when no agent runs: a file for each cluster, read and written whole.
//!
//! The agent alone writes them, so nothing here is locked.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Key, Way};

/// Ports of tunnels: the range that `vcluster` uses, below those that systems give out by themselves.
const PORTS: std::ops::Range<u16> = 10_000..13_000;

/// What is kept about one cluster's tunnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Which cluster.
    pub key: Key,
    /// Its local port.
    pub port: u16,
    /// UID of its Service.
    #[serde(default)]
    pub uid: String,
    /// Through which host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
    /// The user's kubeconfig files, in which contexts lead to the port.
    #[serde(default)]
    pub contexts_in: Vec<PathBuf>,
    /// Whether the next agent is to listen on the port.
    #[serde(default)]
    pub is_open: bool,
}

/// The records of one state folder.
#[derive(Clone, Debug)]
pub struct Records(PathBuf);

impl Records {
    pub(super) fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Every record.
    pub fn all(&self) -> io::Result<Vec<Record>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut records = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                // A damaged record is as good as none: its port is chosen anew.
                records.extend(serde_json::from_slice(&fs::read(path)?).ok());
            }
        }
        Ok(records)
    }

    /// Replaces the record of a cluster.
    pub fn write(&self, record: &Record) -> io::Result<()> {
        make_folder(&self.0)?;
        let path = self.path(&record.key);
        let new = path.with_extension("new");
        let mut file = private()
            .create(true)
            .write(true)
            .truncate(true)
            .open(&new)?;
        file.write_all(&serde_json::to_vec_pretty(record)?)?;
        fs::rename(new, path)
    }

    /// A port that no cluster has and nobody listens on, the same one for the same cluster if possible.
    pub fn free_port(&self, key: &Key, but: Option<u16>) -> io::Result<u16> {
        let taken: Vec<u16> = self.all()?.into_iter().map(|record| record.port).collect();
        let text = format!("{} {} {}", key.host, key.namespace, key.name);
        let count = PORTS.end - PORTS.start;
        let first = u16::try_from(fingerprint(&text) % u64::from(count)).unwrap_or_default();
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

    fn path(&self, key: &Key) -> PathBuf {
        let Key {
            host,
            namespace,
            name,
        } = key;
        self.0.join(format!(
            "{namespace}.{name}.{:016x}.json",
            fingerprint(host)
        ))
    }
}

fn is_free(port: u16) -> bool {
    let address = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, port));
    std::net::TcpListener::bind(address).is_ok()
}

/// A short name that stays the same from version to version (FNV-1a).
pub(super) fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
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
