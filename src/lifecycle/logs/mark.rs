//! How far the log of a pod was read, and whether it is to be read again.

use jiff::Timestamp;

use crate::driver::component::Component;
use crate::host::read::{ContainerStatus, Pod};

/// How far the log of one pod was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// Which start of the container was read, counted by its restarts.
    pub(super) start: u32,
    /// The time of the last line.
    pub(super) time: Option<Timestamp>,
    /// How often in a row there was nothing to read.
    pub(super) failures: u32,
    pub(super) is_open: bool,
}

/// The read that a pod is due for, if any: its first, that of a container which was started again, or the rest of one
/// that broke off.
pub(super) fn next_read(pod: &Pod, component: Component, known: Option<Mark>) -> Option<Mark> {
    let status = &pod.status;
    let container = status
        .init_container_statuses
        .iter()
        .chain(&status.container_statuses)
        .find(|container| container.name == component.container())
        .filter(|container| has_started(container))?;
    let mark = known.unwrap_or_default();
    let is_due = match known {
        None => true,
        Some(mark) if mark.is_open => false,
        Some(mark) => container.restart_count > mark.start || container.state.is_running(),
    };
    is_due.then_some(Mark {
        start: container.restart_count,
        is_open: true,
        ..mark
    })
}

fn has_started(container: &ContainerStatus) -> bool {
    container.state.waiting.is_none() || container.last_state.terminated.is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(container: Value) -> Pod {
        let mut container = container;
        container["name"] = "syncer".into();
        serde_json::from_value(json!({ "status": { "containerStatuses": [container] } })).unwrap()
    }

    #[test]
    fn a_container_is_read_again_when_it_was_started_again_or_runs_on() {
        let running =
            |restarts: u32| pod(json!({ "restartCount": restarts, "state": { "running": {} } }));
        let due = |pod: &Pod, known| {
            next_read(pod, Component::ControlPlane, known).map(|mark| mark.start)
        };
        assert_eq!(due(&running(0), None), Some(0));
        let read = Mark {
            start: 0,
            is_open: false,
            ..Mark::default()
        };
        let open = Mark {
            is_open: true,
            ..read
        };
        assert_eq!(due(&running(0), Some(open)), None);
        assert_eq!(due(&running(0), Some(read)), Some(0));
        assert_eq!(due(&running(1), Some(read)), Some(1));
        let ended = pod(json!({ "state": { "terminated": { "exitCode": 1 } } }));
        assert_eq!(due(&ended, None), Some(0));
        assert_eq!(due(&ended, Some(read)), None);
        let pending = pod(json!({ "state": { "waiting": { "reason": "ContainerCreating" } } }));
        assert_eq!(due(&pending, None), None);
    }
}
