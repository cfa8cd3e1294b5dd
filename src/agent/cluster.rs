//! One cluster that the agent keeps a tunnel to: whether it answers, and what makes it answer again.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::notes::Notes;
use crate::cluster::ClusterRef;
use crate::driver::vcluster;
use crate::error::{Error, Kind};
use crate::host::Host;
use crate::lifecycle::{self, Scope};
use crate::tunnel::background::{Key, Opening, Record, Server, TunnelView, Way};
use crate::tunnel::{Target, Tunnel, Upstream};

/// How long it may take to see whether there is a pod, before its host is asked for more.
const LOOK_LIMIT: Duration = Duration::from_secs(3);

/// How long a cluster may take to answer that is woken, or whose pod is new.
const HEAL_LIMIT: Duration = Duration::from_mins(10);

/// So long after an answer of its own, a pod that is not yet called ready is taken for one that serves.
const FRESH: Duration = Duration::from_secs(10);

/// One cluster, its tunnel, and its credentials once they were asked for.
pub(super) struct Cluster {
    key: Key,
    way: Way,
    reference: ClusterRef,
    /// The local port that leads to it; `None` if it is reached without a tunnel.
    port: Option<u16>,
    since: Timestamp,
    host: Host,
    pub(super) tunnel: Tunnel,
    state: Mutex<State>,
    /// What is under way, by what is wanted.
    healing: Mutex<Vec<(Want, Healing)>>,
}

/// Where a tunnel is entered.
pub(super) struct Door {
    pub(super) port: u16,
    pub(super) listeners: Vec<TcpListener>,
}

#[derive(Default)]
struct State {
    uid: String,
    contexts_in: Vec<PathBuf>,
    credentials: Option<Credentials>,
    /// How often the cluster was changed by somebody who told us.
    changes: u64,
    /// Whether what the watch says may be of before the last change.
    is_in_doubt: bool,
}

/// What somebody wants of a cluster that is to answer; whoever wants the same waits for the same undertaking.
#[derive(Clone, PartialEq, Eq)]
struct Want {
    may_wake: bool,
    server: Option<Server>,
    /// The changes that there had been: what began before one says nothing of what is after it.
    changes: u64,
}

/// What leads into the cluster, and which pod has answered to it.
struct Credentials {
    user: Value,
    pod: String,
    answered: Instant,
}

/// An undertaking that many may wait for.
#[derive(Clone)]
struct Healing {
    end: Shared<BoxFuture<'static, Result<Value, Error>>>,
    notes: watch::Receiver<String>,
}

