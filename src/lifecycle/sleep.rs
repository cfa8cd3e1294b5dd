//! Putting a cluster to sleep, as an ordered story. Each step can be repeated, so an interrupted one is run again.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

use super::workloads::{companions, keeps_state_elsewhere, replicas_awake};
use crate::cluster::{ClusterRef, Manager, VirtualCluster};
use crate::driver::{sleep as marks, vcluster};
use crate::error::{Error, Kind};
use crate::host::read::{Partial, Workload};
use crate::host::{Collection, Host, HostError, Watch};
use crate::progress::Progress;

/// A pod that ends sooner than this is not told of.
const SOON: Duration = Duration::from_secs(2);

/// What the user has consented to.
#[derive(Clone, Copy, Debug, Default)]
pub struct SleepOptions {
    /// A cluster without a volume may forget everything.
    pub discard_state: bool,
    /// One that somebody else decides over may be put to sleep all the same.
    pub force: bool,
}

/// Puts a cluster to sleep: the control plane first, so that nothing brings back the pods that end after it, and what
/// stores its state only when it has ended.
///
/// Returns when the last pod has ended. Everything but pods stays.
pub async fn sleep(
    host: &Host,
    cluster: &VirtualCluster,
    options: SleepOptions,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let reference = &cluster.reference;
    let is_awake = !cluster.state.is_sleeping();
    if is_awake
        && !cluster.keeps_state
        && !options.discard_state
        && !keeps_state_elsewhere(host, cluster).await?
    {
        return Err(Error::new(
            Kind::Failed,
            format!("{reference} has no volume, and would forget everything"),
        )
        .hint("add `--discard-state` if it may, or create it without `--ephemeral`"));
    }
    progress.begin(&format!("putting {reference} to sleep"));
    let namespace = reference.namespace.as_str();
    let (namespaces, pods) = (
        Collection::of("Namespace", None),
        Collection::of("Pod", Some(namespace)),
    );
    // The watch opens before anything is changed, so that no end is missed.
    let (place, companions, pods) = tokio::join!(
        host.fetch::<Partial>(&namespaces, namespace),
        companions(host, cluster),
        Watch::<Partial>::for_departures(host, pods, "", ""),
    );
    if is_awake && !options.force {
        // Who may not look at the namespace is not told of marks on it.
        let place = place.ok().flatten();
        let of_place = place.and_then(|place| marks::manager_of(&place.metadata));
        if let Some(manager) = cluster.manager.or(of_place) {
            return Err(managed(reference, manager));
        }
    }
    let mut story = Story {
        host,
        reference,
        pods: pods?,
        progress,
    };
    let name = &reference.name;
    progress.if_interrupted(
        &format!("{reference} is partly asleep"),
        &format!("run `vc sleep {name} -n {namespace}` again to go on, or `vc wake {name} -n {namespace}`"),
    );
    let companions = companions?;
    story.put_control_plane_to_sleep(cluster).await?;
    let tenants = format!("{}={name}", vcluster::MANAGED_BY);
    let pods = Collection::of("Pod", Some(namespace));
    tokio::try_join!(
        host.delete_all(&pods, &tenants, None),
        put_companions_to_sleep(host, &companions),
    )?;
    let is_own = |pod: &Partial| {
        vcluster::is_own_pod(&pod.metadata, name) || vcluster::is_synced(&pod.metadata, name)
    };
    story.until_gone(is_own).await?;
    progress.end();
    Ok(())
}

/// One cluster on its way to sleep.
struct Story<'a> {
    host: &'a Host,
    reference: &'a ClusterRef,
    /// Every pod of the namespace.
    pods: Watch<Partial>,
    progress: &'a dyn Progress,
}

