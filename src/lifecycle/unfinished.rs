//! Virtual clusters without a workload: what a command that was cut off left of them, as their release records tell it.
//!
//! Whoever lists all Secrets of a host reads much and needs a right that few have, so this is not part of every listing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Scope;
use super::history::Recorded;
use crate::cluster::{ClusterRef, Name, Namespace, State};
use crate::helm::record::Status;
use crate::host::read::Secret;
use crate::host::{Collection, Host, HostError};

/// The states of a release whose workload may not be there.
const UNFINISHED: &str = "owner=helm,status in (pending-install,failed,uninstalling)";

/// A virtual cluster of which only the record of its release is sure to be there.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfinished {
    /// Where it is and what it is called.
    pub reference: ClusterRef,
    /// What its record says.
    pub state: State,
    /// Version of the control plane that it was to have.
    pub version: String,
    /// When it was begun.
    pub created: Option<Timestamp>,
}

/// Those in scope whose record says that they are not whole; none where we may not look at the records.
pub async fn list_unfinished(host: &Host, scope: &Scope) -> Result<Vec<Unfinished>, HostError> {
    look(host, scope, UNFINISHED).await
}

/// Those in scope that have a record under this name, whatever it says; none where we may not look at the records.
pub async fn find_unfinished(
    host: &Host,
    name: &Name,
    scope: &Scope,
) -> Result<Vec<Unfinished>, HostError> {
    look(host, scope, &format!("owner=helm,name={name}")).await
}

async fn look(host: &Host, scope: &Scope, selector: &str) -> Result<Vec<Unfinished>, HostError> {
    let secrets = Collection::of("Secret", scope.namespace());
    let secrets = match host.list::<Secret>(&secrets, selector).await {
        Err(error) if error.is_forbidden() => Vec::new(),
        secrets => secrets?,
    };
    let mut newest: BTreeMap<ClusterRef, Recorded> = BTreeMap::new();
    for secret in &secrets {
        // One that cannot be read does not say that it is of a virtual cluster.
        let Ok(recorded) = Recorded::read(secret) else {
            continue;
        };
        let names = (
            Namespace::parse(&secret.metadata.namespace),
            Name::parse(&recorded.release.name),
        );
        let (Ok(namespace), Ok(name)) = names else {
            continue;
        };
        let reference = ClusterRef { namespace, name };
        let is_newer = newest
            .get(&reference)
            .is_none_or(|other| other.release.version < recorded.release.version);
        if is_newer && recorded.is_of_virtual_cluster(&reference) {
            newest.insert(reference, recorded);
        }
    }
    Ok(newest.into_iter().map(unfinished).collect())
}

fn unfinished((reference, recorded): (ClusterRef, Recorded)) -> Unfinished {
    let info = &recorded.release.info;
    Unfinished {
        state: match info.status {
            Status::Uninstalling | Status::Uninstalled => State::Deleting,
            Status::Failed => State::Broken("it could not be created".to_owned()),
            Status::Deployed | Status::Superseded => {
                State::Broken("its control plane is gone".to_owned())
            }
            _ => State::Creating(Some("its control plane is not there yet".to_owned())),
        },
        version: recorded.release.chart.text("appVersion").to_owned(),
        created: info.first_deployed.parse().ok(),
        reference,
    }
}
