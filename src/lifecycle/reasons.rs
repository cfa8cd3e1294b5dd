//! Why a control plane is not ready: what its pods and events say, and what was asked of the host beyond that.
//!
//! [`explain`] knows what single words mean; this remembers what went before, asks once for what makes a reason
//! sharper, and chooses the surest of several.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::timeout;

use crate::cluster::ClusterRef;
use crate::host::explain::{self, Crash, Obstacle, Room};
use crate::host::read::{Event, InvolvedObject, Node, Pod};
use crate::host::{Collection, Host};

/// An image that could not be pulled so often is given up: the host tries again after 10 s, 20 s, then 40 s.
const LAST_PULL: u32 = 4;
/// What makes a reason sharper must not hold it back for longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many of the last lines of a log are told.
const LINES_TOLD: usize = 5;

/// What is known beyond the objects of the moment.
#[derive(Default)]
pub(super) struct Reasons {
    /// The nodes, once they were asked for; none where we may not look at them.
    room: Option<Room>,
    last_words: BTreeMap<Crash, Vec<String>>,
    pulls: BTreeMap<(String, String), Pull>,
}

/// How the pull of one container's image went so far.
struct Pull {
    failures: u32,
    is_failing: bool,
    /// Why the last one failed; older hosts do not say it any more while they wait for the next.
    obstacle: Option<Obstacle>,
}

/// The reason to tell, and what goes with it.
pub(super) struct Why {
    pub(super) obstacle: Obstacle,
    /// Whether it is told by an event, and not by a pod as it is now.
    pub(super) is_of_event: bool,
    /// The last lines of what crashed.
    pub(super) last_words: Vec<String>,
}

impl Reasons {
    /// Takes in what pods say, and asks the host for what makes it sharper: its nodes once, a log once for each crash.
    pub(super) async fn learn(&mut self, host: &Host, namespace: &str, pods: &[&Pod]) {
        for pod in pods {
            self.note_pulls(pod);
            if explain::scheduler_words(pod).is_some() && self.room.is_none() {
                let nodes = Collection::of("Node", None);
                let nodes = timeout(PATIENCE, host.list::<Node>(&nodes, "")).await;
                let nodes = nodes.ok().and_then(Result::ok);
                self.room = Some(Room::new(nodes.unwrap_or_default()));
            }
            if pod.is_ready() {
                continue;
            }
            for crash in Crash::all(pod) {
                if let Entry::Vacant(unknown) = self.last_words.entry(crash) {
                    let words = host.fetch_last_words(namespace, unknown.key()).await;
                    unknown.insert(words);
                }
            }
        }
    }

    fn note_pulls(&mut self, pod: &Pod) {
        let statuses = pod.status.init_container_statuses.iter();
        for status in statuses.chain(&pod.status.container_statuses) {
            let Some(waiting) = &status.state.waiting else {
                continue;
            };
            let key = (pod.metadata.uid.clone(), status.name.clone());
            let is_failing = matches!(
                waiting.reason.as_str(),
                "ErrImagePull" | "RegistryUnavailable"
            );
            let pull = self.pulls.entry(key).or_insert(Pull {
                failures: 0,
                is_failing: false,
                obstacle: None,
            });
            if is_failing && !pull.is_failing {
                pull.failures += 1;
                pull.obstacle = explain::pod(pod);
            }
            pull.is_failing = is_failing;
        }
    }

    /// The surest reason of all that there are.
    pub(super) fn why(&self, pods: &[&Pod], events: &[&Event]) -> Option<Why> {
        let leaving = |pod: &&&Pod| pod.metadata.deletion_timestamp.is_none();
        let of_pods: Vec<Why> = pods
            .iter()
            .filter(leaving)
            .filter_map(|pod| self.of_pod(pod))
            .collect();
        let of_events = of_events(pods, events);
        let mut all: Vec<Why> = of_pods
            .into_iter()
            .chain(of_events.into_iter().map(|obstacle| Why {
                obstacle,
                is_of_event: true,
                last_words: Vec::new(),
            }))
            .collect();
        let position = all
            .iter()
            .position(|why| why.obstacle.is_final)
            .or_else(|| all.iter().position(|why| !why.obstacle.is_vague))
            .or((!all.is_empty()).then_some(0))?;
        Some(all.swap_remove(position))
    }

