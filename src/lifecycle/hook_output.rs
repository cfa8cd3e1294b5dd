//! What hooks wrote, shown where the chart asks for it by `helm.sh/hook-output-log-policy`, as Helm does.

use super::hooks::{FAILED, SUCCEEDED};
use crate::cluster::ObjectRef;
use crate::error::{Error, Kind};
use crate::helm::record::Hook;
use crate::host::log::LogPart;
use crate::host::read::Pod;
use crate::host::{Collection, Host, printable};
use crate::progress::Progress;

/// The most lines of one container that are shown: the last ones say how it ended.
const MOST_LINES: usize = 1000;

/// Shows what a Job or a Pod that ended has written, if the chart wants that of such an end.
pub(super) async fn show(
    host: &Host,
    hook: &Hook,
    object: &ObjectRef,
    has_succeeded: bool,
    progress: &dyn Progress,
) {
    let policy = if has_succeeded { SUCCEEDED } else { FAILED };
    if !hook.output_log_policies.iter().any(|known| known == policy) {
        return;
    }
    if let Err(error) = show_all(host, object, progress).await {
        progress.note(&format!(
            "the log of the hook {} `{}` cannot be shown: {error}",
            object.kind, object.name
        ));
    }
}

async fn show_all(host: &Host, object: &ObjectRef, progress: &dyn Progress) -> Result<(), Error> {
    let pods = Collection::of("Pod", object.namespace.as_deref());
    let pods: Vec<Pod> = match object.kind.as_str() {
        "Job" => {
            let of_job = format!("job-name={}", object.name);
            host.list(&pods, &of_job).await?
        }
        "Pod" => host.fetch(&pods, &object.name).await?.into_iter().collect(),
        _ => Vec::new(),
    };
    for pod in pods {
        for container in &pod.spec.containers {
            let part = LogPart {
                container: container.name.clone(),
                tail: Some(MOST_LINES),
                ..LogPart::default()
            };
            let name = &pod.metadata.name;
            let mut log = host.open_log(&pod.metadata.namespace, name, &part).await?;
            let broke_off = |error| Error::new(Kind::Host, "it broke off").because(&error);
            while let Some(line) = log.next().await.map_err(broke_off)? {
                let text = String::from_utf8_lossy(&line.text);
                progress.note(&format!("{name}: {}", printable(&text)));
            }
        }
    }
    Ok(())
}
