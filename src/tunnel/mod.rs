//! A local port joined to a pod, for as long as a value lives; and how the agent is found that keeps such values.
//!
//! Owns listening, following pods, the port-forward protocols, and in [`background`] what commands know of the agent.
//! What stands at the other end, and who asks for it, is left to the caller.

pub mod background;
mod backoff;
mod bind;
mod cause;
mod channels;
mod clock;
mod dialer;
mod health;
mod inbox;
mod join;
mod pod;
mod pods;
pub mod spdy;
mod traffic;
mod transport;
mod upgrade;
mod upstream;
mod websocket;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Notify, mpsc, watch};
use tokio::task::JoinSet;

pub use bind::bind;
use dialer::Dialer;
use pods::Followed;
use traffic::Traffic;
pub use upstream::Upstream;

/// After how long without connections the pods are left alone, until somebody wants them again.
const REST: Duration = Duration::from_mins(10);

/// How long to rest when the system has no sockets left for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Which pods a tunnel leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The namespace of the pods.
    pub namespace: String,
    /// The labels that all of them have, such as `app=vcluster,release=dev`.
    pub selector: String,
    /// The port inside the pod.
    pub port: u16,
}

/// What a tunnel is doing.
#[derive(Clone, Debug)]
pub struct Status {
    /// The pod that new connections lead to.
    pub pod: Option<String>,
    /// For how long there has been none; `None` if there is one, or the pods were never seen.
    pub without_pod: Option<Duration>,
    /// How many local connections are open.
    pub connections: usize,
    /// How many bytes of the pods have been handed to local connections.
    pub received: u64,
    /// How many bytes of local connections have been taken for the pods.
    pub sent: u64,
    /// When the last connection came or went.
    pub last_used: Instant,
    /// What last went wrong; cleared by the next connection that ends well.
    pub last_error: Option<String>,
}

/// The pod that new connections lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Its name.
    pub name: String,
    /// Tells it from a later one of the same name.
    pub uid: String,
    /// Whether it says itself that it serves.
    pub is_ready: bool,
}

impl Status {
    /// For how long nobody has used the tunnel.
    pub fn idle(&self) -> Duration {
        if self.connections > 0 {
            Duration::ZERO
        } else {
            self.last_used.elapsed()
        }
    }
}

/// Joins local connections to the newest ready pod until dropped.
#[derive(Debug)]
pub struct Tunnel {
    pods: watch::Receiver<Followed>,
    traffic: Arc<Traffic>,
    used: Arc<watch::Sender<Usage>>,
    tasks: Mutex<JoinSet<()>>,
}

#[derive(Clone, Debug)]
struct Usage {
    connections: usize,
    last_used: Instant,
    last_error: Option<String>,
    /// When somebody last wanted the pods to be followed.
    wanted: Option<Instant>,
}

impl Usage {
    /// Until when the pods are followed, if nobody wants it any longer; `None` if nobody does now.
    fn follows_until(&self) -> Option<Instant> {
        let wanted = if self.connections > 0 {
            Some(Instant::now())
        } else {
            self.wanted
        };
        wanted.map(|wanted| wanted + REST)
    }
}

impl Tunnel {
    /// Accepts from `listeners` at once; connections wait some seconds for a pod to be ready.
    ///
    /// Must be called within a tokio runtime.
    pub fn open(
        upstream: impl Into<Upstream>,
        target: Target,
        listeners: Vec<TcpListener>,
    ) -> Self {
        let tunnel = Self::open_lazily(upstream, target, listeners);
        tunnel.begin();
        tunnel
    }

    /// The same, but the host is asked nothing before the first connection, or before it is told to [`Self::begin`].
    /// Without listeners it only follows the pods.
    pub fn open_lazily(
        upstream: impl Into<Upstream>,
        target: Target,
        listeners: Vec<TcpListener>,
    ) -> Self {
        let upstream = upstream.into();
        let doubt = Arc::new(Notify::new());
        let (publish, pods) = watch::channel(Followed::default());
        let used = Arc::new(watch::Sender::new(Usage {
            connections: 0,
            last_used: Instant::now(),
            last_error: None,
            wanted: None,
        }));
        let dialer = Arc::new(Dialer::new(upstream.clone(), &target, doubt.clone()));
        let traffic = Arc::new(Traffic::default());
        let (accepted, connections) = mpsc::channel(16);

        let mut tasks = JoinSet::new();
        let usage = used.subscribe();
        tasks.spawn(async move {
            match pods::follow(&upstream, &target, &publish, &doubt, usage).await {}
        });
        if !listeners.is_empty() {
            tasks.spawn(connect_ahead(pods.clone(), dialer.clone()));
        }
        tasks.spawn(serve(
            connections,
            pods.clone(),
            dialer,
            used.clone(),
            traffic.clone(),
        ));
        for listener in listeners {
            tasks.spawn(accept(listener, accepted.clone(), used.clone()));
        }
        Self {
            pods,
            traffic,
            used,
            tasks: Mutex::new(tasks),
        }
    }

