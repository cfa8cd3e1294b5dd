//! Locks on files, freed by the system however their holder ends.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::record::private;

/// How often a lock of another process is tried again.
const PAUSE: Duration = Duration::from_millis(5);

/// A file that is only ever locked; dropping it frees the lock if it was taken.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Opens the file, making it if need be, and takes nothing yet.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        private()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(path)
            .map(Self)
    }

    /// The file, for its holder to say who that is.
    pub(super) fn file(&mut self) -> &mut File {
        &mut self.0
    }

    /// Takes the lock if nobody has it; `false` if somebody has.
    pub(super) fn try_take(&self) -> io::Result<bool> {
        match self.0.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Takes the lock before `deadline`; `false` if others did not leave it.
    pub(super) fn take_until(&self, deadline: Instant) -> io::Result<bool> {
        while !self.try_take()? {
            if Instant::now() >= deadline {
                return Ok(false);
            }
            thread::sleep(PAUSE);
        }
        Ok(true)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child that another thread is just starting has the file open as well.
        let _ = self.0.unlock();
    }
}
