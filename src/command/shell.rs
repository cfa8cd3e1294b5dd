//! `vc shell`: a shell that is connected to one virtual cluster, and to nothing else.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::{Ending, Session, connect, targets};
use crate::error::Error;
use crate::host::Host;
use crate::kubeconfig::Files;
use crate::lifecycle::Local;
use crate::process::Process;

/// The variable that names the cluster within such a shell.
const CLUSTER: &str = "VC_CLUSTER";

/// Open a shell that is connected to a virtual cluster
///
/// It is your `$SHELL`, with a kubeconfig of its own that is gone when the shell ends: yours is not touched, and other
/// terminals stay where they are. The prompt of bash, zsh and fish names the cluster; in every shell `VC_CLUSTER` does.
/// The shell's exit code is ours.
#[derive(Debug, clap::Args)]
pub struct ShellArgs {
    /// The virtual cluster [default: the only one, else asks]
    #[arg(add = clap_complete::ArgValueCandidates::new(crate::complete::clusters))]
    name: Option<String>,
}

/// Opens the shell.
pub async fn run(session: &Session, args: ShellArgs) -> Result<Ending, Error> {
    let (host, local) = session.host_and_local().await?;
    let cluster = targets::one(session, &host, args.name.as_deref()).await?;
    let name = cluster.reference.name.as_str();
    if let Some(outer) = session.process.variable(CLUSTER) {
        let outer = outer.to_string_lossy();
        session.progress().note(&format!(
            "this is a shell within the one for `{outer}`; `exit` leads back there"
        ));
    }
    let (connection, _) = connect::reach(session, &host, &cluster, true).await?;
    let shell = Shell::of(&session.process);
    let around = around(&local, &host);
    let command = |kubeconfig: &Path| {
        let mut command = shell.command(name, kubeconfig)?;
        command.envs(around);
        Ok(command)
    };
    let running = connect::start_connected(session, &host, &connection, None, command).await?;
    Ok(Ending::Runs(Box::new(running)))
}

/// What has `vc` itself act on the host within the shell, whose kubeconfig knows the virtual cluster alone.
fn around(local: &Local, host: &Host) -> Vec<(&'static str, OsString)> {
    let files = local.named_kubeconfig.as_ref().map(Files::explicit);
    let kubeconfig = files
        .as_ref()
        .unwrap_or(&local.files)
        .read()
        .unwrap_or_default();
    let Some(context) = kubeconfig.context(&host.context) else {
        return Vec::new();
    };
    let cluster = context.cluster().and_then(|name| kubeconfig.cluster(name));
    let user = context.user().and_then(|name| kubeconfig.user(name));
    // Only one file can be named; a context whose parts lie in several has to be named by the user.
    let is_in_file = |file: Option<&PathBuf>| file.is_none_or(|file| *file == context.file);
    if !is_in_file(cluster.map(|part| &part.file)) || !is_in_file(user.map(|part| &part.file)) {
        return Vec::new();
    }
    vec![
        ("VC_KUBECONFIG", context.file.clone().into_os_string()),
        ("VC_CONTEXT", host.context.clone().into()),
    ]
}

/// The user's shell, and where it finds its own settings.
struct Shell {
    program: OsString,
    kind: Kind,
    zsh_folder: OsString,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bash,
    Zsh,
    Fish,
    Other,
}

impl Shell {
    fn of(process: &Process) -> Self {
        let (variable, usual) = if cfg!(windows) {
            ("COMSPEC", "cmd.exe")
        } else {
            ("SHELL", "/bin/sh")
        };
        let program = process
            .variable(variable)
            .unwrap_or(OsStr::new(usual))
            .to_owned();
        let kind = match Path::new(&program).file_stem().and_then(OsStr::to_str) {
            Some("bash") => Kind::Bash,
            Some("zsh") => Kind::Zsh,
            Some("fish") => Kind::Fish,
            _ => Kind::Other,
        };
        let home = || process.home().unwrap_or_default().into_os_string();
        let zsh_folder = process
            .variable("ZDOTDIR")
            .map_or_else(home, OsStr::to_owned);
        Self {
            program,
            kind,
            zsh_folder,
        }
    }

