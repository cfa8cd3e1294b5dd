//! What a refusal of the host asks for, and what to do where it cannot be reached.

use crate::error::{Error, Kind};
use crate::host::{Call, HostError};

impl From<HostError> for Error {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Config { message, hint } => Self::new(Kind::Host, message).hint(hint),
            HostError::Unreachable { server, causes, .. } => unreachable_host(&server, causes),
            HostError::Refused {
                call,
                code,
                message,
                ..
            } => refused(&call, code, message),
            other @ (HostError::Unexpected { .. } | HostError::UnknownKind { .. }) => {
                Self::new(Kind::Failed, other.to_string())
            }
        }
    }
}

fn unreachable_host(server: &str, causes: Vec<String>) -> Error {
    let all = causes.join(" ").to_lowercase();
    let hint = if all.contains("peer certificate") && all.contains("expired") {
        "have the host's certificate renewed"
    } else if all.contains("expired") && all.contains("certificate") {
        "renew the certificate of your context, or log in again"
    } else if all.contains("certificate") || all.contains("tls") {
        "check that the certificate authority of your context is the host's own"
    } else if all.contains("exec") || all.contains("auth") {
        "run the login command of your context's credentials and try again"
    } else {
        "check that the host runs and can be reached from here, or name another with `--context`"
    };
    let mut error = Error::new(Kind::Host, format!("cannot reach the host at {server}")).hint(hint);
    for cause in causes {
        error.push_cause(cause);
    }
    error
}

fn refused(call: &Call, code: u16, message: String) -> Error {
    match code {
        401 => {
            let mut error = Error::new(
                Kind::Host,
                format!("the host does not accept your credentials (`{call}`)"),
            )
            .hint("log in to the host again, or name another context with `--context`");
            error.push_cause(message);
            error
        }
        // The access rules say "cannot <verb> resource"; admission and quota use the same status with other words.
        403 if message.contains(" cannot ") => {
            let place = call.namespace.as_ref().map_or(String::new(), |namespace| {
                format!(" in namespace `{namespace}`")
            });
            let flag = call
                .namespace
                .as_ref()
                .map_or(String::new(), |namespace| format!(" -n {namespace}"));
            let mut error = Error::new(
                Kind::Host,
                format!(
                    "you may not `{}` `{}`{place} on the host",
                    call.verb, call.resource
                ),
            )
            .hint(format!(
                "ask for that right, and check with `kubectl auth can-i {} {}{flag}`",
                call.verb, call.resource
            ));
            error.push_cause(message);
            error
        }
        403 => {
            let mut error = Error::new(Kind::Host, format!("the host refused `{call}`"));
            error.hints.extend(admission_hint(&message));
            error.push_cause(message);
            error
        }
        404 if message.starts_with("namespaces ") => {
            let mut error = Error::new(Kind::Failed, format!("the host could not do `{call}`"))
                .hint("name a namespace that there is with `-n`; to make one takes the right to `get` and `create` `namespaces`");
            error.push_cause(message);
            error
        }
        429 | 503 | 504 => {
            let mut error = Error::new(Kind::Host, format!("the host is too busy for `{call}`"))
                .hint("try again in a moment; what was done stays done");
            error.push_cause(message);
            error
        }
        _ => {
            let mut error = Error::new(Kind::Failed, format!("the host could not do `{call}`"));
            error.hints.extend(admission_hint(&message));
            error.push_cause(message);
            error
        }
    }
}

/// What to do about an object that is not admitted.
fn admission_hint(message: &str) -> Option<String> {
    let hint = if message.contains("exceeded quota") {
        "ask for a larger quota, or name another namespace with `-n`"
    } else if message.contains("denied the request") || message.contains("denied request") {
        "do what the policy asks for, or name another namespace with `-n`"
    } else if message.contains("being terminated") {
        "wait until the namespace is gone, or name another with `-n`"
    } else {
        return None;
    };
    Some(hint.to_owned())
}
