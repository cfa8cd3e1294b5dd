//! The agent's log: a file that begins anew when it is long, with the one before kept.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

/// The length from which on a log begins anew.
const LONGEST: u64 = 1 << 20;

/// Logs to a file from now on. What is logged holds names and addresses, and no credentials.
pub(super) fn start(path: PathBuf, filter: Option<&str>) {
    let filter = EnvFilter::new(filter.unwrap_or("vc=info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Mutex::new(Rotated { path, file: None }));
    // Only a second log in one process could fail, and there is none.
    let _ = log.try_init();
}

struct Rotated {
    path: PathBuf,
    file: Option<(File, u64)>,
}

impl Rotated {
    fn open(&mut self) -> io::Result<&mut (File, u64)> {
        if self.file.is_none() {
            self.file = Some(append_to(&self.path)?);
        }
        // An agent before us may have left it long.
        if self
            .file
            .as_ref()
            .is_some_and(|(_, length)| *length >= LONGEST)
        {
            self.file = None;
            fs::rename(&self.path, self.path.with_extension("log.1"))?;
            self.file = Some(append_to(&self.path)?);
        }
        Ok(self.file.as_mut().expect("it was just opened"))
    }
}

fn append_to(path: &Path) -> io::Result<(File, u64)> {
    let mut options = File::options();
    options.create(true).append(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

impl Write for Rotated {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (file, length) = self.open()?;
        let written = file.write(bytes)?;
        *length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_begins_anew_and_the_one_before_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.log");
        let mut log = Rotated {
            path: path.clone(),
            file: None,
        };
        log.write_all(&vec![b'a'; usize::try_from(LONGEST).unwrap()])
            .unwrap();
        log.write_all(b"b").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"b");
        let before = fs::metadata(folder.path().join("agent.log.1")).unwrap();
        assert_eq!(before.len(), LONGEST);
    }
}
