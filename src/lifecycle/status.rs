//! All that there is to know of one cluster, asked for at once.

use std::collections::BTreeMap;

use super::remains::is_own_claim;
use crate::cluster::{Quantity, State, VirtualCluster};
use crate::driver::vcluster;
use crate::host::claim::Claim;
use crate::host::metrics::PodMetrics;
use crate::host::read::{Container, Event, Metadata, Pod};
use crate::host::service::Service;
use crate::host::{Collection, Host, HostError, explain};

/// What was found. A part that we may not look at is `None`.
#[derive(Debug)]
pub struct Status {
    /// The cluster, with the reason for its state.
    pub cluster: VirtualCluster,
    /// Its pods: those of the control plane first, then those that it runs.
    pub pods: Option<Vec<OwnPod>>,
    /// Its claims to volumes: the control plane's, and those of what it runs.
    pub claims: Option<Vec<Claim>>,
    /// Warnings that are not over yet, the newest first.
    pub events: Option<Vec<Event>>,
    /// The Service before its API server.
    pub service: Option<Service>,
    /// What its pods use, where the host measures it.
    pub used: Option<Amounts>,
}

/// A pod of a cluster.
#[derive(Debug)]
pub struct OwnPod {
    /// Whether the virtual cluster runs it; else it is of the control plane.
    pub is_synced: bool,
    /// The pod.
    pub pod: Pod,
}

impl OwnPod {
    /// Its namespace in the virtual cluster; `None` for a pod of the control plane.
    pub fn tenant_namespace(&self) -> Option<String> {
        self.is_synced.then(|| {
            self.pod
                .metadata
                .labels
                .get(vcluster::TENANT_NAMESPACE)
                .cloned()
        })?
    }
}

/// Processor and memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Processor.
    pub cpu: Quantity,
    /// Memory.
    pub memory: Quantity,
}

/// Asks for pods, claims, warnings, Service and measurements of a cluster: five requests at once.
pub async fn status(host: &Host, mut cluster: VirtualCluster) -> Result<Status, HostError> {
    let reference = cluster.reference.clone();
    let namespace = reference.namespace.as_str();
    let of = |kind: &str| Collection::of(kind, Some(namespace));
    let (pods, claims, events, services) = (
        of("Pod"),
        of("PersistentVolumeClaim"),
        of("Event"),
        of("Service"),
    );
    let (pods, claims, events, service, metrics) = tokio::join!(
        host.list::<Pod>(&pods, ""),
        host.list::<Claim>(&claims, ""),
        host.list_by_field::<Event>(&events, "type=Warning"),
        host.fetch::<Service>(&services, reference.name.as_str()),
        host.fetch_metrics(namespace),
    );
    let pods = allowed(pods)?.map(|pods| own_pods(pods, &cluster));
    let claims = allowed(claims)?.map(|mut claims| {
        claims.retain(|claim| is_own_claim(&claim.metadata, &reference));
        claims
    });
    let events = allowed(events)?.map(|events| {
        unresolved(
            events,
            &cluster.state,
            pods.as_deref().unwrap_or_default(),
            claims.as_deref().unwrap_or_default(),
        )
    });
    if cluster.state == State::Creating(None) {
        cluster.state = explained(
            pods.as_deref().unwrap_or_default(),
            events.as_deref().unwrap_or_default(),
        );
    }
    let used = metrics
        .zip(pods.as_deref())
        .and_then(|(metrics, pods)| used(&metrics, pods));
    Ok(Status {
        cluster,
        used,
        service: allowed(service)?.flatten(),
        pods,
        claims,
        events,
    })
}

/// An answer, `None` if it is that we may not ask: what else there is to see is worth seeing.
fn allowed<T>(answer: Result<T, HostError>) -> Result<Option<T>, HostError> {
    match answer {
        Err(error) if error.is_forbidden() => Ok(None),
        answer => answer.map(Some),
    }
}

fn own_pods(pods: Vec<Pod>, cluster: &VirtualCluster) -> Vec<OwnPod> {
    let name = &cluster.reference.name;
    let mut own: Vec<OwnPod> = pods
        .into_iter()
        .filter_map(|pod| {
            let is_synced = vcluster::is_synced(&pod.metadata, name);
            (is_synced || vcluster::is_own_pod(&pod.metadata, name))
                .then_some(OwnPod { is_synced, pod })
        })
        .collect();
    own.sort_by(|a, b| {
        (a.is_synced, &a.pod.metadata.name).cmp(&(b.is_synced, &b.pod.metadata.name))
    });
    own
}

/// Why a control plane is not ready: the pod knows best, then the last that happened.
fn explained(pods: &[OwnPod], events: &[Event]) -> State {
    let control_plane = pods.iter().filter(|own| !own.is_synced);
    let obstacle = control_plane
        .map(|own| &own.pod)
        .find_map(explain::pod)
        .or_else(|| events.iter().find_map(explain::event));
    match obstacle {
        Some(obstacle) if obstacle.is_final => State::Broken(obstacle.reason),
        obstacle => State::Creating(obstacle.map(|obstacle| obstacle.reason)),
    }
}

