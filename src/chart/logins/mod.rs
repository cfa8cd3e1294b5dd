//! Who we are to which server, as `helm` and `docker` have been told: their files, and the programs that keep secrets.
//!
//! Nothing here is written, and nothing looked up before a server asks who we are.

mod docker;
mod helper;
mod repositories;

use std::path::PathBuf;

use self::docker::{Found, RegistryFile};
pub(super) use self::repositories::KnownRepository;
use super::address::Address;
use super::error::Cause;
use super::login::Login;
use crate::process::Process;

/// What the registry of Docker is called in the files, whatever its host is.
const DOCKER_KEY: &str = "https://index.docker.io/v1/";
const DOCKER_HOSTS: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// Why it cannot be found out who we are.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// A file of logins cannot be used. What is in it is not quoted.
    #[error("cannot use the logins in `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Cause,
    },
    /// The program that keeps the secrets is not there.
    #[error("cannot run the credential helper `{program}` that `{path}` names")]
    NoHelper {
        /// The program.
        program: String,
        /// The file that names it.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The program that keeps the secrets failed.
    #[error("the credential helper `{program}` failed{said}")]
    Helper {
        /// The program.
        program: String,
        /// What it said.
        said: String,
    },
}

impl LoginError {
    /// What to type or change next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File { path, .. } => Some(format!("mend `{}`, or move it away", path.display())),
            Self::NoHelper { program, path, .. } => Some(format!(
                "install `{program}`, or take it out of `{}` and log in again",
                path.display()
            )),
            Self::Helper { program, .. } => {
                Some(format!("run `{program} list` to see what is wrong with it"))
            }
        }
    }
}

/// Where logins are kept.
pub(super) struct Logins {
    /// Files in the form of docker's, the nearest first.
    registries: Vec<PathBuf>,
    /// Helm's own list of repositories.
    repositories: Option<PathBuf>,
}

impl Logins {
    /// The places that Helm has by its own rules, then docker's.
    pub(super) fn of_process(process: &Process) -> Self {
        let path = |name: &str| process.variable(name).map(PathBuf::from);
        let helm = path("HELM_CONFIG_HOME").or_else(|| helm_folder(process));
        let in_helm = |file: &str| helm.as_ref().map(|folder| folder.join(file));
        let docker = path("DOCKER_CONFIG").or_else(|| Some(process.home()?.join(".docker")));
        let registry = path("HELM_REGISTRY_CONFIG").or_else(|| in_helm("registry/config.json"));
        Self {
            registries: registry
                .into_iter()
                .chain(docker.map(|folder| folder.join("config.json")))
                .collect(),
            repositories: path("HELM_REPOSITORY_CONFIG").or_else(|| in_helm("repositories.yaml")),
        }
    }

    /// Who we are to a registry, by its host and port, for one of its repositories.
    pub(super) async fn of_registry(
        &self,
        place: &str,
        repository: &str,
    ) -> Result<Option<Login>, LoginError> {
        let key = if DOCKER_HOSTS.contains(&place) {
            DOCKER_KEY
        } else {
            place
        };
        for path in &self.registries {
            let Some(file) = RegistryFile::read(path)? else {
                continue;
            };
            let login = match file.find(key, repository) {
                Some(Found::Login(login)) => Some(login),
                Some(Found::Helper(name)) => match helper::ask(&name, key, path).await? {
                    Some(login) => Some(login),
                    None => file.kept(key, repository),
                },
                None => None,
            };
            if login.is_some() {
                return Ok(login);
            }
        }
        Ok(None)
    }

    /// What Helm knows of a repository; `None` if it was never added.
    pub(super) fn of_repository(
        &self,
        address: &Address,
    ) -> Result<Option<KnownRepository>, LoginError> {
        match &self.repositories {
            Some(path) => repositories::find(path, address),
            None => Ok(None),
        }
    }
}

/// Where Helm keeps its configuration on this system.
fn helm_folder(process: &Process) -> Option<PathBuf> {
    let xdg = process.variable("XDG_CONFIG_HOME").map(PathBuf::from);
    let usual = || {
        if cfg!(windows) {
            process.variable("APPDATA").map(PathBuf::from)
        } else if cfg!(target_os = "macos") {
            Some(process.home()?.join("Library/Preferences"))
        } else {
            Some(process.home()?.join(".config"))
        }
    };
    Some(xdg.or_else(usual)?.join("helm"))
}
