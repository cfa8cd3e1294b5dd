//! `vc connect`: make a virtual cluster the current context, or run one command against it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use serde::Serialize;
use tokio::process::{Child, Command};

use super::context::ContextArgs;
use super::{Ending, Session, targets};
use crate::cluster::{ClusterRef, VirtualCluster};
use crate::driver::vcluster;
use crate::error::{Error, Kind};
use crate::helm;
use crate::host::Host;
use crate::kubeconfig;
use crate::lifecycle::{self, Address, Connection, Local, Route};
use crate::tunnel::{self, Target, Tunnel};
use crate::ui::View;

/// Make a virtual cluster the current context, or run one command against it
///
/// A tunnel in the background joins a local port to the cluster; nothing holds the terminal. With `--expose` or
/// `--server` there is none: the context leads to where the host offers the API to the outside. With `-- COMMAND` only
/// that command is connected, through a kubeconfig of its own that is gone when it ends.
#[derive(Debug, clap::Args)]
pub struct ConnectArgs {
    /// The virtual cluster [default: the only one, else asks]
    #[arg(add = clap_complete::ArgValueCandidates::new(crate::complete::clusters))]
    name: Option<String>,
    /// Print a kubeconfig with its credentials instead of changing one
    #[arg(long, conflicts_with_all = ["no_switch", "kubeconfig_out", "command"])]
    print: bool,
    /// Add the context, but stay where we are
    #[arg(long, conflicts_with_all = ["kubeconfig_out", "command"])]
    no_switch: bool,
    /// Write a kubeconfig of its own to a file instead of changing one
    #[arg(long, value_name = "FILE", conflicts_with = "command", value_hint = clap::ValueHint::FilePath)]
    kubeconfig_out: Option<PathBuf>,
    /// Reach it without a tunnel where its host exposes it, by Ingress, load balancer or node port
    ///
    /// `vc create --expose` and `vc upgrade --expose` have the host do so.
    #[arg(long, conflicts_with = "server")]
    expose: bool,
    #[command(flatten)]
    context: ContextArgs,
    /// Command to run, connected to the cluster; its exit code is ours
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// A program that runs connected to a cluster; it takes the time and the signals that it wants.
#[derive(Debug)]
pub struct Running {
    program: String,
    child: Child,
    signals: Signals,
    /// Holds its kubeconfig, and goes with it.
    _folder: tempfile::TempDir,
    _tunnel: Option<Tunnel>,
}

/// What a connect did; the JSON contract of this command.
#[derive(Serialize)]
struct ConnectView {
    name: String,
    namespace: String,
    context: Option<String>,
    kubeconfig: Option<String>,
    kubernetes: String,
    server: String,
    /// The local port of its tunnel; `null` if it needs none.
    port: Option<u16>,
    current: bool,
}

impl View for ConnectView {
    fn sentence(&self) -> String {
        let Self {
            name, namespace, ..
        } = self;
        let at = match self.port {
            Some(_) => String::new(),
            None => format!(" at `{}`", self.server),
        };
        match (&self.context, &self.kubeconfig) {
            (_, Some(file)) => {
                format!("Wrote a kubeconfig for `{name}` in `{namespace}` to `{file}`")
            }
            (Some(context), None) if self.current => {
                format!(
                    "Connected to `{name}` in `{namespace}`{at}; the current context is `{context}`"
                )
            }
            (context, None) => {
                let context = context.as_deref().unwrap_or_default();
                format!("Connected to `{name}` in `{namespace}`{at}; its context is `{context}`")
            }
        }
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// Connects.
pub async fn run(session: &Session, args: ConnectArgs) -> Result<Ending, Error> {
    let (host, local) = session.host_and_local().await?;
    let cluster = targets::one(session, &host, args.name.as_deref()).await?;
    let reference = &cluster.reference;
    let otherwise = if args.expose {
        Route::Exposed(None)
    } else {
        Route::Tunnel
    };
    let route = args.context.route(otherwise);
    let is_fresh = cluster.ready == 0;
    let (connection, uid) = reach(session, &host, &cluster, !route.is_direct()).await?;
    if args.name.is_none() {
        refuse_another(&local, &host, reference, &uid)?;
    }
    let progress = session.progress();
    let at =
        async || lifecycle::reach(&local, &host, &connection, &route, is_fresh, progress).await;
    if !args.command.is_empty() {
        let command = |_: &Path| {
            let mut command = Command::new(&args.command[0]);
            command.args(&args.command[1..]);
            Ok(command)
        };
        let address = if route.is_direct() {
            Some(at().await?)
        } else {
            None
        };
        return start_connected(session, &host, &connection, address, command)
            .await
            .map(|running| Ending::Runs(Box::new(running)));
    }
    let address = at().await?;
    let manner = args.context.manner(session, !args.no_switch);
    if args.print {
        let context = manner.name.of(reference, &host.context);
        let document = connection.to_document(&context, &address);
        session.ui.text(&helm::yaml::to_string(&document))?;
        return Ok(Ending::Done);
    }
    let mut view = ConnectView {
        name: reference.name.to_string(),
        namespace: reference.namespace.to_string(),
        context: None,
        kubeconfig: None,
        kubernetes: String::new(),
        server: address.url(),
        port: address.port(),
        current: false,
    };
    if let Some(file) = &args.kubeconfig_out {
        view.kubernetes = connection.fetch_version(&address).await?;
        let path = session.absolute(file);
        let known = local.files.read()?;
        let entry = lifecycle::entry(&local, &host, &connection, &address, &manner, &known);
        kubeconfig::write_new(&path, &entry.to_document())?;
        view.kubeconfig = Some(file.display().to_string());
    } else {
        let connected =
            lifecycle::connect(&local, &host, &connection, address, &manner, progress).await?;
        view.kubernetes = connected.kubernetes;
        view.context = Some(connected.context);
        view.current = connected.is_current;
    }
    session.ui.answer(&view)?;
    Ok(Ending::Done)
}

/// Waits for a cluster that is not ready yet, wakes one that sleeps, and reads how to reach it. One that `is_tunnelled`
/// is seen to answer by a tunnel.
pub(super) async fn reach(
    session: &Session,
    host: &Host,
    cluster: &VirtualCluster,
    is_tunnelled: bool,
) -> Result<(Connection, String), Error> {
    if cluster.state.is_sleeping() {
        let (connection, uid) = lifecycle::fetch_connection(host, &cluster.reference).await?;
        let asked = is_tunnelled.then_some(&connection);
        lifecycle::wake(host, cluster, asked, session.progress()).await?;
        return Ok((connection, uid));
    }
    if cluster.ready == 0 {
        lifecycle::until_ready(host, &cluster.reference, session.progress()).await?;
    }
    lifecycle::fetch_connection(host, &cluster.reference).await
}

/// Where no name was given, the context says which cluster is meant, and that is not a later one of the same name.
fn refuse_another(
    local: &Local,
    host: &Host,
    reference: &ClusterRef,
    uid: &str,
) -> Result<(), Error> {
    let kubeconfig = local.files.read()?;
    let known = lifecycle::Identity::all(&kubeconfig)
        .into_iter()
        .find(|(_, known)| known.is_of(&host.server, reference));
    match known {
        Some((context, known)) if known.uid != uid => Err(Error::new(
            Kind::Exists,
            format!("`{context}` was made for another cluster than the {reference} of now"),
        )
        .hint(format!(
            "run `vc connect {}` to use the new one",
            reference.name
        ))),
        _ => Ok(()),
    }
}

/// Starts a program with a kubeconfig of its own, through a tunnel of its own unless the cluster has another address.
/// `command` may use the folder of that kubeconfig, which goes when the program has ended.
pub(super) async fn start_connected(
    session: &Session,
    host: &Host,
    connection: &Connection,
    address: Option<Address>,
    command: impl FnOnce(&Path) -> std::io::Result<Command>,
) -> Result<Running, Error> {
    let failed = |what: &str, error: &std::io::Error| {
        Error::new(Kind::Failed, what.to_owned()).because(error)
    };
    let reference = connection.reference();
    let (address, tunnel) = if let Some(address) = address {
        (address, None)
    } else {
        {
            let (port, listeners) = tunnel::bind(None)
                .await
                .map_err(|error| failed("cannot open a local port", &error))?;
            let target = Target {
                namespace: reference.namespace.to_string(),
                selector: reference.selector(),
                port: vcluster::API_PORT,
            };
            let tunnel = Tunnel::open(host.client(), target, listeners);
            (Address::Tunnel(port), Some(tunnel))
        }
    };
    connection.fetch_version(&address).await?;
    // From here on no signal may end us before the program has ended and its kubeconfig is gone.
    let signals = Signals::catch(session.process.stdin_is_terminal)
        .map_err(|error| failed("cannot take signals", &error))?;
    // In a folder that only we may enter, so that no moment exists in which others could read the file.
    let folder = tempfile::Builder::new().prefix("vc-").tempdir();
    let folder = folder.map_err(|error| failed("cannot make a temporary folder", &error))?;
    let file = folder.path().join("kubeconfig");
    let context = session.settings.context_name.of(reference, &host.context);
    kubeconfig::write_new(&file, &connection.to_document(&context, &address))?;
    let mut command =
        command(&file).map_err(|error| failed("cannot prepare the program", &error))?;
    let program = command
        .as_std()
        .get_program()
        .to_string_lossy()
        .into_owned();
    let child = command
        .env("KUBECONFIG", &file)
        .spawn()
        .map_err(|error| failed(&format!("cannot run `{program}`"), &error))?;
    Ok(Running {
        program,
        child,
        signals,
        _folder: folder,
        _tunnel: tunnel,
    })
}

impl Running {
    /// Waits until the program ends, however long it takes, and gives its exit code.
    pub async fn end(mut self) -> Result<u8, Error> {
        let status = self.signals.pass_to(&mut self.child).await;
        status.map(code_of).map_err(|error| {
            Error::new(Kind::Failed, format!("cannot wait for `{}`", self.program)).because(&error)
        })
    }
}

/// The signals that would end us, which are the program's to handle first.
#[cfg(unix)]
#[derive(Debug)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    /// A terminal interrupts every process in front of it, the program too: twice would mean "at once" to many.
    terminal_interrupts: bool,
}

#[cfg(unix)]
impl Signals {
    fn catch(terminal_interrupts: bool) -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminal_interrupts,
        })
    }

    /// Waits for the child, and hands on to it what comes meanwhile.
    async fn pass_to(&mut self, child: &mut Child) -> std::io::Result<ExitStatus> {
        use rustix::process::{Pid, Signal, kill_process};
        loop {
            let signal = tokio::select! {
                status = child.wait() => return status,
                _ = self.terminate.recv() => Signal::TERM,
                _ = self.hang_up.recv() => Signal::HUP,
                _ = self.interrupt.recv() => {
                    if self.terminal_interrupts {
                        continue;
                    }
                    Signal::INT
                }
            };
            let pid = child
                .id()
                .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
            // A child that has just ended needs no signal any more.
            pid.map(|pid| kill_process(pid, signal).ok());
        }
    }
}

/// The console sends Ctrl-C to the program as well.
#[cfg(not(unix))]
#[derive(Debug)]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "it can fail on other systems")]
    fn catch(_: bool) -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn pass_to(&mut self, child: &mut Child) -> std::io::Result<ExitStatus> {
        loop {
            tokio::select! {
                status = child.wait() => return status,
                _ = tokio::signal::ctrl_c() => {}
            }
        }
    }
}

/// The exit code as a shell gives it: 128 and the signal's number for a child that a signal ended.
fn code_of(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(u8::MAX);
    }
    status
        .code()
        .map_or(1, |code| u8::try_from(code & 0xff).unwrap_or(1))
}
