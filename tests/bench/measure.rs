//! Times and memory of programs, and the middle of several runs.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A program that takes longer than this is not waited for again.
const LONG: Duration = Duration::from_secs(10);

/// The figures of several runs of the same.
pub(crate) struct Runs(Vec<f64>);

impl Runs {
    /// Runs it so often, after one run that is not counted; once only if it takes long.
    pub(crate) fn of(
        count: usize,
        mut run: impl FnMut() -> Result<f64, String>,
    ) -> Result<Self, String> {
        let begin = Instant::now();
        let first = run()?;
        if begin.elapsed() > LONG {
            return Ok(Self(vec![first]));
        }
        (0..count)
            .map(|_| run())
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// A figure that is the same every time.
    pub(crate) fn one(figure: f64) -> Self {
        Self(vec![figure])
    }

    /// The figures of runs that were made elsewhere.
    pub(crate) fn from(figures: Vec<f64>) -> Self {
        Self(figures)
    }

    /// How many runs.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The middle one.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The one that so many in a hundred are below.
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a part of a small number"
        )]
        let index = (sorted.len() as f64 * percent / 100.0) as usize;
        sorted
            .get(index)
            .or(sorted.last())
            .copied()
            .unwrap_or(f64::NAN)
    }

    /// The least of them: what remains on a machine that does nothing else.
    pub(crate) fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::min)
    }
}

/// Runs a program that has to succeed: the milliseconds from its start to its end.
pub(crate) fn time(command: &mut Command) -> Result<f64, String> {
    let begin = Instant::now();
    let status = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| failed(command, &error.to_string()))?;
    let time = milliseconds(begin.elapsed());
    if status.success() {
        Ok(time)
    } else {
        Err(failed(command, &status.to_string()))
    }
}

/// Runs a program that has to succeed and gives what it said: standard output and standard error.
pub(crate) fn output(command: &mut Command) -> Result<(String, String), String> {
    let output = command
        .output()
        .map_err(|error| failed(command, &error.to_string()))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    if output.status.success() {
        Ok((stdout, stderr))
    } else {
        Err(failed(command, &stderr))
    }
}

/// The most memory that a program held at once, in megabytes; `None` where the system does not tell.
///
/// The system forgets the figure when the program ends, so it is read over and over until then.
pub(crate) fn peak_memory(command: &mut Command) -> Option<f64> {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let file = format!("/proc/{}/status", child.id());
    let mut peak = None;
    loop {
        let status = fs::read_to_string(&file).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        peak = kibibytes.and_then(|text| text.parse::<f64>().ok()).or(peak);
        if child.try_wait().ok()?.is_some() {
            return peak.map(|kibibytes| kibibytes * 1024.0 / 1e6);
        }
    }
}

/// A length of time as a figure.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn failed(command: &Command, why: &str) -> String {
    let program = command.get_program().to_string_lossy();
    let program = program.rsplit('/').next().unwrap_or_default();
    let arguments: Vec<_> = command
        .get_args()
        .map(|argument| argument.to_string_lossy())
        .collect();
    format!("`{program} {}` failed: {}", arguments.join(" "), why.trim())
}
