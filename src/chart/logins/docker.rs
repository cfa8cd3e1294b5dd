//! The file in which `docker login` and `helm registry login` keep logins.
//!
//! Its form is docker's: <https://docs.docker.com/reference/cli/docker/login/#credential-stores>.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::LoginError;
use crate::chart::error::Cause;
use crate::chart::login::Login;

/// What such a file says.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RegistryFile {
    auths: BTreeMap<String, Kept>,
    /// The program that keeps all secrets.
    creds_store: String,
    /// The programs that keep those of single registries.
    cred_helpers: BTreeMap<String, String>,
}

/// A login in the file itself.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Kept {
    /// User and password with a colon in between, in Base64.
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

/// Where a login is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Login(Login),
    /// With the program of this name.
    Helper(String),
}

impl RegistryFile {
    /// Reads a file; `None` if there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, LoginError> {
        let broken = |source: Cause| LoginError::File {
            path: path.to_owned(),
            source,
        };
        let bytes = match std::fs::read(path) {
            Err(error) if is_missing(&error) => return Ok(None),
            bytes => bytes.map_err(|error| broken(Cause(error.to_string())))?,
        };
        if bytes.trim_ascii().is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            // The reader's own words may quote a secret.
            broken(Cause(format!(
                "line {}: it is not in the form of docker's `config.json`",
                error.line()
            )))
        })
    }

    /// Where the login for a registry and one of its repositories is.
    pub(super) fn find(&self, key: &str, repository: &str) -> Option<Found> {
        let own = self.cred_helpers.get(key).or_else(|| {
            let mut helpers = self.cred_helpers.iter();
            helpers
                .find_map(|(known, helper)| (host_of(known).0 == host_of(key).0).then_some(helper))
        });
        let helper = own
            .filter(|name| !name.is_empty())
            .or_else(|| Some(&self.creds_store).filter(|name| !name.is_empty()));
        match helper {
            Some(name) => Some(Found::Helper(name.clone())),
            None => self.kept(key, repository).map(Found::Login),
        }
    }

    /// The login in the file itself: of the longest key that the repository lies in.
    pub(super) fn kept(&self, key: &str, repository: &str) -> Option<Login> {
        let (host, _) = host_of(key);
        self.auths
            .iter()
            .filter_map(|(known, kept)| {
                let (known, within) = host_of(known);
                let is_in = within.is_empty()
                    || repository
                        .strip_prefix(within)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
                (known == host && is_in).then_some((within.len(), kept))
            })
            .filter_map(|(length, kept)| Some((length, kept.to_login()?)))
            .max_by_key(|(length, _)| *length)
            .map(|(_, login)| login)
    }
}

impl Kept {
    fn to_login(&self) -> Option<Login> {
        if !self.registrytoken.is_empty() {
            return Some(Login::Registry(self.registrytoken.clone()));
        }
        if !self.identitytoken.is_empty() {
            return Some(Login::Identity(self.identitytoken.clone()));
        }
        if !self.username.is_empty() {
            return Some(Login::Password {
                user: self.username.clone(),
                password: self.password.clone(),
            });
        }
        let decoded = STANDARD.decode(self.auth.trim()).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (user, password) = text.trim_end_matches('\0').split_once(':')?;
        (!user.is_empty()).then(|| Login::Password {
            user: user.to_owned(),
            password: password.to_owned(),
        })
    }
}

/// The host of a key, and the repository or folder of them that it is for; old keys are whole URLs with a version.
fn host_of(key: &str) -> (&str, &str) {
    let key = key.split_once("://").map_or(key, |(_, rest)| rest);
    let (host, within) = key.split_once('/').unwrap_or((key, ""));
    match within.trim_end_matches('/') {
        "v1" | "v2" => (host, ""),
        within => (host, within),
    }
}

pub(super) fn is_missing(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> RegistryFile {
        serde_json::from_str(text).unwrap()
    }

    fn password(user: &str, password: &str) -> Login {
        Login::Password {
            user: user.to_owned(),
            password: password.to_owned(),
        }
    }

    #[test]
    fn a_login_is_found_by_its_host() {
        // "me:p:w" in Base64.
        let file = file(
            r#"{"auths": {
                "https://r.example/v2/": {"auth": "bWU6cDp3"},
                "r.example/team": {"username": "team", "password": "x"},
                "https://index.docker.io/v1/": {"identitytoken": "t"},
                "empty.example": {}
            }, "HttpHeaders": {"a": "b"}}"#,
        );
        assert_eq!(file.kept("r.example", "a/b"), Some(password("me", "p:w")));
        assert_eq!(
            file.kept("r.example", "team/b"),
            Some(password("team", "x"))
        );
        assert_eq!(
            file.kept("r.example", "teams/b"),
            Some(password("me", "p:w"))
        );
        assert_eq!(file.kept("r.example:5000", "a"), None);
        assert_eq!(file.kept("empty.example", "a"), None);
        assert_eq!(
            file.kept(super::super::DOCKER_KEY, "a"),
            Some(Login::Identity("t".to_owned()))
        );
    }

    #[test]
    fn programs_come_before_the_file() {
        let file = file(
            r#"{"auths": {"a.example": {"auth": "bWU6cDp3"}}, "credsStore": "desktop",
                "credHelpers": {"b.example": "cloud", "https://c.example": "own"}}"#,
        );
        let helper = |name: &str| Some(Found::Helper(name.to_owned()));
        assert_eq!(file.find("a.example", "x"), helper("desktop"));
        assert_eq!(file.find("b.example", "x"), helper("cloud"));
        assert_eq!(file.find("c.example", "x"), helper("own"));
        let bare = RegistryFile::default();
        assert_eq!(bare.find("a.example", "x"), None);
    }

    #[test]
    fn a_broken_file_is_told_of_without_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        assert!(RegistryFile::read(&path).unwrap().is_none());
        std::fs::write(&path, r#"{"auths": {"a": "secret"}}"#).unwrap();
        let Err(error) = RegistryFile::read(&path) else {
            panic!("it is broken");
        };
        assert!(!format!("{error:?}").contains("secret"));
        std::fs::write(&path, "\n").unwrap();
        assert!(RegistryFile::read(&path).unwrap().is_none());
    }
}
