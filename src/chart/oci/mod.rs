//! Registries of OCI artifacts: tags, manifests and blobs, and the tokens that open them.
//!
//! The protocol is that of <https://github.com/opencontainers/distribution-spec>, with tokens by
//! <https://distribution.github.io/distribution/spec/auth/token/>. Which login goes with a registry is `logins`'.

mod challenge;
pub(super) mod manifest;

use http::header::{HeaderName, HeaderValue, LINK, WWW_AUTHENTICATE};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use self::challenge::Challenge;
use self::manifest::{Content, Descriptor, NoContent};
use super::address::{Address, Scheme};
use super::digest;
use super::error::FetchError;
use super::login::{Login, bearer};
use super::logins::{LoginError, Logins};
use super::web::{Answer, Question, Web};
use crate::progress::Progress;

/// How large an archive may be, in bytes.
pub(super) const ARCHIVE: usize = 100 << 20;
/// How large a provenance file may be, in bytes.
pub(super) const PROVENANCE: usize = 1 << 20;
/// How large a page of tags, or a token, may be, in bytes.
const SMALL: usize = 4 << 20;
/// How many pages of tags are read.
const PAGES: usize = 100;
/// How we are known to servers that want to know what program asks for a token.
const CLIENT: &str = "vc";
/// What a registry says a manifest's digest is.
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// Where the registry of Docker really is.
const DOCKER: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// One repository of a registry.
pub(super) struct Registry<'w> {
    web: &'w Web,
    logins: &'w Logins,
    progress: &'w dyn Progress,
    /// The registry, as requests have it.
    root: Address,
    /// The registry, as the user and the files of logins have it.
    place: String,
    repository: String,
    /// What opened it last.
    authorization: Option<HeaderValue>,
}

/// A chart that a registry has.
#[derive(Debug)]
pub(super) struct Artifact {
    /// The digest of its manifest.
    pub(super) manifest: String,
    pub(super) archive: Descriptor,
    pub(super) provenance: Option<Descriptor>,
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
}

#[derive(Deserialize)]
struct Tags {
    /// Null where there are none.
    tags: Option<Vec<String>>,
}

impl<'w> Registry<'w> {
    /// The repository that an address such as `oci://registry.example.com/team/chart` names.
    pub(super) fn new(
        web: &'w Web,
        logins: &'w Logins,
        progress: &'w dyn Progress,
        address: &Address,
    ) -> Self {
        let mut root = address.at(web.registry_scheme(), String::new());
        if root.host == DOCKER.0 {
            DOCKER.1.clone_into(&mut root.host);
        }
        // Without TLS the usual port of TLS is none that goes without saying, and the other one is.
        root.port = match (root.scheme, address.port) {
            (Scheme::Http, Some(80)) => None,
            (_, port) => port,
        };
        Self {
            web,
            logins,
            progress,
            root,
            place: address.place(),
            repository: address.path.trim_matches('/').to_owned(),
            authorization: None,
        }
    }

    /// All tags, in no order.
    pub(super) async fn tags(&mut self) -> Result<Vec<String>, FetchError> {
        let mut tags = Vec::new();
        let mut next = Some(self.at("tags/list").with_query(&[("n", "1000")]));
        for _ in 0..PAGES {
            let Some(page) = next.take() else { break };
            let question = Question::new(page.clone(), "application/json", SMALL);
            let answer = self.ask(question).await?;
            let read: Tags =
                serde_json::from_slice(&answer.body).map_err(|error| FetchError::Protocol {
                    address: page.to_string(),
                    problem: format!("the list of tags: {error}"),
                })?;
            tags.extend(read.tags.unwrap_or_default());
            let link = answer.header(&LINK).and_then(next_page);
            next = link
                .and_then(|link| page.resolve(link).ok())
                .filter(|link| link.is_same_origin(&page));
        }
        Ok(tags)
    }

