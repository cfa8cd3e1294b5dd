//! Archives that were downloaded, kept by their digest, and what is known by which name.
//!
//! Any number of processes may use it at once: every file is written beside its place and renamed into it, and what is
//! read is verified. Nothing in it is needed: it can be removed at any time.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::digest;

/// A chart of the cache: what it is known by, and where its archive is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Where it came from, without user, password and query.
    pub source: String,
    /// What it is known by there: a version, a tag, a digest; empty for an archive with an address of its own.
    pub reference: String,
    /// The chart's own name.
    pub name: String,
    /// The chart's own version.
    pub version: String,
    /// The digest of the archive: `sha256:` and 64 digits.
    pub digest: String,
    /// The size of the archive, in bytes.
    pub size: u64,
    /// When it was fetched.
    pub fetched: Timestamp,
    /// The digest of the place, with all that is not shown of it.
    place: String,
    /// What the server knows this state of an archive by.
    #[serde(default)]
    pub(super) validators: Validators,
}

/// What a server knows a state of something by; with it, it need not be sent again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// The header `ETag`.
    pub(super) etag: Option<String>,
    /// The header `Last-Modified`.
    pub(super) last_modified: Option<String>,
}

/// A place that charts come from, in full and as it is shown.
#[derive(Clone, Debug)]
pub(super) struct Place {
    key: String,
    shown: String,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// How many charts.
    pub charts: usize,
    /// How many bytes, indexes and the like included.
    pub bytes: u64,
}

/// The cache of a user.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Place {
    /// `full` tells it from all others and is not kept; `shown` is.
    pub(super) fn new(full: &str, shown: String) -> Self {
        Self {
            key: digest::hex(full.as_bytes()),
            shown,
        }
    }

    fn file(&self, reference: &str) -> String {
        digest::hex(format!("{} {}", self.key, plain(reference)).as_bytes())
    }
}

impl Held {
    /// An archive that was just fetched.
    pub(super) fn new(
        place: &Place,
        reference: &str,
        (name, version): (&str, &str),
        bytes: &[u8],
        validators: Validators,
    ) -> Self {
        Self {
            source: place.shown.clone(),
            reference: reference.to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
            digest: digest::of(bytes),
            size: bytes.len() as u64,
            fetched: Timestamp::now(),
            place: place.key.clone(),
            validators,
        }
    }
}

impl Validators {
    fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

impl Cache {
    /// The one in this folder, which need not be there.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Every chart, by its name, then its source and version.
    pub fn all(&self) -> io::Result<Vec<Held>> {
        let entries = match fs::read_dir(self.folder.join(NAMES)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut all = Vec::new();
        for entry in entries {
            // One that goes meanwhile, or is damaged, is as good as none.
            let read = fs::read(entry?.path()).ok();
            all.extend(read.and_then(|bytes| serde_json::from_slice::<Held>(&bytes).ok()));
        }
        all.sort_by(|left, right| {
            let key = |held: &Held| {
                (
                    held.name.clone(),
                    held.source.clone(),
                    held.reference.clone(),
                )
            };
            key(left).cmp(&key(right))
        });
        Ok(all)
    }

    /// What is known by a reference at a place.
    pub(super) fn find(&self, place: &Place, reference: &str) -> Option<Held> {
        let path = self.folder.join(NAMES).join(place.file(reference));
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// All that came from a place.
    pub(super) fn from(&self, place: &Place) -> Vec<Held> {
        let all = self.all().unwrap_or_default();
        all.into_iter()
            .filter(|held| held.place == place.key)
            .collect()
    }

    /// The archive of that digest; one that is damaged is removed.
    pub(super) fn archive(&self, wanted: &str) -> Option<Vec<u8>> {
        let path = self.archive_path(wanted)?;
        let bytes = fs::read(&path).ok()?;
        if digest::of(&bytes) == wanted {
            return Some(bytes);
        }
        tracing::warn!(path = %path.display(), "a damaged archive is removed from the cache");
        let _ = fs::remove_file(path);
        None
    }

    /// Keeps an archive and what it is known by.
    pub(super) fn keep(&self, place: &Place, held: &Held, bytes: &[u8]) -> io::Result<()> {
        let archive = self
            .archive_path(&held.digest)
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        if !archive.exists() {
            write(&archive, bytes)?;
        }
        let name = self.folder.join(NAMES).join(place.file(&held.reference));
        write(&name, &serde_json::to_vec_pretty(held)?)
    }

    /// The index of a repository as it was last, and what the server knows that by.
    pub(super) fn index(&self, place: &Place) -> Option<(Validators, Vec<u8>)> {
        let folder = self.folder.join(INDEXES);
        let said = fs::read(folder.join(format!("{}.json", place.key))).ok()?;
        let said: KeptIndex = serde_json::from_slice(&said).ok()?;
        let bytes = fs::read(folder.join(format!("{}.yaml", place.key))).ok()?;
        (digest::of(&bytes) == said.digest).then_some((said.validators, bytes))
    }

    /// Keeps the index of a repository, if the server knows a newer one from it.
    pub(super) fn keep_index(
        &self,
        place: &Place,
        validators: Validators,
        bytes: &[u8],
    ) -> io::Result<()> {
        if validators.is_empty() {
            return Ok(());
        }
        let folder = self.folder.join(INDEXES);
        write(&folder.join(format!("{}.yaml", place.key)), bytes)?;
        let said = KeptIndex {
            digest: digest::of(bytes),
            validators,
        };
        write(
            &folder.join(format!("{}.json", place.key)),
            &serde_json::to_vec(&said)?,
        )
    }

    /// Removes everything in it.
    pub fn clean(&self) -> io::Result<Removed> {
        let mut removed = Removed {
            charts: self.all()?.len(),
            bytes: 0,
        };
        for folder in [NAMES, ARCHIVES, INDEXES] {
            let folder = self.folder.join(folder);
            let entries = match fs::read_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                let size = entry.metadata().map_or(0, |metadata| metadata.len());
                match fs::remove_file(entry.path()) {
                    // Somebody else cleans, too.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    gone => {
                        gone?;
                        removed.bytes += size;
                    }
                }
            }
        }
        Ok(removed)
    }

