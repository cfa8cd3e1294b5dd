//! The revisions of a release, as their records on the host tell them, and whether somebody works on it.

use jiff::Timestamp;
use serde_json::Value;

use super::find::{self, Scope};
use super::operation::{ANNOTATION, Operator, Trace};
use crate::cluster::{ClusterRef, Name, Object};
use crate::driver::charts;
use crate::error::{Error, Kind};
use crate::helm;
use crate::helm::record::{self, RecordError, RecordedChart, Release, Status};
use crate::host::read::Secret;
use crate::host::{Collection, Host, HostError};

/// Every revision of a release, the oldest first.
#[derive(Debug, Default)]
pub struct History {
    pub(super) revisions: Vec<Recorded>,
    pub(super) unreadable: Vec<Unreadable>,
}

/// A record as it lies on the host.
#[derive(Clone, Debug)]
pub(super) struct Recorded {
    /// What it says.
    pub(super) release: Release,
    /// The Secret that holds it.
    pub(super) secret: String,
    /// The state of that Secret.
    pub(super) resource_version: String,
    /// Who wrote it, where it is pending.
    pub(super) trace: Trace,
}

/// A record that is there and cannot be read.
#[derive(Debug)]
pub(super) struct Unreadable {
    /// The Secret that holds it.
    pub(super) secret: String,
    /// The revision, as its labels say it.
    pub(super) revision: u64,
    /// Where it stands, as its labels say it.
    pub(super) status: String,
    /// Why it cannot be read.
    pub(super) error: RecordError,
}

/// One revision as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its number.
    pub number: u64,
    /// When it was deployed, in RFC 3339; empty where that is unknown.
    pub updated: String,
    /// Where it stands, in Helm's word.
    pub status: String,
    /// The chart and its version.
    pub chart: String,
    /// The version of what the chart installs.
    pub app_version: String,
    /// The revision that it went back to; 0 where it is no rollback.
    pub rolled_back_to: u64,
    /// One sentence.
    pub description: String,
}

/// Where the records of the releases of a namespace are.
pub(super) fn collection(reference: &ClusterRef) -> Collection {
    Collection::of("Secret", Some(reference.namespace.as_str()))
}

/// The labels of every record of a release, as a selector.
pub(super) fn selector(reference: &ClusterRef) -> String {
    format!("owner=helm,name={}", reference.name)
}

/// The release that a name means, with its revisions: that of a virtual cluster, whether or not it came to run.
pub async fn release_of(
    host: &Host,
    name: &Name,
    scope: &Scope,
) -> Result<(ClusterRef, History), Error> {
    let (reference, missing) = match scope {
        Scope::In(namespace) => (
            ClusterRef {
                namespace: namespace.clone(),
                name: name.clone(),
            },
            None,
        ),
        Scope::Everywhere => match find::find(host, name, scope).await {
            Ok(cluster) => (cluster.reference, None),
            Err(error) if error.kind != Kind::NotFound => return Err(error),
            Err(error) => (
                ClusterRef {
                    namespace: name.default_namespace(),
                    name: name.clone(),
                },
                Some(error),
            ),
        },
    };
    let history = match (History::fetch(host, &reference).await, missing) {
        // Its own namespace was only our guess.
        (Err(error), Some(missing)) if error.is_forbidden() => return Err(missing),
        (Ok(history), Some(missing)) if history.is_empty() => return Err(missing),
        (history, _) => history?,
    };
    if history.is_empty() {
        let found = find::find(host, name, &Scope::In(reference.namespace.clone())).await?;
        return Err(Error::new(
            Kind::NotFound,
            format!("{} has no release record", found.reference),
        )
        .hint("only what `vc`, `vcluster` or `helm` made has one"));
    }
    if history.is_of_virtual_cluster(&reference) || history.revisions.is_empty() {
        return Ok((reference, history));
    }
    Err(Error::new(
        Kind::NotFound,
        format!("the release {reference} is no virtual cluster"),
    )
    .hint("run `vc list` to see every virtual cluster"))
}

impl History {
    /// The revisions as a listing shows them, the oldest first.
    pub fn rows(&self) -> Vec<Revision> {
        let readable = self.revisions.iter().map(Recorded::row);
        let mut rows: Vec<Revision> = readable
            .chain(self.unreadable.iter().map(Unreadable::row))
            .collect();
        rows.sort_by_key(|row| row.number);
        rows
    }

