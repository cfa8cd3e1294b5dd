//! Helm's list of the repositories that were added to it, `repositories.yaml`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::LoginError;
use super::docker::is_missing;
use crate::chart::address::Address;
use crate::chart::error::Cause;
use crate::chart::login::Login;
use crate::helm::yaml;

/// What Helm was told of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::chart) struct KnownRepository {
    /// Who we are to it.
    pub(in crate::chart) login: Option<Login>,
    /// A file with certificates of authorities that vouch for it.
    pub(in crate::chart) authority: Option<PathBuf>,
    /// Our certificate and its key.
    pub(in crate::chart) client: Option<(PathBuf, PathBuf)>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    repositories: Vec<Entry>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Entry {
    url: String,
    username: Option<String>,
    password: Option<String>,
    ca_file: Option<PathBuf>,
    cert_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
}

/// What the list says of a repository; `None` if it is not in it.
pub(super) fn find(
    path: &Path,
    repository: &Address,
) -> Result<Option<KnownRepository>, LoginError> {
    let broken = |source: String| LoginError::File {
        path: path.to_owned(),
        source: Cause(source),
    };
    let text = match std::fs::read_to_string(path) {
        Err(error) if is_missing(&error) => return Ok(None),
        text => text.map_err(|error| broken(error.to_string()))?,
    };
    // The reader's own words may quote a secret.
    let file: File = yaml::parse(&text, "repositories.yaml")
        .ok()
        .and_then(|file| serde_json::from_value(file).ok())
        .ok_or_else(|| broken("it is not in the form of Helm's `repositories.yaml`".to_owned()))?;
    let wanted = repository.to_string();
    let entry = file.repositories.into_iter().find(|entry| {
        Address::parse(&entry.url).is_ok_and(|known| {
            known.to_string().trim_end_matches('/') == wanted.trim_end_matches('/')
        })
    });
    Ok(entry.map(Entry::known))
}

impl Entry {
    fn known(self) -> KnownRepository {
        let of_url = Address::parse(&self.url).ok().and_then(|url| url.login);
        let filled = |path: Option<PathBuf>| path.filter(|path| !path.as_os_str().is_empty());
        KnownRepository {
            login: self
                .username
                .filter(|user| !user.is_empty())
                .map(|user| Login::Password {
                    user,
                    password: self.password.unwrap_or_default(),
                })
                .or(of_url),
            authority: filled(self.ca_file),
            client: filled(self.cert_file).zip(filled(self.key_file)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_found_by_its_address() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("repositories.yaml");
        let find = |url: &str| find(&path, &Address::parse(url).unwrap());
        assert_eq!(find("https://a.example/charts").unwrap(), None);
        let text = "apiVersion: \"\"\ngenerated: 0001\nrepositories:\n\
            - {caFile: /ca.pem, certFile: '', keyFile: '', name: a, password: secret, username: me, \
               url: 'https://a.example/charts/', insecure_skip_tls_verify: false}\n\
            - {name: b, url: 'https://b.example'}\n";
        std::fs::write(&path, text).unwrap();
        let known = find("https://a.example/charts").unwrap().unwrap();
        assert_eq!(known.authority, Some("/ca.pem".into()));
        assert_eq!(known.client, None);
        let login = Login::Password {
            user: "me".to_owned(),
            password: "secret".to_owned(),
        };
        assert_eq!(known.login, Some(login));
        assert_eq!(
            find("https://b.example/").unwrap(),
            Some(KnownRepository::default())
        );
        assert_eq!(find("https://a.example/other").unwrap(), None);
        std::fs::write(&path, "repositories: {secret: [").unwrap();
        let error = find("https://a.example").unwrap_err();
        assert!(!format!("{error:?}").contains("secret"));
    }
}
