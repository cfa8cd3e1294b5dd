//! Why a container does not run: its image, its configuration, or itself.

use super::{Obstacle, image};
use crate::host::read::{ContainerStatus, Pod, Reason};

/// A container that ended so often will end again: the host lets it wait 10 s, then 20 s, then 40 s.
const LAST_CHANCE: u32 = 4;

/// The latest end of a container that should have gone on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Crash {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// Which of its ends it was, from 1.
    pub number: u32,
    /// Whether another run has begun, so that its log is the one before.
    pub is_previous: bool,
}

impl Crash {
    /// The crashes of a pod that is not ready.
    pub fn all(pod: &Pod) -> impl Iterator<Item = Self> {
        let name = pod.metadata.name.clone();
        let statuses = pod.status.init_container_statuses.iter();
        let first = statuses.map(|status| (status, true));
        let own = pod
            .status
            .container_statuses
            .iter()
            .map(|status| (status, false));
        first.chain(own).filter_map(move |(status, may_end)| {
            let (number, _) = latest_end(status, may_end)?;
            Some(Self {
                pod: name.clone(),
                container: status.name.clone(),
                number,
                is_previous: status.state.terminated.is_none(),
            })
        })
    }
}

/// What keeps a container from running. One that `may_end` is done when it ends well.
pub(super) fn obstacle(status: &ContainerStatus, may_end: bool) -> Option<Obstacle> {
    let name = &status.name;
    if let Some(waiting) = &status.state.waiting {
        let detail = if waiting.message.is_empty() {
            &waiting.reason
        } else {
            &waiting.message
        };
        match waiting.reason.as_str() {
            "ErrImagePull"
            | "ImagePullBackOff"
            | "ErrImageNeverPull"
            | "InvalidImageName"
            | "ImageInspectError"
            | "RegistryUnavailable"
            | "SignatureValidationFailed" => {
                return Some(image::obstacle(&status.image, &waiting.reason, detail));
            }
            "CreateContainerConfigError" => {
                return Some(
                    Obstacle::passing(format!("container `{name}` cannot start: {detail}"))
                        .hint("make what it refers to in the cluster's namespace, or correct the reference"),
                );
            }
            "CreateContainerError" | "RunContainerError" => {
                return Some(Obstacle::passing(format!(
                    "container `{name}` cannot start: {detail}"
                )));
            }
            _ => {}
        }
    }
    let (number, end) = latest_end(status, may_end)?;
    Some(crash(name, number, end))
}

/// The number of the latest end, from 1, and how it ended; `None` if it has not ended, or was allowed to.
fn latest_end(status: &ContainerStatus, may_end: bool) -> Option<(u32, &Reason)> {
    let (number, end) = match (&status.state.terminated, &status.state.waiting) {
        (Some(end), _) => (status.restart_count + 1, end),
        (None, Some(waiting)) if waiting.reason == "CrashLoopBackOff" => (
            status.restart_count + 1,
            status.last_state.terminated.as_ref()?,
        ),
        _ => (status.restart_count, status.last_state.terminated.as_ref()?),
    };
    let ended_well = end.exit_code.unwrap_or_default() == 0;
    (!(may_end && ended_well)).then_some((number, end))
}

fn crash(name: &str, number: u32, end: &Reason) -> Obstacle {
    if end.reason == "StartError" || end.reason == "ContainerCannotRun" {
        let message = end.message.trim();
        return Obstacle::passing(format!("container `{name}` cannot be started: {message}"))
            .hint("use an image that has the program, or correct its command")
            .finally();
    }
    let how = match (end.reason.as_str(), end.exit_code) {
        ("OOMKilled", _) => " because it used more memory than its limit".to_owned(),
        (_, Some(code)) => format!(" with code {code}"),
        (_, None) => String::new(),
    };
    let times = match number {
        0 | 1 => String::new(),
        2 => ", twice so far".to_owned(),
        number => format!(", {number} times so far"),
    };
    let obstacle = Obstacle::passing(format!("container `{name}` ended{how}{times}"));
    let obstacle = if end.reason == "OOMKilled" {
        obstacle
            .hint("allow it more with `--set controlPlane.statefulSet.resources.limits.memory=…`")
    } else {
        obstacle.hint("correct what its log complains of, and create it anew")
    };
    if number >= LAST_CHANCE {
        obstacle.finally()
    } else {
        obstacle
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(status: Value, may_end: bool) -> Option<(String, bool)> {
        let status: ContainerStatus = serde_json::from_value(status).unwrap();
        obstacle(&status, may_end).map(|found| (found.reason, found.is_final))
    }

    fn crashed(restarts: u32, state: &Value) -> Value {
        let end = json!({ "terminated": { "reason": "Error", "exitCode": 1 } });
        json!({ "name": "syncer", "restartCount": restarts, "state": state, "lastState": end })
    }

    #[test]
    fn a_crash_is_told_from_the_first_on_and_the_fourth_is_the_last() {
        let ended = json!({ "terminated": { "reason": "Error", "exitCode": 1 } });
        let waits =
            json!({ "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 10s" } });
        let runs = json!({ "running": {} });
        let say = |text: &str, is_final| {
            Some((
                format!("container `syncer` ended with code 1{text}"),
                is_final,
            ))
        };
        assert_eq!(of(crashed(0, &ended), false), say("", false));
        assert_eq!(of(crashed(1, &runs), false), say("", false));
        assert_eq!(of(crashed(1, &ended), false), say(", twice so far", false));
        assert_eq!(of(crashed(1, &waits), false), say(", twice so far", false));
        assert_eq!(of(crashed(3, &waits), false), say(", 4 times so far", true));
    }

    #[test]
    fn what_prepares_a_pod_may_end_and_must_not_fail() {
        let end = |code: u32| json!({ "name": "kubernetes", "state": { "terminated": { "exitCode": code } } });
        assert_eq!(of(end(0), true), None);
        assert!(of(end(1), true).is_some() && of(end(0), false).is_some());
    }

    #[test]
    fn a_program_that_is_not_there_is_final() {
        let message = "exec: \"/vcluster\": no such file or directory";
        let state = json!({ "terminated": { "reason": "StartError", "exitCode": 128, "message": message } });
        let (reason, is_final) = of(json!({ "name": "syncer", "state": state }), false).unwrap();
        assert!(
            is_final && reason.ends_with("no such file or directory"),
            "{reason}"
        );
    }
}
