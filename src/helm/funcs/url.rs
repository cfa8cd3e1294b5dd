//! URLs, taken apart and put together as Go's `net/url` does it.

use std::fmt::Write as _;

use super::super::engine::Fault;
use super::super::value::{Map, Value, stray};
use super::{Row, pure};

pub(super) const TABLE: &[Row] = &[
    pure("urlParse", "text", |args| {
        let url = Url::parse(&args.string(0)?)
            .map_err(|problem| Fault::new(format!("unable to parse url: {problem}")))?;
        let hostname = url.hostname().to_owned();
        let userinfo = url.user.map_or_else(String::new, |user| user.text());
        let parts = [
            ("scheme", url.scheme),
            ("host", url.host),
            ("hostname", hostname),
            ("path", url.path),
            ("query", url.query),
            ("opaque", url.opaque),
            ("fragment", url.fragment),
            ("userinfo", userinfo),
        ];
        let parts = parts.into_iter().map(|(name, part)| (name, part.into()));
        Ok(Value::Map(parts.collect()))
    }),
    pure("urlJoin", "dict", |args| join(&args.map(0)?)),
];

#[derive(Default)]
struct Url {
    scheme: String,
    opaque: String,
    user: Option<User>,
    host: String,
    path: String,
    query: String,
    fragment: String,
    has_empty_query: bool,
}

struct User {
    name: String,
    password: Option<String>,
}

impl User {
    fn text(&self) -> String {
        let mut text = escaped(&self.name, Part::User);
        if let Some(password) = &self.password {
            text.push(':');
            text.push_str(&escaped(password, Part::User));
        }
        text
    }
}

type Parse<T> = Result<T, &'static str>;

impl Url {
    fn parse(text: &str) -> Parse<Self> {
        if text.chars().any(|letter| letter.is_ascii_control()) {
            return Err("invalid control character in URL");
        }
        let mut url = Self::default();
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        url.fragment = unescaped(fragment, Part::Fragment)?;
        if text == "*" {
            "*".clone_into(&mut url.path);
            return Ok(url);
        }
        let (scheme, rest) = split_scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (rest, query) = match rest.strip_suffix('?') {
            Some(rest) if !rest.contains('?') => {
                url.has_empty_query = true;
                (rest, "")
            }
            _ => rest.split_once('?').unwrap_or((rest, "")),
        };
        query.clone_into(&mut url.query);
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                rest.clone_into(&mut url.opaque);
                return Ok(url);
            }
            let first = rest.split('/').next().unwrap_or_default();
            if first.contains(':') {
                return Err("first path segment in URL cannot contain colon");
            }
        }
        let mut rest = rest;
        let has_scheme_or_two = !url.scheme.is_empty() || !rest.starts_with("///");
        if has_scheme_or_two && let Some(after) = rest.strip_prefix("//") {
            let end = after.find('/').unwrap_or(after.len());
            url.authority(&after[..end])?;
            rest = &after[end..];
        }
        url.path = unescaped(rest, Part::Path)?;
        Ok(url)
    }

    fn authority(&mut self, authority: &str) -> Parse<()> {
        let host = match authority.rsplit_once('@') {
            None => authority,
            Some((user, host)) => {
                let is_allowed = |letter: char| {
                    letter.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(letter)
                };
                if !user.chars().all(is_allowed) {
                    return Err("net/url: invalid userinfo");
                }
                let (name, password) = match user.split_once(':') {
                    Some((name, password)) => (name, Some(unescaped(password, Part::User)?)),
                    None => (user, None),
                };
                self.user = Some(User {
                    name: unescaped(name, Part::User)?,
                    password,
                });
                host
            }
        };
        let port = if host.starts_with('[') {
            let end = host.rfind(']').ok_or("missing ']' in host")?;
            &host[end + 1..]
        } else {
            host.rfind(':').map_or("", |at| &host[at..])
        };
        let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
            return Err("invalid port after host");
        }
        self.host = unescaped(host, Part::Host)?;
        Ok(())
    }

    /// The host without its port and without the brackets of an IPv6 address.
    fn hostname(&self) -> &str {
        let host = &self.host;
        if let Some(rest) = host.strip_prefix('[') {
            return rest.split(']').next().unwrap_or(rest);
        }
        match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        }
    }

    fn text(&self) -> String {
        let mut out = String::new();
        if !self.scheme.is_empty() {
            let _ = write!(out, "{}:", self.scheme);
        }
        if self.opaque.is_empty() {
            let has_authority =
                !self.scheme.is_empty() || !self.host.is_empty() || self.user.is_some();
            let is_omitted = self.host.is_empty() && self.user.is_none() && self.path.is_empty();
            if has_authority && !is_omitted {
                if !self.host.is_empty() || !self.path.is_empty() || self.user.is_some() {
                    out.push_str("//");
                }
                if let Some(user) = &self.user {
                    let _ = write!(out, "{}@", user.text());
                }
                out.push_str(&escaped(&self.host, Part::Host));
            }
            let path = escaped(&self.path, Part::Path);
            if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
                out.push('/');
            }
            let first = path.split('/').next().unwrap_or_default();
            if out.is_empty() && first.contains(':') {
                // Else the first part would be taken for a scheme.
                out.push_str("./");
            }
            out.push_str(&path);
        } else {
            out.push_str(&self.opaque);
        }
        if self.has_empty_query || !self.query.is_empty() {
            let _ = write!(out, "?{}", self.query);
        }
        if !self.fragment.is_empty() {
            let _ = write!(out, "#{}", escaped(&self.fragment, Part::Fragment));
        }
        out
    }
}

