//! The one error that commands end with: a kind, a message, its causes, and hints.
//!
//! Modules return their own small enums; only this file and the `From` implementations beside it turn them into
//! what a user reads. The kind alone picks the exit code.

use std::fmt;

use serde::Serialize;

/// What to do about a failure of our own.
const REPORT: &str = "this is a bug in `vc`: please report it with this message, the command line and what \
                      `vc version -o json` prints, and leave out names and addresses that are private";

/// What kind of failure it is; public API through its exit code (docs/exit-codes.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Could not be done.
    Failed,
    /// Wrong usage: flags, names, values, settings.
    Usage,
    /// The host could not be reached, or refused us.
    Host,
    /// No such virtual cluster.
    NotFound,
    /// It already exists and differs, or the place is taken.
    Exists,
    /// Timed out waiting.
    Timeout,
    /// Our bug.
    Bug,
    /// Interrupted by the user.
    Interrupted,
}

impl Kind {
    /// The exit code of a command that ends with this kind.
    pub fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Host => 3,
            Self::NotFound => 4,
            Self::Exists => 5,
            Self::Timeout => 6,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }

    /// The kind that has an exit code; one that is not ours is a failure.
    pub fn of_code(code: u8) -> Self {
        [
            Self::Usage,
            Self::Host,
            Self::NotFound,
            Self::Exists,
            Self::Timeout,
            Self::Bug,
            Self::Interrupted,
        ]
        .into_iter()
        .find(|kind| kind.code() == code)
        .unwrap_or(Self::Failed)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Host => "host",
            Self::NotFound => "not-found",
            Self::Exists => "exists",
            Self::Timeout => "timeout",
            Self::Bug => "bug",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Why a command ended without doing what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Which exit code it has.
    pub kind: Kind,
    /// What could not be done, naming the thing.
    pub message: String,
    /// Why, from the nearest cause to the root.
    pub causes: Vec<String>,
    /// What to type or change next.
    pub hints: Vec<String>,
}

/// The shape of an error under `-o json`; a contract.
#[derive(Serialize)]
struct ErrorView<'a> {
    error: &'a str,
    kind: &'static str,
    code: u8,
    causes: &'a [String],
    hints: &'a [String],
}

impl Error {
    /// An error without causes; only a bug of ours has a hint from the start, how to report it.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            causes: Vec::new(),
            hints: (kind == Kind::Bug)
                .then(|| REPORT.to_owned())
                .into_iter()
                .collect(),
        }
    }

    /// Wrong usage.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// The same error with one more hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same error with a cause and that cause's own causes.
    #[must_use]
    pub fn because(mut self, cause: &dyn std::error::Error) -> Self {
        let mut next = Some(cause);
        while let Some(cause) = next {
            self.push_cause(cause.to_string());
            next = cause.source();
        }
        self
    }

    fn because_source(self, error: &dyn std::error::Error) -> Self {
        match error.source() {
            Some(source) => self.because(source),
            None => self,
        }
    }

    /// The same error with another one, its causes and its hints as the cause.
    #[must_use]
    pub fn because_of(mut self, cause: Self) -> Self {
        for line in std::iter::once(cause.message).chain(cause.causes) {
            self.push_cause(line);
        }
        self.hints.extend(cause.hints);
        self
    }

    /// This error as the cause of a larger undertaking that failed; kind and hints stay.
    #[must_use]
    pub fn within(mut self, message: impl Into<String>) -> Self {
        let own = std::mem::replace(&mut self.message, message.into());
        self.causes.insert(0, own);
        self
    }

    /// Adds one line of cause, unless an earlier line already says it: many libraries repeat their source.
    pub fn push_cause(&mut self, cause: String) {
        let said = |line: &String| line.contains(&cause);
        if !cause.is_empty() && !self.causes.iter().any(said) && !self.message.contains(&cause) {
            self.causes.push(cause);
        }
    }

    /// The error as one JSON object.
    pub fn to_json(&self) -> String {
        let view = ErrorView {
            error: &self.message,
            kind: self.kind.word(),
            code: self.kind.code(),
            causes: &self.causes,
            hints: &self.hints,
        };
        serde_json::to_string(&view).expect("strings and numbers always serialise")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<crate::kubeconfig::Error> for Error {
    fn from(error: crate::kubeconfig::Error) -> Self {
        use crate::kubeconfig::Error as Kubeconfig;
        let (kind, hint) = match &error {
            Kubeconfig::Missing { .. } => (
                Kind::Host,
                "name a kubeconfig that exists with `--kubeconfig`",
            ),
            Kubeconfig::Broken { .. } => (
                Kind::Host,
                "mend the file, or name another with `--kubeconfig`",
            ),
            Kubeconfig::Locked { .. } => (
                Kind::Failed,
                "wait for that program, or remove the lock if it no longer runs",
            ),
            Kubeconfig::NoSpace { .. } => (
                Kind::Failed,
                "free some space, or raise a limit such as `ulimit -f`, and try again; the file is as it was",
            ),
            _ => (
                Kind::Failed,
                "use another file with `--kubeconfig`, or `vc connect --kubeconfig-out FILE`",
            ),
        };
        Self::new(kind, error.to_string())
            .because_source(&error)
            .hint(hint)
    }
}

impl From<crate::chart::error::FetchError> for Error {
    fn from(error: crate::chart::error::FetchError) -> Self {
        let kind = if error.is_usage() {
            Kind::Usage
        } else {
            Kind::Failed
        };
        let mut converted = Self::new(kind, error.to_string()).because_source(&error);
        converted.hints.extend(error.hints());
        converted
    }
}

impl From<crate::chart::reference::ReferenceError> for Error {
    fn from(error: crate::chart::reference::ReferenceError) -> Self {
        Self::usage(error.to_string())
            .because_source(&error)
            .hint(error.hint())
    }
}

impl From<crate::cluster::InvalidName> for Error {
    fn from(error: crate::cluster::InvalidName) -> Self {
        Self::usage(error.to_string())
    }
}
