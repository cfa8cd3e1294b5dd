//! Which pod of a target to use now: followed with one LIST and one WATCH, never polled.
//!
//! What decides among them is [`super::pod`]'s; opening connections to the chosen one is the dialer's.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, pin_mut};
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::backoff::Backoff;
use super::cause::chain;
use super::clock::Jumps;
use super::pod::{Pod, PodRef, Seen, choose, resource};
use super::upstream::Upstream;
use super::{Target, Usage};

/// How long the server keeps one watch open.
const WATCH_SECONDS: u32 = 240;

/// A watch that outlives its own time limit by this much is on a dead connection.
const WATCH_GRACE: Duration = Duration::from_secs(10);

/// The longest pause before the pods are looked at again, well below the time that a client is held.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// The longest time to wait for the answer to a LIST.
const LIST_LIMIT: Duration = Duration::from_secs(8);

/// What is known about the pods now.
#[derive(Clone, Debug, Default)]
pub(super) struct Followed {
    /// The pod to use, if one can be used.
    pub(super) pod: Option<PodRef>,
    /// Whether the pod says itself that it serves.
    pub(super) is_ready: bool,
    /// Since when there has been no pod to use; unknown before the pods were seen.
    pub(super) absent_since: Option<Instant>,
    /// Why the pods cannot be seen at the moment.
    pub(super) error: Option<String>,
}

/// Publishes the pod to use at each change, until dropped, while somebody uses it; nobody's pods are not looked at.
///
/// `doubt` is for whoever could not reach the pod: the watch may be dead too, and is opened anew.
pub(super) async fn follow(
    upstream: &Upstream,
    target: &Target,
    publish: &watch::Sender<Followed>,
    doubt: &Notify,
    mut usage: watch::Receiver<Usage>,
) -> Infallible {
    let mut backoff = Backoff::up_to(LONGEST_PAUSE);
    loop {
        while usage.borrow_and_update().follows_until() <= Some(Instant::now()) {
            if usage.changed().await.is_err() {
                // Whoever would use it has ended.
                std::future::pending::<()>().await;
            }
        }
        let mut using = usage.clone();
        tokio::select! {
            () = follow_once(upstream, target, publish, doubt, usage.clone(), &mut backoff) => {}
            () = rested(&mut using) => {
                tracing::debug!("nobody uses the pods any more");
                // What was seen last would be taken for what is.
                publish.send_replace(Followed::default());
            }
        }
    }
}

/// Resolves when nobody has used it for some time.
async fn rested(usage: &mut watch::Receiver<Usage>) {
    loop {
        let Some(until) = usage.borrow_and_update().follows_until() else {
            return;
        };
        tokio::select! {
            () = tokio::time::sleep_until(until.into()) => if usage.borrow().connections == 0 { return },
            changed = usage.changed() => if changed.is_err() { return },
        }
    }
}

/// Follows for as long as nothing goes wrong, and then waits until it makes sense to try again.
async fn follow_once(
    upstream: &Upstream,
    target: &Target,
    publish: &watch::Sender<Followed>,
    doubt: &Notify,
    mut usage: watch::Receiver<Usage>,
    backoff: &mut Backoff,
) {
    let client = upstream.client().clone();
    let pods = Api::namespaced_with(client, &target.namespace, &resource());
    let mut alarm = Alarm {
        doubt,
        jumps: upstream.jumps(),
    };
    let broken = list_and_watch(&pods, &target.selector, publish, &mut alarm, backoff).await;
    let Err(broken) = broken else {
        return backoff.wait().await;
    };
    let (error, is_final) = match broken {
        // Trying by itself again and again might open browsers: the next one who wants a pod asks for more.
        Broken::Unauthorized => ("the host refuses the credentials".to_owned(), true),
        Broken::Otherwise(error) => (error, false),
    };
    tracing::debug!(%error, "pods cannot be followed");
    usage.mark_unchanged();
    publish.send_modify(|followed| followed.error = Some(error));
    tokio::select! {
        () = backoff.wait(), if !is_final => {}
        _ = usage.changed(), if is_final => {}
        () = alarm.rings(), if is_final => {}
    }
}

