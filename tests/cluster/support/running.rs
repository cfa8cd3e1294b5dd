//! A program under way, and what it said when it ended.

use std::fmt;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{PATIENCE, eventually};

/// How long the output of a program that has ended may stay open.
const CLOSING: Duration = Duration::from_secs(5);

/// A program under way; it is killed when dropped.
pub(crate) struct Running {
    child: Child,
    line: String,
    begin: Instant,
    stdout: Stream,
    stderr: Stream,
}

/// What a program has said so far.
struct Stream {
    text: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Running {
    pub(super) fn start(mut command: Command, line: String) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run `{line}`: {error}"));
        let stdout = Stream::read(child.stdout.take().expect("a pipe"));
        let stderr = Stream::read(child.stderr.take().expect("a pipe"));
        Self {
            child,
            line,
            begin: Instant::now(),
            stdout,
            stderr,
        }
    }

    /// Waits until it says this on standard error.
    pub(crate) fn until_it_says(&mut self, what: &str) {
        eventually(&format!("`{}` says {what}", self.line), || {
            let said = self.stderr.text();
            let has_ended = self.child.try_wait().expect("our own child").is_some();
            assert!(
                !has_ended || said.contains(what),
                "`{}` ended without saying {what}:\n{said}",
                self.line
            );
            said.contains(what).then_some(())
        });
    }

    /// Sends it a signal by name, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        send_signal(self.child.id(), name);
    }

    /// Waits for its end, with a bound.
    pub(crate) fn finish(mut self) -> Output {
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                break status;
            }
            let said = || format!("{}{}", self.stdout.text(), self.stderr.text());
            assert!(
                self.begin.elapsed() < PATIENCE,
                "`{}` hangs; it said:\n{}",
                self.line,
                said()
            );
            thread::sleep(Duration::from_millis(2));
        };
        let time = self.begin.elapsed();
        let ended = Instant::now();
        while !(self.stdout.reader.is_finished() && self.stderr.reader.is_finished()) {
            assert!(
                ended.elapsed() < CLOSING,
                "`{}` left its output open to the background",
                self.line
            );
            thread::sleep(Duration::from_millis(2));
        }
        Output {
            line: self.line.clone(),
            code: status.code(),
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
            time,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After its end there is nothing to kill, and that is no failure.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Stream {
    fn read(mut from: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&text);
        let reader = thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut piece) {
                into.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(&piece[..length]);
            }
        });
        Self { text, reader }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap_or_else(PoisonError::into_inner))
            .into_owned()
    }
}

/// What a program said, and how it ended.
pub(crate) struct Output {
    line: String,
    /// The exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    /// The standard output.
    pub(crate) stdout: String,
    /// The standard error.
    pub(crate) stderr: String,
    /// How long it took.
    pub(crate) time: Duration,
}

impl Output {
    /// Fails unless it ended with this exit code and said all of this on standard error.
    pub(crate) fn assert_refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self}");
        for word in words {
            assert!(
                self.stderr.contains(word),
                "standard error lacks {word:?}: {self}"
            );
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            line,
            code,
            stdout,
            stderr,
            time,
        } = self;
        write!(
            formatter,
            "`{line}` ended with {code:?} after {time:.1?}\n--- stdout\n{stdout}--- stderr\n{stderr}"
        )
    }
}

/// Sends a process a signal by name.
pub(super) fn send_signal(process: u32, name: &str) {
    Command::new("kill")
        .args(["-s", name, &process.to_string()])
        .stderr(Stdio::null())
        .status()
        .expect("every system has `kill`");
}
