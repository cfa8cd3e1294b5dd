//! What containers said, as a kubelet keeps it.

use std::{collections::BTreeMap, sync::Mutex};

use http::{Response, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use jiff::{SignedDuration, Timestamp};

use super::{
    Shared,
    request::{Request, Target},
    status::Failure,
    store::Key,
    watch::Body,
};

/// The logs of all containers.
pub(super) struct Logs {
    lines: Mutex<BTreeMap<Container, Vec<(Timestamp, String)>>>,
    changes: tokio::sync::watch::Sender<usize>,
}

/// Namespace, pod and container.
type Container = (String, String, String);

impl Default for Logs {
    fn default() -> Self {
        Self {
            lines: Mutex::default(),
            changes: tokio::sync::watch::Sender::new(0),
        }
    }
}

impl Logs {
    /// Has a container say something; `age` is how long ago that is.
    pub(super) fn say(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        line: &str,
        age: SignedDuration,
    ) {
        let container = (namespace.to_owned(), pod.to_owned(), container.to_owned());
        let mut lines = self.lines.lock().expect("no request panics");
        let log = lines.entry(container).or_default();
        log.push((Timestamp::now() - age, line.to_owned()));
        drop(lines);
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn of(&self, container: &Container) -> Vec<(Timestamp, String)> {
        self.lines
            .lock()
            .expect("no request panics")
            .get(container)
            .cloned()
            .unwrap_or_default()
    }
}

/// The log of a container, to its end, or until the pod is gone.
pub(super) fn open(
    shared: &std::sync::Arc<Shared>,
    request: &Request,
    target: &Target,
) -> Result<Response<Body>, Failure> {
    let key = Key::new(target.kind, &target.namespace, &target.name);
    let uid_now = move |shared: &Shared| {
        let state = shared.state.lock().expect("no request panics");
        state
            .store
            .get(&key)
            .map(|pod| pod["metadata"]["uid"].clone())
    };
    let uid = uid_now(shared).ok_or_else(|| Failure::not_found(target.kind, &target.name))?;
    let container = request.parameter("container").to_owned();
    if request.parameter("previous") == "true" {
        return Err(Failure::bad_request(format!(
            "previous terminated container \"{container}\" in pod \"{}\" not found",
            target.name
        )));
    }
    let container = (target.namespace.clone(), target.name.clone(), container);
    let from = begin(request);
    let log = shared.logs.of(&container);
    let mut next = log.iter().filter(|(time, _)| *time < from).count();
    if let Ok(tail) = request.parameter("tailLines").parse::<usize>() {
        next = next.max(log.len().saturating_sub(tail));
    }
    let (follow, shared) = (request.parameter("follow") == "true", shared.clone());
    let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(16);
    tokio::spawn(async move {
        let mut said = shared.logs.changes.subscribe();
        let mut changes = shared.revisions.subscribe();
        loop {
            for (time, line) in shared.logs.of(&container).into_iter().skip(next) {
                next += 1;
                if sender
                    .send(format!("{time} {line}\n").into())
                    .await
                    .is_err()
                {
                    return;
                }
            }
            if !follow || uid_now(&shared).as_ref() != Some(&uid) {
                return;
            }
            tokio::select! {
                _ = said.changed() => {}
                _ = changes.changed() => {}
                () = sender.closed() => return,
            }
        }
    });
    let frames = futures_util::stream::unfold(receiver, async |mut receiver| {
        let bytes = receiver.recv().await?;
        Some((Ok(Frame::data(bytes)), receiver))
    });
    Ok(Response::builder()
        .header(header::CONTENT_TYPE, "text/plain")
        .body(StreamBody::new(frames).boxed_unsync())
        .expect("fixed headers"))
}

fn begin(request: &Request) -> Timestamp {
    let since = request.parameter("sinceSeconds").parse();
    let since = since.map(|seconds| Timestamp::now() - SignedDuration::from_secs(seconds));
    since
        .or_else(|_| request.parameter("sinceTime").parse())
        .unwrap_or(Timestamp::MIN)
}
