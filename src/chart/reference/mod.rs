//! What `--chart` and the flags beside it mean: a place, and which chart there. Nothing is asked or read here.

use std::fmt;

use super::address::{Address, AddressError, Scheme};
use super::builtin;
use super::oci::manifest::is_digest;
use super::wanted::{NoVersion, Wanted, is_exact};

/// The word for the official chart.
const UPSTREAM: &str = "upstream";

/// The flags that name a chart, as they were given.
#[derive(Clone, Copy, Debug, Default)]
pub struct Named<'f> {
    /// `--chart`.
    pub chart: Option<&'f str>,
    /// `--chart-repo`.
    pub repository: Option<&'f str>,
    /// `--chart-version`.
    pub version: Option<&'f str>,
}

/// A chart that is not the built-in one.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Where it is.
    pub kind: Kind,
    /// The flags that name it, without secrets.
    pub flags: String,
}

/// Where a chart is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A folder or an archive on this machine.
    Path(String),
    /// An archive with an address of its own.
    Archive(Address),
    /// In a repository with an index.
    Repository {
        /// The repository.
        address: Address,
        /// The chart's name there.
        name: String,
        /// Which version of it.
        wanted: Wanted,
    },
    /// In a registry.
    Registry {
        /// The chart, without tag and digest.
        address: Address,
        /// Which state of it.
        at: At,
    },
}

/// Which of the charts that a registry has under one name.
#[derive(Clone, Debug)]
pub enum At {
    /// A version, or the newest allowed.
    Version(Wanted),
    /// What a tag leads to today.
    Tag(String),
    /// One that can be no other.
    Digest(String),
}

/// Why the flags name no chart. Addresses are not quoted where they may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// The address is none.
    #[error("the address of {0} cannot be used")]
    Address(&'static str, #[source] AddressError),
    /// The version is none.
    #[error(transparent)]
    Version(#[from] NoVersion),
    /// What was named has one version.
    #[error("`--chart-version` goes with a repository or a registry, and {0} has one version only")]
    OneVersion(&'static str),
    /// Tag and version differ.
    #[error("`--chart` says {tag}, and `--chart-version` says {version}")]
    TwoVersions {
        /// The tag.
        tag: String,
        /// The version.
        version: String,
    },
    /// A chart that says itself where it is, and a repository.
    #[error(
        "`--chart-repo` goes with the name of a chart, and `--chart` says itself where its chart is"
    )]
    TwoPlaces,
    /// No name of a chart.
    #[error("`{0}` is no name of a chart")]
    Name(String),
    /// No chart of a registry.
    #[error("`{0}` names no chart of a registry")]
    Registry(String),
}

impl ReferenceError {
    /// What to type instead.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Address(..) => {
                "write it as `https://charts.example.com` or `oci://registry.example.com/charts`"
            }
            Self::Version(_) => "write it as `--chart-version 0.36.1`, `'^0.36'` or `latest`",
            Self::OneVersion(_) => "leave out `--chart-version`",
            Self::TwoVersions { .. } => "leave out one of them",
            Self::TwoPlaces => "leave out `--chart-repo`, or name the chart alone",
            Self::Name(_) => {
                "use the name that the chart has in its repository, such as `vcluster`"
            }
            Self::Registry(_) => {
                "write it as `oci://registry.example.com/charts/vcluster:0.36.1`, in small letters"
            }
        }
    }
}

impl Reference {
    /// What the flags name; `None` for the built-in chart. `upstream` is where the official chart is.
    pub fn of(named: Named<'_>, upstream: &Address) -> Result<Option<Self>, ReferenceError> {
        let wanted = named.version.map(Wanted::parse).transpose()?;
        let repository = named
            .repository
            .map(|url| address(url, "`--chart-repo`"))
            .transpose()?;
        let (chart, wanted) = match (named.chart, wanted, &repository) {
            (None, None, None) => return Ok(None),
            (None | Some(UPSTREAM), wanted, _) => {
                let usual = || Wanted::parse(builtin::CONTROL_PLANE_VERSION).ok();
                let wanted = wanted.or_else(usual).unwrap_or(Wanted::Newest);
                let flags = match &repository {
                    Some(address) => format!("--chart upstream --chart-repo {address}"),
                    None => "--chart upstream".to_owned(),
                };
                let address = repository.as_ref().unwrap_or(upstream);
                let flags = with_version(flags, &wanted);
                let kind = in_repository(address, builtin::NAME, wanted)?;
                return Ok(Some(Self { kind, flags }));
            }
            (Some(chart), wanted, _) => (chart, wanted),
        };
        if let Some(address) = repository {
            if chart.contains("://") || chart.contains(char::is_whitespace) {
                return Err(ReferenceError::TwoPlaces);
            }
            let wanted = wanted.unwrap_or(Wanted::Newest);
            let flags = with_version(format!("--chart {chart} --chart-repo {address}"), &wanted);
            let kind = in_repository(&address, chart, wanted)?;
            return Ok(Some(Self { kind, flags }));
        }
        match chart.trim().split_once(char::is_whitespace) {
            Some((url, name)) if url.contains("://") => {
                let address = address(url, "the repository")?;
                let wanted = wanted.unwrap_or(Wanted::Newest);
                let name = name.trim();
                let flags = with_version(format!("--chart '{address} {name}'"), &wanted);
                let kind = in_repository(&address, name, wanted)?;
                Ok(Some(Self { kind, flags }))
            }
            _ if chart.contains("://") => {
                let address = address(chart.trim(), "the chart")?;
                let flags = format!("--chart {address}");
                if address.scheme == Scheme::Oci {
                    let flags = match &wanted {
                        Some(wanted) => with_version(flags, wanted),
                        None => flags,
                    };
                    let kind = in_registry(&address, wanted)?;
                    return Ok(Some(Self { kind, flags }));
                }
                let kind = Kind::Archive(only(address, wanted.as_ref(), "an archive")?);
                Ok(Some(Self { kind, flags }))
            }
            _ => {
                let path = only(chart.to_owned(), wanted.as_ref(), "a folder or archive")?;
                let flags = format!("--chart {path}");
                Ok(Some(Self {
                    kind: Kind::Path(path),
                    flags,
                }))
            }
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(out, "`{path}`"),
            Self::Archive(address) => write!(out, "`{address}`"),
            Self::Repository {
                address,
                name,
                wanted,
            } => match wanted {
                Wanted::Newest => write!(out, "`{name}` of `{address}`"),
                wanted => write!(out, "`{name}` {} of `{address}`", wanted.text()),
            },
            Self::Registry { address, at } => match at {
                At::Version(Wanted::Newest) => write!(out, "`{address}`"),
                At::Version(wanted) => write!(out, "`{address}` {}", wanted.text()),
                At::Tag(tag) => write!(out, "`{address}:{tag}`"),
                At::Digest(digest) => write!(out, "`{address}@{digest}`"),
            },
        }
    }
}