impl Story<'_> {
    /// Scales the control plane to zero, and waits until it has no pod and will have none.
    async fn put_control_plane_to_sleep(&mut self, cluster: &VirtualCluster) -> Result<(), Error> {
        let (host, reference) = (self.host, self.reference);
        let workloads = Collection::of(&cluster.workload.kind, Some(reference.namespace.as_str()));
        let name = reference.name.as_str();
        let mut generation = 0;
        if !cluster.is_marked_asleep || cluster.replicas > 0 {
            let replicas = replicas_awake(host, cluster).await?;
            let change = marks::to_sleep(replicas, Timestamp::now());
            let changed = host.merge_patch(&workloads, name, &change).await?;
            generation = changed["metadata"]["generation"].as_u64().unwrap_or(0);
        }
        let field = format!("metadata.name={name}");
        let mut workload = Watch::<Workload>::for_arrivals(host, workloads, "", &field).await?;
        let is_own = |pod: &Partial| vcluster::is_control_plane(&pod.metadata, &reference.name);
        // A pod that is not there yet may still be made, until the host has seen that none is wanted.
        while !workload
            .objects()
            .all(|workload| has_no_pods(workload, generation))
        {
            workload.changed().await?;
        }
        self.until_gone(is_own).await
    }

    async fn until_gone(&mut self, counts: impl Fn(&Partial) -> bool + Copy) -> Result<(), Error> {
        let worth_telling = Instant::now() + SOON;
        while let Some(left) = self.left(counts) {
            if Instant::now() >= worth_telling {
                self.progress.because(&left);
                self.pods.changed().await?;
            } else {
                // That a pod takes a moment to end is no news.
                tokio::select! {
                    changed = self.pods.changed() => changed?,
                    () = sleep_until(worth_telling) => {}
                }
            }
        }
        Ok(())
    }

    /// Which pods are waited for; `None` if there are none.
    fn left(&self, counts: impl Fn(&Partial) -> bool) -> Option<String> {
        let mut left = self.pods.objects().filter(|pod| counts(pod));
        let metadata = &left.next()?.metadata;
        let held = metadata
            .finalizers
            .first()
            .map_or(String::new(), |finalizer| {
                format!(", held by the finalizer `{finalizer}`")
            });
        let name = &metadata.name;
        Some(match left.count() {
            0 => format!("pod `{name}` is ending{held}"),
            others => format!("pod `{name}` is ending{held} ({others} more)"),
        })
    }
}

/// Whether the host has seen that a workload is to have no pods, and has none left of it.
fn has_no_pods(workload: &Workload, generation: u64) -> bool {
    let status = &workload.status;
    status.observed_generation >= generation && status.replicas == 0
}

async fn put_companions_to_sleep(
    host: &Host,
    companions: &[(Collection, Workload)],
) -> Result<(), HostError> {
    for (collection, companion) in companions {
        if marks::is_marked(&companion.metadata) && companion.spec.replicas == Some(0) {
            continue;
        }
        let replicas = marks::replicas_awake(companion).unwrap_or(1);
        let change = marks::to_sleep(replicas, Timestamp::now());
        host.merge_patch(collection, &companion.metadata.name, &change)
            .await?;
    }
    Ok(())
}

/// Somebody else would wake it again, so the user decides.
fn managed(reference: &ClusterRef, manager: Manager) -> Error {
    let ClusterRef { namespace, name } = reference;
    let hint = match manager {
        Manager::ArgoCd => "turn off its automatic sync in Argo CD first".to_owned(),
        Manager::Flux => {
            format!("suspend it first, as `flux suspend helmrelease {name} -n {namespace}` does")
        }
        Manager::Platform => {
            format!("put it to sleep there, as `vcluster pause {name} --driver platform` does")
        }
    };
    Error::new(
        Kind::Failed,
        format!("{reference} is managed by {manager}, which may wake it again"),
    )
    .hint(hint)
    .hint("add `--force` to put it to sleep all the same")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_workload_that_the_host_has_not_looked_at_may_still_make_pods() {
        let has_no_pods = |status: Value| {
            has_no_pods(
                &serde_json::from_value(json!({ "status": status })).unwrap(),
                2,
            )
        };
        assert!(!has_no_pods(json!({ "observedGeneration": 1 })));
        assert!(!has_no_pods(
            json!({ "observedGeneration": 2, "replicas": 1 })
        ));
        assert!(has_no_pods(json!({ "observedGeneration": 2 })));
    }
}
