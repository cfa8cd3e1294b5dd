//! Why no node takes a pod, and whether one ever will.

use super::{Obstacle, scheduler_words};
use crate::cluster::Quantity;
use crate::host::read::{Container, Node, Pod};

/// Taints by which the host marks a node that is in trouble, or not ready yet: they go again.
const PASSING_TAINTS: &[&str] = &[
    "{node.kubernetes.io/",
    "{node.cloudprovider.kubernetes.io/uninitialized",
    "{node.cilium.io/agent-not-ready",
];
/// Kinds of nodes, by the scheme of their provider ID, that no autoscaler adds one to.
const FIXED: &[&str] = &["", "kind", "k3s", "rke2"];

/// The nodes of the host, as far as they tell whether a pod will ever fit.
#[derive(Debug)]
pub struct Room {
    nodes: Vec<Node>,
}

/// Why some of the nodes do not take a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal<'a> {
    /// Labels that none of them has.
    Selector,
    /// A taint that stays.
    Taint,
    /// The pods that are there leave too little of this.
    Full(&'a str),
    /// No volume of the claim's class, and nothing that makes one.
    Volume,
    /// Anything that may be otherwise in a moment.
    Passing,
}

/// What is in the way of a pod without a node, by the scheduler's words alone.
pub(super) fn unscheduled(name: &str, words: &str) -> Obstacle {
    let obstacle = Obstacle::passing(format!(
        "pod `{name}` has no node yet: {}",
        without_preemption(words)
    ));
    if words.contains("PersistentVolumeClaim") {
        return obstacle
            .hint("see `kubectl describe pvc` in its namespace for what its volume waits for")
            .vaguely();
    }
    obstacle.hint("free or add a node, or lower what it asks for with `--set controlPlane.statefulSet.resources…`")
}

impl Room {
    /// The room on these nodes; none, if they could not be looked at.
    pub fn new(nodes: Vec<Node>) -> Self {
        Self { nodes }
    }

    /// What is in the way of a pod without a node, and whether waiting helps.
    pub fn explain(&self, pod: &Pod) -> Option<Obstacle> {
        let words = scheduler_words(pod)?;
        let name = &pod.metadata.name;
        let refusals = refusals(words);
        let too_large: Vec<String> = refusals
            .iter()
            .filter_map(|refusal| match refusal {
                Refusal::Full(resource) => self.excess(pod, resource),
                _ => None,
            })
            .collect();
        let is_hopeless = |refusal: &Refusal| match refusal {
            Refusal::Passing => false,
            Refusal::Full(resource) => self.excess(pod, resource).is_some(),
            Refusal::Selector | Refusal::Taint | Refusal::Volume => true,
        };
        let obstacle = unscheduled(name, words);
        let is_known = !self.nodes.is_empty() && !refusals.is_empty();
        if !is_known || !refusals.iter().all(is_hopeless) {
            return Some(obstacle);
        }
        if self.may_grow() {
            let reason = format!(
                "{}; an autoscaler may add one that it fits",
                obstacle.reason
            );
            return Some(Obstacle { reason, ..obstacle });
        }
        let why = if too_large.is_empty() {
            without_preemption(words).to_owned()
        } else {
            too_large.join(", ")
        };
        let hint = refusals.iter().find_map(hint).unwrap_or_default();
        Some(
            Obstacle::passing(format!("pod `{name}` fits no node of the host: {why}"))
                .hint(hint)
                .finally(),
        )
    }

    /// How a pod asks for more of a resource than any node has.
    fn excess(&self, pod: &Pod, resource: &str) -> Option<String> {
        let largest = self
            .nodes
            .iter()
            .filter_map(|node| Quantity::parse(node.status.allocatable.get(resource)?).ok())
            .max()?;
        let asked = asked(pod, resource);
        (asked > largest).then(|| {
            let [asked, largest] = [asked, largest].map(|amount| match resource {
                "memory" | "ephemeral-storage" => amount.to_bytes(),
                _ => amount.to_cpu(),
            });
            format!("it asks for {asked} of {resource}, and the largest node has {largest}")
        })
    }

    fn may_grow(&self) -> bool {
        self.nodes.iter().any(|node| {
            let id = &node.spec.provider_id;
            let scheme = id.split_once("://").map_or("", |(scheme, _)| scheme);
            !FIXED.contains(&scheme)
        })
    }
}

fn hint(refusal: &Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::Selector => Some(
            "correct `controlPlane.statefulSet.scheduling.nodeSelector` or `affinity`, or label a node so that it matches",
        ),
        Refusal::Taint => {
            Some("tolerate the taint with `controlPlane.statefulSet.scheduling.tolerations`")
        }
        Refusal::Full(_) => {
            Some("lower what it asks for with `--set controlPlane.statefulSet.resources.requests…`")
        }
        Refusal::Volume => Some(
            "make a volume of that class, or name another class with \
             `--set controlPlane.statefulSet.persistence.volumeClaim.storageClass=…`",
        ),
        Refusal::Passing => None,
    }
}

