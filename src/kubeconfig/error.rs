//! What can go wrong with a kubeconfig file, told apart so that callers can add hints.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a kubeconfig could not be read or changed; every variant names its file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file that was asked for by name does not exist.
    #[error("there is no kubeconfig at `{}`", file.display())]
    Missing {
        /// The file asked for.
        file: PathBuf,
    },
    /// The file is not what kubectl would accept.
    #[error("`{}` is not a valid kubeconfig: line {line}: {problem}", file.display())]
    Broken {
        /// The file with the fault.
        file: PathBuf,
        /// Where the fault is, counted from 1.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// Another program kept its lock for as long as we were willing to wait.
    #[error("`{}` has been held by another program for {} s", file.display(), age.as_secs())]
    Locked {
        /// The lock file.
        file: PathBuf,
        /// How old the lock is.
        age: Duration,
    },
    /// The file, or where it is, may not be written.
    #[error("`{}` cannot be written", file.display())]
    ReadOnly {
        /// The file that was to be changed.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The disk, the quota or a limit on the length of files leaves no room; the file is as it was.
    #[error("there is no space left to write `{}`", file.display())]
    NoSpace {
        /// The file that was to be changed.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The edit would have changed more than was asked, so nothing was written.
    #[error("`{}` was left alone: {reason}", file.display())]
    WouldDamage {
        /// The file that was to be changed.
        file: PathBuf,
        /// What stood in the way.
        reason: String,
    },
    /// A pipe, a device or a folder: it can at best be read.
    #[error("`{}` is not a regular file and cannot be changed", file.display())]
    NotAFile {
        /// What was to be changed.
        file: PathBuf,
    },
    /// The file is larger than any kubeconfig, and was not read to its end.
    #[error("`{}` is larger than {mib} MiB, which no kubeconfig is", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// How large a file may be.
        mib: u64,
    },
    /// A program that takes no lock wrote the file again and again, each time just before we would have.
    #[error("`{}` is being changed by another program", file.display())]
    Changing {
        /// The file that was to be changed.
        file: PathBuf,
    },
    /// The file is there and could not be read.
    #[error("cannot read `{}`", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file could not be written, for a reason that has no name of its own here.
    #[error("cannot write `{}`", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// Sorts a failed write by what can be done about it.
    pub(super) fn from_write(file: &Path, source: io::Error) -> Self {
        let file = file.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { file, source }
            }
            // The last is a limit on the length of files, as `ulimit -f` sets it.
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::NoSpace { file, source },
            _ => Self::Write { file, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_file_and_leave_the_cause_to_the_source() {
        let file = PathBuf::from("/home/me/.kube/config");
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let errors = [
            Error::Missing { file: file.clone() },
            Error::Broken {
                file: file.clone(),
                line: 3,
                problem: "`users` is not a list".to_owned(),
            },
            Error::Locked {
                file: PathBuf::from("/home/me/.kube/config.lock"),
                age: Duration::from_secs(12),
            },
            Error::from_write(&file, io::ErrorKind::ReadOnlyFilesystem.into()),
            Error::from_write(&file, full()),
            Error::from_write(&file, io::ErrorKind::TimedOut.into()),
            Error::WouldDamage {
                file: file.clone(),
                reason: "`users` is written in a way that cannot be edited".to_owned(),
            },
            Error::NotAFile { file: file.clone() },
            Error::TooLarge {
                file: file.clone(),
                mib: 32,
            },
            Error::Changing { file: file.clone() },
            Error::Read {
                file,
                source: full(),
            },
        ];
        insta::assert_snapshot!(errors.map(|error| error.to_string()).join("\n"), @r"
        there is no kubeconfig at `/home/me/.kube/config`
        `/home/me/.kube/config` is not a valid kubeconfig: line 3: `users` is not a list
        `/home/me/.kube/config.lock` has been held by another program for 12 s
        `/home/me/.kube/config` cannot be written
        there is no space left to write `/home/me/.kube/config`
        cannot write `/home/me/.kube/config`
        `/home/me/.kube/config` was left alone: `users` is written in a way that cannot be edited
        `/home/me/.kube/config` is not a regular file and cannot be changed
        `/home/me/.kube/config` is larger than 32 MiB, which no kubeconfig is
        `/home/me/.kube/config` is being changed by another program
        cannot read `/home/me/.kube/config`
        ");
    }
}
