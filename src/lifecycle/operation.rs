//! Who works on a release: written on its pending record, so that the next command can tell work that goes on from work
//! that was cut off.
//!
//! Helm knows nothing of this mark and drops it when it rewrites a record. Its own pending records carry none.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::process::Process;

/// The annotation that carries the mark.
pub(super) const ANNOTATION: &str = "vc/operation";

/// How long an operation that carries no mark is taken to go on: Helm's own limit for one is 5 minutes by default.
const UNMARKED: SignedDuration = SignedDuration::from_mins(5);
/// How far the clocks of two machines may differ.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(1);

/// One run of a command, and until when it may go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// Whoever runs it, as `user@machine`.
    who: String,
    /// The machine and the process table that the process is in.
    place: String,
    process: u32,
    /// Tells the process from a later one of the same number.
    started: String,
    /// When its time limit ends it, if nothing else does.
    until: Timestamp,
}

impl Operator {
    /// The command that runs now, within this time limit.
    pub fn current(process: &Process, limit: std::time::Duration) -> Self {
        let own = std::process::id();
        let machine = machine();
        let user = ["USER", "LOGNAME", "USERNAME"]
            .into_iter()
            .find_map(|name| process.variable(name)?.to_str());
        let limit = SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX);
        Self {
            who: match user {
                Some(user) => format!("{user}@{machine}"),
                None => machine.clone(),
            },
            place: place().unwrap_or(machine),
            process: own,
            started: start_of(own).unwrap_or_default(),
            until: Timestamp::now()
                .checked_add(limit)
                .unwrap_or(Timestamp::MAX),
        }
    }

    /// Whoever runs it, as `user@machine`.
    pub(super) fn who(&self) -> &str {
        &self.who
    }

    /// Whether it may still go on.
    fn goes_on(&self, here: &Self, now: Timestamp) -> bool {
        if self.place == here.place && !self.started.is_empty() {
            return start_of(self.process).as_ref() == Some(&self.started);
        }
        now < self.until.saturating_add(CLOCK_SKEW).unwrap_or(self.until)
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` (pid {})", self.who, self.process)
    }
}

/// What a pending record tells of the command that wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    /// Its mark, if it left one.
    pub(super) operator: Option<Operator>,
    /// When it began.
    pub(super) since: Option<Timestamp>,
}

impl Trace {
    /// Until when the command may go on; `None` if it was cut off.
    pub(super) fn goes_on_until(&self, here: &Operator, now: Timestamp) -> Option<Timestamp> {
        if let Some(operator) = &self.operator {
            return operator.goes_on(here, now).then_some(operator.until);
        }
        let end = self.since?.saturating_add(UNMARKED).ok()?;
        (now < end).then_some(end)
    }
}

impl fmt::Display for Trace {
    /// By whom and since when, as far as it is known.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.operator {
            Some(operator) => write!(formatter, "by {operator}")?,
            None => formatter.write_str("by `helm` or `vcluster`")?,
        }
        match self.since {
            Some(since) => write!(formatter, " since {}", since.strftime("%Y-%m-%dT%H:%M:%SZ")),
            None => Ok(()),
        }
    }
}

#[cfg(unix)]
fn machine() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

#[cfg(not(unix))]
fn machine() -> String {
    "this machine".to_owned()
}

/// The boot of the machine and the namespace of process numbers, which containers on it do not share.
#[cfg(target_os = "linux")]
fn place() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let table = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), table.display()))
}

#[cfg(not(target_os = "linux"))]
fn place() -> Option<String> {
    None
}

/// When a process started, in the system's own count; `None` if it does not run.
#[cfg(target_os = "linux")]
fn start_of(process: u32) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold anything, so fields are counted from behind it; the start is field 22, the
    // state field 3. A zombie has ended: only its parent has not noticed.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let start = fields.nth(18)?;
    (!matches!(state, "Z" | "X")).then(|| start.to_owned())
}

/// Elsewhere a process is not told from a later one, so that only the time limit counts.
#[cfg(not(target_os = "linux"))]
fn start_of(_: u32) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Operator {
        Operator::current(&Process::current(), std::time::Duration::from_mins(10))
    }

    #[test]
    fn a_command_here_goes_on_as_long_as_its_process_does() {
        let (here, now) = (here(), Timestamp::now());
        assert!(here.goes_on(&here, now));
        let mut gone = here.clone();
        gone.started = "1".to_owned();
        assert!(!gone.goes_on(&here, now));
    }

    #[test]
    fn a_command_elsewhere_goes_on_until_its_time_limit() {
        let (here, now) = (here(), Timestamp::now());
        let elsewhere = Operator {
            place: "another machine".to_owned(),
            until: now + SignedDuration::from_secs(10),
            ..here.clone()
        };
        assert!(elsewhere.goes_on(&here, now));
        assert!(!elsewhere.goes_on(&here, now + SignedDuration::from_mins(2)));
    }

    #[test]
    fn an_operation_of_helm_is_cut_off_after_its_own_limit() {
        let (here, now) = (here(), Timestamp::now());
        let mut trace = Trace {
            operator: None,
            since: Some(now - SignedDuration::from_mins(4)),
        };
        assert!(trace.goes_on_until(&here, now).is_some());
        trace.since = Some(now - SignedDuration::from_mins(6));
        assert_eq!(trace.goes_on_until(&here, now), None);
        trace.since = None;
        assert_eq!(trace.goes_on_until(&here, now), None);
    }
}
