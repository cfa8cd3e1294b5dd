//! What `vc status` shows: its JSON contract, and the same for people.

use std::fmt::Write;

use jiff::Timestamp;
use serde::Serialize;

use crate::cluster::{Manager, VirtualCluster};
use crate::host::claim::Claim;
use crate::host::read::Event;
use crate::lifecycle::{self, Amounts, OwnPod, Status};
use crate::ui::{self, View};

/// The JSON contract of this command. A part that the host does not let us look at is `null`.
#[derive(Serialize)]
pub(super) struct StatusView {
    name: String,
    namespace: String,
    state: &'static str,
    reason: Option<String>,
    created: Option<Timestamp>,
    owner: Option<String>,
    /// Another program that decides over it.
    manager: Option<Manager>,
    sleeping_since: Option<Timestamp>,
    versions: Versions,
    endpoint: Endpoint,
    replicas: Replicas,
    pods: Option<Vec<PodView>>,
    volumes: Option<Vec<VolumeView>>,
    resources: Option<Resources>,
    events: Option<Vec<EventView>>,
}

#[derive(Serialize)]
pub(super) struct Versions {
    kubernetes: Option<String>,
    vcluster: Option<String>,
    chart: Option<String>,
}

/// Where its API is.
#[derive(Serialize)]
pub(super) struct Endpoint {
    /// For programs on the host.
    pub(super) service: String,
    /// Where the host offers it to the outside; `null` where it does not.
    pub(super) exposed: Option<String>,
    /// Our context for it; `null` if there is none.
    pub(super) context: Option<String>,
    /// Where that context leads.
    pub(super) local: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Replicas {
    wanted: u32,
    ready: u32,
}

#[derive(Serialize)]
pub(super) struct PodView {
    name: String,
    /// Its namespace in the virtual cluster; `null` for a pod of the control plane.
    tenant_namespace: Option<String>,
    status: String,
    ready: usize,
    containers: usize,
    restarts: u32,
    created: Option<Timestamp>,
    node: Option<String>,
}

#[derive(Serialize)]
pub(super) struct VolumeView {
    claim: String,
    size: Option<String>,
    class: Option<String>,
    phase: String,
}

#[derive(Serialize)]
pub(super) struct Resources {
    requests: AmountsView,
    limits: AmountsView,
    /// `null` where the host does not measure it.
    used: Option<AmountsView>,
}

#[derive(Serialize)]
pub(super) struct AmountsView {
    cpu: String,
    memory: String,
}

#[derive(Serialize)]
pub(super) struct EventView {
    time: Option<Timestamp>,
    object: String,
    reason: String,
    message: String,
    count: u32,
}

impl StatusView {
    pub(super) fn new(status: Status, endpoint: Endpoint) -> Self {
        let Status {
            cluster,
            pods,
            claims,
            events,
            used,
            ..
        } = status;
        let resources = pods.as_deref().map(|pods| Resources {
            requests: lifecycle::sum_of(pods, |container| &container.resources.requests).into(),
            limits: lifecycle::sum_of(pods, |container| &container.resources.limits).into(),
            used: used.map(AmountsView::from),
        });
        let VirtualCluster {
            reference, state, ..
        } = cluster;
        Self {
            name: reference.name.to_string(),
            namespace: reference.namespace.to_string(),
            state: state.word(),
            reason: state.reason().map(str::to_owned),
            created: cluster.created,
            owner: cluster.owner,
            manager: cluster.manager,
            sleeping_since: cluster.sleeping_since,
            versions: Versions {
                kubernetes: cluster.kubernetes,
                vcluster: cluster.version,
                chart: cluster.chart,
            },
            endpoint,
            replicas: Replicas {
                wanted: cluster.replicas,
                ready: cluster.ready,
            },
            resources,
            pods: pods.map(|pods| pods.iter().map(PodView::from).collect()),
            volumes: claims.map(|claims| claims.iter().map(VolumeView::from).collect()),
            events: events.map(|events| events.iter().map(EventView::from).collect()),
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let Versions {
            kubernetes,
            vcluster,
            chart,
        } = &self.versions;
        let versions = [
            ("Kubernetes", kubernetes),
            ("vcluster", vcluster),
            ("chart", chart),
        ]
        .into_iter()
        .filter_map(|(what, version)| Some(format!("{what} {}", version.as_ref()?)))
        .collect::<Vec<_>>();
        let by = self.owner.as_ref().map(|owner| format!(" by {owner}"));
        let ago = |time: Timestamp| format!("{} ago", ui::age(time));
        let context = self.endpoint.context.as_ref().map_or_else(
            || {
                format!(
                    "none; `vc connect {} -n {}` makes one",
                    self.name, self.namespace
                )
            },
            |context| {
                format!(
                    "{context} ({})",
                    self.endpoint.local.as_deref().unwrap_or("-")
                )
            },
        );
        let mut facts = vec![(
            "State",
            self.reason.as_ref().map_or_else(
                || self.state.to_owned(),
                |reason| format!("{}: {reason}", self.state),
            ),
        )];
        facts.extend(
            self.sleeping_since
                .map(|since| ("Asleep since", ago(since))),
        );
        facts.extend(
            self.created
                .map(|created| ("Created", ago(created) + &by.unwrap_or_default())),
        );
        facts.extend(
            self.manager
                .map(|manager| ("Managed by", manager.to_string())),
        );
        facts.push(("Versions", versions.join(", ")));
        facts.push(("Context", context));
        facts.push(("On the host", self.endpoint.service.clone()));
        facts.extend(
            self.endpoint
                .exposed
                .clone()
                .map(|exposed| ("From outside", exposed)),
        );
        facts.push((
            "Replicas",
            format!("{} of {} ready", self.replicas.ready, self.replicas.wanted),
        ));
        if let Some(resources) = &self.resources {
            facts.push(("Requests", resources.requests.sentence()));
            facts.push(("Limits", resources.limits.sentence()));
            facts.extend(
                resources
                    .used
                    .as_ref()
                    .map(|used| ("Uses", used.sentence())),
            );
        }
        facts
    }
}

impl View for StatusView {
    fn sentence(&self) -> String {
        let mut text = format!("`{}` in `{}`\n", self.name, self.namespace);
        for (what, fact) in self.facts() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {what:<14}{fact}");
        }
        let tables = [
            section(
                "pods",
                &["POD", "STATUS", "READY", "RESTARTS", "AGE", "NODE"],
                self.pods.as_deref(),
            ),
            section(
                "volumes",
                &["VOLUME", "SIZE", "CLASS", "PHASE"],
                self.volumes.as_deref(),
            ),
            section(
                "warnings",
                &["WARNING", "AGE", "TIMES", "OBJECT", "MESSAGE"],
                self.events.as_deref(),
            ),
        ];
        text.extend(tables);
        text.trim_end().to_owned()
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// A part of the answer that is a table.
trait Cells {
    fn cells(&self) -> Vec<String>;
}

fn section<T: Cells>(what: &str, headings: &[&str], rows: Option<&[T]>) -> String {
    match rows {
        None => format!("\nYou may not look at its {what}.\n"),
        Some([]) => String::new(),
        Some(rows) => {
            let cells: Vec<Vec<String>> = rows.iter().map(Cells::cells).collect();
            format!("\n{}", ui::table(headings, &cells))
        }
    }
}

fn or_dash(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}

impl From<&OwnPod> for PodView {
    fn from(own: &OwnPod) -> Self {
        let pod = &own.pod;
        let statuses = &pod.status.container_statuses;
        Self {
            name: pod.metadata.name.clone(),
            tenant_namespace: own.tenant_namespace(),
            status: pod.status_word(),
            ready: statuses.iter().filter(|status| status.ready).count(),
            containers: pod.spec.containers.len(),
            restarts: statuses.iter().map(|status| status.restart_count).sum(),
            created: pod.metadata.creation_timestamp,
            node: pod.spec.node_name.clone(),
        }
    }
}

impl Cells for PodView {
    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.status.clone(),
            format!("{}/{}", self.ready, self.containers),
            self.restarts.to_string(),
            self.created.map_or_else(|| "-".to_owned(), ui::age),
            or_dash(self.node.as_deref()),
        ]
    }
}

impl From<&Claim> for VolumeView {
    fn from(claim: &Claim) -> Self {
        Self {
            claim: claim.metadata.name.clone(),
            size: claim.size().map(str::to_owned),
            class: claim.class().map(str::to_owned),
            phase: claim.phase().to_owned(),
        }
    }
}

impl Cells for VolumeView {
    fn cells(&self) -> Vec<String> {
        vec![
            self.claim.clone(),
            or_dash(self.size.as_deref()),
            or_dash(self.class.as_deref()),
            self.phase.clone(),
        ]
    }
}

impl From<&Event> for EventView {
    fn from(event: &Event) -> Self {
        let object = &event.involved_object;
        Self {
            time: event.happened(),
            object: format!("{}/{}", object.kind.to_lowercase(), object.name),
            reason: event.reason.clone(),
            message: event
                .message
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
            count: event.count.max(1),
        }
    }
}

impl Cells for EventView {
    fn cells(&self) -> Vec<String> {
        vec![
            self.reason.clone(),
            self.time.map_or_else(|| "-".to_owned(), ui::age),
            self.count.to_string(),
            self.object.clone(),
            self.message.clone(),
        ]
    }
}

impl From<Amounts> for AmountsView {
    fn from(amounts: Amounts) -> Self {
        Self {
            cpu: amounts.cpu.to_cpu(),
            memory: amounts.memory.to_bytes(),
        }
    }
}

impl AmountsView {
    fn sentence(&self) -> String {
        format!("{} CPU, {} memory", self.cpu, self.memory)
    }
}