fn address(url: &str, whose: &'static str) -> Result<Address, ReferenceError> {
    Address::parse(url).map_err(|error| ReferenceError::Address(whose, error))
}

fn with_version(flags: String, wanted: &Wanted) -> String {
    match wanted {
        Wanted::Newest => flags,
        Wanted::Exact(version) => format!("{flags} --chart-version {version}"),
        Wanted::Range(range, _) => format!("{flags} --chart-version '{range}'"),
    }
}

fn only<T>(place: T, wanted: Option<&Wanted>, what: &'static str) -> Result<T, ReferenceError> {
    match wanted {
        None => Ok(place),
        Some(_) => Err(ReferenceError::OneVersion(what)),
    }
}

/// A chart by its name in a repository, which may be a folder of a registry.
fn in_repository(address: &Address, name: &str, wanted: Wanted) -> Result<Kind, ReferenceError> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "._-/".contains(letter);
    if name.is_empty() || !name.chars().all(is_name) || name.starts_with(['.', '/']) {
        return Err(ReferenceError::Name(name.to_owned()));
    }
    if address.scheme != Scheme::Oci {
        return Ok(Kind::Repository {
            address: address.clone(),
            name: name.to_owned(),
            wanted,
        });
    }
    let path = address.path.trim_end_matches('/');
    // Who names the chart itself for a mirror means it.
    let chart = if path.ends_with(&format!("/{name}")) {
        address.clone()
    } else {
        address.below(name)
    };
    in_registry(&chart, Some(wanted))
}

fn in_registry(address: &Address, wanted: Option<Wanted>) -> Result<Kind, ReferenceError> {
    let wrong = || ReferenceError::Registry(address.to_string());
    let (path, digest) = match address.path.split_once('@') {
        Some((path, digest)) => (path, Some(digest)),
        None => (address.path.as_str(), None),
    };
    let last = path.rfind('/').ok_or_else(wrong)?;
    let (path, tag) = match path[last..].find(':') {
        Some(colon) => (&path[..last + colon], Some(&path[last + colon + 1..])),
        None => (path, None),
    };
    let is_part = |part: &str| {
        let is_sign = |letter: char| {
            letter.is_ascii_lowercase() || letter.is_ascii_digit() || "._-".contains(letter)
        };
        !part.is_empty() && part.chars().all(is_sign) && part != "." && part != ".."
    };
    let is_tag = |tag: &str| {
        let is_sign = |letter: char| letter.is_ascii_alphanumeric() || "._-+".contains(letter);
        (1..=128).contains(&tag.len()) && tag.chars().all(is_sign)
    };
    if !path.trim_matches('/').split('/').all(is_part)
        || tag.is_some_and(|tag| !is_tag(tag))
        || digest.is_some_and(|digest| !is_digest(digest))
    {
        return Err(wrong());
    }
    let chart = address.at(Scheme::Oci, path.to_owned());
    let at = match (digest, tag) {
        (Some(digest), _) => At::Digest(only(digest.to_owned(), wanted.as_ref(), "a digest")?),
        (None, Some(tag)) => {
            let tag = tag.replace('_', "+");
            if let Some(version) = wanted.map(|wanted| wanted.text().to_owned())
                && version != tag
            {
                return Err(ReferenceError::TwoVersions { tag, version });
            }
            if is_exact(&tag) {
                At::Version(Wanted::Exact(tag))
            } else {
                At::Tag(tag.replace('+', "_"))
            }
        }
        (None, None) => At::Version(wanted.unwrap_or(Wanted::Newest)),
    };
    Ok(Kind::Registry { address: chart, at })
}

#[cfg(test)]
mod tests;