fn split_scheme(text: &str) -> Parse<(&str, &str)> {
    for (at, letter) in text.char_indices() {
        match letter {
            '0'..='9' | '+' | '-' | '.' if at == 0 => break,
            'a'..='z' | 'A'..='Z' | '0'..='9' | '+' | '-' | '.' => {}
            ':' if at == 0 => return Err("missing protocol scheme"),
            ':' => return Ok((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    User,
    Host,
    Path,
    Fragment,
}

impl Part {
    /// Whether a byte stands for itself there.
    fn takes(self, byte: u8) -> bool {
        match byte {
            b'-' | b'_' | b'.' | b'~' => true,
            byte if byte.is_ascii_alphanumeric() => true,
            b'!' | b'\'' | b'(' | b')' | b'*' => self == Self::Host || self == Self::Fragment,
            b'[' | b']' | b'<' | b'>' | b'"' => self == Self::Host,
            b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match self {
                Self::Path => byte != b'?',
                Self::User => !matches!(byte, b'@' | b'/' | b'?' | b':'),
                Self::Host => matches!(byte, b'$' | b'&' | b'+' | b',' | b':' | b';' | b'='),
                Self::Fragment => true,
            },
            _ => false,
        }
    }
}

fn escaped(text: &str, part: Part) -> String {
    let mut out = String::new();
    for byte in stray::bytes_of(text).iter().copied() {
        if part.takes(byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn unescaped(text: &str, part: Part) -> Parse<String> {
    let mut out = Vec::with_capacity(text.len());
    let held = stray::bytes_of(text);
    let mut bytes = held.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            if part == Part::Host && byte.is_ascii() && !part.takes(byte) {
                return Err("invalid character in host name");
            }
            out.push(byte);
            continue;
        }
        let mut digit = || {
            let digit = char::from(bytes.next()?).to_digit(16)?;
            u8::try_from(digit).ok()
        };
        let (high, low) = digit().zip(digit()).ok_or("invalid URL escape")?;
        out.push(high << 4 | low);
    }
    Ok(stray::text_of(&out).into_owned())
}

fn join(parts: &Map) -> Result<Value, Fault> {
    let part = |name: &str| match parts.get(name) {
        None => Ok(String::new()),
        Some(Value::Str(text)) => Ok(text.to_string()),
        Some(other) => Err(Fault::new(format!(
            "unable to parse {name} key, must be of type string, but {} found",
            other.kind()
        ))),
    };
    let mut url = Url {
        scheme: part("scheme")?,
        host: part("host")?,
        path: part("path")?,
        query: part("query")?,
        opaque: part("opaque")?,
        fragment: part("fragment")?,
        ..Url::default()
    };
    let user = part("userinfo")?;
    if !user.is_empty() {
        let parsed = Url::parse(&format!("proto://{user}@host")).map_err(|problem| {
            Fault::new(format!("unable to parse userinfo in dict: {problem}"))
        })?;
        url.user = parsed.user;
    }
    Ok(url.text().into())
}
