//! What the host's own words mean to a user: why a pod is not ready, and what a refusal asks for.

use super::read::{ContainerStatus, Event, Pod};
use super::{Call, HostError};
use crate::error::{Error, Kind};

/// Why something on the host is not ready yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// Why, in one line.
    pub reason: String,
    /// Whether waiting cannot help.
    pub is_final: bool,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Obstacle {
    fn passing(reason: String) -> Self {
        Self {
            reason,
            is_final: false,
            hint: None,
        }
    }

    fn hint(self, hint: &str) -> Self {
        Self {
            hint: Some(hint.to_owned()),
            ..self
        }
    }

    fn finally(self) -> Self {
        Self {
            is_final: true,
            ..self
        }
    }
}

/// Why a pod is not ready; `None` while nothing is wrong with it.
pub fn pod(pod: &Pod) -> Option<Obstacle> {
    let name = &pod.metadata.name;
    if pod.status.phase == "Failed" {
        let why = [&pod.status.message, &pod.status.reason]
            .into_iter()
            .find(|text| !text.is_empty());
        return Some(Obstacle::passing(format!(
            "pod `{name}` failed: {}",
            why.map_or("no reason given", |why| why)
        )));
    }
    let unscheduled = pod
        .status
        .conditions
        .iter()
        .find(|fact| fact.kind == "PodScheduled" && fact.status == "False");
    if let Some(fact) = unscheduled {
        return Some(
            Obstacle::passing(format!("pod `{name}` has no node yet: {}", fact.message))
                .hint("free or add a node, or lower what it asks for with `--set controlPlane.statefulSet.resources…`"),
        );
    }
    pod.status
        .init_container_statuses
        .iter()
        .chain(&pod.status.container_statuses)
        .find_map(container)
}

fn container(status: &ContainerStatus) -> Option<Obstacle> {
    let waiting = status.state.waiting.as_ref()?;
    let (name, image) = (&status.name, &status.image);
    let detail = if waiting.message.is_empty() {
        &waiting.reason
    } else {
        &waiting.message
    };
    match waiting.reason.as_str() {
        "ErrImagePull" | "ImagePullBackOff" | "RegistryUnavailable" => Some(
            Obstacle::passing(format!("image `{image}` cannot be pulled: {detail}"))
                .hint("name a registry that has it with `--registry`, and its credentials with `--pull-secret`"),
        ),
        "InvalidImageName" | "ErrImageNeverPull" => {
            Some(Obstacle::passing(format!("image `{image}` cannot be used: {detail}")).finally())
        }
        "CrashLoopBackOff" => {
            let ended = status.last_state.terminated.as_ref();
            let code = ended.and_then(|ended| ended.exit_code).map_or(String::new(), |code| format!(" with code {code}"));
            Some(Obstacle::passing(format!("container `{name}` ended{code}, {} times so far", status.restart_count)))
        }
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            Some(Obstacle::passing(format!("container `{name}` cannot start: {detail}")))
        }
        _ => None,
    }
}

/// What an event tells about why pods of a workload are missing; `None` if it is about something else.
pub fn event(event: &Event) -> Option<Obstacle> {
    let object = &event.involved_object;
    let what = format!(
        "{} `{}`: {}",
        object.kind.to_lowercase(),
        object.name,
        event.message.trim()
    );
    match (object.kind.as_str(), event.reason.as_str()) {
        ("StatefulSet" | "ReplicaSet" | "Deployment", "FailedCreate") => {
            let obstacle = Obstacle::passing(what);
            Some(if event.message.contains("exceeded quota") {
                obstacle.finally().hint("ask for a larger quota, or for less with `--set controlPlane.statefulSet.resources…`")
            } else {
                obstacle
            })
        }
        ("PersistentVolumeClaim", "ProvisioningFailed" | "FailedBinding") => Some(
            Obstacle::passing(what)
                .hint("name a storage class with `--set controlPlane.statefulSet.persistence.volumeClaim.storageClass=…`, or use `--ephemeral`"),
        ),
        // The first of these are ordinary: the node learns of a pod a moment before it may see its volumes.
        ("Pod", "FailedMount" | "FailedAttachVolume" | "FailedCreatePodSandBox") if event.count > 2 => {
            Some(Obstacle::passing(what))
        }
        _ => None,
    }
}

impl From<HostError> for Error {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Config { message, hint } => Self::new(Kind::Host, message).hint(hint),
            HostError::Unreachable { server, causes } => unreachable_host(&server, causes),
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
    let hint = if all.contains("expired") && all.contains("certificate") {
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
            error.push_cause(message);
            error
        }
    }
}
