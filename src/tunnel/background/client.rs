//! Asking the agent, and having one to ask. Everything here blocks.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::lock::Lock;
use super::protocol::{Answer, Ask, Environment, Opening, PROTOCOL, Question, Reply, VERSION};
use super::serving::Holder;
use super::start::START_LIMIT;
use super::{Place, STOP_LIMIT, process};

/// How often an agent that went away while it was asked is asked again.
const ATTEMPTS: usize = 3;

/// The variables that an agent is started with. It outlives the command, and must not show what that was given.
const KEPT_VARIABLES: &[&str] = &[
    "HOME",
    "USERPROFILE",
    "SYSTEMROOT",
    "PATH",
    "TMPDIR",
    "LANG",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "XDG_RUNTIME_DIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "VC_LOG",
];

/// Why there is no agent, or no answer.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Its folder cannot be used.
    #[error("cannot use the folder of tunnels `{}`", folder.display())]
    Folder {
        /// Where it is.
        folder: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// The process could not be made.
    #[error("cannot start `{program}`")]
    Spawn {
        /// What was to be run.
        program: String,
        /// What happened.
        source: io::Error,
    },
    /// The process ended before it answered.
    #[error("the agent in the background ended as soon as it began: {message}")]
    Ended {
        /// What it said last.
        message: String,
    },
    /// The process did not answer in time and was ended.
    #[error("the agent in the background did not answer within {} s", after.as_secs())]
    TimedOut {
        /// How long it was given.
        after: Duration,
    },
    /// It went away while it was asked.
    #[error("the agent in the background went away while it was asked")]
    Gone(#[source] io::Error),
}

/// The agent of a place, as those see it who ask.
#[derive(Clone, Debug)]
pub struct Agent {
    place: Place,
    program: PathBuf,
    arguments: Vec<String>,
    environment: Environment,
}

impl Agent {
    /// The agent of `place`, started as `program` with `arguments` where none runs, by who has this environment.
    pub fn new(
        place: Place,
        program: PathBuf,
        arguments: Vec<String>,
        environment: Environment,
    ) -> Self {
        Self {
            place,
            program,
            arguments,
            environment,
        }
    }

    /// The program that it is started as: our own, by the path that stays when we are replaced.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The environment of who asks.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// What it logs to.
    pub fn log(&self) -> PathBuf {
        self.place.log()
    }

    /// Asks the agent, starting one if need be. Hands each note on as it comes.
    pub fn ask(&self, ask: &Ask, note: &mut dyn FnMut(&str)) -> Result<Answer, AgentError> {
        let mut attempt = 1;
        loop {
            let connection = self.connect_or_start()?;
            match converse(connection, ask, note) {
                Ok(Answer::Outdated) if attempt < ATTEMPTS => self.replace()?,
                Ok(answer) => return Ok(answer),
                // It was just about to end.
                Err(error) if is_end(&error) && attempt < ATTEMPTS => {}
                Err(error) => return Err(AgentError::Gone(error)),
            }
            attempt += 1;
        }
    }

    /// Asks the agent that runs; `None` if none does.
    pub fn ask_running(&self, ask: &Ask) -> Result<Option<Answer>, AgentError> {
        let Some(connection) = self.connect()? else {
            return Ok(None);
        };
        match converse(connection, ask, &mut |_| {}) {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if is_end(&error) => Ok(None),
            Err(error) => Err(AgentError::Gone(error)),
        }
    }

    /// Ends the agent and returns once it is gone; what it kept, or `None` if there was none.
    pub fn end(&self, is_final: bool) -> Result<Option<Vec<Opening>>, AgentError> {
        let starting = self.place.hold_starting(Instant::now() + START_LIMIT)?;
        self.end_within(is_final, &starting)
    }

    fn end_within(&self, is_final: bool, _: &Lock) -> Result<Option<Vec<Opening>>, AgentError> {
        let Some(Answer::Left { openings }) = self.ask_running(&Ask::Leave { is_final })? else {
            return Ok(None);
        };
        let failed = |source| self.place.unusable(source);
        let lock = Lock::open(&self.place.lock()).map_err(failed)?;
        if !lock
            .take_until(Instant::now() + STOP_LIMIT)
            .map_err(failed)?
        {
            drop(lock);
            self.place.clear().map_err(failed)?;
        }
        Ok(Some(openings))
    }

    /// Puts an agent of this version in the place of an older one, with the tunnels that it had.
    fn replace(&self) -> Result<(), AgentError> {
        let deadline = Instant::now() + START_LIMIT;
        let starting = self.place.hold_starting(deadline)?;
        let openings = self.end_within(false, &starting)?;
        self.place.start(self.command(), deadline)?;
        drop(starting);
        for opening in openings.into_iter().flatten() {
            // One that cannot be opened now is in the record, and is opened when it is used.
            let _ = self.ask_running(&Ask::Open(Box::new(opening)))?;
        }
        Ok(())
    }

    fn connect_or_start(&self) -> Result<process::Stream, AgentError> {
        if let Some(connection) = self.connect()? {
            return Ok(connection);
        }
        let deadline = Instant::now() + START_LIMIT;
        let _starting = self.place.hold_starting(deadline)?;
        // Somebody may have started one while we waited.
        if let Some(connection) = self.connect()? {
            return Ok(connection);
        }
        let failed = |source| self.place.unusable(source);
        self.place.clear().map_err(failed)?;
        self.place.start(self.command(), deadline)?;
        let gone = || io::Error::from(io::ErrorKind::ConnectionRefused);
        self.connect()?.ok_or_else(|| AgentError::Gone(gone()))
    }

    /// `None` if nobody listens.
    fn connect(&self) -> Result<Option<process::Stream>, AgentError> {
        let Some(holder) = Holder::read(&self.place) else {
            return Ok(None);
        };
        match process::connect(&holder.socket) {
            Ok(stream) => Ok(Some(stream)),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound
                        | io::ErrorKind::ConnectionRefused
                        | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(AgentError::Gone(error)),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear();
        let kept = self.environment.iter();
        command.envs(kept.filter(|(name, _)| KEPT_VARIABLES.contains(name)));
        command
    }
}

/// Whether the agent ended while it was asked.
fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}

/// One question and its answer.
fn converse(
    mut connection: process::Stream,
    ask: &Ask,
    note: &mut dyn FnMut(&str),
) -> io::Result<Answer> {
    let question = Question {
        vc: VERSION.to_owned(),
        protocol: PROTOCOL,
        ask: serde_json::to_value(ask)?,
    };
    let mut line = serde_json::to_vec(&question)?;
    line.push(b'\n');
    connection.write_all(&line)?;
    for line in BufReader::new(connection).lines() {
        match serde_json::from_str::<Reply>(&line?)?.answer {
            Answer::Note { text } => note(&text),
            answer => return Ok(answer),
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}
