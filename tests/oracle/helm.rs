//! The real Helm, as a program that renders case after case.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::case::{Answer, Case, Outcome};

/// A version of Helm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V3,
    V4,
}

impl Version {
    fn folder(self) -> &'static str {
        match self {
            Self::V3 => "v3",
            Self::V4 => "v4",
        }
    }

    /// The module that the program is built from.
    pub(crate) fn module(self) -> &'static str {
        match self {
            Self::V3 => "helm.sh/helm/v3",
            Self::V4 => "helm.sh/helm/v4",
        }
    }
}

/// The program, running until it is dropped.
pub(crate) struct Helm {
    program: PathBuf,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Helm {
    /// Builds the program, unless it is there already, and starts it.
    pub(crate) fn start(version: Version) -> Self {
        Self::run(build(version))
    }

    fn run(program: PathBuf) -> Self {
        let mut child = Command::new(&program)
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Self {
            program,
            child,
            input,
            output,
        }
    }

    /// What Helm makes of a case. One that it does not survive, by a stack overflow or without an end, it refuses.
    pub(crate) fn render(&mut self, case: &Case) -> Outcome {
        let mut line = serde_json::to_string(case).expect("a case is plain data");
        line.push('\n');
        let mut answer = String::new();
        let written = self.input.write_all(line.as_bytes());
        if written.is_ok() {
            self.output
                .read_line(&mut answer)
                .expect("the program answers");
        }
        if answer.is_empty() {
            *self = Self::run(self.program.clone());
            return Err("Helm ended without an answer".to_owned());
        }
        let answer: Answer = serde_json::from_str(&answer)
            .unwrap_or_else(|error| panic!("no answer: {error}: {answer}"));
        if answer.error.is_empty() {
            Ok(answer.rendered)
        } else {
            Err(answer.error)
        }
    }
}

impl Drop for Helm {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn source(version: Version) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/oracle")
        .join(version.folder())
}

fn build(version: Version) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("oracle")
        .join(version.folder());
    // Go builds beside the old program and moves it, so that tests may do this at once.
    go(
        version,
        &[
            "build",
            "-trimpath",
            "-buildvcs=false",
            "-ldflags=-s -w",
            "-o",
        ],
        Some(&target),
    );
    target
}

/// Runs Go in the program's folder and yields what it prints.
pub(crate) fn go(version: Version, arguments: &[&str], target: Option<&Path>) -> String {
    let done = Command::new("go")
        .args(arguments)
        .args(target)
        .current_dir(source(version))
        .env("CGO_ENABLED", "0")
        .output()
        .expect("Go is needed for these tests; `make oracle` says so where it is missing");
    let problem = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "go {arguments:?}: {problem}");
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}
