//! Live completion: names that are there now, for the shell that asks.
//!
//! A shell waits for the answer with the user's cursor, so it has its own deadline, and a failure is silence.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap_complete::CompletionCandidate;
use serde_json::Value;

use crate::cluster::Name;
use crate::cluster::Namespace;
use crate::command::Session;
use crate::error::Error;
use crate::host::read::Partial;
use crate::host::{Collection, Host};
use crate::lifecycle;
use crate::process::Process;
use crate::settings::{Layer, Settings};
use crate::ui::{Manner, Ui};

/// How long the answer may take in all.
const DEADLINE: Duration = Duration::from_millis(300);

/// Names of virtual clusters.
pub fn clusters() -> Vec<CompletionCandidate> {
    answer(async |session| {
        let host = host(session).await?;
        let listing = lifecycle::list(&host, &session.scope(), "").await?;
        Ok(listing
            .clusters
            .into_iter()
            .map(|cluster| cluster.reference.name.to_string())
            .collect())
    })
}

/// Revisions of the virtual cluster that the line names.
pub fn revisions() -> Vec<CompletionCandidate> {
    answer(async |session| {
        let words = typed(&session.process);
        let mut after = words.iter().skip_while(|word| **word != "rollback").skip(1);
        let name = after.find(|word| !word.starts_with('-'));
        let Some(name) = name.and_then(|name| Name::parse(name).ok()) else {
            return Ok(Vec::new());
        };
        let host = host(session).await?;
        let (_, history) = lifecycle::release_of(&host, &name, &session.scope()).await?;
        let numbers = history.rows().into_iter().rev();
        Ok(numbers
            .map(|revision| revision.number.to_string())
            .collect())
    })
}

/// Names of namespaces of the host.
pub fn namespaces() -> Vec<CompletionCandidate> {
    answer(async |session| {
        let host = host(session).await?;
        let namespaces: Vec<Partial> = host.list(&Collection::of("Namespace", None), "").await?;
        Ok(namespaces
            .into_iter()
            .map(|namespace| namespace.metadata.name)
            .collect())
    })
}

/// Names of contexts of the kubeconfig.
pub fn contexts() -> Vec<CompletionCandidate> {
    answer(async |session| {
        let kubeconfig = session.kubeconfig_files().read()?;
        Ok(kubeconfig
            .contexts
            .into_iter()
            .map(|context| context.name)
            .collect())
    })
}

/// Answers on a thread of its own: a credential plugin or a look-up of a name may block it, and the shell does not wait.
fn answer<F>(names: F) -> Vec<CompletionCandidate>
where
    F: AsyncFnOnce(&Session) -> Result<Vec<String>, Error> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let found = session().and_then(|session| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .ok()?;
            let found = runtime.block_on(names(&session)).ok();
            runtime.shutdown_background();
            found
        });
        // Nobody may be there any more to hear it.
        let _ = sender.send(found);
    });
    let names = receiver.recv_timeout(DEADLINE).ok().flatten();
    names
        .unwrap_or_default()
        .into_iter()
        .map(CompletionCandidate::new)
        .collect()
}

fn session() -> Option<Session> {
    let process = Process::current();
    let flags = flags(&typed(&process));
    let settings = Settings::resolve(flags.clone(), &process).ok()?;
    let ui = Ui::new(Manner {
        is_quiet: true,
        ..Manner::default()
    });
    Some(Session::new(process, flags, settings, ui))
}

/// The host of the session.
///
/// The user is in the middle of a line: a credential plugin may not ask them anything.
async fn host(session: &Session) -> Result<Host, Error> {
    let kubeconfig = session.kubeconfig_files().read()?;
    let current = kubeconfig.current_context.clone();
    let context = match (&session.settings.context, session.current_identity()?) {
        (Some(context), _) => Some(context.clone()),
        (None, Some((_, identity))) => Some(identity.host_context),
        (None, None) => current.map(|current| {
            lifecycle::host_context_in_name(&current)
                .filter(|name| kubeconfig.context(name).is_some())
                .map_or(current.clone(), str::to_owned)
        }),
    };
    let Some(context) = context else {
        // A pod's own service account has no plugin.
        return session.host().await;
    };
    let mut document = kubeconfig
        .to_json_for(&context)
        .ok_or_else(|| Error::usage(format!("there is no context `{context}`")))?;
    silence_plugins(&mut document);
    Ok(Host::from_kubeconfig(document, &context, session.agent).await?)
}

/// Keeps the terminal from the credential plugins of a kubeconfig.
fn silence_plugins(kubeconfig: &mut Value) {
    let users = kubeconfig["users"].as_array_mut().into_iter().flatten();
    for user in users {
        if let Some(plugin) = user
            .pointer_mut("/user/exec")
            .and_then(Value::as_object_mut)
        {
            plugin.insert("interactiveMode".to_owned(), "Never".into());
        }
    }
}

/// The words before the one that is being completed, without the program's own name.
fn typed(process: &Process) -> Vec<&str> {
    let words = process
        .arguments
        .iter()
        .skip_while(|word| *word != "--")
        .skip(2)
        .map(|word| word.to_str().unwrap_or_default());
    let mut words: Vec<&str> = words.collect();
    // Some shells give the place of the word, which counts the program; the others end the line with it.
    let place = process
        .variable("_CLAP_COMPLETE_INDEX")
        .and_then(|place| place.to_str()?.parse::<usize>().ok());
    words.truncate(place.unwrap_or(words.len()).saturating_sub(1));
    words
}

/// What the words already say about where the host is.
fn flags(words: &[&str]) -> Layer {
    let mut layer = Layer::default();
    let mut words = words.iter().take_while(|word| **word != "--");
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (*word, None),
        };
        if !["--context", "--kubeconfig", "--namespace", "-n"].contains(&flag) {
            continue;
        }
        let Some(value) = value.or_else(|| words.next().copied()) else {
            break;
        };
        match flag {
            "--context" => layer.context = Some(value.to_owned()),
            "--kubeconfig" => layer.kubeconfig = Some(value.into()),
            _ => layer.namespace = Namespace::parse(value).ok(),
        }
    }
    layer
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn flags_typed_so_far_say_where_the_host_is() {
        let layer = flags(&[
            "delete",
            "-n",
            "team",
            "--context=far",
            "dev",
            "--",
            "--kubeconfig",
            "x",
        ]);
        assert_eq!(layer.namespace, Namespace::parse("team").ok());
        assert_eq!(layer.context.as_deref(), Some("far"));
        assert_eq!(layer.kubeconfig, None);
        assert_eq!(flags(&["list", "--context"]).context, None);
    }

    #[test]
    fn plugins_never_ask_while_a_line_is_typed() {
        let mut kubeconfig = json!({ "users": [
            { "user": { "exec": { "command": "login", "interactiveMode": "IfAvailable" } } },
            { "user": { "token": "x" } },
        ] });
        silence_plugins(&mut kubeconfig);
        assert_eq!(
            kubeconfig["users"][0]["user"]["exec"]["interactiveMode"],
            "Never"
        );
        assert_eq!(kubeconfig["users"][1], json!({ "user": { "token": "x" } }));
    }
}
