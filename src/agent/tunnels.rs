//! Every tunnel of the agent: which there are, on which ports, and since when nobody has used one.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::Mutex as AsyncMutex;
use tokio_util::task::AbortOnDropHandle;

use super::cluster::{Cluster, Door};
use super::hosts::Hosts;
use crate::cluster::{ClusterRef, Name, Namespace};
use crate::error::{Error, Kind};
use crate::kubeconfig::Files;
use crate::lifecycle;
use crate::tunnel;
use crate::tunnel::background::{Environment, Key, Opening, Record, Records, TunnelView, Way};

/// All tunnels of one agent.
pub(super) struct Tunnels {
    records: Records,
    state_folder: PathBuf,
    hosts: Hosts,
    clusters: Mutex<BTreeMap<Key, Kept>>,
    /// Held while ports are given out or back.
    changing: AsyncMutex<()>,
    asked: Mutex<Instant>,
}

/// A cluster, and who looks whether it is still there.
struct Kept {
    cluster: Arc<Cluster>,
    _looking: AbortOnDropHandle<()>,
}

impl Tunnels {
    pub(super) fn new(records: Records, state_folder: PathBuf) -> Self {
        Self {
            records,
            state_folder,
            hosts: Hosts::default(),
            clusters: Mutex::default(),
            changing: AsyncMutex::default(),
            asked: Mutex::new(Instant::now()),
        }
    }

    /// Listens again for every tunnel that was open when the last agent ended. No host is asked before they are used.
    pub(super) async fn revive(self: &Arc<Self>) {
        let _changing = self.changing.lock().await;
        let records = self.records.all().unwrap_or_else(|error| {
            tracing::warn!(%error, "the record of tunnels cannot be read");
            Vec::new()
        });
        for record in records.into_iter().filter(|record| record.is_open) {
            let Some(way) = record.way.clone() else {
                continue;
            };
            if let Err(error) = self.listen(record, way, &Environment::default()).await {
                tracing::warn!(error = error.message, "a tunnel is not revived");
            }
        }
    }

    /// The tunnel of a cluster, opened if need be, and its port.
    pub(super) async fn open(
        self: &Arc<Self>,
        opening: &Opening,
    ) -> Result<(Arc<Cluster>, u16), Error> {
        let _changing = self.changing.lock().await;
        let Opening { key, way, .. } = opening;
        let open = self.get(key).filter(|cluster| cluster.way() == way);
        let open = open.and_then(|cluster| Some((cluster.port()?, cluster)));
        let (cluster, port) = if let Some((port, cluster)) = open {
            self.hosts.get(way, &key.host, &opening.environment);
            (cluster, port)
        } else {
            self.close(key).await;
            let record = self.record_of(key)?;
            self.listen(record, way.clone(), &opening.environment)
                .await?
        };
        cluster.is_now(&opening.uid, &opening.contexts_in);
        self.write(&cluster.to_record(port));
        Ok((cluster, port))
    }

    /// A cluster that is reached without a tunnel: its pods are followed, so that it is known whether it answers.
    async fn follow(self: &Arc<Self>, opening: Opening) -> Result<Arc<Cluster>, Error> {
        let _changing = self.changing.lock().await;
        // Somebody may have been faster.
        if let Some(cluster) = self.get(&opening.key) {
            return Ok(cluster);
        }
        self.keep(opening, None)
    }

    /// The cluster that the plugin asks for, with a tunnel if it wants one: by the way that the last connect recorded, if
    /// there is one.
    pub(super) async fn open_for_plugin(
        self: &Arc<Self>,
        mut opening: Opening,
        by_tunnel: bool,
    ) -> Result<Arc<Cluster>, Error> {
        if let Some(cluster) = self.usable(&opening.key, by_tunnel) {
            self.hosts
                .get(cluster.way(), &opening.key.host, &opening.environment);
            return Ok(cluster);
        }
        if !by_tunnel {
            return self.follow(opening).await;
        }
        let record = self.record_of(&opening.key)?;
        if let Some(way) = record.way {
            (opening.way, opening.contexts_in) = (way, record.contexts_in);
        }
        Ok(self.open(&opening).await?.0)
    }

