//! Where something lies on the web: an URL whose user and password are kept apart from what may be shown.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::login::Login;

/// How an address is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// HTTP with TLS.
    Https,
    /// HTTP without.
    Http,
    /// A registry of OCI artifacts, which speaks HTTP with TLS.
    Oci,
}

impl Scheme {
    fn word(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Oci => "oci",
        }
    }
}

/// An absolute URL. What it is shown as holds neither user nor password, and no query, which may be as secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Who the URL says that we are.
    pub login: Option<Login>,
    /// The name or number of the host, in small letters; one of IPv6 in brackets.
    pub host: String,
    /// The port, unless it is the usual one of the scheme.
    pub port: Option<u16>,
    /// Empty, or from the first `/` on.
    pub path: String,
    query: Option<String>,
}

/// Why a text is no address. It never quotes the text, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It has another scheme, or none.
    #[error("it begins with neither `https://`, `http://` nor `oci://`")]
    Scheme,
    /// There is no host in it.
    #[error("no host is named in it")]
    Host,
    /// The port is none.
    #[error("the port in it is no number from 1 to 65535")]
    Port,
    /// It has signs that no URL has.
    #[error("it has blanks or signs that no URL has")]
    Signs,
}

impl Address {
    /// Reads an absolute URL; what follows a `#` is dropped.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(AddressError::Scheme)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            "oci" => Scheme::Oci,
            _ => return Err(AddressError::Scheme),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, below) = rest.split_at(end);
        let (login, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(login(user)), place),
            None => (None, authority),
        };
        let (host, port) = host_and_port(place)?;
        let (path, query) = match below.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (below, None),
        };
        let usual = if scheme == Scheme::Http { 80 } else { 443 };
        let address = Self {
            scheme,
            login,
            host,
            port: port.filter(|port| *port != usual),
            path: path.to_owned(),
            query,
        };
        address.to_uri().map(|_| address)
    }

    /// What a relative or absolute URL found at this address leads to, by the rules of RFC 3986. A user or password
    /// in it counts for nothing: only what the user wrote says who they are.
    pub fn resolve(&self, found: &str) -> Result<Self, AddressError> {
        let mut address = if found.contains("://") {
            Self::parse(found)?
        } else if found.starts_with("//") {
            Self::parse(&format!("{}:{found}", self.scheme.word()))?
        } else {
            let found = found.split('#').next().unwrap_or_default();
            let (path, query) = match found.split_once('?') {
                Some((path, query)) => (path, Some(query.to_owned())),
                None => (found, None),
            };
            let path = if path.is_empty() {
                self.path.clone()
            } else if path.starts_with('/') {
                without_dots(path)
            } else {
                let folder = self.path.rfind('/').map_or("/", |end| &self.path[..=end]);
                without_dots(&format!("{folder}{path}"))
            };
            let address = Self {
                path,
                query,
                ..self.clone()
            };
            address.to_uri().map(|_| address)?
        };
        address.login = None;
        Ok(address)
    }

    /// A file or folder below this address, whose query it keeps: some repositories are opened by what is in it.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        Self {
            path: format!("{}/{name}", self.path.trim_end_matches('/')),
            ..self.clone()
        }
    }

    /// Where a chart lies that the index of this repository names by `found`, as Helm has it: relative URLs begin at
    /// the repository and keep its query.
    pub fn of_index(&self, found: &str) -> Result<Self, AddressError> {
        let base = self.below("");
        let mut address = base.resolve(found)?;
        if !found.contains("://") && !found.starts_with("//") {
            address.query.clone_from(&self.query);
        }
        Ok(address)
    }

    /// The same with another path and without a query, spoken to as `scheme`.
    #[must_use]
    pub fn at(&self, scheme: Scheme, path: String) -> Self {
        Self {
            scheme,
            path,
            query: None,
            ..self.clone()
        }
    }

    /// The same with these parameters behind those that its query has.
    #[must_use]
    pub fn with_query(&self, parameters: &[(&str, &str)]) -> Self {
        let encoded = parameters.iter().map(|(name, value)| {
            format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
        });
        let all: Vec<String> = self.query.iter().cloned().chain(encoded).collect();
        Self {
            query: Some(all.join("&")),
            ..self.clone()
        }
    }

    /// The host, with the port if it is an unusual one.
    pub fn place(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// Whether both speak to the same server in the same way.
    pub fn is_same_origin(&self, other: &Self) -> bool {
        (self.scheme, &self.host, self.port) == (other.scheme, &other.host, other.port)
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        let number = self.host.trim_start_matches('[').trim_end_matches(']');
        self.host == "localhost"
            || number
                .parse::<IpAddr>()
                .is_ok_and(|number| number.is_loopback())
    }

    /// What a request is sent to.
    pub(super) fn to_uri(&self) -> Result<Uri, AddressError> {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https | Scheme::Oci => "https",
        };
        let path = if self.path.is_empty() {
            "/"
        } else {
            &self.path
        };
        let below = match &self.query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        Uri::builder()
            .scheme(scheme)
            .authority(self.place())
            .path_and_query(below)
            .build()
            .map_err(|_| AddressError::Signs)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}://{}{}",
            self.scheme.word(),
            self.place(),
            self.path
        )
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