    /// Fetches every revision of a release.
    pub async fn fetch(host: &Host, reference: &ClusterRef) -> Result<Self, HostError> {
        let found: Vec<Secret> = host
            .list(&collection(reference), &selector(reference))
            .await?;
        let mut history = Self::default();
        for secret in &found {
            match Recorded::read(secret) {
                Ok(recorded) => history.revisions.push(recorded),
                Err(error) => history.unreadable.push(Unreadable::new(secret, error)),
            }
        }
        history
            .revisions
            .sort_by_key(|recorded| recorded.release.version);
        history.unreadable.sort_by_key(|record| record.revision);
        Ok(history)
    }

    /// Whether there is no record at all.
    pub fn is_empty(&self) -> bool {
        self.revisions.is_empty() && self.unreadable.is_empty()
    }

    /// The newest revision.
    pub(super) fn newest(&self) -> Option<&Recorded> {
        self.revisions.last()
    }

    /// The revision that runs.
    pub(super) fn deployed(&self) -> Option<&Recorded> {
        self.revisions
            .iter()
            .rev()
            .find(|recorded| recorded.status() == Status::Deployed)
    }

    /// One revision by its number.
    pub(super) fn revision(&self, number: u64) -> Option<&Recorded> {
        self.revisions
            .iter()
            .find(|recorded| recorded.release.version == number)
    }

    /// The hooks of every revision.
    pub(super) fn hooks(&self) -> impl Iterator<Item = &record::Hook> {
        let revisions = self.revisions.iter();
        revisions.flat_map(|recorded| &recorded.release.hooks)
    }

    /// What was set for the revision that runs, or where none does for the newest.
    pub fn values(&self) -> &Value {
        let base = self.deployed().or_else(|| self.newest());
        base.map_or(&Value::Null, |recorded| &recorded.release.config)
    }

    /// The chart of that revision.
    pub fn chart(&self) -> Option<&RecordedChart> {
        let base = self.deployed().or_else(|| self.newest());
        base.map(|recorded| &recorded.release.chart)
    }

    /// The number after the newest one.
    pub fn next_revision(&self) -> u64 {
        let readable = self.revisions.iter().map(|record| record.release.version);
        let others = self.unreadable.iter().map(|record| record.revision);
        readable.chain(others).max().unwrap_or(0) + 1
    }

    /// Whether the release has ever come to run, and was not deleted since.
    pub(super) fn is_deployed(&self) -> bool {
        use Status::{Deployed, Superseded, Uninstalled, Uninstalling};
        !matches!(
            self.newest().map(Recorded::status),
            Some(Uninstalled | Uninstalling)
        ) && self
            .revisions
            .iter()
            .any(|recorded| matches!(recorded.status(), Deployed | Superseded))
    }

    /// Whether a record says that this is the release of a virtual cluster, and not of something else by that name.
    pub(super) fn is_of_virtual_cluster(&self, reference: &ClusterRef) -> bool {
        self.revisions
            .iter()
            .any(|recorded| recorded.is_of_virtual_cluster(reference))
    }

    /// Refuses to go on where a revision that matters cannot be read: the running one, or a later one.
    pub(super) fn check_readable(&self, reference: &ClusterRef) -> Result<(), Error> {
        let runs = self.deployed().map_or(0, |record| record.release.version);
        let Some(broken) = self
            .unreadable
            .iter()
            .rev()
            .find(|record| record.revision > runs)
        else {
            return Ok(());
        };
        let (secret, namespace) = (&broken.secret, &reference.namespace);
        Err(Error::new(
            Kind::Failed,
            format!(
                "the record of revision {} of {reference} cannot be read",
                broken.revision
            ),
        )
        .because(&broken.error)
        .hint(format!(
            "forget that revision with `kubectl delete secret {secret} -n {namespace}`, and try again"
        )))
    }

    /// The revision whose command was cut off, if the newest is one. A command that goes on still is an error.
    pub(super) fn cut_off(
        &self,
        reference: &ClusterRef,
        here: &Operator,
    ) -> Result<Option<&Recorded>, Error> {
        let Some(newest) = self.newest().filter(|newest| newest.is_pending()) else {
            return Ok(None);
        };
        match newest.trace.goes_on_until(here, Timestamp::now()) {
            None => Ok(Some(newest)),
            Some(until) => Err(in_progress(reference, Some((newest, until)))),
        }
    }
}

