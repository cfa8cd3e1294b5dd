//! Waiting for a control plane, and saying meanwhile why it takes its time.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::reasons::{Reasons, concerns};
use crate::cluster::{ClusterRef, ObjectRef};
use crate::error::{Error, Kind};
use crate::host::read::{Event, Pod, Secret, Workload};
use crate::host::{Collection, Host, HostError, Watch};
use crate::progress::Progress;

/// What tells that a control plane is ready, and why it is not.
pub(super) struct Watches {
    host: Host,
    reference: ClusterRef,
    reasons: Reasons,
    secret: Watch<Secret>,
    pods: Watch<Pod>,
    /// `None` where we may not look at events.
    events: Option<Watch<Event>>,
    /// The events that there were before anything was changed, by name; `None` if nothing was.
    ///
    /// The host keeps those of an hour, and of an earlier cluster of that name as well. Their times are the host's,
    /// whose clock need not be ours.
    past: Option<BTreeMap<String, Occurrence>>,
    /// What to do with a cluster that will never be ready.
    hint: Option<String>,
}

/// How often an event had happened, and when last.
type Occurrence = (u32, Option<Timestamp>);

/// Waits until a pod of the control plane is ready, and it has written how to reach it, which may be a moment later.
pub async fn until_ready(
    host: &Host,
    reference: &ClusterRef,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let mut watches = Watches::open_midway(host, reference).await?;
    progress.begin(&format!("waiting for the control plane of {reference}"));
    while !(watches.pods.objects().any(Pod::is_ready) && watches.secret.objects().next().is_some())
    {
        watches.report(progress).await?;
        watches.changed().await?;
    }
    progress.end();
    Ok(())
}

/// Says why a control plane that was woken does not serve, for as long as it is waited for.
///
/// Ends only with an error: that it serves is seen by asking it, long before the host says that its pod is ready.
pub(super) async fn until_serving(
    mut watches: Watches,
    progress: &dyn Progress,
) -> Result<(), Error> {
    loop {
        watches.report(progress).await?;
        watches.changed().await?;
    }
}

impl Watches {
    /// Opens all of them at once, before anything is changed; what is there already is told first.
    pub(super) async fn open(host: &Host, reference: &ClusterRef) -> Result<Self, HostError> {
        let of_events = Collection::of("Event", Some(reference.namespace.as_str()));
        // Listed first, so that what had happened before can be told from what happens from now on.
        let events = Box::pin(Watch::for_departures(host, of_events, "", ""));
        Self::open_with(host, reference, events, true).await
    }

    /// Opens them for a cluster that somebody else has changed, perhaps long ago.
    pub(super) async fn open_midway(
        host: &Host,
        reference: &ClusterRef,
    ) -> Result<Self, HostError> {
        let of_events = Collection::of("Event", Some(reference.namespace.as_str()));
        let events = Box::pin(Watch::for_arrivals(host, of_events, "", ""));
        Self::open_with(host, reference, events, false).await
    }

    async fn open_with(
        host: &Host,
        reference: &ClusterRef,
        events: impl Future<Output = Result<Watch<Event>, HostError>>,
        is_before_change: bool,
    ) -> Result<Self, HostError> {
        let of = |kind: &str| Collection::of(kind, Some(reference.namespace.as_str()));
        let (selector, name) = (
            reference.selector(),
            format!("metadata.name={}", reference.kubeconfig_secret()),
        );
        let (secret, pods, events) = tokio::join!(
            Watch::for_arrivals(host, of("Secret"), "", &name),
            Watch::for_arrivals(host, of("Pod"), &selector, ""),
            events,
        );
        let events = match events {
            Err(error) if error.is_forbidden() => None,
            events => Some(events?),
        };
        let past = is_before_change.then(|| {
            let listed = events.iter().flat_map(Watch::objects);
            listed
                .map(|event| (event.metadata.name.clone(), occurrence(event)))
                .collect()
        });
        Ok(Self {
            host: host.clone(),
            reference: reference.clone(),
            reasons: Reasons::default(),
            secret: secret?,
            pods: pods?,
            events,
            past,
            hint: None,
        })
    }

    /// The same for a cluster that was made just now, with nothing in it that could be missed.
    pub(super) fn of_new_cluster(mut self) -> Self {
        let ClusterRef { namespace, name } = &self.reference;
        self.hint = Some(format!(
            "run `vc delete {name} -n {namespace}` to remove it"
        ));
        self
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
            self.report(progress).await?;
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
                self.report(progress).await?;
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
    async fn report(&mut self, progress: &dyn Progress) -> Result<(), Error> {
        let pods: Vec<&Pod> = self.pods.objects().collect();
        let namespace = self.reference.namespace.as_str();
        self.reasons.learn(&self.host, namespace, &pods).await;
        let events: Vec<&Event> = self
            .events
            .iter()
            .flat_map(Watch::objects)
            .filter(|event| concerns(&self.reference, event) && self.is_of_now(event))
            .collect();
        let Some(mut why) = self.reasons.why(&pods, &events) else {
            progress.because("");
            return Ok(());
        };
        // What an event of long ago tells may have been put right since, without another one that says so.
        why.obstacle.is_final &= self.past.is_some() || !why.is_of_event;
        if !why.obstacle.is_final {
            progress.because(&why.obstacle.reason);
            progress.advise(why.obstacle.hint.as_deref().unwrap_or_default());
            return Ok(());
        }
        let message = format!("{} cannot start: {}", self.reference, why.obstacle.reason);
        let mut error = Error::new(Kind::Failed, message);
        error.causes = why
            .last_words
            .iter()
            .map(|line| format!("log: {line}"))
            .collect();
        error.hints.extend(why.obstacle.hint);
        error.hints.extend(self.hint.clone());
        Err(error)
    }

    /// Whether an event has happened since the change, if there was one.
    fn is_of_now(&self, event: &Event) -> bool {
        let before = self.past.as_ref();
        before.is_none_or(|past| past.get(&event.metadata.name) != Some(&occurrence(event)))
    }
}

fn occurrence(event: &Event) -> Occurrence {
    (event.times(), event.happened())
}

/// Whether a kubeconfig Secret is of the cluster with this Service, and not left by an earlier one of the same name.
fn is_of_service(secret: &Secret, uid: &str) -> bool {
    let owners = &secret.metadata.owner_references;
    !secret.data.is_empty() && (owners.is_empty() || owners.iter().any(|owner| owner.uid == uid))
}