    /// The chart under a tag or digest.
    pub(super) async fn artifact(&mut self, reference: &str) -> Result<Artifact, FetchError> {
        let (found, content) = self.manifest(reference).await?;
        match content {
            Content::Chart {
                archive,
                provenance,
            } => Ok(Artifact {
                manifest: found,
                archive,
                provenance,
            }),
            Content::Other(inner) => match self.manifest(&inner.digest).await? {
                // What vouches for the whole is the digest of the list.
                (
                    _,
                    Content::Chart {
                        archive,
                        provenance,
                    },
                ) => Ok(Artifact {
                    manifest: found,
                    archive,
                    provenance,
                }),
                (_, Content::Other(_)) => {
                    Err(self.holds_none(reference, "a list of lists".to_owned()))
                }
            },
        }
    }

    async fn manifest(&mut self, reference: &str) -> Result<(String, Content), FetchError> {
        let address = self.at(&format!("manifests/{reference}"));
        let question = Question::new(address.clone(), manifest::ACCEPT, manifest::LIMIT);
        let answer = self.ask(question).await?;
        let found = digest::of(&answer.body);
        let announced = if manifest::is_digest(reference) {
            Some(reference)
        } else {
            let said = answer.header(&CONTENT_DIGEST);
            said.filter(|said| manifest::is_digest(said))
        };
        if let Some(announced) = announced {
            digest::check(&address.to_string(), "the registry", announced, &found)?;
        }
        let content = manifest::read(&answer.body).map_err(|wrong| match wrong {
            NoContent::Broken(problem) => FetchError::Protocol {
                address: address.to_string(),
                problem,
            },
            NoContent::Else(what) => self.holds_none(reference, what),
        })?;
        Ok((found, content))
    }

    /// The content of a blob, verified.
    pub(super) async fn blob(
        &mut self,
        blob: &Descriptor,
        limit: usize,
    ) -> Result<Vec<u8>, FetchError> {
        let address = self.at(&format!("blobs/{}", blob.digest));
        if usize::try_from(blob.size).is_ok_and(|size| size > limit) {
            return Err(FetchError::TooLarge {
                address: address.to_string(),
                limit: limit >> 20,
            });
        }
        let question = Question::new(address.clone(), "*/*", limit);
        let answer = self.ask(question).await?;
        let found = digest::of(&answer.body);
        digest::check(&address.to_string(), "its manifest", &blob.digest, &found)?;
        Ok(answer.body)
    }

    fn at(&self, below: &str) -> Address {
        let path = format!("/v2/{}/{below}", self.repository);
        self.root.at(self.root.scheme, path)
    }

    fn holds_none(&self, reference: &str, found: String) -> FetchError {
        let sign = if manifest::is_digest(reference) {
            '@'
        } else {
            ':'
        };
        FetchError::NoChartThere {
            what: format!("oci://{}/{}{sign}{reference}", self.place, self.repository),
            found,
        }
    }

    /// Asks, says who we are if the registry wants to know, and takes no but yes for an answer.
    async fn ask(&mut self, mut question: Question) -> Result<Answer, FetchError> {
        question.authorization.clone_from(&self.authorization);
        let answer = self.web.ask(&question).await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        if answer.status != http::StatusCode::UNAUTHORIZED {
            return Err(self.refusal(&answer, question.authorization.is_some()));
        }
        let challenges: Vec<Challenge> = answer
            .headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(challenge::parse)
            .collect();
        let (login, failure) = match self.login().await {
            Ok(login) => (login, None),
            // Much can be read by anybody, so that this need not be the end.
            Err(failure) => (None, Some(failure)),
        };
        let header = match self.header(&challenges, login.as_ref()).await {
            Ok(Some(header)) => header,
            Ok(None) => {
                let refusal = || self.refusal(&answer, login.is_some());
                return Err(failure.map_or_else(refusal, FetchError::Login));
            }
            Err(error) => return Err(failure.map_or(error, FetchError::Login)),
        };
        question.authorization = Some(header);
        let answer = self.web.ask(&question).await?;
        if answer.status.is_success() {
            if let Some(failure) = failure {
                self.progress
                    .note(&format!("{failure}; asking `{}` as nobody", self.place));
            }
            self.authorization = question.authorization;
            return Ok(answer);
        }
        match failure {
            Some(failure) if matches!(answer.status.as_u16(), 401 | 403) => {
                Err(FetchError::Login(failure))
            }
            _ => Err(self.refusal(&answer, login.is_some())),
        }
    }

