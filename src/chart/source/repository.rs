//! Charts of a repository, by its index.

use http::StatusCode;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue};

use super::{Source, chart, conditions, full, owned, place_of_repository, said, yes};
use crate::chart::address::Address;
use crate::chart::cache::{Place, Validators};
use crate::chart::error::{Cause, FetchError};
use crate::chart::login::Login;
use crate::chart::reference::Reference;
use crate::chart::wanted::Wanted;
use crate::chart::web::{Question, TlsFiles, Web};
use crate::chart::{digest, index, oci};
use crate::helm::Chart;

/// How many names that are like a wrong one are told.
const NEAREST: usize = 3;

impl Source<'_> {
    pub(super) async fn of_repository(
        &self,
        (address, name): (&Address, &str),
        wanted: &Wanted,
        reference: &Reference,
    ) -> Result<Chart, FetchError> {
        let place = place_of_repository(address, name);
        if let Some(held) = self.held_for(&place, wanted)
            && let Some(bytes) = self.bytes(&held)
        {
            return chart(&held.source, &bytes);
        }
        if self.offline {
            return Err(self.offline(reference, &place));
        }
        self.begin(reference);
        let known = self.logins.of_repository(address)?.unwrap_or_default();
        let web = self.web(TlsFiles {
            authority: known.authority,
            client: known.client,
        });
        let login = address.login.clone().or(known.login);
        let listed = self.index(&web, address, login.as_ref(), name).await?;
        let versions = listed.versions.ok_or_else(|| FetchError::NoChart {
            address: address.to_string(),
            name: name.to_owned(),
            nearest: nearest(name, listed.names),
        })?;
        let texts = || versions.iter().map(|version| version.number.as_str());
        let picked = wanted.pick(texts()).ok_or_else(|| FetchError::NoVersion {
            place: address.to_string(),
            name: name.to_owned(),
            wanted: wanted.text().to_owned(),
            nearest: owned(wanted.nearest(texts())),
        })?;
        let entry = versions.iter().find(|version| version.number == picked);
        let entry = entry.expect("it was picked from among them");
        if entry.is_deprecated {
            self.progress
                .note(&format!("the chart `{name}` {picked} is deprecated"));
        }
        if let Some(bytes) = self.bytes_of(&place, picked, entry.digest.as_deref()) {
            return self.accept(
                &place,
                picked,
                &address.to_string(),
                &bytes,
                Validators::default(),
            );
        }
        let bytes = self
            .download(&web, (address, name), login.as_ref(), entry)
            .await?;
        self.accept(
            &place,
            picked,
            &address.to_string(),
            &bytes,
            Validators::default(),
        )
    }

    /// What the repository says of a chart; what it said before is asked for only if it says something else now.
    async fn index(
        &self,
        web: &Web,
        repository: &Address,
        login: Option<&Login>,
        name: &str,
    ) -> Result<index::Index, FetchError> {
        let place = Place::new(&full(repository), repository.to_string());
        let kept = self.cache.as_ref().and_then(|cache| cache.index(&place));
        let address = repository.below("index.yaml");
        let mut question = Question::new(address, "*/*", index::LIMIT);
        question.authorization = login.and_then(Login::to_basic);
        question.headers = kept
            .as_ref()
            .map(|(validators, _)| conditions(validators))
            .unwrap_or_default();
        question
            .headers
            .push((ACCEPT_ENCODING, HeaderValue::from_static("gzip")));
        let answer = web.ask(&question).await?;
        let bytes = match kept {
            Some((_, bytes)) if answer.status == StatusCode::NOT_MODIFIED => bytes,
            _ => {
                let validators = said(&answer);
                let is_packed = answer.header(&CONTENT_ENCODING) == Some("gzip");
                let bytes = yes(answer, &question)?;
                let bytes = if is_packed {
                    unpacked(&bytes, &question)?
                } else {
                    bytes
                };
                if let Some(cache) = &self.cache {
                    self.warn(cache.keep_index(&place, validators, &bytes));
                }
                bytes
            }
        };
        index::read(&bytes, name).map_err(|fault| FetchError::Index {
            address: repository.to_string(),
            line: fault.line,
            problem: fault.problem,
        })
    }

    /// An archive from the first place that has it.
    async fn download(
        &self,
        web: &Web,
        (repository, name): (&Address, &str),
        login: Option<&Login>,
        entry: &index::Version,
    ) -> Result<Vec<u8>, FetchError> {
        let mut failure = FetchError::NoPlace {
            address: repository.to_string(),
            name: name.to_owned(),
            version: entry.number.clone(),
        };
        for (number, url) in entry.urls.iter().enumerate() {
            let downloaded = self.download_from(web, repository, login, entry, url).await;
            match downloaded {
                Ok(bytes) => return Ok(bytes),
                // Of several failures the first is told: it is that of the place that is meant to have it.
                Err(error) if number == 0 => failure = error,
                Err(error) => tracing::debug!(%error, "another place has it not either"),
            }
        }
        Err(failure)
    }

    async fn download_from(
        &self,
        web: &Web,
        repository: &Address,
        login: Option<&Login>,
        entry: &index::Version,
        url: &str,
    ) -> Result<Vec<u8>, FetchError> {
        let address = repository
            .of_index(url)
            .map_err(|source| FetchError::BadPlace {
                address: repository.to_string(),
                source,
            })?;
        let mut question = Question::new(address.clone(), "*/*", oci::ARCHIVE);
        if address.is_same_origin(repository) {
            question.authorization = login.and_then(Login::to_basic);
        }
        let bytes = yes(web.ask(&question).await?, &question)?;
        match &entry.digest {
            Some(expected) => digest::check(
                &address.to_string(),
                "the index of its repository",
                expected,
                &digest::of(&bytes),
            )?,
            None => self.check_beside(web, &question, &bytes).await?,
        }
        Ok(bytes)
    }

    /// The archive that an index means, if it is in the cache: by its digest, or where there is none by its version.
    fn bytes_of(&self, place: &Place, version: &str, digest: Option<&str>) -> Option<Vec<u8>> {
        match digest {
            Some(digest) => {
                let digits = digest.trim().trim_start_matches(digest::PREFIX);
                let digest = format!("{}{}", digest::PREFIX, digits.to_ascii_lowercase());
                self.cache.as_ref()?.archive(&digest)
            }
            None => self.held_whole(place, version).map(|(_, bytes)| bytes),
        }
    }
}

fn unpacked(bytes: &[u8], question: &Question) -> Result<Vec<u8>, FetchError> {
    use std::io::Read as _;
    let mut text = Vec::new();
    let limit = question.limit as u64 + 1;
    let read = flate2::read::MultiGzDecoder::new(bytes)
        .take(limit)
        .read_to_end(&mut text);
    match read {
        Ok(length) if length as u64 == limit => Err(FetchError::TooLarge {
            address: question.address.to_string(),
            limit: question.limit >> 20,
        }),
        Ok(_) => Ok(text),
        Err(error) => Err(FetchError::CutOff {
            address: question.address.to_string(),
            source: Cause(error.to_string()),
        }),
    }
}

/// The names that are most like a wrong one.
fn nearest(name: &str, names: Vec<String>) -> Vec<String> {
    let mut near: Vec<(usize, String)> = names
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(name, &known), known))
        .filter(|(distance, known)| {
            *distance <= name.len().div_ceil(3)
                || known.contains(name)
                || name.contains(known.as_str())
        })
        .collect();
    near.sort();
    near.dedup();
    near.into_iter()
        .take(NEAREST)
        .map(|(_, name)| name)
        .collect()
}
