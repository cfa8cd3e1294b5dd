//! What is wrong with the files themselves: found without changing or locking anything.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::entries::Section;
use super::files::Source;
use super::{Error, Files, lock, platform};

/// A fault of one file.
#[derive(Debug)]
pub enum Fault {
    /// It cannot be read, or kubectl would refuse it.
    Unusable(Error),
    /// Others than its owner may read it, and it may hold keys.
    Open {
        /// The file.
        file: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A lock that a killed program left behind: kubectl cannot write.
    StaleLock {
        /// The lock.
        lock: PathBuf,
        /// How old it is.
        age: Duration,
    },
    /// Two entries of one name in one list: kubectl refuses the file.
    SameName {
        /// The file.
        file: PathBuf,
        /// The list.
        list: &'static str,
        /// The name.
        name: String,
    },
}

impl Files {
    /// What is wrong with the files; those that do not exist are in order.
    pub fn faults(&self, stale_after: Duration) -> Vec<Fault> {
        let mut faults = Vec::new();
        for path in self.paths() {
            faults.extend(stale_lock(path, stale_after));
            match Source::read(path) {
                Ok(source) if source.exists() => {
                    faults.extend(open(path));
                    faults.extend(same_names(path, &source));
                }
                Ok(_) => {}
                Err(error) => faults.push(Fault::Unusable(error)),
            }
        }
        faults
    }
}

fn stale_lock(path: &Path, stale_after: Duration) -> Option<Fault> {
    let lock = lock::lock_file(path);
    let age = lock::age_of(&lock).filter(|age| *age >= stale_after)?;
    Some(Fault::StaleLock { lock, age })
}

fn open(path: &Path) -> Option<Fault> {
    let mode = platform::mode_for_others(path).filter(|mode| mode & 0o077 != 0)?;
    let file = path.to_owned();
    Some(Fault::Open { file, mode })
}

fn same_names(path: &Path, source: &Source) -> Vec<Fault> {
    let document = source.document.value();
    let mut faults = Vec::new();
    for section in Section::ALL {
        let mut names: Vec<&str> = section.entries(&document).map(|(name, _)| name).collect();
        names.sort_unstable();
        let twice = names
            .chunk_by(|one, other| one == other)
            .filter(|same| same.len() > 1);
        faults.extend(twice.map(|same| Fault::SameName {
            file: path.to_owned(),
            list: section.key(),
            name: same[0].to_owned(),
        }));
    }
    faults
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn every_fault_is_found_and_nothing_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let files = Files::explicit(&path);
        let faults = || files.faults(Duration::from_mins(1));
        assert!(faults().is_empty());
        fs::write(&path, "users: [{name: a}, {name: b}, {name: a}]\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let lock = fs::File::create(lock::lock_file(&path)).unwrap();
        assert_eq!(faults().len(), 2, "a lock that is young is somebody's");
        lock.set_modified(SystemTime::now() - Duration::from_mins(5))
            .unwrap();
        let found = faults();
        assert!(matches!(&found[0], Fault::StaleLock { age, .. } if age.as_secs() >= 300));
        assert!(matches!(&found[1], Fault::Open { mode: 0o640, .. }));
        assert!(matches!(&found[2], Fault::SameName { list: "users", name, .. } if name == "a"));
        fs::write(&path, "users: [\n").unwrap();
        assert!(matches!(
            &faults()[1],
            Fault::Unusable(Error::Broken { .. })
        ));
        assert!(lock::lock_file(&path).exists());
    }
}
