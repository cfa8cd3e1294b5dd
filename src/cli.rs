//! The command line as it was typed: global flags and the subcommands.

use std::path::{Path, PathBuf};

use clap::builder::Styles;
use clap::builder::styling::{AnsiColor, Style};
use clap::{Args, Parser, Subcommand};
use clap_complete::ArgValueCandidates;

use crate::command::{
    agent, cache, completion, config, connect, create, credential, delete, disconnect, doctor,
    history, list, logs, rollback, shell, sleep, status, template, tunnels, upgrade, version, wake,
};
use crate::complete;
use crate::error::Error;
use crate::settings::{Layer, Value};
use crate::ui::Format;

/// The colours of help texts.
const STYLES: Styles = Styles::plain()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(Style::new().dimmed());

/// Throw-away Kubernetes clusters inside a namespace of the one you have
///
/// A virtual cluster has its own API server and looks like a cluster of your own; its pods run in one namespace of
/// the host. `vc create dev` makes one, connects to it, and makes it your current context.
#[derive(Debug, Parser)]
#[command(name = "vc", version, styles = STYLES, propagate_version = true, max_term_width = 100)]
#[command(arg_required_else_help = true, subcommand_required = true)]
pub struct Cli {
    /// Flags that every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Context of the host, the cluster that virtual clusters live in [default: the current one]
    #[arg(long, global = true, value_name = "CONTEXT", add = ArgValueCandidates::new(complete::contexts))]
    pub context: Option<String>,
    /// Namespace on the host [default: `vcluster-NAME` for a new cluster, else all of them]
    #[arg(short, long, global = true, value_name = "NAMESPACE", add = ArgValueCandidates::new(complete::namespaces))]
    pub namespace: Option<String>,
    /// Kubeconfig file to read and write [default: kubectl's rule]
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub kubeconfig: Option<PathBuf>,
    /// Form of the answer [default: table]
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORMAT",
        value_enum,
        hide_default_value = true
    )]
    pub output: Option<Format>,
    /// Show nothing but the answer and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Log what is done to standard error; twice for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Bound on the whole command, such as `90s` or `5m` [default: 10m]
    #[arg(long, global = true, value_name = "DURATION")]
    pub timeout: Option<String>,
    /// Never use colour
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Answer every question with yes
    #[arg(short, long, global = true)]
    pub yes: bool,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Create(Box<create::CreateArgs>),
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Connect(connect::ConnectArgs),
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Disconnect(disconnect::DisconnectArgs),
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Shell(shell::ShellArgs),
    #[command(visible_alias = "ls")]
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    List(list::ListArgs),
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Status(status::StatusArgs),
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Logs(logs::LogsArgs),
    #[command(visible_alias = "pause")]
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Sleep(sleep::SleepArgs),
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Template(template::TemplateArgs),
    #[command(visible_alias = "resume")]
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Wake(wake::WakeArgs),
    #[command(visible_alias = "rm")]
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Delete(delete::DeleteArgs),
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Doctor(doctor::DoctorArgs),
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    History(history::HistoryArgs),
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Tunnels(tunnels::TunnelsArgs),
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Upgrade(upgrade::UpgradeArgs),
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Rollback(rollback::RollbackArgs),
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Cache(cache::CacheArgs),
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Completion(completion::CompletionArgs),
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Config(config::ConfigArgs),
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Version(version::VersionArgs),
    #[command(hide = true)]
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Agent(agent::AgentArgs),
    #[command(hide = true)]
    #[expect(
        missing_docs,
        reason = "documented at its arguments, which is its help text"
    )]
    Credential(credential::CredentialArgs),
}

impl GlobalArgs {
    /// The flags as a layer of settings.
    pub fn to_layer(&self) -> Result<Layer, Error> {
        Ok(Layer {
            context: self.context.clone(),
            namespace: read("--namespace", self.namespace.as_deref())?,
            // `vc doctor --kubeconfig` names no file.
            kubeconfig: self
                .kubeconfig
                .clone()
                .filter(|file| file != Path::new(doctor::NO_FILE)),
            output: self.output,
            timeout: read("--timeout", self.timeout.as_deref())?,
            yes: self.yes.then_some(true),
            color: self.no_color.then_some(false),
            ..Layer::default()
        })
    }
}

/// What a flag says, as the setting that it is.
fn read<T: Value>(flag: &str, text: Option<&str>) -> Result<Option<T>, Error> {
    text.map(T::parse)
        .transpose()
        .map_err(|invalid| invalid.into_error(format!("cannot use `{flag}`")))
}
