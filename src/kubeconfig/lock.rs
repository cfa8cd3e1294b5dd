//! Keeping other writers away: kubectl's lock files, and a lock of our own to queue on.
//!
//! kubectl creates `<file>.lock` for each file of its list and fails at once if one exists; it never
//! judges the age of one. So ours are held for milliseconds, and those of others are waited for.
//!
//! One race stays, and is not ours to close: kubectl reads before it locks, and deletes what was added
//! in between (`ModifyConfig` in client-go compares with what it read first).

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use super::{EditOptions, Error, platform, write};

/// Locks held until dropped.
pub(super) struct Locks {
    held: Vec<PathBuf>,
    /// A lock that was taken over, and its age.
    pub(super) stale: Option<(PathBuf, Duration)>,
    // Dropped after `held` is released: whoever is next in the queue then finds kubectl's locks free.
    _queue: Option<File>,
}

impl Drop for Locks {
    fn drop(&mut self) {
        release(&mut self.held);
    }
}

/// The name of kubectl's lock of a file.
pub(super) fn lock_file(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// Waits for the locks of all files, in the order kubectl takes them.
pub(super) fn take(paths: &[PathBuf], options: &EditOptions) -> Result<Locks, Error> {
    let queue = match &options.private_lock {
        Some(path) => wait_in_queue(path, options.queue_timeout)?,
        None => None,
    };
    // Counted from here: those before us in the queue have been patient themselves.
    let patience = Patience::new(options.lock_timeout);
    let wanted = wanted(paths);
    let mut locks = Locks {
        held: Vec::new(),
        stale: None,
        _queue: queue,
    };
    let mut attempt = 0;
    while let Some(obstacle) = take_all(&wanted, &mut locks)? {
        // Keeping some while waiting for others would make a kubectl fail that needs only those.
        release(&mut locks.held);
        // A lock that is gone by now has no age, and is simply tried again.
        let age = age_of(&obstacle);
        if age.is_some_and(|age| age >= options.stale_after) {
            take_over(&obstacle, options.stale_after, &mut locks)?;
        } else if !patience.wait(attempt) {
            return Err(Error::Locked {
                file: obstacle,
                age: age.unwrap_or_default(),
            });
        }
        attempt += 1;
    }
    Ok(locks)
}

/// The locks of the files by their names, as kubectl takes them, and by the names behind links, as it does where it
/// is given those. One lock that has two names is wanted once: we would wait for ourselves.
fn wanted(paths: &[PathBuf]) -> BTreeSet<PathBuf> {
    let real_paths = paths.iter().filter_map(|path| write::real_path(path).ok());
    let files = paths.iter().cloned().chain(real_paths);
    files
        .map(|path| lock_file(&platform::without_links_before(&path)))
        .collect()
}

/// Creates the lock files in order; the answer is the first one that exists already.
fn take_all(wanted: &BTreeSet<PathBuf>, locks: &mut Locks) -> Result<Option<PathBuf>, Error> {
    for path in wanted {
        match platform::create_lock(path) {
            Ok(()) => locks.held.push(path.clone()),
            Err(error) => match error.kind() {
                io::ErrorKind::AlreadyExists => return Ok(Some(path.clone())),
                // Where we may not create a lock, or where there is no folder, kubectl cannot either;
                // whether the file itself can be written shows later.
                io::ErrorKind::PermissionDenied
                | io::ErrorKind::ReadOnlyFilesystem
                | io::ErrorKind::NotFound
                | io::ErrorKind::NotADirectory => {}
                _ => return Err(Error::from_write(path, error)),
            },
        }
    }
    Ok(None)
}

fn release(held: &mut Vec<PathBuf>) {
    for path in held.drain(..).rev() {
        // Nothing can be done about a failure, and the next writer sees the age of what is left.
        drop(std::fs::remove_file(path));
    }
}

pub(super) fn age_of(lock: &Path) -> Option<Duration> {
    let modified = std::fs::symlink_metadata(lock)
        .and_then(|metadata| metadata.modified())
        .ok()?;
    Some(
        SystemTime::now()
            .duration_since(modified)
            .unwrap_or_default(),
    )
}

/// Removes a lock left behind by a killed program.
///
/// Two that find it stale at once could remove each other's fresh lock. So it is first renamed, which
/// only one can do, and looked at again: a fresh one that was caught is put back.
fn take_over(lock: &Path, stale_after: Duration, locks: &mut Locks) -> Result<(), Error> {
    let mut aside = lock.as_os_str().to_owned();
    aside.push(format!(".stale-{}-{:x}", std::process::id(), random()));
    let aside = PathBuf::from(aside);
    match std::fs::rename(lock, &aside) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        // In some folders only its owner may remove a file.
        Err(_) => {
            let (file, age) = (lock.to_owned(), age_of(lock).unwrap_or_default());
            return Err(Error::Locked { file, age });
        }
    }
    match age_of(&aside) {
        Some(age) if age < stale_after => drop(std::fs::hard_link(&aside, lock)),
        age => locks.stale = Some((lock.to_owned(), age.unwrap_or(stale_after))),
    }
    std::fs::remove_file(&aside).map_err(|error| Error::from_write(&aside, error))
}

