//! From the name of a chart to the chart: the cache first, then whoever has it, and nothing that was not verified.

mod registry;
mod repository;

use std::path::Path;

use http::StatusCode;
use http::header::{
    ETAG, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};

use super::address::Address;
use super::cache::{Cache, Held, Place, Validators};
use super::error::FetchError;
use super::login::Login;
use super::logins::Logins;
use super::oci;
use super::reference::{At, Kind, Reference};
use super::wanted::{Wanted, is_exact};
use super::web::{Answer, Proxies, Question, TlsFiles, Web};
use super::{digest, provenance};
use crate::helm::Chart;
use crate::process::Process;
use crate::progress::Progress;

/// Where charts come from, for one command.
pub struct Source<'s> {
    /// Where downloads are kept; `None` without a home folder.
    cache: Option<Cache>,
    logins: Logins,
    proxies: Proxies,
    /// Whether nothing may be asked.
    offline: bool,
    /// Whether servers without TLS may be asked.
    plain_http: bool,
    progress: &'s dyn Progress,
}

impl<'s> Source<'s> {
    /// What the process, and the settings `offline` and `plain_http`, say of it.
    pub fn new(
        process: &Process,
        offline: bool,
        plain_http: bool,
        progress: &'s dyn Progress,
    ) -> Self {
        Self {
            cache: process
                .cache_folder()
                .map(|folder| Cache::new(folder.join("charts"))),
            logins: Logins::of_process(process),
            proxies: Proxies::of_process(process),
            offline,
            plain_http,
            progress,
        }
    }

    /// The chart; a path begins at `folder`.
    pub async fn chart(&self, reference: &Reference, folder: &Path) -> Result<Chart, FetchError> {
        match &reference.kind {
            Kind::Path(path) => read(path, &folder.join(path)),
            Kind::Archive(address) => self.archive(address, reference).await,
            Kind::Repository {
                address,
                name,
                wanted,
            } => self.of_repository((address, name), wanted, reference).await,
            Kind::Registry { address, at } => self.of_registry(address, at, reference).await,
        }
    }

    /// Which version of the chart the cache would give without asking.
    pub fn copy_of(&self, reference: &Reference) -> Option<String> {
        let held = match &reference.kind {
            Kind::Path(_) => None,
            Kind::Archive(address) => self.held(&place_of_archive(address), ""),
            Kind::Repository {
                address,
                name,
                wanted,
            } => self.newest_held(&place_of_repository(address, name), wanted),
            Kind::Registry { address, at } => {
                let place = place_of_registry(address);
                match at {
                    At::Version(wanted) => self.newest_held(&place, wanted),
                    At::Tag(reference) | At::Digest(reference) => self.held(&place, reference),
                }
            }
        };
        held.map(|held| held.version)
    }

    /// An archive with an address of its own. Nothing says that it stays as it is, so that the server is asked whether
    /// it has.
    async fn archive(&self, address: &Address, reference: &Reference) -> Result<Chart, FetchError> {
        let place = place_of_archive(address);
        let held = self.held_whole(&place, "");
        if self.offline {
            let (held, bytes) = held.ok_or_else(|| self.offline(reference, &place))?;
            return chart(&held.source, &bytes);
        }
        self.begin(reference);
        let web = self.web(TlsFiles::default());
        let validators = held.as_ref().map(|(held, _)| &held.validators);
        let mut question = Question::new(address.clone(), "*/*", oci::ARCHIVE);
        question.authorization = address.login.as_ref().and_then(Login::to_basic);
        question.headers = validators.map(conditions).unwrap_or_default();
        let answer = web.ask(&question).await?;
        match held {
            Some((held, bytes)) if answer.status == StatusCode::NOT_MODIFIED => {
                self.progress.end();
                chart(&held.source, &bytes)
            }
            _ => {
                let said = said(&answer);
                let bytes = yes(answer, &question)?;
                self.check_beside(&web, &question, &bytes).await?;
                self.accept(&place, "", &address.to_string(), &bytes, said)
            }
        }
    }

