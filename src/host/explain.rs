//! What the host's own words mean to a user: why a pod is not ready, and what a refusal asks for.
//!
//! The rules are pure. What one of them needs to ask the host for first, `lifecycle` asks and hands in.

mod container;
mod event;
mod image;
mod node;
mod refusal;

use super::read::Pod;

pub use container::Crash;
pub use event::event;
pub use node::Room;

/// Why something on the host is not ready yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// Why, in one line.
    pub reason: String,
    /// Whether waiting cannot help.
    pub is_final: bool,
    /// Whether it only says that something else is in the way, which may be known too.
    pub is_vague: bool,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Obstacle {
    /// One that may pass.
    pub fn passing(reason: String) -> Self {
        Self {
            reason,
            is_final: false,
            is_vague: false,
            hint: None,
        }
    }

    fn hint(self, hint: &str) -> Self {
        Self {
            hint: Some(hint.to_owned()),
            ..self
        }
    }

    fn finally(self) -> Self {
        Self {
            is_final: true,
            ..self
        }
    }

    fn vaguely(self) -> Self {
        Self {
            is_vague: true,
            ..self
        }
    }
}

/// Why a pod is not ready; `None` while nothing is wrong with it.
pub fn pod(pod: &Pod) -> Option<Obstacle> {
    let name = &pod.metadata.name;
    if pod.is_ready() {
        return None;
    }
    if pod.status.phase == "Failed" {
        let why = [&pod.status.message, &pod.status.reason]
            .into_iter()
            .find(|text| !text.is_empty());
        return Some(Obstacle::passing(format!(
            "pod `{name}` failed: {}",
            why.map_or("no reason given", |why| why)
        )));
    }
    if let Some(words) = scheduler_words(pod) {
        return Some(node::unscheduled(name, words));
    }
    let first_to_end = pod
        .status
        .init_container_statuses
        .iter()
        .find_map(|status| container::obstacle(status, true));
    first_to_end.or_else(|| {
        let own = pod.status.container_statuses.iter();
        own.map(|status| container::obstacle(status, false))
            .find_map(|obstacle| obstacle)
    })
}

/// What the scheduler says of a pod that it has no node for.
pub fn scheduler_words(pod: &Pod) -> Option<&str> {
    let conditions = pod.status.conditions.iter();
    conditions
        .filter(|fact| fact.kind == "PodScheduled" && fact.status == "False")
        .map(|fact| fact.message.as_str())
        .next()
}
