//! What can go wrong between us and the host, with the call that met it.

use std::fmt;

use crate::cluster::ObjectRef;

/// One call to the host in the words of its access rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or `deletecollection`.
    pub verb: &'static str,
    /// The resource with its group, for example `statefulsets.apps`, or a path such as `/version`.
    pub resource: String,
    /// The namespace, or `None` for all of them or none.
    pub namespace: Option<String>,
    /// The object, where it is about one.
    pub name: Option<String>,
}

impl Call {
    /// A call that is about no namespace and no object.
    pub fn new(verb: &'static str, resource: &str) -> Self {
        Self {
            verb,
            resource: resource.to_owned(),
            namespace: None,
            name: None,
        }
    }

    /// The same call about one object.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }
}

impl fmt::Display for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.verb, self.resource)?;
        if let Some(name) = &self.name {
            write!(formatter, " {name}")?;
        }
        if let Some(namespace) = &self.namespace {
            write!(formatter, " in {namespace}")?;
        }
        Ok(())
    }
}

/// Why a server that answered is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// Its certificate is signed by an authority that we do not know.
    UnknownAuthority,
    /// Its certificate is for other names.
    OtherName,
    /// Its certificate is not valid any more, or not yet.
    Expired,
    /// Its certificate is unusable for another reason.
    Other,
    /// It does not speak TLS.
    NoTls,
}

/// Why the host did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HostError {
    /// There is nothing to reach: no kubeconfig, no such context, unreadable credentials.
    #[error("{message}")]
    Config {
        /// What is wrong with it.
        message: String,
        /// What to do.
        hint: String,
    },
    /// No answer came, or not over a connection that can be trusted.
    #[error("no answer from the host at {server}")]
    Unreachable {
        /// Its address.
        server: String,
        /// Why, in the words of whoever met it.
        causes: Vec<String>,
        /// What is wrong with who answered; `None` if nobody did.
        distrust: Option<Distrust>,
    },
    /// The host answered, and said no.
    #[error("{message}")]
    Refused {
        /// What was asked.
        call: Box<Call>,
        /// The HTTP status.
        code: u16,
        /// The host's reason in one word, for example `AlreadyExists`.
        reason: String,
        /// The host's own message.
        message: String,
        /// Seconds after which it may be asked again, where it says so.
        retry_after: Option<u32>,
    },
    /// The host answered with something that is not what the Kubernetes API promises.
    #[error("the host answered `{call}` with something unexpected: {problem}")]
    Unexpected {
        /// What was asked.
        call: Box<Call>,
        /// What is wrong with the answer.
        problem: String,
    },
    /// The host does not know such objects.
    #[error("the host does not know the kind `{}` of `{}`", object.kind, object.api_version)]
    UnknownKind {
        /// The object.
        object: Box<ObjectRef>,
    },
}

impl HostError {
    /// A server that answered and is not trusted.
    pub fn distrusted(server: &str, distrust: Distrust) -> Self {
        Self::Unreachable {
            server: server.to_owned(),
            causes: Vec::new(),
            distrust: Some(distrust),
        }
    }

    /// Why a server that answered is not trusted.
    pub fn distrust(&self) -> Option<Distrust> {
        match self {
            Self::Unreachable { distrust, .. } => *distrust,
            _ => None,
        }
    }

    /// Whether the host said that there is no such thing.
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// Whether the host said that we may not.
    pub fn is_forbidden(&self) -> bool {
        self.code() == Some(403)
    }

    /// Whether something of that name is already there.
    pub fn is_already_there(&self) -> bool {
        matches!(self, Self::Refused { reason, .. } if reason == "AlreadyExists")
    }

    /// Whether a list or watch asked for a past that the host has forgotten.
    pub fn is_expired(&self) -> bool {
        self.code() == Some(410)
    }

    /// Whether the host said that an object cannot be like that.
    pub fn is_invalid(&self) -> bool {
        self.code() == Some(422)
    }

    /// Whether somebody else changed the object first.
    pub fn is_conflict(&self) -> bool {
        self.code() == Some(409) && !self.is_already_there()
    }

    fn code(&self) -> Option<u16> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }
}
