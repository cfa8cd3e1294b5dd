//! Helm's record of a release, kept on the host as a Secret: how `helm` and `vcluster` know a cluster of ours.
//!
//! Creating the record is the lock: it is written as pending before the first object, and always finalised.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cluster::{ClusterRef, Plan};
use crate::error::{Error, Kind};
use crate::helm::Chart;
use crate::helm::record::{self, Info, RecordedChart, Release, Stamp, Status};
use crate::host::read::{Partial, Secret};
use crate::host::{Collection, Host, HostError};

/// Revisions kept, as Helm does by default.
const HISTORY: usize = 10;

/// A record as it lies on the host.
#[derive(Clone, Debug)]
pub(super) struct Recorded {
    /// What it says.
    pub(super) release: Release,
    /// The Secret that holds it.
    pub(super) secret: String,
}

/// Every revision of a release that can be read, the oldest first.
pub(super) async fn history(
    host: &Host,
    reference: &ClusterRef,
) -> Result<Vec<Recorded>, HostError> {
    let secrets = collection(reference);
    let found: Vec<Secret> = host
        .list(&secrets, &format!("owner=helm,name={}", reference.name))
        .await?;
    let mut recorded: Vec<Recorded> = found
        .iter()
        .filter_map(|secret| {
            // A record that cannot be read is Helm's to report; it must not keep a cluster from being deleted.
            let release = record::decode(&secret.value(record::SECRET_KEY)?).ok()?;
            Some(Recorded {
                release,
                secret: secret.metadata.name.clone(),
            })
        })
        .collect();
    recorded.sort_by_key(|recorded| recorded.release.version);
    Ok(recorded)
}

/// The record of a plan that is about to be applied.
pub(super) fn pending(
    plan: &Plan,
    chart: &Chart,
    config: &Value,
    revision: u64,
    first: Option<String>,
) -> Release {
    let now = Timestamp::now().to_string();
    let (status, description) = if revision == 1 {
        (Status::PendingInstall, "Initial install underway")
    } else {
        (Status::PendingUpgrade, "Preparing upgrade")
    };
    Release {
        name: plan.reference.name.to_string(),
        namespace: plan.reference.namespace.to_string(),
        version: revision,
        config: config.clone(),
        manifest: plan.manifest.clone(),
        info: Info {
            first_deployed: first.unwrap_or_else(|| now.clone()),
            last_deployed: now,
            status,
            description: description.to_owned(),
            ..Info::default()
        },
        chart: RecordedChart::from(chart),
        hooks: Vec::new(),
        apply_method: Some("ssa".to_owned()),
        other: serde_json::Map::new(),
    }
}

/// Writes a new record, or takes over the pending one that a command left which was cut off.
pub(super) async fn write(
    host: &Host,
    reference: &ClusterRef,
    release: &Release,
) -> Result<(), Error> {
    let body = body(release, Stamp::Created(Timestamp::now().as_second()))?;
    match host.create(&collection(reference), &body).await {
        Ok(_) => Ok(()),
        Err(error) if error.is_already_there() => {
            let name = record::secret_name(&release.name, release.version);
            let there: Option<Secret> = host.fetch(&collection(reference), &name).await?;
            let ours =
                there.and_then(|secret| record::decode(&secret.value(record::SECRET_KEY)?).ok());
            if ours.is_some_and(|there| {
                there.config == release.config && there.info.status != Status::Deployed
            }) {
                update(host, reference, release).await
            } else {
                Err(Error::new(
                    Kind::Exists,
                    format!("another command works on {reference} right now"),
                )
                .hint("wait until it has ended and run yours again"))
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// Gives a record a new status and writes it back.
pub(super) async fn set_status(
    host: &Host,
    reference: &ClusterRef,
    release: &mut Release,
    status: Status,
    description: &str,
) -> Result<(), Error> {
    release.info.status = status;
    description.clone_into(&mut release.info.description);
    update(host, reference, release).await
}

/// After revision `newest` is deployed: marks what was deployed before as superseded and forgets the oldest.
pub(super) async fn supersede(
    host: &Host,
    reference: &ClusterRef,
    older: Vec<Recorded>,
) -> Result<(), Error> {
    let surplus = (older.len() + 1).saturating_sub(HISTORY);
    for (position, mut recorded) in older.into_iter().enumerate() {
        if position < surplus {
            host.delete(&collection(reference), &recorded.secret)
                .await?;
        } else if recorded.release.info.status == Status::Deployed {
            let description = recorded.release.info.description.clone();
            set_status(
                host,
                reference,
                &mut recorded.release,
                Status::Superseded,
                &description,
            )
            .await?;
        }
    }
    Ok(())
}

/// Forgets every revision, those too that cannot be read.
pub(super) async fn remove(host: &Host, reference: &ClusterRef) -> Result<(), HostError> {
    let collection = collection(reference);
    let selector = format!("owner=helm,name={}", reference.name);
    for record in host.list::<Partial>(&collection, &selector).await? {
        host.delete(&collection, &record.metadata.name).await?;
    }
    Ok(())
}

async fn update(host: &Host, reference: &ClusterRef, release: &Release) -> Result<(), Error> {
    let name = record::secret_name(&release.name, release.version);
    let body = body(release, Stamp::Modified(Timestamp::now().as_second()))?;
    match host.replace(&collection(reference), &name, &body).await {
        // Somebody else has deleted the release meanwhile: there is nothing to mark any more.
        Err(error) if !error.is_not_found() => Err(error.into()),
        _ => Ok(()),
    }
}

fn collection(reference: &ClusterRef) -> Collection {
    Collection::of("Secret", Some(reference.namespace.as_str()))
}

fn body(release: &Release, stamp: Stamp) -> Result<Value, Error> {
    let record = record::encode(release).map_err(|error| {
        Error::new(Kind::Failed, "cannot write the release record").because(&error)
    })?;
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": record::SECRET_TYPE,
        "metadata": {
            "name": record::secret_name(&release.name, release.version),
            "namespace": release.namespace,
            "labels": record::labels(release, stamp),
        },
        "data": { record::SECRET_KEY: STANDARD.encode(record) },
    }))
}