    /// Where nothing else says what an archive should be, a provenance file beside it may.
    async fn check_beside(
        &self,
        web: &Web,
        archive: &Question,
        bytes: &[u8],
    ) -> Result<(), FetchError> {
        let path = format!("{}.prov", archive.address.path);
        let mut question = archive.clone();
        question.address.path = path;
        question.limit = oci::PROVENANCE;
        question.headers.clear();
        // Few charts have one, and servers say so in many ways.
        let Ok(answer) = web.ask(&question).await else {
            return Ok(());
        };
        if !answer.status.is_success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&answer.body);
        check_provenance(&archive.address.to_string(), &text, bytes)
    }

    /// Takes an archive for a chart, and keeps it.
    fn accept(
        &self,
        place: &Place,
        reference: &str,
        what: &str,
        bytes: &[u8],
        validators: Validators,
    ) -> Result<Chart, FetchError> {
        let chart = chart(what, bytes)?;
        self.progress.end();
        if let Some(cache) = &self.cache {
            let own = (chart.name(), chart.metadata.version.as_str());
            let held = Held::new(place, reference, own, bytes, validators);
            self.warn(cache.keep(place, &held, bytes));
        }
        Ok(chart)
    }

    /// A cache that cannot be written is no reason to fail.
    fn warn(&self, kept: std::io::Result<()>) {
        if let (Err(error), Some(cache)) = (kept, &self.cache) {
            let folder = cache.folder().display();
            self.progress.note(&format!(
                "the chart cannot be kept in `{folder}` and will be fetched again: {error}"
            ));
        }
    }

    /// What need not be asked for: a version that never changes, and without a network whatever is there.
    fn held_for(&self, place: &Place, wanted: &Wanted) -> Option<Held> {
        match wanted {
            Wanted::Exact(version) => self.held(place, version),
            wanted if self.offline => self.newest_held(place, wanted),
            _ => None,
        }
    }

    fn held(&self, place: &Place, reference: &str) -> Option<Held> {
        self.cache.as_ref()?.find(place, reference)
    }

    fn newest_held(&self, place: &Place, wanted: &Wanted) -> Option<Held> {
        let all = self.cache.as_ref()?.from(place);
        let exact = all.iter().map(|held| held.reference.as_str());
        let picked = wanted.pick(exact.filter(|reference| is_exact(reference)))?;
        all.iter().find(|held| held.reference == picked).cloned()
    }

    fn held_whole(&self, place: &Place, reference: &str) -> Option<(Held, Vec<u8>)> {
        let held = self.held(place, reference)?;
        let bytes = self.bytes(&held)?;
        Some((held, bytes))
    }

    fn bytes(&self, held: &Held) -> Option<Vec<u8>> {
        self.cache.as_ref()?.archive(&held.digest)
    }

    fn begin(&self, reference: &Reference) {
        self.progress
            .begin(&format!("fetching the chart {}", reference.kind));
    }

    fn web(&self, files: TlsFiles) -> Web {
        Web::new(self.proxies.clone(), files, self.plain_http)
    }

    fn offline(&self, reference: &Reference, place: &Place) -> FetchError {
        let all = self.cache.as_ref().map(|cache| cache.from(place));
        let mut has: Vec<String> = all.into_iter().flatten().map(|held| held.version).collect();
        has.dedup();
        FetchError::Offline {
            what: reference.kind.to_string(),
            has,
            flags: reference.flags.clone(),
        }
    }
}

/// A folder or an archive on this machine.
fn read(name: &str, path: &Path) -> Result<Chart, FetchError> {
    let unreadable = |source| FetchError::Read {
        path: name.to_owned(),
        source,
    };
    if path.is_dir() {
        return Chart::from_folder(path).map_err(|source| FetchError::NotAChart {
            what: name.to_owned(),
            source,
        });
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".prov");
    let size = std::fs::metadata(&beside).map_or(0, |metadata| metadata.len());
    if (1..=provenance::LIMIT).contains(&size) {
        let text = std::fs::read(&beside).map_err(unreadable)?;
        check_provenance(name, &String::from_utf8_lossy(&text), &bytes)?;
    }
    chart(name, &bytes)
}

fn chart(what: &str, bytes: &[u8]) -> Result<Chart, FetchError> {
    Chart::from_archive(bytes).map_err(|source| FetchError::NotAChart {
        what: what.to_owned(),
        source,
    })
}

fn check_provenance(what: &str, text: &str, bytes: &[u8]) -> Result<(), FetchError> {
    let found = digest::of(bytes);
    let digests = provenance::digests(text);
    if digests.contains(&found.as_str()) {
        return Ok(());
    }
    match digests.first() {
        Some(expected) => digest::check(what, "its provenance file", expected, &found),
        None => Ok(()),
    }
}

/// The body of a yes.
fn yes(answer: Answer, question: &Question) -> Result<Vec<u8>, FetchError> {
    if answer.status == StatusCode::OK {
        return Ok(answer.body);
    }
    let had_login = question.authorization.is_some();
    let address = &question.address;
    Err(answer.to_refusal(address.to_string(), address.place(), had_login, false))
}

/// What a server knows the state of its answer by.
fn said(answer: &Answer) -> Validators {
    let header = |name: &HeaderName| answer.header(name).map(str::to_owned);
    Validators {
        etag: header(&ETAG),
        last_modified: header(&LAST_MODIFIED),
    }
}

/// Asks for something only if it is in another state.
fn conditions(validators: &Validators) -> Vec<(HeaderName, HeaderValue)> {
    let header = |name: HeaderName, value: &Option<String>| {
        let value = value.as_deref()?;
        Some((name, HeaderValue::from_str(value).ok()?))
    };
    let etag = header(IF_NONE_MATCH, &validators.etag);
    etag.or_else(|| header(IF_MODIFIED_SINCE, &validators.last_modified))
        .into_iter()
        .collect()
}

fn place_of_archive(address: &Address) -> Place {
    Place::new(&full(address), address.to_string())
}

fn place_of_repository(address: &Address, name: &str) -> Place {
    Place::new(&format!("{} {name}", full(address)), address.to_string())
}

fn place_of_registry(address: &Address) -> Place {
    Place::new(&address.to_string(), address.to_string())
}

/// All of an address but who we are there.
fn full(address: &Address) -> String {
    let uri = address.to_uri().map(|uri| uri.to_string());
    uri.unwrap_or_default().trim_end_matches('/').to_owned()
}

fn owned(texts: Vec<&str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}
