//! From a process to its exit code: parsing, time limit, signals, and the error at the end.

mod usage;

use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};
use clap_complete::CompleteEnv;
use tokio::time::{Instant, interval_at, timeout};

use crate::cli::{Cli, Command};
use crate::command::{self, Ending, Session};
use crate::error::{Error, Kind};
use crate::process::Process;
use crate::settings::Settings;
use crate::ui::{Format, Manner, Ui, show_error};

/// How often what is being waited for may be said again.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// How long an edit of the kubeconfig may take that was under way when a command was interrupted.
const LAST_EDIT: Duration = Duration::from_secs(1);

/// How many panics are told of: the first ones, and the one that ended us.
const PANICS_KEPT: usize = 5;

/// Where threads have panicked, in order.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Runs one command line and gives its exit code.
pub fn run(process: Process) -> ExitCode {
    let format = asked_format(&process.arguments);
    // A panic's message may hold a secret, so only its place is kept; and one that is caught further down, such as
    // that of a parser, is no news at all.
    panic::set_hook(Box::new(|panic| {
        if let (Some(location), Ok(mut panics)) = (panic.location(), PANICS.lock()) {
            panics.truncate(PANICS_KEPT - 1);
            panics.push(location.to_string());
        }
    }));
    // Nothing of what the panic may have left half done is used again: the process ends.
    panic::catch_unwind(AssertUnwindSafe(|| run_command_line(process)))
        .unwrap_or_else(|_| fail(&panicked(), format))
}

fn panicked() -> Error {
    let mut error = Error::new(
        Kind::Bug,
        "`vc` came to a state that it holds to be impossible",
    );
    let places = PANICS.lock().map(|places| places.clone());
    for place in places.unwrap_or_default() {
        error.push_cause(format!("panicked at {place}"));
    }
    error
}

fn run_command_line(process: Process) -> ExitCode {
    if process.variable(command::completion::VARIABLE).is_some() {
        return complete(&process);
    }
    let cli = match parse(&process) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let wanted = cli.global.output.unwrap_or_default();
    let flags = match cli.global.to_layer() {
        Ok(flags) => flags,
        Err(error) => return fail(&error, wanted),
    };
    let settings = match Settings::resolve(flags.clone(), &process) {
        Ok(settings) => settings,
        Err(_) if command::is_local(&cli.command) => Settings::from_flags(flags.clone(), &process),
        Err(error) => return fail(&error, wanted),
    };
    // The agent's log is a file of its own.
    if !matches!(cli.command, Command::Agent(_)) {
        start_log(&process, cli.global.verbose);
    }
    let ui = Ui::new(Manner {
        format: settings.output,
        is_quiet: cli.global.quiet,
        can_ask: process.can_ask(),
        is_yes: settings.yes,
        is_live: process.stderr_is_terminal && cli.global.verbose == 0,
        has_color: settings.color,
    });
    let session = Session::new(process, flags, settings, ui);
    if matches!(cli.command, Command::Config(_)) {
        outlive_file_limit_of_local();
    }
    let ending = match command::run_locally(&session, &cli.command) {
        Some(ending) => ending.map(|()| ExitCode::SUCCESS),
        None => run_with_runtime(&session, cli.command),
    };
    match ending {
        Ok(code) => code,
        Err(error) => {
            session.ui.error(&error);
            ExitCode::from(error.kind.code())
        }
    }
}

/// Runs a command that waits for others: the host, another program, the user's patience.
fn run_with_runtime(session: &Session, command: Command) -> Result<ExitCode, Error> {
    // Only the agent has more to do at once than one thread can.
    let mut builder = tokio::runtime::Builder::new_current_thread();
    if matches!(command, Command::Agent(_)) {
        builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2);
    }
    let runtime = builder
        .enable_all()
        .build()
        .map_err(|error| Error::new(Kind::Failed, "cannot start").because(&error))?;
    let ending = runtime.block_on(async {
        outlive_file_limit();
        match run_bounded(session, command).await? {
            Ending::Done => Ok(ExitCode::SUCCESS),
            Ending::Interrupted => Ok(ExitCode::from(Kind::Interrupted.code())),
            Ending::Runs(program) => program.end().await.map(ExitCode::from),
        }
    });
    // An edit of the kubeconfig under way comes to its end, so that no lock is left lying. Whatever else still blocks a
    // thread, such as a look-up of a name, must not hold the user for long.
    runtime.shutdown_timeout(LAST_EDIT);
    ending
}

/// Has a file that may not grow any more (`ulimit -f`) fail as on a full disk, instead of ending us in the middle of it.
///
/// What tokio has caught once never has its usual effect again, whether or not anybody listens. Programs that we start
/// have it as ever.
#[cfg(unix)]
fn outlive_file_limit() {
    use tokio::signal::unix::{SignalKind, signal};
    let number = rustix::process::Signal::XFSZ.as_raw();
    if let Err(error) = signal(SignalKind::from_raw(number)) {
        tracing::debug!(%error, "a file that grows too long would end us");
    }
}

#[cfg(not(unix))]
fn outlive_file_limit() {}

/// The same for a command that has no runtime of its own and yet writes.
fn outlive_file_limit_of_local() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(async { outlive_file_limit() }),
        Err(error) => tracing::debug!(%error, "a file that grows too long would end us"),
    }
}

fn complete(process: &Process) -> ExitCode {
    let completer = CompleteEnv::with_factory(Cli::command)
        .var(command::completion::VARIABLE)
        .bin("vc")
        .completer("vc");
    // A completion that fails says nothing: the shell would show it in the middle of what the user types.
    let _ = completer.try_complete(process.arguments.iter().cloned(), process.folder.as_deref());
    ExitCode::SUCCESS
}

