//! Why a chart could not be had, in the user's words. Addresses in it are shown without user, password and query.

use std::path::{Path, PathBuf};

use super::address::AddressError;
use super::logins::LoginError;
use crate::helm::ChartError;

/// Why a chart could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// There was no answer.
    #[error("cannot reach `{place}`")]
    Unreachable {
        /// The host.
        place: String,
        /// Why not, in the words of the innermost cause.
        source: Cause,
    },
    /// The proxy that the environment names did not help.
    #[error("cannot reach `{place}` through the proxy `{proxy}`")]
    Proxy {
        /// The host.
        place: String,
        /// The proxy, without its user.
        proxy: String,
        /// Why not.
        source: Cause,
    },
    /// No answer came in time.
    #[error("`{place}` did not answer within {seconds} s")]
    Silent {
        /// The host.
        place: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The answer ended before it was whole.
    #[error("the download of `{address}` was cut off")]
    CutOff {
        /// What was downloaded.
        address: String,
        /// How.
        source: Cause,
    },
    /// The server said no.
    #[error("`{address}` was answered with {status}")]
    Refused {
        /// What was asked for.
        address: String,
        /// The host.
        place: String,
        /// The status, with its usual words.
        status: http::StatusCode,
        /// What the server says of it.
        source: Option<Cause>,
        /// Whether the server knew who we are.
        had_login: bool,
        /// Whether it is a registry.
        is_registry: bool,
    },
    /// The answer is larger than anything that is meant.
    #[error("`{address}` is larger than {limit} MiB")]
    TooLarge {
        /// What was downloaded.
        address: String,
        /// The limit, in MiB.
        limit: usize,
    },
    /// One redirect leads to the next.
    #[error("`{address}` leads from one redirect to the next, without an end")]
    Redirects {
        /// What was asked for.
        address: String,
    },
    /// A redirect leads to where we do not go.
    #[error("`{address}` redirects to where a download must not go: {why}")]
    Redirect {
        /// What was asked for.
        address: String,
        /// What is wrong with the place.
        why: String,
    },
    /// Without TLS, anybody on the way could change the chart.
    #[error("`{address}` is not protected by TLS")]
    PlainHttp {
        /// What was asked for.
        address: String,
    },
    /// No server can be trusted.
    #[error("there is no certificate of an authority that servers could be checked with")]
    NoRoots(#[source] Option<Cause>),
    /// A file for TLS cannot be used.
    #[error("cannot use the certificates in `{path}`")]
    TlsFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Cause,
    },
    /// What came is not what was announced.
    #[error("`{what}` has the checksum {found}, and {by} says {expected}")]
    Checksum {
        /// What was downloaded or read.
        what: String,
        /// Who says what it should be.
        by: String,
        /// The digest that it should have.
        expected: String,
        /// The digest that it has.
        found: String,
    },
    /// The list of a repository's charts cannot be read.
    #[error("the index of the repository `{address}` cannot be read: line {line}: {problem}")]
    Index {
        /// The repository.
        address: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong there.
        problem: String,
    },
    /// The repository has no chart of that name.
    #[error("`{address}` has no chart `{name}`")]
    NoChart {
        /// The repository.
        address: String,
        /// The name.
        name: String,
        /// The names that are most like it.
        nearest: Vec<String>,
    },
    /// There is no such version of the chart.
    #[error("`{place}` has no version {wanted} of `{name}`")]
    NoVersion {
        /// The repository.
        place: String,
        /// The chart.
        name: String,
        /// The version, or the constraint.
        wanted: String,
        /// Versions that there are, the nearest of them.
        nearest: Vec<String>,
    },
    /// The index names a chart, and not where it lies.
    #[error("the index of `{address}` does not say where `{name}` {version} lies")]
    NoPlace {
        /// The repository.
        address: String,
        /// The chart.
        name: String,
        /// Its version.
        version: String,
    },
    /// The index says that a chart lies where none can.
    #[error("the index of `{address}` says that a chart lies at no usable address")]
    BadPlace {
        /// The repository.
        address: String,
        /// What is wrong with it.
        source: AddressError,
    },
    /// The registry's answer is not what the protocol has.
    #[error("`{address}` answers what is not understood: {problem}")]
    Protocol {
        /// What was asked for.
        address: String,
        /// What is wrong with the answer.
        problem: String,
    },
    /// The registry holds something else there.
    #[error("`{what}` holds no Helm chart, but {found}")]
    NoChartThere {
        /// The reference.
        what: String,
        /// What it is instead.
        found: String,
    },
    /// What lies there cannot be used as a chart.
    #[error("`{what}` is not a chart that can be used")]
    NotAChart {
        /// Where it came from.
        what: String,
        /// Why not.
        source: ChartError,
    },
    /// The file cannot be read.
    #[error("cannot read the chart `{path}`")]
    Read {
        /// As it was named.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Who we are cannot be found out.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// Nothing may be asked, and the cache has it not.
    #[error("{what} is not in the cache, and nothing may be fetched")]
    Offline {
        /// What was wanted.
        what: String,
        /// What of the same chart there is.
        has: Vec<String>,
        /// The flags that name it.
        flags: String,
    },
}

/// The words of an innermost cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Cause(pub String);

impl Cause {
    /// The innermost cause of an error.
    pub fn innermost(error: &dyn std::error::Error) -> Self {
        let mut innermost = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        let text = innermost.to_string();
        // TLS has a link to its manual here, which helps nobody.
        if text.starts_with("peer closed connection without") {
            return Self("the server closed the connection".to_owned());
        }
        Self(text)
    }
}

impl FetchError {
    /// Whether the user named what there is not, rather than that something failed.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::PlainHttp { .. }
                | Self::NoChart { .. }
                | Self::NoVersion { .. }
                | Self::NoChartThere { .. }
                | Self::NotAChart { .. }
                | Self::Read { .. }
        )
    }

    /// Whether it may be otherwise in a moment.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => !source.0.contains("certificate"),
            Self::CutOff { .. } => true,
            _ => false,
        }
    }

    /// Whether the network or the server fails, so that a copy in the cache would help.
    pub fn is_of_network(&self) -> bool {
        match self {
            Self::Refused { status, .. } => status.is_server_error() || status.as_u16() == 429,
            Self::Unreachable { .. }
            | Self::Proxy { .. }
            | Self::Silent { .. }
            | Self::CutOff { .. } => true,
            _ => false,
        }
    }

    /// What to type or change next.
    pub fn hints(&self) -> Vec<String> {
        let one = |hint: &str| vec![hint.to_owned()];
        match self {
            Self::Unreachable { source, .. } if source.0.contains("certificate") => one(
                "if an authority of your own vouches for that server, name its certificate with `SSL_CERT_FILE`",
            ),
            Self::Unreachable { .. } | Self::Silent { .. } => one(
                "check the address and your network; a proxy is named with `HTTPS_PROXY`, a mirror with `VC_CHART_REPO`",
            ),
            Self::Proxy { .. } => {
                one("check `HTTPS_PROXY`, or name the host in `NO_PROXY` if it is reached without")
            }
            Self::Refused {
                status,
                place,
                had_login,
                is_registry,
                ..
            } => refused(*status, place, *had_login, *is_registry),
            Self::CutOff { .. } => one("run the same command again"),
            Self::PlainHttp { .. } => one(
                "use `https://`, or add `--plain-http` if you trust everything between here and that server",
            ),
            Self::NoRoots(_) => one("name a file with certificates with `SSL_CERT_FILE`"),
            Self::Checksum { .. } => {
                one("do not use it: fetch it again, and ask who keeps it if that does not help")
            }
            Self::NoChart { nearest, .. } if !nearest.is_empty() => {
                vec![format!("did you mean {}?", list(nearest, " or "))]
            }
            Self::NoVersion { nearest, .. } if !nearest.is_empty() => {
                vec![format!("versions that there are: {}", list(nearest, ", "))]
            }
            Self::NoVersion { .. } => one("add `--chart-version '>0.0.0-0'` to allow pre-releases"),
            Self::NotAChart { .. } | Self::NoChartThere { .. } => one(
                "name a folder, a `.tgz` of a Helm chart, `oci://…`, or `'REPOSITORY-URL NAME'`",
            ),
            Self::Read { path, .. } => vec![not_there(path)],
            Self::Login(error) => error.hint().into_iter().collect(),
            Self::Offline { has, flags, .. } => {
                let fetch = format!(
                    "run `vc template {flags}` once without `--offline`, or name a `.tgz` with `--chart`"
                );
                let there = (!has.is_empty())
                    .then(|| format!("versions in the cache: {}", list(has, ", ")));
                there.into_iter().chain([fetch]).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// What to do about a path at which nothing lies.
fn not_there(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    let is_name = Path::new(path).extension().is_none() && !path.starts_with('.');
    match parts.as_slice() {
        [first, name] if is_name && !first.is_empty() => format!(
            "names that `helm repo add` gave are not known here: write `--chart 'REPOSITORY-URL {name}'`"
        ),
        [name] if is_name => format!(
            "name a folder or a `.tgz`, `--chart upstream`, or a repository with `--chart-repo URL --chart {name}`"
        ),
        _ => "name a folder or a `.tgz` of a Helm chart, such as `helm pull` fetches".to_owned(),
    }
}

fn refused(
    status: http::StatusCode,
    place: &str,
    had_login: bool,
    is_registry: bool,
) -> Vec<String> {
    let hint = match (status.as_u16(), is_registry) {
        (401 | 403, true) if had_login => format!(
            "your login may not read it: log in anew with `helm registry login {place}` or `docker login {place}`"
        ),
        (401 | 403, true) => format!(
            "log in with `helm registry login {place}` or `docker login {place}`, if it is there at all"
        ),
        (401 | 403, false) if had_login => {
            "the user or password for the repository is not accepted: check them".to_owned()
        }
        (401 | 403, false) => {
            "name user and password as in `https://USER:PASSWORD@…`, or with `helm repo add --username`".to_owned()
        }
        (404, _) => "check the address".to_owned(),
        (407, _) => "check the user and password in `HTTPS_PROXY`".to_owned(),
        _ => "try again later".to_owned(),
    };
    vec![hint]
}

fn list(names: &[String], between: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(between)
}