/// Reasons to take an open watch for dead.
struct Alarm<'a> {
    doubt: &'a Notify,
    jumps: Jumps,
}

impl Alarm<'_> {
    async fn rings(&mut self) {
        tokio::select! {
            () = self.doubt.notified() => {}
            () = self.jumps.next() => {}
        }
    }
}

/// Why the pods cannot be followed.
enum Broken {
    /// The host refuses the credentials.
    Unauthorized,
    Otherwise(String),
}

impl From<kube::Error> for Broken {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 401 => Self::Unauthorized,
            error => Self::Otherwise(chain(&error)),
        }
    }
}

/// Returns `Ok` when the list is too old to be continued.
async fn list_and_watch(
    pods: &Api<Pod>,
    selector: &str,
    publish: &watch::Sender<Followed>,
    alarm: &mut Alarm<'_>,
    backoff: &mut Backoff,
) -> Result<(), Broken> {
    let list = timeout(
        LIST_LIMIT,
        pods.list(&ListParams::default().labels(selector)),
    )
    .await
    .map_err(|_| Broken::Otherwise("listing pods got no answer".to_owned()))??;
    let mut version = list.metadata.resource_version.unwrap_or_default();
    let mut seen: BTreeMap<String, Seen> = list.items.iter().filter_map(Seen::entry).collect();
    show(publish, &seen);

    let watching = WatchParams::default()
        .labels(selector)
        .timeout(WATCH_SECONDS);
    let limit = Duration::from_secs(WATCH_SECONDS.into()) + WATCH_GRACE;
    loop {
        let events = match timeout(LIST_LIMIT, pods.watch(&watching, &version)).await {
            Ok(Ok(events)) => events,
            Ok(Err(kube::Error::Api(status))) if status.code == 410 => return Ok(()),
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => return Err(Broken::Otherwise("watching pods got no answer".to_owned())),
        };
        pin_mut!(events);
        loop {
            let event = tokio::select! {
                event = timeout(limit, events.next()) => event,
                () = alarm.rings() => break,
            };
            match event {
                Ok(Some(Ok(WatchEvent::Added(pod) | WatchEvent::Modified(pod)))) => {
                    version = pod.metadata.resource_version.clone().unwrap_or(version);
                    seen.extend(Seen::entry(&pod));
                }
                Ok(Some(Ok(WatchEvent::Deleted(pod)))) => {
                    version = pod.metadata.resource_version.unwrap_or(version);
                    seen.remove(&pod.metadata.name.unwrap_or_default());
                }
                Ok(Some(Ok(WatchEvent::Bookmark(bookmark)))) => {
                    version = bookmark.metadata.resource_version;
                }
                Ok(Some(Ok(WatchEvent::Error(status)))) if status.code == 410 => return Ok(()),
                Ok(Some(Ok(WatchEvent::Error(status)))) => {
                    return Err(Broken::Otherwise(status.message.clone()));
                }
                Ok(Some(Err(error))) => {
                    tracing::debug!(%error, "the watch of pods broke");
                    break;
                }
                Ok(None) | Err(_) => break,
            }
            backoff.reset();
            show(publish, &seen);
        }
        // A server that closes every watch at once must not be asked in a tight loop.
        backoff.wait().await;
    }
}

fn show(publish: &watch::Sender<Followed>, seen: &BTreeMap<String, Seen>) {
    let pod = choose(seen);
    publish.send_if_modified(|followed| {
        let is_ready = pod
            .as_ref()
            .and_then(|pod| seen.get(&pod.name))
            .is_some_and(|pod| pod.is_ready);
        let changed =
            followed.pod != pod || followed.is_ready != is_ready || followed.error.is_some();
        if followed.pod != pod {
            tracing::debug!(
                pod = pod.as_ref().map(|pod| pod.name.as_str()),
                "pod chosen"
            );
        }
        let absent_since = match pod {
            Some(_) => None,
            None => followed.absent_since.or_else(|| Some(Instant::now())),
        };
        *followed = Followed {
            pod,
            is_ready,
            absent_since,
            error: None,
        };
        changed
    });
}
