//! One request, read: its verb in Kubernetes' words and the resource that its path names.

use http::{HeaderMap, Method, Uri, header};
use serde_json::Value;

use super::{
    kinds::{self, ResourceKind},
    status::Failure,
};

/// A request without its connection.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

/// What a path below `/api` or `/apis` names.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) kind: &'static ResourceKind,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) subresource: String,
}

impl Request {
    pub(super) fn new(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Self {
        let body = serde_json::from_slice(body)
            .or_else(|_| yaml_serde::from_slice(body))
            .unwrap_or(Value::Null);
        Self {
            method: method.clone(),
            path: decode(uri.path()),
            query: query(uri.query().unwrap_or_default()),
            headers: headers.clone(),
            body,
        }
    }

    /// A parameter of the query; empty where it is missing.
    pub(super) fn parameter(&self, name: &str) -> &str {
        self.query
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }

    pub(super) fn header(&self, name: header::HeaderName) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    pub(super) fn is_dry_run(&self) -> bool {
        self.parameter("dryRun") == "All" || self.body["dryRun"][0] == "All"
    }

    /// The verb as authorisation names it, except `apply`, which it calls `patch`, and `forward`.
    pub(super) fn verb(&self) -> &'static str {
        let target = Target::parse(&self.path).ok();
        let has_name = target.as_ref().is_none_or(|target| !target.name.is_empty());
        let is_watch = matches!(self.parameter("watch"), "1" | "true");
        match self.method {
            Method::GET | Method::POST if self.path.ends_with("/portforward") => "forward",
            Method::GET if is_watch => "watch",
            Method::GET if !has_name => "list",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH
                if self
                    .header(header::CONTENT_TYPE)
                    .starts_with("application/apply-patch") =>
            {
                "apply"
            }
            Method::PATCH => "patch",
            Method::DELETE if has_name => "delete",
            Method::DELETE => "deletecollection",
            _ => "get",
        }
    }
}

impl Target {
    pub(super) fn parse(path: &str) -> Result<Self, Failure> {
        let steps: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, version, rest) = match steps.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return Err(Failure::no_such_path()),
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..]
                if !rest.is_empty() && !matches!(rest, ["status" | "finalize"]) =>
            {
                (*namespace, rest)
            }
            rest => ("", rest),
        };
        let [plural, rest @ ..] = rest else {
            return Err(Failure::no_such_path());
        };
        let kind = kinds::by_path(group, version, plural).ok_or_else(Failure::no_such_path)?;
        if !kind.is_namespaced && !namespace.is_empty() {
            return Err(Failure::no_such_path());
        }
        Ok(Self {
            kind,
            namespace: namespace.to_owned(),
            name: rest.first().copied().unwrap_or_default().to_owned(),
            subresource: rest.get(1).copied().unwrap_or_default().to_owned(),
        })
    }

    /// The resource as a rule of RBAC names it: `pods/portforward`.
    pub(super) fn resource(&self) -> String {
        if self.subresource.is_empty() {
            self.kind.plural.to_owned()
        } else {
            format!("{}/{}", self.kind.plural, self.subresource)
        }
    }
}

fn query(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(byte) = escaped {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(if *first == b'+' { b' ' } else { *first });
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
