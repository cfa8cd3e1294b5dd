//! `vc completion SHELL`: the script that makes a shell complete commands, flags and live names.

use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh};

use super::Session;
use crate::error::{Error, Kind};

/// The variable by which a shell asks this program for candidates.
pub(crate) const VARIABLE: &str = "COMPLETE";

/// Print the completion script of a shell
///
/// The script asks `vc` itself what comes next, so that names of clusters, namespaces and contexts are those that
/// are there now. For example: `source <(vc completion bash)`.
#[derive(Debug, clap::Args)]
pub struct CompletionArgs {
    /// The shell to print it for
    #[arg(value_enum)]
    shell: Shell,
}

/// A shell that can complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
    /// elvish
    Elvish,
}

impl Shell {
    /// The script for this shell.
    pub fn script(self) -> std::io::Result<String> {
        let completer: &dyn EnvCompleter = match self {
            Self::Bash => &Bash,
            Self::Zsh => &Zsh,
            Self::Fish => &Fish,
            Self::Powershell => &Powershell,
            Self::Elvish => &Elvish,
        };
        let mut script = Vec::new();
        completer.write_registration(VARIABLE, "vc", "vc", "vc", &mut script)?;
        String::from_utf8(script).map_err(std::io::Error::other)
    }
}

/// Prints the script.
pub fn run(session: &Session, args: &CompletionArgs) -> Result<(), Error> {
    let script = args.shell.script();
    let script = script.map_err(|error| {
        Error::new(Kind::Bug, "cannot write the completion script").because(&error)
    })?;
    session.ui.text(&script)
}
