//! `vc list`: which virtual clusters there are.

use jiff::Timestamp;
use serde::Serialize;

use super::Session;
use crate::cluster::{ClusterRef, VirtualCluster};
use crate::error::Error;
use crate::lifecycle::{self, Identity, Unfinished};
use crate::ui::{Format, Row, age};

/// List virtual clusters
///
/// Looks in all namespaces unless `-n` names one. Clusters made by `vcluster` or helm are listed too. The wide form also
/// shows what a create or delete that was cut off left, where you may look at release records.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only clusters whose labels match, such as `team=a`
    #[arg(
        short = 'l',
        long,
        value_name = "LABELS",
        default_value = "",
        hide_default_value = true
    )]
    selector: String,
}

/// One cluster; the JSON contract of this command.
#[derive(Serialize)]
pub(super) struct ListRow {
    name: String,
    namespace: String,
    state: &'static str,
    reason: Option<String>,
    version: Option<String>,
    created: Option<Timestamp>,
    connected: bool,
    replicas: u32,
    ready: u32,
    kind: String,
    kubernetes: Option<String>,
    owner: Option<String>,
    sleeping_since: Option<Timestamp>,
    /// Counted for the wide form alone.
    #[serde(skip)]
    pods: Option<usize>,
}

impl ListRow {
    /// The row of a cluster; `current` is what the current context leads to.
    pub(super) fn new(cluster: &VirtualCluster, connected: bool) -> Self {
        Self {
            name: cluster.reference.name.to_string(),
            namespace: cluster.reference.namespace.to_string(),
            state: cluster.state.word(),
            reason: cluster.state.reason().map(str::to_owned),
            version: cluster.version.clone(),
            created: cluster.created,
            connected,
            replicas: cluster.replicas,
            ready: cluster.ready,
            kind: cluster.workload.kind.clone(),
            kubernetes: cluster.kubernetes.clone(),
            owner: owner_of(cluster),
            sleeping_since: cluster.sleeping_since,
            pods: None,
        }
    }
}

impl ListRow {
    /// The row of one that has no workload.
    fn unfinished(cluster: &Unfinished, connected: bool) -> Self {
        Self {
            name: cluster.reference.name.to_string(),
            namespace: cluster.reference.namespace.to_string(),
            state: cluster.state.word(),
            reason: cluster.state.reason().map(str::to_owned),
            version: Some(cluster.version.clone()).filter(|version| !version.is_empty()),
            created: cluster.created,
            connected,
            replicas: 0,
            ready: 0,
            kind: "-".to_owned(),
            kubernetes: None,
            owner: None,
            sleeping_since: None,
            pods: None,
        }
    }
}

impl Row for ListRow {
    const HEADINGS: &'static [&'static str] = &[
        "NAME",
        "NAMESPACE",
        "STATE",
        "VERSION",
        "AGE",
        "CONNECTED",
        "READY",
        "PODS",
        "KUBERNETES",
        "OWNER",
        "ASLEEP",
        "KIND",
        "REASON",
    ];
    const NARROW: usize = 6;

    fn cells(&self) -> Vec<String> {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        vec![
            self.name.clone(),
            self.namespace.clone(),
            self.state.to_owned(),
            or_dash(&self.version),
            self.created.map_or_else(|| "-".to_owned(), age),
            if self.connected {
                "yes".to_owned()
            } else {
                String::new()
            },
            format!("{}/{}", self.ready, self.replicas),
            self.pods
                .map_or_else(|| "-".to_owned(), |pods| pods.to_string()),
            or_dash(&self.kubernetes),
            or_dash(&self.owner),
            self.sleeping_since.map_or_else(|| "-".to_owned(), age),
            self.kind.clone(),
            or_dash(&self.reason),
        ]
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// Lists the clusters.
pub async fn run(session: &Session, args: ListArgs) -> Result<(), Error> {
    let host = session.host().await?;
    let scope = session.scope();
    let (listing, unfinished) = if session.ui.format() == Format::Wide {
        // A record has not the labels of a workload.
        let unfinished = async {
            if args.selector.is_empty() {
                lifecycle::list_unfinished(&host, &scope).await
            } else {
                Ok(Vec::new())
            }
        };
        let listing = lifecycle::list_with_pods(&host, &scope, &args.selector);
        tokio::try_join!(listing, unfinished)?
    } else {
        let listing = lifecycle::list(&host, &scope, &args.selector).await?;
        (listing, Vec::new())
    };
    if let Some(namespace) = &listing.only_in {
        session.progress().note(&format!(
            "you may not list all namespaces; these are of `{namespace}` alone"
        ));
    }
    let current = session.current_identity()?.map(|(_, identity)| identity);
    let is_current = |reference: &ClusterRef| {
        current
            .as_ref()
            .is_some_and(|identity: &Identity| identity.is_of(&host.server, reference))
    };
    let mut rows: Vec<ListRow> = listing
        .clusters
        .iter()
        .map(|cluster| ListRow {
            pods: listing
                .pods
                .as_ref()
                .and_then(|pods| pods.get(&cluster.reference).copied()),
            ..ListRow::new(cluster, is_current(&cluster.reference))
        })
        .collect();
    let has_workload = |reference: &ClusterRef| {
        let mut clusters = listing.clusters.iter();
        clusters.any(|cluster| cluster.reference == *reference)
    };
    let left = unfinished
        .iter()
        .filter(|cluster| !has_workload(&cluster.reference));
    rows.extend(left.map(|left| ListRow::unfinished(left, is_current(&left.reference))));
    session.ui.rows(&rows)?;
    if rows.is_empty() {
        session
            .ui
            .next("there is no virtual cluster; run `vc create dev` to make one");
    }
    Ok(())
}

/// Who made a cluster, else what keeps it as it is.
fn owner_of(cluster: &VirtualCluster) -> Option<String> {
    let manager = cluster.manager.map(|manager| manager.to_string());
    cluster.owner.clone().or(manager)
}