impl Cluster {
    pub(super) fn new(
        opening: Opening,
        reference: ClusterRef,
        host: Host,
        upstream: Upstream,
        door: Option<Door>,
    ) -> Self {
        let target = Target {
            namespace: reference.namespace.to_string(),
            selector: reference.selector(),
            port: vcluster::API_PORT,
        };
        let port = door.as_ref().map(|door| door.port);
        let listeners = door.map(|door| door.listeners).unwrap_or_default();
        let tunnel = Tunnel::open_lazily(upstream, target, listeners);
        Self {
            key: opening.key,
            way: opening.way,
            reference,
            port,
            since: Timestamp::now(),
            host,
            tunnel,
            state: Mutex::new(State {
                uid: opening.uid,
                contexts_in: opening.contexts_in,
                ..State::default()
            }),
            healing: Mutex::default(),
        }
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    pub(super) fn way(&self) -> &Way {
        &self.way
    }

    pub(super) fn port(&self) -> Option<u16> {
        self.port
    }

    /// It is the cluster with this Service from now on, as who connected has just seen.
    pub(super) fn is_now(&self, uid: &str, contexts_in: &[PathBuf]) {
        let mut state = self.state();
        if state.uid != uid {
            uid.clone_into(&mut state.uid);
            state.credentials = None;
        }
        contexts_in.clone_into(&mut state.contexts_in);
    }

    /// The record of its tunnel, which is open on this port.
    pub(super) fn to_record(&self, port: u16) -> Record {
        let state = self.state();
        Record {
            key: self.key.clone(),
            port,
            uid: state.uid.clone(),
            way: Some(self.way.clone()),
            contexts_in: state.contexts_in.clone(),
            is_open: true,
        }
    }

    /// Its tunnel, to be shown; `None` if it is reached without one.
    pub(super) fn view(&self) -> Option<TunnelView> {
        let port = self.port?;
        let status = self.tunnel.status();
        let destination = self.tunnel.destination();
        let state = match &destination {
            _ if !self.tunnel.has_begun() => "unused",
            Some(pod) if pod.is_ready => "ready",
            Some(_) => "starting",
            None if status.without_pod.is_some() => "no-pod",
            None => "connecting",
        };
        Some(TunnelView {
            name: self.key.name.clone(),
            namespace: self.key.namespace.clone(),
            host_context: self.way.context.clone(),
            host: self.key.host.clone(),
            port,
            state: state.to_owned(),
            pod: status.pod,
            connections: status.connections,
            bytes_sent: status.sent,
            bytes_received: status.received,
            since: self.since,
            last_error: status.last_error,
        })
    }

    /// Trusts nothing that is known of the cluster, which was changed just now.
    pub(super) fn forget(&self) {
        let mut state = self.state();
        state.credentials = None;
        state.changes += 1;
        state.is_in_doubt = true;
    }

    /// Waits until a cluster without a pod is seen to be deleted, or another one of the same name; not if it sleeps.
    pub(super) async fn until_abandoned(&self) {
        /// A pod that moves is back by then.
        const PATIENCE: Duration = Duration::from_mins(1);
        loop {
            self.tunnel.until_gone().await;
            if timeout(PATIENCE, self.tunnel.until_there()).await.is_ok() {
                continue;
            }
            let uid = self.state().uid.clone();
            // A host that cannot be asked says nothing about its clusters.
            let service = lifecycle::fetch_uid(&self.host, &self.reference).await;
            if service.is_ok_and(|service| service.as_ref() != Some(&uid)) {
                return;
            }
            self.tunnel.until_there().await;
        }
    }

    /// What goes under `user` in a kubeconfig, once the cluster answers. What is waited for goes to `told` as it changes.
    pub(super) async fn credential(
        self: &Arc<Self>,
        uid: &str,
        may_wake: bool,
        server: Option<Server>,
        told: mpsc::UnboundedSender<String>,
    ) -> Result<Value, Error> {
        if self.state().uid != uid {
            return Err(another_cluster(&self.reference));
        }
        self.tunnel.begin();
        if let Some(user) = self.user_at_hand() {
            return Ok(user);
        }
        let want = Want {
            may_wake,
            server,
            changes: self.state().changes,
        };
        let Healing { mut end, mut notes } = self.heal(want);
        loop {
            tokio::select! {
                biased;
                Ok(()) = notes.changed() => {
                    // Who has gone meanwhile misses nothing: what is under way goes on.
                    let _ = told.send(notes.borrow_and_update().clone());
                }
                result = &mut end => return result,
            }
        }
    }

    /// The credentials, if the pod that answered to them is still the one that is there.
    fn user_at_hand(&self) -> Option<Value> {
        let pod = self.tunnel.destination()?;
        let state = self.state();
        let credentials = state.credentials.as_ref()?;
        let serves = pod.is_ready || credentials.answered.elapsed() < FRESH;
        (credentials.pod == pod.uid && serves).then(|| credentials.user.clone())
    }

    /// Makes the cluster answer; however many want that, it is done once.
    fn heal(self: &Arc<Self>, want: Want) -> Healing {
        let mut all = self.healing();
        if let Some((_, healing)) = all.iter().find(|(wanted, _)| *wanted == want) {
            return healing.clone();
        }
        let (progress, notes) = Notes::new();
        let (cluster, wanted) = (self.clone(), want.clone());
        let work = tokio::spawn(async move {
            let healed = timeout(HEAL_LIMIT, cluster.make_answer(&wanted, &progress)).await;
            cluster.healing().retain(|(other, _)| *other != wanted);
            healed.unwrap_or_else(|_| Err(overdue(&cluster.reference)))
        });
        let end = async move {
            work.await
                .unwrap_or_else(|panic| Err(Error::new(Kind::Bug, panic.to_string())))
        };
        let healing = Healing {
            end: end.boxed().shared(),
            notes,
        };
        all.push((want, healing.clone()));
        healing
    }

    async fn make_answer(&self, want: &Want, progress: &Notes) -> Result<Value, Error> {
        let Self {
            reference, host, ..
        } = self;
        // Without an answer in time the host is asked below, and that says why.
        let _ = timeout(LOOK_LIMIT, self.tunnel.seen()).await;
        let is_ready = self.tunnel.destination().is_some_and(|pod| pod.is_ready);
        let connection = if is_ready && !self.state().is_in_doubt {
            self.fetch_connection().await?
        } else {
            let scope = Scope::In(reference.namespace.clone());
            let found = lifecycle::find(host, &reference.name, &scope).await;
            let found = found.map_err(|error| match error.kind {
                Kind::NotFound => gone(reference),
                _ => error,
            })?;
            let connection = self.fetch_connection().await?;
            let is_asleep = found.state.is_sleeping();
            if is_asleep && !want.may_wake {
                return Err(asleep(reference));
            }
            let by_tunnel = want.server.is_none().then_some(&connection);
            match self.port.filter(|_| by_tunnel.is_some()) {
                _ if is_asleep => lifecycle::wake(host, &found, by_tunnel, progress).await?,
                Some(port) => connection.until_answering(host, port, progress).await?,
                None => lifecycle::until_ready(host, reference, progress).await?,
            }
            if let Some(server) = &want.server {
                lifecycle::until_answering(&connection, server, progress).await?;
            }
            connection
        };
        let uid = connection.uid().to_owned();
        let user = connection.user().clone();
        self.keep_since(&uid, user.clone(), want.changes).await;
        Ok(user)
    }

    /// Keeps credentials to which the cluster has just answered.
    pub(super) async fn keep(&self, uid: &str, user: Value) {
        let changes = self.state().changes;
        self.keep_since(uid, user, changes).await;
    }

    /// The same, unless it was changed since there had been so many changes.
    async fn keep_since(&self, uid: &str, user: Value, changes: u64) {
        // It answers, so its pod is about to be seen; if not, connections wait for it.
        let _ = timeout(LOOK_LIMIT, self.tunnel.until_there()).await;
        let pod = self.tunnel.destination();
        let mut state = self.state();
        if state.uid == uid && state.changes == changes {
            state.is_in_doubt = false;
            state.credentials = pod.map(|pod| Credentials {
                user,
                pod: pod.uid,
                answered: Instant::now(),
            });
        }
    }

    async fn fetch_connection(&self) -> Result<lifecycle::Connection, Error> {
        let (connection, uid) = lifecycle::fetch_connection(&self.host, &self.reference).await?;
        if self.state().uid == uid {
            Ok(connection)
        } else {
            Err(another_cluster(&self.reference))
        }
    }

    fn healing(&self) -> MutexGuard<'_, Vec<(Want, Healing)>> {
        self.healing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn gone(reference: &ClusterRef) -> Error {
    let ClusterRef { name, namespace } = reference;
    Error::new(
        Kind::NotFound,
        format!("there is no virtual cluster {reference} any more"),
    )
    .hint(format!(
        "run `vc disconnect {name} -n {namespace}` to remove its context"
    ))
}

fn asleep(reference: &ClusterRef) -> Error {
    let ClusterRef { name, namespace } = reference;
    Error::new(Kind::Failed, format!("{reference} is asleep"))
        .hint(format!("run `vc wake {name} -n {namespace}` to wake it"))
}

fn overdue(reference: &ClusterRef) -> Error {
    let ClusterRef { name, namespace } = reference;
    Error::new(
        Kind::Timeout,
        format!(
            "{reference} did not answer within {} minutes",
            HEAL_LIMIT.as_secs() / 60
        ),
    )
    .hint(format!("run `vc connect {name} -n {namespace}` to see why"))
}

/// A cluster that was deleted and made again under the same name is not the one that the context was made for.
fn another_cluster(reference: &ClusterRef) -> Error {
    let ClusterRef { name, namespace } = reference;
    Error::new(
        Kind::Exists,
        format!("{reference} is another cluster than the one that was connected to"),
    )
    .hint(format!(
        "run `vc connect {name} -n {namespace}` to use the new one"
    ))
}