    /// How it is started so that its own settings are read first, and then ours: some set `KUBECONFIG` there.
    fn command(&self, name: &str, kubeconfig: &Path) -> io::Result<Command> {
        let folder = kubeconfig.parent().unwrap_or(Path::new(""));
        let mut command = Command::new(&self.program);
        command.env(CLUSTER, name);
        let export = format!("export KUBECONFIG={}\n", quoted(kubeconfig.as_os_str()));
        match self.kind {
            Kind::Bash => {
                let file = folder.join("bashrc");
                let own = "[ -f ~/.bashrc ] && . ~/.bashrc\n";
                std::fs::write(
                    &file,
                    format!("{own}{export}PS1=\"(vc:{name}) ${{PS1-}}\"\n"),
                )?;
                command.arg("--rcfile").arg(file);
            }
            Kind::Zsh => {
                let (theirs, ours) = (quoted(&self.zsh_folder), quoted(folder.as_os_str()));
                let environment = format!(
                    "ZDOTDIR={theirs}\n[ -f \"$ZDOTDIR/.zshenv\" ] && . \"$ZDOTDIR/.zshenv\"\n{export}ZDOTDIR={ours}\n"
                );
                let settings = format!(
                    "ZDOTDIR={theirs}\n[ -f \"$ZDOTDIR/.zshrc\" ] && . \"$ZDOTDIR/.zshrc\"\n{export}PROMPT=\"(vc:{name}) $PROMPT\"\n"
                );
                std::fs::write(folder.join(".zshenv"), environment)?;
                std::fs::write(folder.join(".zshrc"), settings)?;
                command.env("ZDOTDIR", folder);
            }
            Kind::Fish => {
                // Fish needs no file: what this says is done after its own settings.
                command.arg("--init-command").arg(format!(
                    "set -gx KUBECONFIG {}; functions -c fish_prompt __vc_prompt; \
                     function fish_prompt; echo -n '(vc:{name}) '; __vc_prompt; end",
                    quoted(kubeconfig.as_os_str())
                ));
            }
            Kind::Other => {}
        }
        Ok(command)
    }
}

/// A path as one word of bash, zsh and fish alike.
fn quoted(path: &OsStr) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', "'\"'\"'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(program: &str) -> Shell {
        let environment = [("SHELL", program), ("HOME", "/home/o'me")];
        Shell::of(&Process {
            arguments: Vec::new(),
            environment: environment
                .map(|(name, value)| (name.into(), value.into()))
                .into(),
            folder: None,
            program: None,
            stdin_is_terminal: true,
            stderr_is_terminal: true,
            stdout_is_terminal: true,
        })
    }

    #[test]
    fn each_shell_reads_its_own_settings_first() {
        let shown = ["/bin/bash", "/usr/bin/zsh", "/opt/fish", "/bin/dash"].map(|program| {
            let folder = tempfile::tempdir().unwrap();
            let command = shell(program)
                .command("dev", &folder.path().join("kubeconfig"))
                .unwrap();
            let mut text = format!("{:?}\n", command.as_std().get_args().collect::<Vec<_>>());
            let mut files: Vec<_> = std::fs::read_dir(folder.path())
                .unwrap()
                .flatten()
                .map(|file| file.path())
                .collect();
            files.sort();
            for file in files {
                let name = file
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                text.push_str(
                    &["-- ", &name, "\n", &std::fs::read_to_string(&file).unwrap()].concat(),
                );
            }
            text.replace(&*folder.path().to_string_lossy(), "[FOLDER]")
        });
        insta::assert_snapshot!(shown.join("\n"));
    }
}