fn wait_in_queue(path: &Path, timeout: Duration) -> Result<Option<File>, Error> {
    let opened = platform::create_folder_of(path).and_then(|()| {
        let mut options = File::options();
        platform::private(&mut options)
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
    });
    let file = match opened {
        Ok(file) => file,
        Err(error) => {
            return match Error::from_write(path, error) {
                Error::ReadOnly { .. } => Ok(None),
                error => Err(error),
            };
        }
    };
    match file.try_lock() {
        Ok(()) => return Ok(Some(file)),
        // Some network file systems have no such locks; kubectl's still hold.
        Err(TryLockError::Error(_)) => return Ok(None),
        Err(TryLockError::WouldBlock) => {}
    }
    // The system keeps the queue: who came first goes first, and nobody looks again and again. It knows no time limit,
    // so what waits is a thread, which this process may leave behind.
    let (sender, receiver) = mpsc::channel();
    let started = Instant::now();
    std::thread::spawn(move || {
        let locked = file.lock().map(|()| file);
        // Nobody takes it any more where the time is up, and the lock goes with the file.
        drop(sender.send(locked));
    });
    match receiver.recv_timeout(timeout) {
        Ok(locked) => Ok(locked.ok()),
        Err(_) => Err(Error::Locked {
            file: path.to_owned(),
            age: started.elapsed(),
        }),
    }
}

/// Waiting with growing, uneven pauses until a time is up.
struct Patience {
    until: Instant,
}

impl Patience {
    fn new(timeout: Duration) -> Self {
        Self {
            until: Instant::now() + timeout,
        }
    }

    /// Pauses, unless the time is up.
    fn wait(&self, attempt: u32) -> bool {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        // Even pauses would make those who wait collide again and again.
        let longest = 2_u64 << attempt.min(5);
        let pause = Duration::from_millis(1 + random() % longest);
        std::thread::sleep(pause.min(left));
        true
    }
}

/// Each `RandomState` has keys of its own, which is all the chance that is needed here.
fn random() -> u64 {
    RandomState::new().hash_one(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn options(timeout: u64, stale_after: u64) -> EditOptions {
        EditOptions {
            lock_timeout: Duration::from_millis(timeout),
            stale_after: Duration::from_secs(stale_after),
            ..EditOptions::default()
        }
    }

    #[test]
    fn every_file_is_locked_as_kubectl_locks_it_and_freed_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        let missing = folder.path().join("none/c");
        let locks = take(&[b.clone(), missing, a.clone()], &options(0, 60)).unwrap();
        assert!(lock_file(&a).exists() && lock_file(&b).exists());
        drop(locks);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_lock_of_another_program_is_waited_for_then_named() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        fs::write(lock_file(&b), "").unwrap();
        let error = take(&[a.clone(), b.clone()], &options(30, 60))
            .err()
            .unwrap();
        assert!(matches!(error, Error::Locked { file, .. } if file == lock_file(&b)));
        assert!(!lock_file(&a).exists() && lock_file(&b).exists());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                drop(take(&[a, b.clone()], &options(10_000, 60)).unwrap());
            });
            fs::remove_file(lock_file(&b)).unwrap();
        });
    }

    #[test]
    fn an_old_lock_is_taken_over_and_reported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let lock = File::create(lock_file(&path)).unwrap();
        lock.set_modified(SystemTime::now() - Duration::from_mins(2))
            .unwrap();
        let locks = take(std::slice::from_ref(&path), &options(0, 60)).unwrap();
        let (file, age) = locks.stale.clone().unwrap();
        assert_eq!(file, lock_file(&path));
        assert!(age >= Duration::from_mins(2));
        drop(locks);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_queue_is_waited_for_then_named() {
        let folder = tempfile::tempdir().unwrap();
        let queue = folder.path().join("state/lock");
        let options = EditOptions {
            private_lock: Some(queue.clone()),
            queue_timeout: Duration::from_millis(20),
            ..options(20, 60)
        };
        let first = take(&[], &options).unwrap();
        let error = take(&[], &options).err().unwrap();
        assert!(matches!(error, Error::Locked { file, .. } if file == queue));
        drop(first);
        let patient = EditOptions {
            queue_timeout: Duration::from_mins(1),
            ..options
        };
        take(&[], &patient).unwrap();
    }
}