fn login(user: &str) -> Login {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    Login::Password {
        user: decoded(user),
        password: decoded(password),
    }
}

fn host_and_port(place: &str) -> Result<(String, Option<u16>), AddressError> {
    let split = match place.rfind(']') {
        Some(end) => place[end..].find(':').map(|colon| end + colon),
        None => place.rfind(':'),
    };
    let (host, port) = match split {
        Some(colon) => (&place[..colon], Some(&place[colon + 1..])),
        None => (place, None),
    };
    let port = match port {
        None | Some("") => None,
        Some(port) => Some(
            port.parse()
                .ok()
                .filter(|port| *port > 0)
                .ok_or(AddressError::Port)?,
        ),
    };
    if host.is_empty() {
        return Err(AddressError::Host);
    }
    Ok((host.to_ascii_lowercase(), port))
}

/// A path without `.` and `..`, which never lead above its root.
fn without_dots(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').skip(1) {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if path.ends_with("/.") || path.ends_with("/..") {
        parts.push("");
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        let secret = address("https://me:p%40ss@Charts.Example.com:8443/a/b?token=x#y");
        assert_eq!(secret.to_string(), "https://charts.example.com:8443/a/b");
        assert_eq!(format!("{secret:?}"), secret.to_string());
        assert_eq!(
            secret.login,
            Some(Login::Password {
                user: "me".to_owned(),
                password: "p@ss".to_owned()
            })
        );
        assert_eq!(
            secret.to_uri().unwrap().to_string(),
            "https://charts.example.com:8443/a/b?token=x"
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (text, wrong) in [
            ("charts.example.com", AddressError::Scheme),
            ("ftp://charts.example.com", AddressError::Scheme),
            ("https:///a", AddressError::Host),
            ("https://a:b/", AddressError::Port),
            ("https://a:0/", AddressError::Port),
            ("https://a/b c", AddressError::Signs),
            ("https://a b/", AddressError::Signs),
        ] {
            assert_eq!(Address::parse(text), Err(wrong), "{text}");
        }
    }

    #[test]
    fn urls_of_an_index_begin_at_the_repository() {
        let repository = address("https://me:secret@a.example/charts?key=k");
        let found = |text: &str| {
            let found = repository.of_index(text).unwrap();
            assert_eq!(found.login, None);
            found.to_uri().unwrap().to_string()
        };
        assert_eq!(found("x-1.tgz"), "https://a.example/charts/x-1.tgz?key=k");
        assert_eq!(found("../x.tgz"), "https://a.example/x.tgz?key=k");
        assert_eq!(found("/y/./x.tgz"), "https://a.example/y/x.tgz?key=k");
        assert_eq!(
            found("https://other:pw@b.example/x.tgz"),
            "https://b.example/x.tgz"
        );
        assert_eq!(
            address("https://a.example").below("index.yaml").to_string(),
            "https://a.example/index.yaml"
        );
    }

    #[test]
    fn a_redirect_is_resolved_by_the_rules_of_urls() {
        let at = address("https://a.example/one/two?q=1");
        let resolved = |text: &str| at.resolve(text).unwrap().to_uri().unwrap().to_string();
        assert_eq!(resolved("three"), "https://a.example/one/three");
        assert_eq!(resolved("/x?y=1"), "https://a.example/x?y=1");
        assert_eq!(resolved("?z=2"), "https://a.example/one/two?z=2");
        assert_eq!(resolved("//b.example/x"), "https://b.example/x");
        assert_eq!(resolved("http://c.example/"), "http://c.example/");
        assert_eq!(resolved("../../../../x"), "https://a.example/x");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let origin = |left: &str, right: &str| address(left).is_same_origin(&address(right));
        assert!(origin("https://a.example", "https://A.example:443/x"));
        assert!(!origin("https://a.example", "http://a.example"));
        assert!(!origin("https://a.example", "https://a.example:8443"));
        assert!(!origin("https://a.example", "https://a.example.org"));
        assert!(address("http://[::1]:80/").is_loopback());
        assert!(address("https://127.0.0.1:5000").is_loopback());
        assert!(!address("https://localhost.example.com").is_loopback());
    }
}
