//! Charts of a registry, by tag, version or digest.

use http::StatusCode;

use super::{Source, chart, check_provenance, owned, place_of_registry};
use crate::chart::address::Address;
use crate::chart::cache::Validators;
use crate::chart::error::FetchError;
use crate::chart::oci::{self, Artifact, Registry};
use crate::chart::reference::{At, Reference};
use crate::chart::wanted::{Wanted, is_exact};
use crate::chart::web::TlsFiles;
use crate::helm::Chart;

impl Source<'_> {
    pub(super) async fn of_registry(
        &self,
        address: &Address,
        at: &At,
        reference: &Reference,
    ) -> Result<Chart, FetchError> {
        let place = place_of_registry(address);
        let held = match at {
            At::Version(wanted) => self.held_for(&place, wanted),
            At::Digest(digest) => self.held(&place, digest),
            At::Tag(tag) if self.offline => self.held(&place, tag),
            At::Tag(_) => None,
        };
        if let Some(held) = held
            && let Some(bytes) = self.bytes(&held)
        {
            return chart(&held.source, &bytes);
        }
        if self.offline {
            return Err(self.offline(reference, &place));
        }
        self.begin(reference);
        let web = self.web(TlsFiles::default());
        let mut registry = Registry::new(&web, &self.logins, self.progress, address);
        let version = match at {
            At::Version(Wanted::Exact(version)) => version.clone(),
            At::Version(wanted) => {
                let versions = versions(&mut registry).await?;
                let picked = wanted.pick(versions.iter().map(String::as_str));
                let picked = picked.ok_or_else(|| no_version(address, wanted, &versions))?;
                picked.to_owned()
            }
            At::Tag(reference) | At::Digest(reference) => reference.clone(),
        };
        // A tag cannot hold the sign that builds have.
        let found = registry.artifact(&version.replace('+', "_")).await;
        let artifact = match (found, at) {
            (Err(FetchError::Refused { status, .. }), At::Version(wanted))
                if status == StatusCode::NOT_FOUND =>
            {
                let versions = versions(&mut registry).await?;
                return Err(no_version(address, wanted, &versions));
            }
            (found, _) => found?,
        };
        let what = format!("{address} {version}");
        let bytes = self.of_artifact(&mut registry, &artifact, &what).await?;
        self.accept(&place, &version, &what, &bytes, Validators::default())
    }

    /// The archive that a manifest names; if it is in the cache, nothing more is asked.
    async fn of_artifact(
        &self,
        registry: &mut Registry<'_>,
        artifact: &Artifact,
        what: &str,
    ) -> Result<Vec<u8>, FetchError> {
        tracing::debug!(
            manifest = artifact.manifest,
            archive = artifact.archive.digest,
            "found"
        );
        let cache = self.cache.as_ref();
        if let Some(bytes) = cache.and_then(|cache| cache.archive(&artifact.archive.digest)) {
            return Ok(bytes);
        }
        let bytes = registry.blob(&artifact.archive, oci::ARCHIVE).await?;
        if let Some(provenance) = &artifact.provenance {
            let text = registry.blob(provenance, oci::PROVENANCE).await?;
            check_provenance(what, &String::from_utf8_lossy(&text), &bytes)?;
        }
        Ok(bytes)
    }
}

/// The versions that a registry has of a chart: tags that are no version mean something else.
async fn versions(registry: &mut Registry<'_>) -> Result<Vec<String>, FetchError> {
    let tags = registry.tags().await?;
    let versions = tags.iter().map(|tag| tag.replace('_', "+"));
    Ok(versions.filter(|version| is_exact(version)).collect())
}

fn no_version(address: &Address, wanted: &Wanted, versions: &[String]) -> FetchError {
    let (place, name) = address.path.rsplit_once('/').unwrap_or_default();
    FetchError::NoVersion {
        place: format!("oci://{}{place}", address.place()),
        name: name.to_owned(),
        wanted: wanted.text().to_owned(),
        nearest: owned(wanted.nearest(versions.iter().map(String::as_str))),
    }
}