    /// A refusal, of the repository as the user knows it: who gives the tokens is the registry's affair.
    fn refusal(&self, answer: &Answer, had_login: bool) -> FetchError {
        let address = format!("oci://{}/{}", self.place, self.repository);
        answer.to_refusal(address, self.place.clone(), had_login, true)
    }

    async fn login(&self) -> Result<Option<Login>, LoginError> {
        self.logins.of_registry(&self.place, &self.repository).await
    }

    /// What to answer to the challenges; `None` if there is nothing that would help.
    async fn header(
        &self,
        challenges: &[Challenge],
        login: Option<&Login>,
    ) -> Result<Option<HeaderValue>, FetchError> {
        if let Some(Login::Registry(token)) = login {
            return Ok(bearer(token));
        }
        if let Some(wanted) = challenges.iter().find(|one| one.scheme == "bearer") {
            return self.token(wanted, login).await.map(Some);
        }
        let is_basic = challenges.iter().any(|one| one.scheme == "basic");
        Ok(login.filter(|_| is_basic).and_then(Login::to_basic))
    }

    /// Fetches a token to read the repository, from where the registry says, as somebody or nobody.
    async fn token(
        &self,
        wanted: &Challenge,
        login: Option<&Login>,
    ) -> Result<HeaderValue, FetchError> {
        let parameter = |name: &str| wanted.parameters.get(name).map_or("", String::as_str);
        let broken = |problem: &str| FetchError::Protocol {
            address: self.at("").to_string(),
            problem: problem.to_owned(),
        };
        let realm = Address::parse(parameter("realm"))
            .ok()
            .filter(|realm| realm.scheme != Scheme::Oci)
            .ok_or_else(|| broken("it wants a token, and does not say from where"))?;
        let usual = format!("repository:{}:pull", self.repository);
        let scope = Some(parameter("scope")).filter(|scope| !scope.is_empty());
        let scope = scope.unwrap_or(&usual);
        let service = parameter("service");
        let question = if let Some(Login::Identity(token)) = login {
            let fields = [
                ("grant_type", "refresh_token"),
                ("service", service),
                ("client_id", CLIENT),
                ("scope", scope),
                ("refresh_token", token.as_str()),
            ];
            Question {
                form: Some(encoded(&fields)),
                ..Question::new(realm, "application/json", SMALL)
            }
        } else {
            let mut parameters = vec![("scope", scope)];
            if !service.is_empty() {
                parameters.insert(0, ("service", service));
            }
            let address = realm.with_query(&parameters);
            Question {
                authorization: login.and_then(Login::to_basic),
                ..Question::new(address, "application/json", SMALL)
            }
        };
        let answer = self.web.ask(&question).await?;
        if !answer.status.is_success() {
            return Err(self.refusal(&answer, login.is_some()));
        }
        let token: Token = serde_json::from_slice(&answer.body)
            .map_err(|_| broken("the token is in no form that is known"))?;
        let text = if token.token.is_empty() {
            &token.access_token
        } else {
            &token.token
        };
        bearer(text)
            .filter(|_| !text.is_empty())
            .ok_or_else(|| broken("the token is empty or cannot be sent"))
    }
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        .collect();
    fields.join("&")
}

/// Where the header `Link` says that the list goes on.
fn next_page(link: &str) -> Option<&str> {
    link.split(',').find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = parameters
            .split(';')
            .any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
        is_next.then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_of_tags_is_found() {
        assert_eq!(
            next_page("</v2/a/tags/list?n=2&last=b>; rel=\"next\""),
            Some("/v2/a/tags/list?n=2&last=b")
        );
        assert_eq!(next_page("<x>; rel=prev, <y>; a=b; rel=next"), Some("y"));
        assert_eq!(next_page("x; rel=next"), None);
    }

    #[test]
    fn a_form_has_no_sign_of_its_own_in_its_values() {
        assert_eq!(
            encoded(&[("scope", "repository:a/b:pull"), ("t", "x&y=z")]),
            "scope=repository%3Aa%2Fb%3Apull&t=x%26y%3Dz"
        );
    }
}