    fn of_pod(&self, pod: &Pod) -> Option<Why> {
        let mut obstacle = explain::pod(pod)?;
        if let Some(room) = &self.room
            && let Some(sharper) = room.explain(pod)
        {
            obstacle = sharper;
        }
        if let Some(pull) = self.pull_of(pod) {
            if !obstacle.is_final
                && let Some(known) = &pull.obstacle
            {
                obstacle = known.clone();
            }
            if pull.failures >= LAST_PULL && !obstacle.is_final {
                obstacle.reason = format!("{} (tried {} times)", obstacle.reason, pull.failures);
                obstacle.is_final = true;
            }
        }
        let last_words = Crash::all(pod)
            .next()
            .and_then(|crash| self.last_words.get(&crash).cloned())
            .unwrap_or_default();
        if let Some(telling) = most_telling(&last_words) {
            obstacle.reason = format!("{}: {telling}", obstacle.reason);
        }
        let surplus = last_words.len().saturating_sub(LINES_TOLD);
        Some(Why {
            obstacle,
            is_of_event: false,
            last_words: last_words[surplus..].to_vec(),
        })
    }

    /// The pull that keeps a pod waiting at this moment.
    fn pull_of(&self, pod: &Pod) -> Option<&Pull> {
        let statuses = pod.status.init_container_statuses.iter();
        statuses
            .chain(&pod.status.container_statuses)
            .filter(|status| {
                let waiting = status.state.waiting.as_ref();
                waiting.is_some_and(|waiting| {
                    matches!(
                        waiting.reason.as_str(),
                        "ErrImagePull" | "ImagePullBackOff" | "RegistryUnavailable"
                    )
                })
            })
            .find_map(|status| {
                self.pulls
                    .get(&(pod.metadata.uid.clone(), status.name.clone()))
            })
    }
}

/// The last line that speaks of a failure, else the last.
fn most_telling(lines: &[String]) -> Option<&String> {
    let speaks_of_failure = |line: &&String| {
        let line = line.to_lowercase();
        ["error", "fatal", "panic"]
            .iter()
            .any(|word| line.contains(word))
    };
    lines.iter().rfind(speaks_of_failure).or(lines.last())
}

/// What events say, the newest first, as far as it still holds.
fn of_events(pods: &[&Pod], events: &[&Event]) -> Vec<Obstacle> {
    let mut events: Vec<&Event> = events.to_vec();
    // Times are whole seconds; within one, the order in which the host wrote them decides.
    let age = |event: &&Event| {
        let version = event.metadata.resource_version.parse::<u64>();
        (event.happened(), version.unwrap_or_default())
    };
    events.sort_by_key(age);
    let is_scheduled = pods
        .iter()
        .any(|pod| explain::scheduler_words(pod).is_none());
    let mut pulled = BTreeSet::new();
    let mut obstacles = Vec::new();
    for event in events.into_iter().rev() {
        let object = &event.involved_object;
        let holds = match (object.kind.as_str(), event.reason.as_str()) {
            (_, "FailedCreate") => pods.is_empty(),
            ("PersistentVolumeClaim", _) => !is_scheduled,
            (_, "Pulled") => {
                pulled.insert(object.name.as_str());
                false
            }
            (_, "Pulling") => !pulled.contains(object.name.as_str()) && is_of_one(pods, object),
            _ => is_of_one(pods, object),
        };
        if holds {
            obstacles.extend(explain::event(event));
        }
    }
    obstacles
}

/// Whether it happened to a pod that is not ready, and not to an earlier one of its name.
fn is_of_one(pods: &[&Pod], object: &InvolvedObject) -> bool {
    pods.iter().any(|pod| {
        let is_same = object.uid.is_empty() || object.uid == pod.metadata.uid;
        pod.metadata.name == object.name && is_same && !pod.is_ready()
    })
}

/// Whether an event is about what a cluster is made of, and not about what it synced for its tenants.
pub(super) fn concerns(reference: &ClusterRef, event: &Event) -> bool {
    let (object, name) = (&event.involved_object.name, reference.name.as_str());
    let belongs = |object: &str| {
        object
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let is_synced = object.contains("-x-");
    !is_synced && (belongs(object) || object.strip_prefix("data-").is_some_and(belongs))
}
