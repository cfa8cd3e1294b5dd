//! Watches: the events from a revision on, as a stream that never ends by itself.

use std::{sync::Arc, time::Duration};

use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Bytes, Frame};
use serde_json::{Value, json};
use tokio::{sync::watch::Receiver, time::Instant};

use super::{
    Shared,
    request::{Request, Target},
    script::Fault,
    select::Selection,
    status::Failure,
    store::Change,
    verbs,
};

/// The body of every answer.
pub(super) type Body = UnsyncBoxBody<Bytes, std::io::Error>;

struct Watch {
    shared: Arc<Shared>,
    request: Request,
    target: Target,
    selection: Selection,
    /// Events ready to be sent.
    pending: std::collections::VecDeque<Value>,
    /// Index into the log of the next change to look at.
    next: usize,
    revisions: Receiver<u64>,
    sent: usize,
    end: Option<Instant>,
    fault: Option<Fault>,
    has_ended: bool,
}

/// Opens a watch, or says why not.
pub(super) fn open(
    shared: &Arc<Shared>,
    request: &Request,
    target: &Target,
    fault: Option<Fault>,
) -> Result<Body, Failure> {
    let selection = verbs::selection(request);
    let version = request.parameter("resourceVersion");
    let sends_initial = match request.parameter("sendInitialEvents") {
        "true" => true,
        "false" => false,
        _ => version.is_empty() || version == "0",
    };
    if request.parameter("sendInitialEvents") == "true"
        && request.parameter("resourceVersionMatch") != "NotOlderThan"
    {
        return Err(Failure::bad_request(
            "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ));
    }
    let state = shared.state.lock().expect("no request panics");
    let store = &state.store;
    let mut pending = std::collections::VecDeque::new();
    let mut next = store.log.len();
    if sends_initial {
        let mut objects: Vec<&Value> = store
            .of_kind(target.kind, &target.namespace)
            .map(|(_, object)| object)
            .filter(|object| selection.matches(object) && is_named(target, object))
            .collect();
        objects.sort_by_key(|object| object["metadata"]["name"].as_str());
        pending.extend(
            objects
                .into_iter()
                .map(|object| event("ADDED", request, object.clone())),
        );
        if request.parameter("sendInitialEvents") == "true" {
            let mut bookmark = bookmark(target, store.revision);
            bookmark["object"]["metadata"]["annotations"] =
                json!({ "k8s.io/initial-events-end": "true" });
            pending.push_back(bookmark);
        }
    } else if let Ok(revision) = version.parse::<u64>() {
        if revision < store.oldest {
            pending.push_back(expired(revision, store.oldest));
        }
        next = store
            .log
            .partition_point(|change| change.revision <= revision);
    }
    if fault == Some(Fault::BookmarkFirst) {
        pending.push_front(bookmark(target, store.revision));
    }
    let seconds = request.parameter("timeoutSeconds").parse().ok();
    let watch = Watch {
        shared: shared.clone(),
        request: request.clone(),
        target: target.clone(),
        selection,
        pending,
        next,
        revisions: shared.revisions.subscribe(),
        sent: 0,
        end: seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds)),
        fault,
        has_ended: false,
    };
    drop(state);
    let stream = futures_util::stream::unfold(watch, |mut watch| async {
        let event = watch.next_event().await?;
        let mut line = event.to_string().into_bytes();
        line.push(b'\n');
        Some((Ok(Frame::data(Bytes::from(line))), watch))
    });
    Ok(StreamBody::new(stream).boxed_unsync())
}

impl Watch {
    async fn next_event(&mut self) -> Option<Value> {
        if self.has_ended {
            return None;
        }
        match self.fault {
            Some(Fault::CloseWatchAfter(count)) if self.sent >= count => return None,
            Some(Fault::ExpireWatchAfter(count)) if self.sent >= count => {
                self.has_ended = true;
                return Some(expired(1, 2));
            }
            _ => {}
        }
        loop {
            if let Some(event) = self.pending.pop_front() {
                self.sent += 1;
                self.has_ended = event["type"] == "ERROR";
                return Some(event);
            }
            self.revisions.borrow_and_update();
            if self.fault != Some(Fault::SilentWatch) && self.read_log() {
                continue;
            }
            let end = self.end;
            tokio::select! {
                changed = self.revisions.changed() => changed.ok()?,
                () = async {
                    match end {
                        Some(end) => tokio::time::sleep_until(end).await,
                        None => std::future::pending().await,
                    }
                } => return None,
            }
        }
    }

    fn read_log(&mut self) -> bool {
        let shared = self.shared.clone();
        let state = shared.state.lock().expect("no request panics");
        let log = &state.store.log;
        let fresh = &log[self.next.min(log.len())..];
        self.next = log.len();
        let events: Vec<Value> = fresh
            .iter()
            .filter_map(|change| self.event_of(change))
            .collect();
        self.pending.extend(events);
        !self.pending.is_empty()
    }

    fn event_of(&self, change: &Change) -> Option<Value> {
        let key = &change.key;
        let is_here = key.group == self.target.kind.group
            && key.plural == self.target.kind.plural
            && (self.target.namespace.is_empty() || key.namespace == self.target.namespace);
        if !is_here {
            return None;
        }
        let is_wanted =
            |object: &&Value| self.selection.matches(object) && is_named(&self.target, object);
        let before = change.before.as_ref().filter(is_wanted);
        let after = change.after.as_ref().filter(is_wanted);
        let (kind, object) = match (before, after) {
            (None, Some(after)) => ("ADDED", after),
            (Some(_), Some(after)) => ("MODIFIED", after),
            (Some(before), None) => ("DELETED", before),
            (None, None) => return None,
        };
        let mut object = object.clone();
        object["metadata"]["resourceVersion"] = change.revision.to_string().into();
        Some(event(kind, &self.request, object))
    }
}

fn is_named(target: &Target, object: &Value) -> bool {
    target.name.is_empty() || object["metadata"]["name"] == target.name.as_str()
}

fn event(kind: &str, request: &Request, object: Value) -> Value {
    json!({ "type": kind, "object": verbs::as_asked(request, object) })
}

fn bookmark(target: &Target, revision: u64) -> Value {
    json!({ "type": "BOOKMARK", "object": {
        "kind": target.kind.kind, "apiVersion": target.kind.api_version(),
        "metadata": { "resourceVersion": revision.to_string() },
    } })
}

fn expired(wanted: u64, oldest: u64) -> Value {
    json!({ "type": "ERROR", "object": Failure::expired(wanted, oldest).to_status() })
}
