//! Refusals, worded as Kubernetes words them.

use serde_json::{Value, json};

use super::kinds::ResourceKind;

/// Why a request failed; becomes a `Status` object.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// HTTP status code.
    pub(crate) code: u16,
    /// Machine-readable reason, such as `NotFound`.
    pub(crate) reason: &'static str,
    /// Text for people.
    pub(crate) message: String,
    /// The `details` of the Status.
    pub(crate) details: Value,
    /// Value of a `Retry-After` header.
    pub(crate) retry_after: Option<u64>,
}

impl Failure {
    fn new(code: u16, reason: &'static str, message: String, details: Value) -> Self {
        Self {
            code,
            reason,
            message,
            details,
            retry_after: None,
        }
    }

    fn of(kind: &ResourceKind, name: &str) -> Value {
        let mut details = json!({ "name": name, "kind": kind.plural });
        if !kind.group.is_empty() {
            details["group"] = kind.group.into();
        }
        details
    }

    pub(super) fn not_found(kind: &ResourceKind, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", kind.qualified());
        Self::new(404, "NotFound", message, Self::of(kind, name))
    }

    pub(super) fn no_such_path() -> Self {
        let message = "the server could not find the requested resource".to_owned();
        Self::new(404, "NotFound", message, json!({}))
    }

    pub(super) fn already_exists(kind: &ResourceKind, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", kind.qualified());
        Self::new(409, "AlreadyExists", message, Self::of(kind, name))
    }

    pub(super) fn changed(kind: &ResourceKind, name: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": the object has been modified; \
             please apply your changes to the latest version and try again",
            kind.qualified()
        );
        Self::new(409, "Conflict", message, Self::of(kind, name))
    }

    pub(super) fn precondition(
        kind: &ResourceKind,
        name: &str,
        what: &str,
        wanted: &str,
        is: &str,
    ) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": Precondition failed: \
             {what} in precondition: {wanted}, {what} in object meta: {is}",
            kind.qualified()
        );
        Self::new(409, "Conflict", message, Self::of(kind, name))
    }

    pub(super) fn apply_conflict(manager: &str, api_version: &str, fields: &[String]) -> Self {
        let count = fields.len();
        let s = if count == 1 { "" } else { "s" };
        let message = if let [field] = fields {
            format!(
                "Apply failed with 1 conflict: conflict with \"{manager}\" using {api_version}: {field}"
            )
        } else {
            let lines = fields.join("\n- ");
            format!(
                "Apply failed with {count} conflict{s}: conflicts with \"{manager}\" using {api_version}:\n- {lines}"
            )
        };
        let causes: Vec<Value> = fields
            .iter()
            .map(|field| {
                json!({
                    "reason": "FieldManagerConflict",
                    "message": format!("conflict with \"{manager}\" using {api_version}"),
                    "field": field,
                })
            })
            .collect();
        Self::new(409, "Conflict", message, json!({ "causes": causes }))
    }

    pub(super) fn forbidden(
        user: &str,
        verb: &str,
        kind: &ResourceKind,
        namespace: &str,
        name: &str,
    ) -> Self {
        let place = if namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace \"{namespace}\"")
        };
        let subject = if name.is_empty() {
            kind.qualified()
        } else {
            format!("{} \"{name}\"", kind.qualified())
        };
        let message = format!(
            "{subject} is forbidden: User \"{user}\" cannot {verb} resource \"{}\" in API group \"{}\" {place}",
            kind.plural, kind.group
        );
        Self::new(403, "Forbidden", message, Self::of(kind, name))
    }

    pub(super) fn terminating(kind: &ResourceKind, namespace: &str, name: &str) -> Self {
        let message = format!(
            "{} \"{name}\" is forbidden: unable to create new content in namespace {namespace} \
             because it is being terminated",
            kind.qualified()
        );
        let mut details = Self::of(kind, name);
        details["causes"] = json!([{
            "reason": "NamespaceTerminating",
            "message": format!("namespace {namespace} is being terminated"),
            "field": "metadata.namespace",
        }]);
        Self::new(403, "Forbidden", message, details)
    }

    pub(super) fn invalid(kind: &ResourceKind, name: &str, field: &str, problem: &str) -> Self {
        let group = if kind.group.is_empty() {
            String::new()
        } else {
            format!(".{}", kind.group)
        };
        let message = format!(
            "{}{group} \"{name}\" is invalid: {field}: {problem}",
            kind.kind
        );
        let mut details = Self::of(kind, name);
        details["kind"] = kind.kind.into();
        details["causes"] =
            json!([{ "reason": "FieldValueInvalid", "message": problem, "field": field }]);
        Self::new(422, "Invalid", message, details)
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message.into(), Value::Null)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized".to_owned(), Value::Null)
    }

    pub(super) fn expired(wanted: u64, oldest: u64) -> Self {
        Self::new(
            410,
            "Expired",
            format!("too old resource version: {wanted} ({oldest})"),
            Value::Null,
        )
    }

    pub(super) fn unsupported_media(content_type: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: \
             application/merge-patch+json, \
             application/strategic-merge-patch+json, application/apply-patch+yaml (got {content_type})"
        );
        Self::new(415, "UnsupportedMediaType", message, Value::Null)
    }

    /// A refusal in the words of whoever admits objects.
    pub(super) fn refused(code: u16, words: &str) -> Self {
        let mut failure = Self::scripted(code, None);
        words.clone_into(&mut failure.message);
        failure
    }

    /// What a scripted status code says.
    pub(super) fn scripted(code: u16, retry_after: Option<u64>) -> Self {
        let (reason, message) = match code {
            400 => (
                "BadRequest",
                "the server rejected our request for an unknown reason",
            ),
            401 => ("Unauthorized", "Unauthorized"),
            403 => ("Forbidden", "forbidden by the script of the test"),
            404 => (
                "NotFound",
                "the server could not find the requested resource",
            ),
            409 => ("Conflict", "conflict by the script of the test"),
            410 => ("Expired", "too old resource version"),
            422 => ("Invalid", "invalid by the script of the test"),
            429 => (
                "TooManyRequests",
                "too many requests, please try again later",
            ),
            503 => (
                "ServiceUnavailable",
                "the server is currently unable to handle the request",
            ),
            504 => (
                "Timeout",
                "the server was unable to return a response in the time allotted",
            ),
            _ => (
                "InternalError",
                "Internal error occurred: by the script of the test",
            ),
        };
        let details = retry_after.map_or(
            Value::Null,
            |seconds| json!({ "retryAfterSeconds": seconds }),
        );
        Self {
            retry_after,
            ..Self::new(code, reason, message.to_owned(), details)
        }
    }

    /// The `Status` object.
    pub(super) fn to_status(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        });
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }
}