/// The warnings that matter still, the newest first: not those of pods that are gone or ready by now, of claims that
/// have their volume, or of workloads that have their pods.
fn unresolved(
    mut events: Vec<Event>,
    state: &State,
    pods: &[OwnPod],
    claims: &[Claim],
) -> Vec<Event> {
    let pods: BTreeMap<&str, &Pod> = pods
        .iter()
        .map(|own| (own.pod.metadata.name.as_str(), &own.pod))
        .collect();
    let claims: BTreeMap<&str, &Claim> = claims
        .iter()
        .map(|claim| (claim.metadata.name.as_str(), claim))
        .collect();
    events.retain(|event| {
        let object = &event.involved_object;
        match object.kind.as_str() {
            "Pod" => pods.get(object.name.as_str()).is_some_and(|pod| {
                let ready_since = pod.ready_since();
                !pod.is_ready() || event.happened() > ready_since
            }),
            "PersistentVolumeClaim" => claims
                .get(object.name.as_str())
                .is_some_and(|claim| !claim.is_bound()),
            "StatefulSet" | "Deployment" | "ReplicaSet" => {
                matches!(state, State::Creating(_) | State::Broken(_))
            }
            _ => true,
        }
    });
    events.sort_by_key(|event| std::cmp::Reverse(event.happened()));
    events
}

/// What the pods of a cluster use together; `None` if none of them is measured.
fn used(metrics: &[PodMetrics], pods: &[OwnPod]) -> Option<Amounts> {
    let is_own = |metadata: &Metadata| {
        pods.iter()
            .any(|own| own.pod.metadata.name == metadata.name)
    };
    let mut measured = metrics
        .iter()
        .filter(|metrics| is_own(&metrics.metadata))
        .peekable();
    measured.peek()?;
    Some(measured.fold(Amounts::default(), |sum, pod| Amounts {
        cpu: sum.cpu + total(pod.usage("cpu")),
        memory: sum.memory + total(pod.usage("memory")),
    }))
}

/// What pods reserve, or may use at most.
///
/// A container without a figure counts as nothing, as it does for the host.
pub fn sum_of<'a>(
    pods: &'a [OwnPod],
    figures: impl Fn(&'a Container) -> &'a BTreeMap<String, String>,
) -> Amounts {
    let sum = |resource: &str| {
        let containers = pods
            .iter()
            .filter(|own| !own.pod.has_ended())
            .flat_map(|own| &own.pod.spec.containers);
        total(
            containers
                .filter_map(|container| figures(container).get(resource))
                .map(String::as_str),
        )
    };
    Amounts {
        cpu: sum("cpu"),
        memory: sum("memory"),
    }
}

/// The host's own figures are always quantities; one that is not would count as nothing.
fn total<'a>(amounts: impl Iterator<Item = &'a str>) -> Quantity {
    amounts
        .filter_map(|amount| Quantity::parse(amount).ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(name: &str, ready_since: Option<&str>) -> OwnPod {
        let condition = ready_since.map(
            |since| json!([{ "type": "Ready", "status": "True", "lastTransitionTime": since }]),
        );
        let object = json!({ "metadata": { "name": name }, "status": { "conditions": condition.unwrap_or_else(|| json!([])) } });
        OwnPod {
            is_synced: false,
            pod: serde_json::from_value(object).unwrap(),
        }
    }

    fn event(kind: &str, name: &str, time: &str) -> Event {
        let object: Value = json!({
            "reason": format!("{name} {time}"),
            "involvedObject": { "kind": kind, "name": name },
            "lastTimestamp": format!("2026-01-01T00:00:{time}Z"),
        });
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn warnings_that_are_over_are_left_out_and_the_newest_comes_first() {
        let pods = [pod("dev-0", Some("2026-01-01T00:00:10Z")), pod("web", None)];
        let bound: Claim = serde_json::from_value(
            json!({ "metadata": { "name": "bound" }, "status": { "phase": "Bound" } }),
        )
        .unwrap();
        let open: Claim = serde_json::from_value(
            json!({ "metadata": { "name": "open" }, "status": { "phase": "Pending" } }),
        )
        .unwrap();
        let events = vec![
            event("Pod", "dev-0", "05"),
            event("Pod", "dev-0", "20"),
            event("Pod", "web", "05"),
            event("Pod", "gone", "30"),
            event("PersistentVolumeClaim", "bound", "30"),
            event("PersistentVolumeClaim", "open", "30"),
            event("StatefulSet", "dev", "30"),
        ];
        let left = unresolved(events, &State::Running, &pods, &[bound, open]);
        let left: Vec<&str> = left.iter().map(|event| event.reason.as_str()).collect();
        assert_eq!(left, ["open 30", "dev-0 20", "web 05"]);
    }
}
