//! What `vc doctor` says of what it found.

use std::path::Path;

use super::doctor::{Finding, Verdict};
use crate::cluster::ClusterRef;
use crate::error::Error;
use crate::host::{Host, HostError};
use crate::kubeconfig::{Fault, Files, Kubeconfig};
use crate::lifecycle::{Checkup, Identity, Known, Presence};
use crate::tunnel::background::TunnelView;

fn finding(result: Verdict, check: &'static str, detail: impl Into<String>) -> Finding {
    Finding {
        result,
        check,
        detail: detail.into(),
        hint: None,
    }
}

impl Finding {
    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A check that could not be made, for a reason that is itself the problem.
pub(super) fn of_error(check: &'static str, error: &Error) -> Finding {
    let causes = error.causes.iter().map(|cause| format!(": {cause}"));
    let detail = error.message.clone() + &causes.collect::<String>();
    Finding {
        hint: error.hints.first().cloned(),
        ..finding(Verdict::Problem, check, detail)
    }
}

/// The kubeconfig files themselves.
pub(super) fn of_files(files: &Files, faults: Vec<Fault>) -> Vec<Finding> {
    const CHECK: &str = "kubeconfig";
    if !faults.is_empty() {
        return faults.into_iter().map(of_fault).collect();
    }
    let existing = files.paths().iter().filter(|path| path.exists());
    let names: Vec<String> = existing
        .map(|path| format!("`{}`", path.display()))
        .collect();
    vec![match names.as_slice() {
        [] => finding(
            Verdict::Note,
            CHECK,
            format!(
                "there is none; `{}` would be made",
                files.default_file().display()
            ),
        ),
        [one] => finding(Verdict::Ok, CHECK, format!("{one} is valid and private")),
        _ => finding(
            Verdict::Ok,
            CHECK,
            format!("{} are valid and private", names.join(", ")),
        ),
    }]
}

fn of_fault(fault: Fault) -> Finding {
    let problem = |detail: String| finding(Verdict::Problem, "kubeconfig", detail);
    match fault {
        Fault::Unusable(error) => of_error("kubeconfig", &Error::from(error)),
        Fault::Open { file, mode } => problem(format!(
            "`{}` is open to others (mode {mode:04o})",
            file.display()
        ))
        .hint(format!("run `chmod 600 {}`", file.display())),
        Fault::StaleLock { lock, age } => problem(format!(
            "`{}` was left behind {} s ago, and keeps kubectl from writing",
            lock.display(),
            age.as_secs()
        ))
        .hint(format!(
            "run `rm {}` unless a program still holds it",
            lock.display()
        )),
        Fault::SameName { file, list, name } => problem(format!(
            "`{list}` in `{}` has `{name}` twice, which kubectl refuses",
            file.display()
        ))
        .hint("remove one of the two"),
    }
}

/// What the entries of the kubeconfig refer to.
pub(super) fn of_entries(kubeconfig: &Kubeconfig) -> Vec<Finding> {
    const CHECK: &str = "kubeconfig";
    let mut found = Vec::new();
    if let Some(current) = &kubeconfig.current_context
        && kubeconfig.context(current).is_none()
    {
        let detail = format!("the current context `{current}` is not there");
        found.push(
            finding(Verdict::Problem, CHECK, detail)
                .hint("choose another with `kubectl config use-context`"),
        );
    }
    for context in &kubeconfig.contexts {
        let cluster = context
            .cluster()
            .filter(|name| kubeconfig.cluster(name).is_none());
        let user = context
            .user()
            .filter(|name| kubeconfig.user(name).is_none());
        let missing = [
            cluster.map(|name| ("cluster", name)),
            user.map(|name| ("user", name)),
        ];
        for (what, name) in missing.into_iter().flatten() {
            let detail = format!(
                "the context `{}` names the {what} `{name}`, which is not there",
                context.name
            );
            found.push(match Identity::of(context) {
                Some(identity) => finding(Verdict::Problem, CHECK, detail).hint(format!(
                    "run `vc connect {} -n {}`",
                    identity.name, identity.namespace
                )),
                // Somebody else's, and perhaps meant so.
                None => finding(Verdict::Note, CHECK, detail),
            });
        }
    }
    found
}

/// The contexts that lead to virtual clusters.
pub(super) fn of_presences(presences: &[(Known, Presence)], is_removed: bool) -> Vec<Finding> {
    const CHECK: &str = "contexts";
    let mut found = Vec::new();
    let existing = presences
        .iter()
        .filter(|(_, presence)| *presence == Presence::Exists)
        .count();
    if existing > 0 {
        found.push(finding(
            Verdict::Ok,
            CHECK,
            format!("clusters of contexts that are there: {existing}"),
        ));
    }
    for (known, presence) in presences {
        let Known {
            context,
            name,
            namespace,
            host_context,
            ..
        } = known;
        let why = match presence {
            Presence::Exists => continue,
            Presence::Unknown(why) => {
                let detail =
                    format!("`{context}`: nobody can say whether its cluster is there: {why}");
                found.push(finding(Verdict::Note, CHECK, detail));
                continue;
            }
            Presence::Gone => {
                format!("there is no `{name}` in `{namespace}` on `{host_context}` any more")
            }
            Presence::Replaced => {
                format!("`{name}` in `{namespace}` on `{host_context}` is another one by now")
            }
        };
        found.push(if is_removed {
            finding(Verdict::Mended, CHECK, format!("`{context}` was removed: {why}"))
        } else {
            finding(Verdict::Problem, CHECK, format!("`{context}`: {why}"))
                .hint("run `vc doctor --kubeconfig --yes` to remove contexts of clusters that no longer exist")
        });
    }
    found
}

/// What the host said.
pub(super) fn of_checkup(host: &Host, reference: &ClusterRef, checkup: &Checkup) -> Vec<Finding> {
    let namespace = &reference.namespace;
    let version = match &checkup.version {
        Ok(version) => finding(
            Verdict::Ok,
            "host",
            format!(
                "`{}` at `{}` answers: Kubernetes {version}",
                host.context, host.server
            ),
        ),
        // Nothing else that was asked can be known either.
        Err(error) => return vec![of_error("host", &Error::from(error.clone()))],
    };
    let mut found = vec![version];
    match &checkup.missing {
        Ok(missing) if missing.is_empty() => found.push(finding(
            Verdict::Ok,
            "rights",
            format!("you may do all that a cluster in `{namespace}` takes"),
        )),
        Ok(missing) => found.extend(missing.iter().map(|right| {
            finding(Verdict::Problem, "rights", format!("you may not {right}"))
                .hint("ask for these rights on the host, or name a namespace of yours with `-n`")
        })),
        Err(error) => found.push(unknown("rights", error)),
    }
    found.push(match &checkup.storage_class {
        Ok(Some(name)) => finding(Verdict::Ok, "storage", format!("the default StorageClass is `{name}`")),
        Ok(None) if checkup.needs_storage_class => {
            finding(Verdict::Problem, "storage", "the host has no default StorageClass, and a cluster keeps its state in a volume")
                .hint("name one with `--set controlPlane.statefulSet.persistence.volumeClaim.storageClass=NAME`")
        }
        Ok(None) => finding(Verdict::Note, "storage", "the host has no default StorageClass"),
        Err(error) => unknown("storage", error),
    });
    found.push(match &checkup.pod_security {
        Ok(Some(level)) if level == "restricted" && !checkup.is_restricted_pod => finding(
            Verdict::Problem,
            "pod security",
            format!("`{namespace}` enforces `restricted`, and the control plane runs as root"),
        )
        .hint("name a namespace with `-n` that enforces `baseline` or less"),
        Ok(Some(level)) => finding(
            Verdict::Ok,
            "pod security",
            format!("`{namespace}` enforces `{level}`"),
        ),
        Ok(None) => finding(
            Verdict::Ok,
            "pod security",
            format!("`{namespace}` enforces nothing"),
        ),
        Err(error) => unknown("pod security", error),
    });
    found
}

fn unknown(check: &'static str, error: &HostError) -> Finding {
    finding(Verdict::Note, check, format!("cannot be told: {error}"))
}

/// Where state is kept.
pub(super) fn of_state_folder(folder: &Path) -> Finding {
    const CHECK: &str = "state";
    let shown = folder.display();
    if !folder.exists() {
        return finding(
            Verdict::Ok,
            CHECK,
            format!("`{shown}` will be made when it is needed"),
        );
    }
    match tempfile::tempfile_in(folder) {
        Ok(_) => finding(Verdict::Ok, CHECK, format!("`{shown}` can be written")),
        Err(error) => finding(
            Verdict::Problem,
            CHECK,
            format!("`{shown}` cannot be written: {error}"),
        )
        .hint("make it yours, or name another with `XDG_STATE_HOME`"),
    }
}

/// The agent in the background.
pub(super) fn of_agent(tunnels: Result<Vec<TunnelView>, Error>) -> Finding {
    const CHECK: &str = "agent";
    match tunnels {
        Ok(tunnels) if tunnels.is_empty() => finding(
            Verdict::Ok,
            CHECK,
            "keeps no tunnel; it starts when one is needed",
        ),
        Ok(tunnels) => finding(
            Verdict::Ok,
            CHECK,
            format!("keeps tunnels: {}", tunnels.len()),
        ),
        Err(error) => of_error(CHECK, &error),
    }
}