    /// A cluster that can be used at once; `None` if the plugin has to tell more.
    pub(super) fn ready_to_use(&self, key: &Key, by_tunnel: bool) -> Option<Arc<Cluster>> {
        let cluster = self.usable(key, by_tunnel)?;
        let environment = self.hosts.environment(cluster.way(), &key.host);
        (!environment.is_empty()).then_some(cluster)
    }

    /// A cluster that is kept, with a tunnel if one is wanted.
    fn usable(&self, key: &Key, by_tunnel: bool) -> Option<Arc<Cluster>> {
        self.get(key)
            .filter(|cluster| !by_tunnel || cluster.port().is_some())
    }

    /// Closes a tunnel for good; `false` if there was none. Its port stays its own.
    pub(super) async fn stop(&self, key: &Key) -> bool {
        let _changing = self.changing.lock().await;
        let was_open = self.close(key).await;
        if let Ok(mut record) = self.record_of(key)
            && record.is_open
        {
            record.is_open = false;
            self.write(&record);
        }
        was_open
    }

    /// Closes every tunnel, for good or for another process to open them; what that one needs to know.
    pub(super) async fn leave(&self, is_final: bool) -> Vec<Opening> {
        let openings = self.openings();
        if is_final {
            let keys: Vec<Key> = openings.iter().map(|opening| opening.key.clone()).collect();
            for key in keys {
                self.stop(&key).await;
            }
        } else {
            self.close_all().await;
        }
        openings
    }

    fn openings(&self) -> Vec<Opening> {
        let open = self.each().filter_map(|cluster| {
            let record = cluster.to_record(cluster.port()?);
            Some(Opening {
                environment: self.hosts.environment(cluster.way(), &record.key.host),
                way: cluster.way().clone(),
                key: record.key,
                uid: record.uid,
                contexts_in: record.contexts_in,
            })
        });
        open.collect()
    }

    /// Closes every tunnel, so that another process can have the ports.
    pub(super) async fn close_all(&self) {
        let _changing = self.changing.lock().await;
        let keys: Vec<Key> = self.all().keys().cloned().collect();
        for key in keys {
            self.close(&key).await;
        }
    }

    /// Every tunnel, to be shown.
    pub(super) fn views(&self) -> Vec<TunnelView> {
        self.each().filter_map(|cluster| cluster.view()).collect()
    }

