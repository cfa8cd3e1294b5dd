//! The process as a value: arguments, environment, folders, terminals. The only door to `std::env`.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::PathBuf;

/// Everything that a command takes from the process it runs in.
#[derive(Clone, Debug)]
pub struct Process {
    /// The command line, the program first.
    pub arguments: Vec<OsString>,
    /// The environment at start.
    pub environment: BTreeMap<OsString, OsString>,
    /// The working folder; `None` where it no longer exists.
    pub folder: Option<PathBuf>,
    /// This program's own file, for starting itself in the background.
    pub program: Option<PathBuf>,
    /// Whether standard input is a terminal.
    pub stdin_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub stderr_is_terminal: bool,
    /// Whether standard output is a terminal.
    pub stdout_is_terminal: bool,
}

impl Process {
    /// Reads the process we are.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
    pub fn current() -> Self {
        Self {
            arguments: std::env::args_os().collect(),
            environment: std::env::vars_os().collect(),
            folder: std::env::current_dir().ok(),
            program: std::env::current_exe().ok(),
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
        }
    }

    /// This program by the path that is still its own when a package manager has replaced it: the one it was called by.
    pub fn lasting_program(&self) -> Option<PathBuf> {
        let program = self.program.as_ref()?;
        let real = program.canonicalize().ok();
        let is_same = |path: &PathBuf| path.canonicalize().ok() == real;
        let called = PathBuf::from(self.arguments.first()?);
        let found = if called.components().count() > 1 {
            let folder = self.folder.clone().unwrap_or_default();
            Some(folder.join(called)).filter(is_same)
        } else {
            let path = self.variable("PATH").unwrap_or_default();
            std::env::split_paths(path)
                .filter(|folder| folder.is_absolute())
                .map(|folder| folder.join(&called))
                .find(is_same)
        };
        found.or_else(|| Some(program.clone()))
    }

    /// Whether a person can answer a question: it is seen on standard error, and the answer comes on standard input.
    pub fn can_ask(&self) -> bool {
        self.stdin_is_terminal && self.stderr_is_terminal
    }

    /// A variable that is set and not empty; an empty one counts as unset, as the `NO_COLOR` and XDG rules have it.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.environment
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
            .filter(|value| !value.is_empty())
    }

    /// The user's home folder.
    pub fn home(&self) -> Option<PathBuf> {
        let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        self.variable(name).map(PathBuf::from)
    }

    /// Where settings live: `$XDG_CONFIG_HOME/vc`, else `~/.config/vc`.
    pub fn config_folder(&self) -> Option<PathBuf> {
        self.user_folder("XDG_CONFIG_HOME", ".config")
    }

    /// Where what must outlive a command is kept: `$XDG_STATE_HOME/vc`, else `~/.local/state/vc`.
    pub fn state_folder(&self) -> Option<PathBuf> {
        self.user_folder("XDG_STATE_HOME", ".local/state")
    }

    /// Where what can be had again is kept: `$XDG_CACHE_HOME/vc`, else `~/.cache/vc`.
    pub fn cache_folder(&self) -> Option<PathBuf> {
        self.user_folder("XDG_CACHE_HOME", ".cache")
    }

    /// Where what goes with the machine's restart is kept: `$XDG_RUNTIME_DIR/vc`.
    pub fn runtime_folder(&self) -> Option<PathBuf> {
        self.variable("XDG_RUNTIME_DIR")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .map(|folder| folder.join("vc"))
    }

    fn user_folder(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        // The XDG base directory specification: a relative path there is to be ignored.
        let given = self
            .variable(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        given
            .or_else(|| Some(self.home()?.join(below_home)))
            .map(|folder| folder.join("vc"))
    }
}