    /// Follows the pods from now on, until nobody has wanted that for some time.
    pub fn begin(&self) {
        want(&self.used);
    }

    /// Whether the pods are followed.
    pub fn has_begun(&self) -> bool {
        self.used.borrow().follows_until() > Some(Instant::now())
    }

    /// What the tunnel is doing now.
    pub fn status(&self) -> Status {
        let followed = self.pods.borrow().clone();
        let usage = self.used.borrow().clone();
        Status {
            pod: followed.pod.map(|pod| pod.name),
            without_pod: followed.absent_since.map(|since| since.elapsed()),
            connections: usage.connections,
            received: self.traffic.received(),
            sent: self.traffic.sent(),
            last_used: usage.last_used,
            last_error: followed.error.or(usage.last_error),
        }
    }

    /// The pod that connections lead to now.
    pub fn destination(&self) -> Option<Destination> {
        let followed = self.pods.borrow();
        followed.pod.as_ref().map(|pod| Destination {
            name: pod.name.clone(),
            uid: pod.uid.clone(),
            is_ready: followed.is_ready,
        })
    }

    /// Waits until it is known whether there is a pod, or why that cannot be known.
    pub async fn seen(&self) {
        let mut pods = self.pods.clone();
        let is_known = |followed: &Followed| {
            followed.pod.is_some() || followed.absent_since.is_some() || followed.error.is_some()
        };
        // Ends with the tunnel too.
        let _ = pods.wait_for(is_known).await;
    }

    /// Waits until there is a pod.
    pub async fn until_there(&self) {
        let mut pods = self.pods.clone();
        let _ = pods.wait_for(|followed| followed.pod.is_some()).await;
    }

    /// Waits until there is none.
    pub async fn until_gone(&self) {
        let mut pods = self.pods.clone();
        let _ = pods
            .wait_for(|followed| followed.absent_since.is_some())
            .await;
    }

    /// Ends every connection and listens no more; returns when the port is free.
    pub async fn close(&self) {
        self.tasks.lock().await.shutdown().await;
    }
}

fn want(used: &watch::Sender<Usage>) {
    used.send_modify(|usage| usage.wanted = Some(Instant::now()));
}

async fn accept(
    listener: TcpListener,
    accepted: mpsc::Sender<TcpStream>,
    used: Arc<watch::Sender<Usage>>,
) {
    loop {
        match listener.accept().await {
            Ok((connection, _)) => {
                want(&used);
                if accepted.send(connection).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                // What `accept` reports is about one connection, or passes: too many open files.
                tracing::debug!(%error, "cannot accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Has a connection to each chosen pod ready before the first client comes.
async fn connect_ahead(mut pods: watch::Receiver<Followed>, dialer: Arc<Dialer>) {
    let mut prepared = None;
    loop {
        let pod = pods.borrow_and_update().pod.clone();
        if let Some(pod) = pod.filter(|pod| prepared.as_ref() != Some(pod)) {
            dialer.prepare(&pod).await;
            prepared = Some(pod);
        }
        if pods.changed().await.is_err() {
            // Without pods to follow the tunnel has ended.
            return;
        }
    }
}

/// The one owner of all connections: they end with it.
async fn serve(
    mut accepted: mpsc::Receiver<TcpStream>,
    pods: watch::Receiver<Followed>,
    dialer: Arc<Dialer>,
    used: Arc<watch::Sender<Usage>>,
    traffic: Arc<Traffic>,
) {
    let mut connections = JoinSet::new();
    loop {
        let result = tokio::select! {
            Some(local) = accepted.recv() => {
                let (pods, dialer, traffic) = (pods.clone(), dialer.clone(), traffic.clone());
                connections.spawn(async move { join::join(local, pods, &dialer, &traffic).await });
                None
            }
            Some(result) = connections.join_next() => Some(result),
            else => return,
        };
        used.send_modify(|usage| {
            usage.connections = connections.len();
            usage.last_used = Instant::now();
            usage.wanted = Some(usage.last_used);
            match result {
                Some(Ok(Ok(()))) => usage.last_error = None,
                Some(Ok(Err(error))) => usage.last_error = Some(error.to_string()),
                Some(Err(panic)) => usage.last_error = Some(panic.to_string()),
                None => {}
            }
        });
    }
}

#[cfg(test)]
mod tests;
