//! What an event tells about why pods of a workload, or their volumes, are missing.

use super::{Obstacle, image};
use crate::host::read::Event;

/// How to name a storage class, or do without one.
const STORAGE: &str = "name a storage class with `--set controlPlane.statefulSet.persistence.volumeClaim.storageClass=…`, \
                       or do without a volume with `--ephemeral`";
/// How to ask for less, or for what a quota wants to be told.
const RESOURCES: &str =
    "ask for a larger quota, or for less with `--set controlPlane.statefulSet.resources…`";

/// Refusals of pods that the same pod meets every time: part of the host's words, and what to do.
const REFUSALS: &[(&str, &str)] = &[
    ("exceeded quota", RESOURCES),
    (
        "failed quota",
        "say what it asks for with `--set controlPlane.statefulSet.resources…`",
    ),
    (
        "violates PodSecurity",
        "have the namespace allow it, or fit in with `--set controlPlane.statefulSet.security…`",
    ),
    (
        "denied the request",
        "do what the policy asks for, or name another namespace with `-n`",
    ),
    (
        "denied request",
        "do what the policy asks for, or name another namespace with `-n`",
    ),
    (
        "usage per ",
        "fit into the namespace's LimitRange with `--set controlPlane.statefulSet.resources…`",
    ),
    (
        "no PriorityClass",
        "make that PriorityClass, or correct `controlPlane.statefulSet.scheduling.priorityClassName`",
    ),
    ("is invalid: ", "correct the values that it names"),
];

/// What is in the way according to an event; `None` if it is about something else.
pub fn event(event: &Event) -> Option<Obstacle> {
    let object = &event.involved_object;
    let words = event.message.trim();
    let what = || format!("{} `{}`: {words}", object.kind.to_lowercase(), object.name);
    match (object.kind.as_str(), event.reason.as_str()) {
        ("StatefulSet" | "ReplicaSet" | "Deployment", "FailedCreate") => Some(refused_pod(words)),
        ("PersistentVolumeClaim", "FailedBinding") if words.contains("no storage class is set") => {
            Some(
                Obstacle::passing(format!(
                    "volume claim `{}` names no storage class, and the host has no default one",
                    object.name
                ))
                .hint(STORAGE)
                .finally(),
            )
        }
        ("PersistentVolumeClaim", "FailedBinding") => Some(Obstacle::passing(what()).hint(STORAGE)),
        ("PersistentVolumeClaim", "ProvisioningFailed") => {
            let obstacle = Obstacle::passing(what()).hint(STORAGE);
            let has_no_class = words.starts_with("storageclass") && words.contains("not found");
            Some(if has_no_class {
                obstacle.finally()
            } else {
                obstacle
            })
        }
        ("PersistentVolumeClaim", "ExternalProvisioning") => {
            Some(Obstacle::passing(what()).hint(STORAGE))
        }
        // The first of these are ordinary: the node learns of a pod a moment before it may see its volumes.
        ("Pod", "FailedMount" | "FailedAttachVolume" | "FailedCreatePodSandBox")
            if event.times() > 2 =>
        {
            Some(Obstacle::passing(what()))
        }
        // Told long before the pod itself says so.
        ("Pod", "Failed") => {
            let (image, why) = words
                .strip_prefix("Failed to pull image \"")?
                .split_once("\": ")?;
            Some(image::obstacle(image, "ErrImagePull", why))
        }
        ("Pod", "Pulling") => {
            let image = words.strip_prefix("Pulling image ").unwrap_or(words);
            let image = image.trim_matches('"');
            Some(Obstacle::passing(format!("pulling the image `{image}`")))
        }
        _ => None,
    }
}

fn refused_pod(words: &str) -> Obstacle {
    // Said by a StatefulSet's controller, and by a ReplicaSet's.
    let why = words
        .split_once(" failed error: ")
        .or_else(|| words.split_once("Error creating: "))
        .map_or(words, |(_, why)| why);
    let obstacle = Obstacle::passing(format!("its pod cannot be created: {why}"));
    match REFUSALS.iter().find(|(phrase, _)| words.contains(phrase)) {
        Some((_, hint)) => obstacle.hint(hint).finally(),
        // Such as a webhook that does not answer, or an account that the controller has not seen yet.
        None => obstacle,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(kind: &str, reason: &str, message: &str) -> Option<(String, bool)> {
        let event = json!({ "reason": reason, "message": message, "involvedObject": { "kind": kind, "name": "dev" }, "count": 1 });
        let event: Event = serde_json::from_value(event).unwrap();
        super::event(&event).map(|found| (found.reason, found.is_final))
    }

    #[test]
    fn refusals_of_pods_are_final_and_what_is_not_there_yet_is_not() {
        let cases = [
            (
                "create Pod dev-0 in StatefulSet dev failed error: pods \"dev-0\" is forbidden: exceeded quota: q, requested: pods=1",
                true,
            ),
            (
                "pods \"dev-0\" is forbidden: failed quota: q: must specify limits.cpu for: syncer",
                true,
            ),
            (
                "pods \"dev-0\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false",
                true,
            ),
            (
                "admission webhook \"policy.example.com\" denied the request: no",
                true,
            ),
            (
                "pods \"dev-0\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
                true,
            ),
            (
                "pods \"dev-0\" is forbidden: maximum memory usage per Container is 64Mi, but limit is 2Gi",
                true,
            ),
            (
                "Pod \"dev-0\" is invalid: spec.nodeSelector: Invalid value",
                true,
            ),
            (
                "pods \"dev-0\" is forbidden: error looking up service account a/vc-dev: serviceaccount \"vc-dev\" not found",
                false,
            ),
            (
                "Internal error occurred: failed calling webhook \"w\": connect: connection refused",
                false,
            ),
        ];
        for (words, is_final) in cases {
            let found = of("StatefulSet", "FailedCreate", words).map(|found| found.1);
            assert_eq!(found, Some(is_final), "{words}");
        }
    }

    #[test]
    fn claims_that_nothing_serves_are_final() {
        let of =
            |reason, message| of("PersistentVolumeClaim", reason, message).map(|found| found.1);
        let unset = "no persistent volumes available for this claim and no storage class is set";
        assert_eq!(of("FailedBinding", unset), Some(true));
        let unknown = "storageclass.storage.k8s.io \"fast\" not found";
        assert_eq!(of("ProvisioningFailed", unknown), Some(true));
        let full =
            "failed to provision volume with StorageClass \"a\": rpc error: ResourceExhausted";
        assert_eq!(of("ProvisioningFailed", full), Some(false));
        assert_eq!(
            of("WaitForFirstConsumer", "waiting for first consumer"),
            None
        );
    }

    #[test]
    fn a_pull_that_goes_on_is_named() {
        let found = of("Pod", "Pulling", "Pulling image \"ghcr.io/a:1\"");
        assert_eq!(
            found,
            Some(("pulling the image `ghcr.io/a:1`".to_owned(), false))
        );

        let failed = "Failed to pull image \"ghcr.io/a:1\": rpc error: code = NotFound desc = ghcr.io/a:1: not found";
        let why = "image `ghcr.io/a:1` cannot be pulled: ghcr.io/a:1: not found";
        assert_eq!(of("Pod", "Failed", failed), Some((why.to_owned(), true)));
        assert_eq!(of("Pod", "Failed", "Error: ErrImagePull"), None);
    }
}
