//! Waiting for a control plane, and saying meanwhile why it takes its time.

use jiff::{SignedDuration, Timestamp};

use crate::cluster::{ClusterRef, ObjectRef};
use crate::error::{Error, Kind};
use crate::host::read::{Event, Pod, Secret, Workload};
use crate::host::{Collection, Host, HostError, Watch, explain};
use crate::progress::Progress;

/// What tells that a control plane is ready, and why it is not.
pub(super) struct Watches {
    reference: ClusterRef,
    secret: Watch<Secret>,
    pods: Watch<Pod>,
    /// `None` where we may not look at events.
    events: Option<Watch<Event>>,
    /// When the wait began, by our clock, less what it may be ahead of the host's.
    since: Timestamp,
}

/// How far our clock may be ahead of the host's before fresh events are taken for old ones.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(5);

/// Waits until a pod of the control plane is ready.
pub async fn until_ready(
    host: &Host,
    reference: &ClusterRef,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let mut watches = Watches::open(host, reference).await?;
    progress.begin(&format!("waiting for the control plane of {reference}"));
    while !watches.pods.objects().any(Pod::is_ready) {
        watches.report(progress)?;
        watches.changed().await?;
    }
    progress.end();
    Ok(())
}

/// Says why a control plane that was woken does not serve, for as long as it is waited for.
///
/// Ends only with an error: that it serves is seen by asking it, long before the host says that its pod is ready.
pub(super) async fn until_serving(
    host: &Host,
    reference: &ClusterRef,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let mut watches = Watches::open(host, reference).await?;
    loop {
        watches.report(progress)?;
        watches.changed().await?;
    }
}

impl Watches {
    /// Opens all of them at once; what is there already is told first.
    pub(super) async fn open(host: &Host, reference: &ClusterRef) -> Result<Self, HostError> {
        let of = |kind: &str| Collection::of(kind, Some(reference.namespace.as_str()));
        let (selector, name) = (
            reference.selector(),
            format!("metadata.name={}", reference.kubeconfig_secret()),
        );
        let (secret, pods, events) = tokio::join!(
            Watch::for_arrivals(host, of("Secret"), "", &name),
            Watch::for_arrivals(host, of("Pod"), &selector, ""),
            Watch::for_arrivals(host, of("Event"), "", "type=Warning"),
        );
        let events = match events {
            Err(error) if error.is_forbidden() => None,
            events => Some(events?),
        };
        let since = Timestamp::now() - CLOCK_SKEW;
        Ok(Self {
            reference: reference.clone(),
            secret: secret?,
            pods: pods?,
            events,
            since,
        })
    }

    /// Waits until the control plane of the cluster with this Service has written its kubeconfig.
    pub(super) async fn until_kubeconfig(
        mut self,
        uid: &str,
        progress: &dyn Progress,
    ) -> Result<Secret, Error> {
        progress.begin(&format!(
            "waiting for the control plane of {}",
            self.reference
        ));
        loop {
            if let Some(secret) = self
                .secret
                .objects()
                .find(|secret| is_of_service(secret, uid))
            {
                let secret = secret.clone();
                progress.end();
                return Ok(secret);
            }
            self.report(progress)?;
            self.changed().await?;
        }
    }

    /// Waits until the workloads of a change run as they were changed.
    pub(super) async fn until_rolled_out(
        &mut self,
        host: &Host,
        workloads: &[(ObjectRef, u64)],
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        progress.begin(&format!("waiting for the new pods of {}", self.reference));
        for (workload, generation) in workloads {
            let collection = host.collection_of(workload).await?;
            let field = format!("metadata.name={}", workload.name);
            let mut watch = Watch::<Workload>::for_arrivals(host, collection, "", &field).await?;
            while !watch
                .objects()
                .any(|workload| workload.is_rolled_out(*generation))
            {
                self.report(progress)?;
                tokio::select! {
                    changed = watch.changed() => changed?,
                    changed = self.changed() => changed?,
                }
            }
        }
        progress.end();
        Ok(())
    }

    async fn changed(&mut self) -> Result<(), HostError> {
        let events = async {
            match &mut self.events {
                Some(events) => events.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = self.secret.changed() => changed,
            changed = self.pods.changed() => changed,
            changed = events => changed,
        }
    }

    /// Says why it is not ready; an error if it never will be.
    fn report(&self, progress: &dyn Progress) -> Result<(), Error> {
        let Some(obstacle) = self.obstacle() else {
            progress.because("");
            return Ok(());
        };
        if !obstacle.is_final {
            progress.because(&obstacle.reason);
            return Ok(());
        }
        let ClusterRef { namespace, name } = &self.reference;
        let message = format!("{} cannot start: {}", self.reference, obstacle.reason);
        let mut error = Error::new(Kind::Failed, message);
        error.hints.extend(obstacle.hint);
        Err(error.hint(format!(
            "run `vc delete {name} -n {namespace}` to remove it"
        )))
    }

    /// Why it is not ready, the surest reason first.
    fn obstacle(&self) -> Option<explain::Obstacle> {
        if let Some(obstacle) = self.pods.objects().find_map(explain::pod) {
            return Some(obstacle);
        }
        let mut events: Vec<&Event> = self
            .events
            .iter()
            .flat_map(Watch::objects)
            .filter(|e| self.concerns(e))
            .collect();
        events.sort_by_key(|event| event.last_timestamp);
        events.into_iter().rev().find_map(explain::event)
    }

    /// Whether an event is about this cluster, and of this wait: the host keeps those of an hour.
    fn concerns(&self, event: &Event) -> bool {
        let (object, name) = (&event.involved_object.name, self.reference.name.as_str());
        let belongs = |object: &str| {
            object
                .strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let is_ours = belongs(object) || object.strip_prefix("data-").is_some_and(belongs);
        is_ours && event.last_timestamp.is_none_or(|last| last >= self.since)
    }
}

/// Whether a kubeconfig Secret is of the cluster with this Service, and not left by an earlier one of the same name.
fn is_of_service(secret: &Secret, uid: &str) -> bool {
    let owners = &secret.metadata.owner_references;
    !secret.data.is_empty() && (owners.is_empty() || owners.iter().any(|owner| owner.uid == uid))
}