    fn archive_path(&self, digest: &str) -> Option<PathBuf> {
        let digits = digest.strip_prefix(digest::PREFIX)?;
        super::oci::manifest::is_digest(digest)
            .then(|| self.folder.join(ARCHIVES).join(format!("{digits}.tgz")))
    }
}

/// Folders within the cache: what is known by which name, archives by their digest, indexes of repositories.
const NAMES: &str = "names";
const ARCHIVES: &str = "sha256";
const INDEXES: &str = "indexes";

#[derive(Serialize, Deserialize)]
struct KeptIndex {
    digest: String,
    validators: Validators,
}

/// Writes a file beside its place, for its owner alone, and renames it into it.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .make_in(folder, |path| {
            options.write(true).create_new(true).open(path)
        })?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A version without the letter that some write before it.
fn plain(reference: &str) -> &str {
    match reference.strip_prefix('v') {
        Some(number) if super::wanted::is_exact(reference) => number,
        _ => reference,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(place: &Place, reference: &str, bytes: &[u8]) -> Held {
        Held::new(
            place,
            reference,
            ("x", "1.0.0"),
            bytes,
            Validators::default(),
        )
    }

    #[test]
    fn what_is_kept_is_found_by_its_name_and_verified() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("charts"));
        let place = Place::new("https://a.example x?secret", "https://a.example".to_owned());
        assert_eq!(cache.find(&place, "1.0.0"), None);
        assert_eq!(cache.all().unwrap(), []);
        let one = held(&place, "v1.0.0", b"archive");
        cache.keep(&place, &one, b"archive").unwrap();
        assert_eq!(cache.find(&place, "1.0.0"), Some(one.clone()));
        assert_eq!(cache.archive(&one.digest).as_deref(), Some(&b"archive"[..]));
        let elsewhere = Place::new("https://a.example x", "https://a.example".to_owned());
        assert_eq!(cache.find(&elsewhere, "1.0.0"), None);
        assert_eq!(
            (cache.from(&place).len(), cache.from(&elsewhere).len()),
            (1, 0)
        );

        let path = cache.archive_path(&one.digest).unwrap();
        fs::write(&path, b"damaged").unwrap();
        assert_eq!(cache.archive(&one.digest), None);
        assert!(!path.exists());
        assert_eq!(cache.archive("sha256:../../x"), None);
        let removed = cache.clean().unwrap();
        assert_eq!(removed.charts, 1);
        assert_eq!(cache.all().unwrap(), []);
    }

    #[test]
    fn an_index_is_kept_only_if_the_server_knows_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_owned());
        let place = Place::new("a", "a".to_owned());
        cache
            .keep_index(&place, Validators::default(), b"x")
            .unwrap();
        assert_eq!(cache.index(&place), None);
        let validators = Validators {
            etag: Some("e".to_owned()),
            last_modified: None,
        };
        cache.keep_index(&place, validators.clone(), b"x").unwrap();
        assert_eq!(cache.index(&place), Some((validators, b"x".to_vec())));
        fs::write(
            folder
                .path()
                .join(INDEXES)
                .join(format!("{}.yaml", place.key)),
            b"y",
        )
        .unwrap();
        assert_eq!(cache.index(&place), None);
    }

    #[test]
    fn many_writers_leave_one_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_owned());
        let place = Place::new("a", "a".to_owned());
        let bytes = vec![7; 100_000];
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    cache
                        .keep(&place, &held(&place, "1.0.0", &bytes), &bytes)
                        .unwrap();
                });
            }
        });
        let found = cache.find(&place, "1.0.0").unwrap();
        assert_eq!(cache.archive(&found.digest).unwrap().len(), bytes.len());
        assert_eq!(
            fs::read_dir(folder.path().join(ARCHIVES)).unwrap().count(),
            1
        );
    }
}