fn parse(process: &Process) -> Result<Cli, ExitCode> {
    let parsed = Cli::command().try_get_matches_from(&process.arguments);
    parsed
        .and_then(|matches| Cli::from_arg_matches(&matches))
        .map_err(|mut error| {
            usage::suggest_no_hidden(&mut error);
            let text = error.render();
            if error.use_stderr()
                && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            {
                return fail(
                    &usage::to_error(&text.to_string()),
                    asked_format(&process.arguments),
                );
            }
            let mut stream: Box<dyn Write> = if error.use_stderr() {
                Box::new(std::io::stderr())
            } else {
                Box::new(std::io::stdout())
            };
            let has_color = process.stdout_is_terminal && process.variable("NO_COLOR").is_none();
            // Somebody who pipes the help into `head` has read enough.
            let _ = if has_color {
                write!(stream, "{}", text.ansi())
            } else {
                write!(stream, "{text}")
            };
            ExitCode::from(if error.use_stderr() {
                Kind::Usage.code()
            } else {
                0
            })
        })
}

/// The form of output that was asked for on a command line that could not be parsed.
fn asked_format(arguments: &[std::ffi::OsString]) -> Format {
    let words: Vec<&str> = arguments
        .iter()
        .filter_map(|argument| argument.to_str())
        .collect();
    let apart = words
        .windows(2)
        .any(|pair| matches!(pair, ["-o" | "--output", "json"]));
    let joined = words
        .iter()
        .any(|word| matches!(*word, "-ojson" | "-o=json" | "--output=json"));
    if apart || joined {
        Format::Json
    } else {
        Format::Table
    }
}

/// Runs the command until it ends, its time is over, or the user interrupts it.
async fn run_bounded(session: &Session, command: Command) -> Result<Ending, Error> {
    // The agent decides itself when it ends, also on a signal.
    let is_unbounded = matches!(&command, Command::Agent(_));
    let is_endless = matches!(&command, Command::Logs(args) if args.is_endless());
    let limit = if is_unbounded || is_endless {
        Duration::MAX
    } else {
        session.settings.timeout
    };
    let work = async {
        tokio::select! {
            ended = timeout(limit, Box::pin(command::run(session, command))) => match ended {
                Ok(ending) => ending,
                Err(_) => Err(overdue(session)),
            },
            () = heartbeat(session) => unreachable!("the heartbeat has no end"),
        }
    };
    if is_unbounded {
        return Box::pin(work).await;
    }
    // Before the first request goes out, so that no signal finds us unready.
    let interrupts = Interrupts::catch();
    tokio::select! {
        // A signal that comes just as a program was started is that program's.
        biased;
        ending = work => ending,
        // To end what has no end of its own is no failure to tell of.
        () = interrupts.next() => if is_endless { Ok(Ending::Interrupted) } else { Err(cut_off(session)) },
    }
}

async fn heartbeat(session: &Session) {
    let mut clock = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    loop {
        clock.tick().await;
        session.ui.reporter().tick();
    }
}

/// The signals that end a command. They are caught from the moment this is made.
#[cfg(unix)]
struct Interrupts {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Interrupts {
    fn catch() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self {
            interrupt: signal(SignalKind::interrupt()).ok(),
            terminate: signal(SignalKind::terminate()).ok(),
        }
    }

    async fn next(mut self) {
        let of = async |signal: &mut Option<tokio::signal::unix::Signal>| match signal {
            Some(signal) => signal.recv().await.unwrap_or(()),
            None => std::future::pending().await,
        };
        tokio::select! {
            () = of(&mut self.interrupt) => {}
            () = of(&mut self.terminate) => {}
        }
    }
}

#[cfg(not(unix))]
struct Interrupts;

#[cfg(not(unix))]
impl Interrupts {
    fn catch() -> Self {
        Self
    }

    async fn next(self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn overdue(session: &Session) -> Error {
    let waited = session.settings.timeout.as_secs_f64();
    let mut error = Error::new(
        Kind::Timeout,
        format!("timed out after {waited:.0} s{}", while_doing(session)),
    );
    error.hints.extend(session.ui.reporter().advice());
    with_left(session, error).hint("allow more time with `--timeout`")
}

fn cut_off(session: &Session) -> Error {
    with_left(
        session,
        Error::new(
            Kind::Interrupted,
            format!("interrupted{}", while_doing(session)),
        ),
    )
}

fn while_doing(session: &Session) -> String {
    let steps = session.ui.reporter().current();
    let others = match steps.len() {
        0 | 1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    match steps.into_iter().next() {
        Some((doing, Some(reason))) => format!(" while {doing}{others}: {reason}"),
        Some((doing, None)) => format!(" while {doing}{others}"),
        None => format!(" while asking the host {}", session.host_name())
            .trim_end()
            .to_owned(),
    }
}

fn with_left(session: &Session, mut error: Error) -> Error {
    for (left, hint) in session.ui.reporter().left() {
        error.push_cause(left);
        error = error.hint(hint);
    }
    error
}

fn fail(error: &Error, format: Format) -> ExitCode {
    show_error(error, format);
    ExitCode::from(error.kind.code())
}

fn start_log(process: &Process, verbose: u8) {
    use tracing_subscriber::EnvFilter;
    let asked = process
        .variable("VC_LOG")
        .and_then(|filter| filter.to_str())
        .map(str::to_owned);
    let filter = asked.or(match verbose {
        0 => None,
        1 => Some("vc=debug".to_owned()),
        _ => Some("vc=trace,kube=debug".to_owned()),
    });
    if let Some(filter) = filter {
        let log = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(filter))
            .with_writer(std::io::stderr);
        // Only a second log in one process could fail, and there is none.
        let _ = log.try_init();
    }
}