impl Recorded {
    pub(super) fn read(secret: &Secret) -> Result<Self, RecordError> {
        let text = secret
            .value(record::SECRET_KEY)
            .ok_or(RecordError::Base64)?;
        let release = record::decode(&text)?;
        let metadata = &secret.metadata;
        let mark = metadata.annotations.get(ANNOTATION);
        Ok(Self {
            trace: Trace {
                operator: mark.and_then(|mark| serde_json::from_str(mark).ok()),
                since: release.info.last_deployed.parse().ok(),
            },
            release,
            secret: metadata.name.clone(),
            resource_version: metadata.resource_version.clone(),
        })
    }

    fn row(&self) -> Revision {
        let Release {
            version,
            info,
            chart,
            ..
        } = &self.release;
        Revision {
            number: *version,
            updated: info.last_deployed.clone(),
            status: info.status.as_str().to_owned(),
            chart: format!("{}-{}", chart.text("name"), chart.text("version")),
            app_version: chart.text("appVersion").to_owned(),
            rolled_back_to: info.rollback_revision,
            description: info.description.clone(),
        }
    }

    /// The objects that it holds, as the chart made them.
    pub(super) fn objects(&self, reference: &ClusterRef) -> Result<Vec<Object>, Error> {
        let manifests = helm::parse_manifest_text(&self.release.manifest).map_err(|error| {
            Error::new(
                Kind::Failed,
                format!(
                    "cannot read what revision {} of {reference} holds",
                    self.release.version
                ),
            )
            .because(&error)
        })?;
        let objects = manifests
            .into_iter()
            .filter_map(|manifest| Object::from_body(manifest.object, Some(&reference.namespace)));
        Ok(objects.collect())
    }

    /// Whether it is of a virtual cluster, and not of something else by that name.
    pub(super) fn is_of_virtual_cluster(&self, reference: &ClusterRef) -> bool {
        let release = &self.release;
        charts::makes_virtual_cluster(release.chart.text("name"))
            || runs_control_plane(&release.manifest, reference)
    }

    pub(super) fn status(&self) -> Status {
        self.release.info.status
    }

    /// Whether the command that wrote it goes on still, or was cut off.
    pub(super) fn is_pending(&self) -> bool {
        self.status().is_pending()
    }
}

impl Unreadable {
    fn new(secret: &Secret, error: RecordError) -> Self {
        let label = |key: &str| secret.metadata.labels.get(key).cloned().unwrap_or_default();
        let number = secret.metadata.name.rsplit_once(".v");
        Self {
            secret: secret.metadata.name.clone(),
            revision: number
                .and_then(|(_, number)| number.parse().ok())
                .unwrap_or(0),
            status: label("status"),
            error,
        }
    }

    fn row(&self) -> Revision {
        Revision {
            number: self.revision,
            updated: String::new(),
            status: self.status.clone(),
            chart: String::new(),
            app_version: String::new(),
            rolled_back_to: 0,
            description: format!("cannot be read: {}", self.error),
        }
    }
}

/// Whether a manifest holds the workload by which a control plane is recognised.
fn runs_control_plane(manifest: &str, reference: &ClusterRef) -> bool {
    let objects = helm::parse_manifest_text(manifest).unwrap_or_default();
    objects.iter().any(|manifest| {
        let metadata = &manifest.object["metadata"];
        metadata["name"] == reference.name.as_str() && metadata["labels"]["app"] == "vcluster"
    })
}

/// Somebody works on the release; who and until when, as far as it is known.
pub(super) fn in_progress(reference: &ClusterRef, by: Option<(&Recorded, Timestamp)>) -> Error {
    let error = Error::new(
        Kind::Exists,
        format!("another operation on {reference} is in progress"),
    );
    let Some((recorded, until)) = by else {
        return error.hint("wait until it has ended and run yours again");
    };
    let Recorded { release, trace, .. } = recorded;
    let mut error = error.hint(format!(
        "wait until it has ended and run yours again; it counts as cut off from {} on",
        until.strftime("%Y-%m-%dT%H:%M:%SZ")
    ));
    error.push_cause(format!(
        "revision {} is `{}` {trace}",
        release.version,
        release.info.status.as_str()
    ));
    error
}
