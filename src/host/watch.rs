//! A watch that goes on when the host closes it, and the objects it has seen so far.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use http::Request;
use kube::core::WatchEvent;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout_at};

use super::read::HasMetadata;
use super::{Collection, Host, HostError, request};

/// Attempts to reopen a watch in a row before it is given up; an event in between starts the count anew.
const REOPENINGS: u32 = 6;
/// The host is asked to end a watch after this long, so that a silent one shows that the connection lives.
const TERM: Duration = Duration::from_mins(1);
/// After this long without an event or an end, the connection is dead.
const LONGEST_SILENCE: Duration = Duration::from_secs(75);
/// A watch that ends sooner than this without an event has failed; a later end is that of a quiet one.
const SHORTEST: Duration = Duration::from_secs(5);

/// Starts a watch at any state that the host has at hand, which it can serve without asking its storage:
/// <https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-watch>.
const ANY: &str = "0";

type Events<T> = Pin<Box<dyn Stream<Item = kube::Result<WatchEvent<T>>> + Send>>;

/// The objects of a collection that match a selector, kept up to date by the host's own events.
pub struct Watch<T> {
    host: Host,
    collection: Collection,
    label_selector: String,
    field_selector: String,
    /// Whether the objects are listed before they are watched, so that their absence means something.
    lists_first: bool,
    resource_version: String,
    events: Option<Events<T>>,
    /// When the host was last heard of: the watch's opening or its last event.
    heard: Instant,
    failures: u32,
    objects: BTreeMap<String, T>,
}

impl<T> Watch<T>
where
    T: HasMetadata + DeserializeOwned + Clone + Send + 'static,
{
    /// Opens a watch for things to appear: one request, and what exists arrives as its first events.
    pub async fn for_arrivals(
        host: &Host,
        collection: Collection,
        label_selector: &str,
        field_selector: &str,
    ) -> Result<Self, HostError> {
        Self::open(host, collection, label_selector, field_selector, false).await
    }

    /// Opens a watch for things to go away: what exists is listed first.
    pub async fn for_departures(
        host: &Host,
        collection: Collection,
        label_selector: &str,
        field_selector: &str,
    ) -> Result<Self, HostError> {
        Self::open(host, collection, label_selector, field_selector, true).await
    }

    async fn open(
        host: &Host,
        collection: Collection,
        label_selector: &str,
        field_selector: &str,
        lists_first: bool,
    ) -> Result<Self, HostError> {
        let mut watch = Self {
            host: host.clone(),
            collection,
            label_selector: label_selector.to_owned(),
            field_selector: field_selector.to_owned(),
            lists_first,
            resource_version: ANY.to_owned(),
            events: None,
            heard: Instant::now(),
            failures: 0,
            objects: BTreeMap::new(),
        };
        watch.reopen().await?;
        Ok(watch)
    }

    /// What is there, by name, as far as the host has told.
    pub fn objects(&self) -> impl Iterator<Item = &T> {
        self.objects.values()
    }

    /// Waits until the host tells something new.
    ///
    /// Cancel safe: what has been read is kept, and a call that was given up can be made again.
    pub async fn changed(&mut self) -> Result<(), HostError> {
        loop {
            let Some(events) = &mut self.events else {
                // Seldom, and large: on the heap it does not weigh on every caller's future.
                Box::pin(self.reopen()).await?;
                if self.lists_first {
                    return Ok(());
                }
                continue;
            };
            // Counted from when the host was heard, so that a caller who gives up and asks again does not put it off.
            let next = timeout_at(self.heard + LONGEST_SILENCE, events.next()).await;
            if let Ok(Some(Ok(event))) = next {
                let is_end = matches!(event, WatchEvent::Error(_));
                if !is_end {
                    self.failures = 0;
                    self.heard = Instant::now();
                }
                if self.take(event)? {
                    return Ok(());
                }
                if !is_end {
                    continue;
                }
            }
            // The host ends every watch after a while, and a broken one is the same to us.
            self.events = None;
            self.end()?;
            self.pause().await;
        }
    }

    /// Takes one event in; whether it changed what is there.
    fn take(&mut self, event: WatchEvent<T>) -> Result<bool, HostError> {
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                let metadata = object.metadata();
                self.resource_version.clone_from(&metadata.resource_version);
                self.objects.insert(metadata.name.clone(), object);
                Ok(true)
            }
            WatchEvent::Deleted(object) => {
                let metadata = object.metadata();
                self.resource_version.clone_from(&metadata.resource_version);
                self.objects.remove(&metadata.name);
                Ok(true)
            }
            WatchEvent::Bookmark(bookmark) => {
                self.resource_version = bookmark.metadata.resource_version;
                Ok(false)
            }
            WatchEvent::Error(status) => {
                let failure = self
                    .host
                    .failure(kube::Error::Api(status), &self.collection.call("watch"));
                if !failure.is_expired() {
                    return Err(failure);
                }
                self.forget();
                Ok(false)
            }
        }
    }

    /// Gives up a watch that ended as soon as it was open, over and over; `pause` counts how often.
    fn end(&mut self) -> Result<(), HostError> {
        if self.heard.elapsed() >= SHORTEST {
            self.failures = 0;
        }
        if self.failures < REOPENINGS {
            return Ok(());
        }
        let call = self.collection.call("watch");
        Err(HostError::Unreachable {
            server: self.host.server.clone(),
            causes: vec![format!("`{call}` ends as soon as it begins")],
            distrust: None,
        })
    }

    /// The host has forgotten where we were: what it has now is to be learned anew.
    fn forget(&mut self) {
        ANY.clone_into(&mut self.resource_version);
        self.objects.clear();
        self.events = None;
    }

    async fn reopen(&mut self) -> Result<(), HostError> {
        loop {
            match self.try_reopen().await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_expired() && self.resource_version != ANY => self.forget(),
                Err(error @ HostError::Unreachable { .. }) if self.failures > 0 => {
                    if self.failures >= REOPENINGS {
                        return Err(error);
                    }
                    self.pause().await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn try_reopen(&mut self) -> Result<(), HostError> {
        if self.lists_first && self.resource_version == ANY {
            let (items, resource_version) = self
                .host
                .list_where::<T>(&self.collection, &self.label_selector, &self.field_selector)
                .await?;
            self.objects = items
                .into_iter()
                .map(|object| (object.metadata().name.clone(), object))
                .collect();
            self.resource_version = resource_version;
        }
        // No bookmarks are asked for: a host whose storage cannot tell its progress (etcd 3.4) refuses such a watch.
        let mut path = format!(
            "{}?watch=true&timeoutSeconds={}",
            self.collection.path(),
            TERM.as_secs()
        );
        for (key, value) in [
            ("labelSelector", &self.label_selector),
            ("fieldSelector", &self.field_selector),
            ("resourceVersion", &self.resource_version),
        ] {
            if !value.is_empty() {
                path.extend(["&", key, "=", &request::escape(value)]);
            }
        }
        let call = self.collection.call("watch");
        let request =
            Request::get(path)
                .body(Vec::new())
                .map_err(|error| HostError::Unexpected {
                    call: Box::new(call.clone()),
                    problem: error.to_string(),
                })?;
        let events = self.host.open_watch(request, &call).await?;
        self.events = Some(Box::pin(events));
        self.heard = Instant::now();
        Ok(())
    }

    async fn pause(&mut self) {
        self.failures += 1;
        sleep(Duration::from_millis(50) * 2_u32.pow(self.failures.min(REOPENINGS))).await;
    }
}