/// What all containers of a pod ask for together, or the one that prepares it and asks for the most.
fn asked(pod: &Pod, resource: &str) -> Quantity {
    let of = |container: &Container| {
        let request = container.resources.requests.get(resource);
        request
            .and_then(|amount| Quantity::parse(amount).ok())
            .unwrap_or_default()
    };
    let together = pod.spec.containers.iter().map(of).sum();
    pod.spec
        .init_containers
        .iter()
        .map(of)
        .fold(together, Ord::max)
}

/// The scheduler's reasons, as in `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {a: b}.`
fn refusals(words: &str) -> Vec<Refusal<'_>> {
    let Some((_, list)) = without_preemption(words).split_once(" nodes are available: ") else {
        return Vec::new();
    };
    let mut rest = list;
    let mut all = Vec::new();
    while !rest.is_empty() {
        // A taint's value may hold a comma: the next reason begins with a number.
        let end = rest
            .match_indices(", ")
            .find(|(at, _)| rest[at + 2..].starts_with(|next: char| next.is_ascii_digit()))
            .map_or(rest.len(), |(at, _)| at);
        all.push(refusal(&rest[..end]));
        rest = rest.get(end + 2..).unwrap_or_default();
    }
    all
}

fn refusal(reason: &str) -> Refusal<'_> {
    if let Some((_, resource)) = reason.split_once("Insufficient ") {
        return Refusal::Full(resource.trim());
    }
    if reason.contains("node affinity/selector") || reason.contains("didn't match node selector") {
        return Refusal::Selector;
    }
    if reason.contains(" taint") && !PASSING_TAINTS.iter().any(|taint| reason.contains(taint)) {
        return Refusal::Taint;
    }
    if reason.contains("didn't find available persistent volumes to bind") {
        return Refusal::Volume;
    }
    Refusal::Passing
}

/// The words without what is said of evicting others, which a control plane does not do.
fn without_preemption(words: &str) -> &str {
    let words = words.split_once(". ").map_or(words, |(words, _)| words);
    words.trim().trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SELECTOR: &str = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no new claims to \
                            deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";

    fn room(provider_id: &str, cpu: &str) -> Room {
        let node = json!({ "spec": { "providerID": provider_id }, "status": { "allocatable": { "cpu": cpu } } });
        Room::new(vec![serde_json::from_value(node).unwrap()])
    }

    fn explained(room: &Room, words: &str, cpu: &str) -> Obstacle {
        let pod = json!({
            "metadata": { "name": "dev-0" },
            "spec": { "containers": [{ "resources": { "requests": { "cpu": cpu } } }] },
            "status": { "conditions": [{ "type": "PodScheduled", "status": "False", "message": words }] },
        });
        room.explain(&serde_json::from_value(pod).unwrap()).unwrap()
    }

    #[test]
    fn what_no_node_of_a_fixed_host_offers_is_final() {
        let found = explained(&room("", "2"), SELECTOR, "1");
        assert!(found.is_final, "{found:?}");
        assert_eq!(
            found.reason,
            "pod `dev-0` fits no node of the host: 0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector"
        );
        let taint = "0/2 nodes are available: 2 node(s) had untolerated taint {dedicated: a, b}. preemption: none";
        assert!(explained(&room("kind://docker/a/b", "2"), taint, "1").is_final);
    }

    #[test]
    fn a_host_that_may_grow_is_waited_for() {
        let found = explained(&room("aws:///eu-central-1a/i-0", "2"), SELECTOR, "1");
        assert!(!found.is_final);
        assert!(
            found
                .reason
                .ends_with("; an autoscaler may add one that it fits"),
            "{found:?}"
        );
    }

    #[test]
    fn more_than_any_node_has_is_final_and_more_than_is_free_is_not() {
        let full = "0/1 nodes are available: 1 Insufficient cpu.";
        let found = explained(&room("", "1900m"), full, "2");
        assert!(found.is_final);
        assert!(
            found
                .reason
                .ends_with("it asks for 2 of cpu, and the largest node has 1.9"),
            "{found:?}"
        );
        assert!(!explained(&room("", "4"), full, "500m").is_final);
    }

    #[test]
    fn nodes_in_trouble_are_waited_for() {
        for words in [
            "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.",
            "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) were unschedulable.",
            "no nodes available to schedule pods",
        ] {
            assert!(!explained(&room("", "2"), words, "1").is_final, "{words}");
        }
    }
}