    /// Somebody asked something.
    pub(super) fn is_asked(&self) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Waits until nobody has asked anything or used a tunnel for so long.
    pub(super) async fn unused_for(&self, limit: Duration) {
        loop {
            let left = limit.saturating_sub(self.idle());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }

    /// For how long nobody has asked anything or used a tunnel.
    fn idle(&self) -> Duration {
        let asked = *self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        self.each()
            .map(|cluster| cluster.tunnel.status().idle())
            .fold(asked.elapsed(), Duration::min)
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<Cluster>> {
        self.all().get(key).map(|kept| kept.cluster.clone())
    }

    fn each(&self) -> impl Iterator<Item = Arc<Cluster>> + use<> {
        let all: Vec<_> = self
            .all()
            .values()
            .map(|kept| kept.cluster.clone())
            .collect();
        all.into_iter()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Key, Kept>> {
        self.clusters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to listen on the recorded port, or on another one if a stranger has it.
    async fn listen(
        self: &Arc<Self>,
        mut record: Record,
        way: Way,
        environment: &Environment,
    ) -> Result<(Arc<Cluster>, u16), Error> {
        let reference = reference(&record.key)?;
        let (listeners, is_moved) = self.bind(&mut record).await.map_err(|error| {
            Error::new(Kind::Failed, format!("cannot open a tunnel to {reference}")).because(&error)
        })?;
        record.way = Some(way.clone());
        record.is_open = true;
        self.write(&record);
        if is_moved {
            self.move_contexts(&record, &reference).await;
        }
        tracing::info!(port = record.port, "listening for {reference}");
        let port = record.port;
        let opening = Opening {
            key: record.key,
            uid: record.uid,
            way,
            contexts_in: record.contexts_in,
            environment: environment.clone(),
        };
        let cluster = self.keep(opening, Some(Door { port, listeners }))?;
        Ok((cluster, port))
    }

    /// Keeps a cluster from now on.
    fn keep(self: &Arc<Self>, opening: Opening, door: Option<Door>) -> Result<Arc<Cluster>, Error> {
        let Opening {
            key,
            way,
            environment,
            ..
        } = &opening;
        let reference = reference(key)?;
        let host = self.hosts.get(way, &key.host, environment);
        let upstream = self.hosts.upstream(way, &host);
        let key = key.clone();
        let cluster = Arc::new(Cluster::new(opening, reference, host, upstream, door));
        let looking = tokio::spawn(stop_if_abandoned(Arc::downgrade(self), cluster.clone()));
        let kept = Kept {
            cluster: cluster.clone(),
            _looking: AbortOnDropHandle::new(looking),
        };
        self.all().insert(key, kept);
        Ok(cluster)
    }

    async fn bind(&self, record: &mut Record) -> io::Result<(Vec<TcpListener>, bool)> {
        match tunnel::bind(Some(record.port)).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                record.port = self.records.free_port(&record.key, Some(record.port))?;
                let (_, listeners) = tunnel::bind(Some(record.port)).await?;
                Ok((listeners, true))
            }
            bound => Ok((bound?.1, false)),
        }
    }

    /// Has the user's contexts lead to the port that the cluster has now.
    async fn move_contexts(&self, record: &Record, reference: &ClusterRef) {
        if record.contexts_in.is_empty() {
            return;
        }
        let moved = lifecycle::point_contexts(
            Files::list(&record.contexts_in),
            lifecycle::edit_options(&self.state_folder),
            &record.key.host,
            reference,
            record.port,
        );
        match moved.await {
            Ok(contexts) => tracing::info!(
                port = record.port,
                "another program has the port of {reference}; these contexts lead to a new one now: {}",
                contexts.join(", ")
            ),
            Err(error) => {
                tracing::warn!(
                    error = error.message,
                    "the contexts of {reference} lead to a port that is not its own"
                );
            }
        }
    }

    async fn close(&self, key: &Key) -> bool {
        let kept = self.all().remove(key);
        let Some(kept) = kept else { return false };
        kept.cluster.tunnel.close().await;
        kept.cluster.port().is_some()
    }

    fn record_of(&self, key: &Key) -> Result<Record, Error> {
        let failed = |error: io::Error| {
            Error::new(Kind::Failed, "cannot use the record of tunnels").because(&error)
        };
        let known = self.records.all().map_err(failed)?;
        if let Some(record) = known.into_iter().find(|record| record.key == *key) {
            return Ok(record);
        }
        Ok(Record {
            key: key.clone(),
            port: self.records.free_port(key, None).map_err(failed)?,
            uid: String::new(),
            way: None,
            contexts_in: Vec::new(),
            is_open: false,
        })
    }

    /// Keeps a record. Without it the next agent does not know the tunnel, which the plugin then tells it.
    fn write(&self, record: &Record) {
        if let Err(error) = self.records.write(record) {
            tracing::warn!(%error, "the record of a tunnel cannot be written");
        }
    }
}

/// Closes the tunnel of a cluster that is gone.
async fn stop_if_abandoned(tunnels: Weak<Tunnels>, cluster: Arc<Cluster>) {
    cluster.until_abandoned().await;
    let Some(tunnels) = tunnels.upgrade() else {
        return;
    };
    // In a task of its own: closing ends this one.
    tokio::spawn(async move { tunnels.stop(cluster.key()).await });
}

fn reference(key: &Key) -> Result<ClusterRef, Error> {
    Ok(ClusterRef {
        namespace: Namespace::parse(&key.namespace)?,
        name: Name::parse(&key.name)?,
    })
}
