//! Which clusters a command means.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::Session;
use crate::cluster::{Name, VirtualCluster};
use crate::error::{Error, Kind};
use crate::host::Host;
use crate::lifecycle::{self, Listing};
use crate::ui::{Course, Reporter};

/// Clusters that are worked on at once: so many that waiting for one's pods is not waiting for another's, so few that
/// a small host is not asked to start dozens of control planes in one second.
pub(super) const AT_ONCE: usize = 8;

/// Several clusters, by name, by label, or all.
#[derive(Debug, clap::Args)]
pub(super) struct Targets {
    /// The virtual clusters
    #[arg(required_unless_present_any = ["all", "selector"], conflicts_with_all = ["all", "selector"])]
    #[arg(add = clap_complete::ArgValueCandidates::new(crate::complete::clusters))]
    pub(super) names: Vec<String>,
    /// Every virtual cluster, of one namespace with `-n`
    #[arg(long)]
    pub(super) all: bool,
    /// Those whose labels match, such as `team=a`
    #[arg(short = 'l', long, value_name = "LABELS", value_parser = selector)]
    pub(super) selector: Option<String>,
}

impl Targets {
    /// The clusters that are meant. For more than were named, asks on a terminal before `doing` anything.
    pub(super) async fn resolve(
        &self,
        session: &Session,
        host: &Host,
        doing: &str,
    ) -> Result<Vec<VirtualCluster>, Error> {
        if self.names.is_empty() {
            let labels = self.selector.as_deref().unwrap_or_default();
            let listing = lifecycle::list(host, &session.scope(), labels).await?;
            tell_where(session, &listing);
            let clusters = listing.clusters;
            let names: Vec<String> = clusters
                .iter()
                .map(|cluster| cluster.reference.to_string())
                .collect();
            if !names.is_empty()
                && !session
                    .ui
                    .confirm(&format!("{doing}: {}?", names.join(", ")), true)?
            {
                return Err(Error::usage("nothing was done, because nobody consented")
                    .hint("add `--yes` to consent"));
            }
            return Ok(clusters);
        }
        let names = self
            .names
            .iter()
            .map(|name| Name::parse(name))
            .collect::<Result<Vec<_>, _>>()?;
        let scope = session.scope();
        let found: Vec<VirtualCluster> = stream::iter(&names)
            .map(|name| lifecycle::find(host, name, &scope))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut clusters: Vec<VirtualCluster> = Vec::new();
        for cluster in found {
            // Two of one name would be worked on at once, in each other's way.
            if !clusters
                .iter()
                .any(|other| other.reference == cluster.reference)
            {
                clusters.push(cluster);
            }
        }
        Ok(clusters)
    }
}

/// Does the same to each of several things, some at once: what was done, and what could not be, each in the order of the
/// things, whichever came to its end first.
pub(super) async fn each<T, R>(
    reporter: &Reporter,
    things: impl IntoIterator<Item = T>,
    work: impl AsyncFn(T, &Course<'_>) -> Result<R, Error>,
) -> (Vec<R>, Vec<Error>) {
    let work = &work;
    let mut outcomes: Vec<(usize, Result<R, Error>)> = stream::iter(things.into_iter().enumerate())
        .map(|(index, thing)| async move {
            let course = reporter.course();
            let outcome = work(thing, &course).await;
            course.done(outcome.is_ok());
            (index, outcome)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    outcomes.sort_by_key(|(index, _)| *index);
    let (mut done, mut failures) = (Vec::new(), Vec::new());
    for (_, outcome) in outcomes {
        match outcome {
            Ok(row) => done.push(row),
            Err(error) => failures.push(error),
        }
    }
    (done, failures)
}

/// A selector as it was typed. An empty one, such as an unset variable leaves, would mean every cluster.
fn selector(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("it names no label; `--all` means every virtual cluster".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// Says so where only one namespace was looked at although all were meant.
pub(super) fn tell_where(session: &Session, listing: &Listing) {
    if let Some(namespace) = &listing.only_in {
        session.progress().note(&format!(
            "you may not list all namespaces; only `{namespace}` was looked at"
        ));
    }
}

/// One error for all that failed: the first, with what became of the others below it.
pub(super) fn combine(mut failures: Vec<Error>) -> Result<(), Error> {
    if failures.is_empty() {
        return Ok(());
    }
    let first = failures.remove(0);
    Err(failures.into_iter().fold(first, Error::because_of))
}

/// The named cluster; without a name that of the current context, else the only one, as [`one`] has it.
pub(super) async fn current_or_only(
    session: &Session,
    host: &Host,
    name: Option<&str>,
) -> Result<VirtualCluster, Error> {
    if name.is_none()
        && let Some((_, identity)) = session.current_identity()?
        && let Some(reference) = identity.reference()
        && identity.is_of(&host.server, &reference)
        && session.settings.namespace.is_none()
    {
        let scope = lifecycle::Scope::In(reference.namespace);
        return lifecycle::find(host, &reference.name, &scope).await;
    }
    one(session, host, name).await
}

/// The named cluster; without a name the only one, else the one that is chosen, else an error with the names.
pub(super) async fn one(
    session: &Session,
    host: &Host,
    name: Option<&str>,
) -> Result<VirtualCluster, Error> {
    let scope = session.scope();
    if let Some(name) = name {
        return lifecycle::find(host, &Name::parse(name)?, &scope).await;
    }
    let listing = lifecycle::list(host, &scope, "").await?;
    tell_where(session, &listing);
    let mut clusters = listing.clusters;
    if clusters.is_empty() {
        return Err(Error::new(Kind::NotFound, "there is no virtual cluster")
            .hint("run `vc create dev` to make one"));
    }
    if clusters.len() == 1 {
        return Ok(clusters.remove(0));
    }
    let names: Vec<String> = clusters
        .iter()
        .map(|cluster| cluster.reference.to_string())
        .collect();
    if session.ui.can_ask() {
        let chosen = session.ui.choose("Which virtual cluster?", &names)?;
        return Ok(clusters.swap_remove(chosen));
    }
    Err(Error::usage(format!(
        "there is more than one virtual cluster: {}",
        names.join(", ")
    ))
    .hint("say which by its name"))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;
    use crate::ui::{Manner, Ui};

    #[tokio::test]
    async fn some_go_on_at_once_and_their_order_stays() {
        let ui = Ui::new(Manner {
            is_quiet: true,
            ..Manner::default()
        });
        let (running, most) = (Cell::new(0), Cell::new(0));
        let last = 2 * AT_ONCE + 1;
        let outcomes = each(ui.reporter(), 0..=last, async |thing, _| {
            running.set(running.get() + 1);
            most.set(most.get().max(running.get()));
            // The first of all comes to its end last.
            tokio::time::sleep(Duration::from_millis(if thing == 0 { 40 } else { 1 })).await;
            running.set(running.get() - 1);
            Ok(thing)
        });
        assert_eq!(outcomes.await.0, (0..=last).collect::<Vec<_>>());
        assert_eq!(most.get(), AT_ONCE);
    }

    #[test]
    fn a_selector_that_selects_nothing_is_refused() {
        for blank in ["", " ", "\t"] {
            assert!(selector(blank).is_err(), "{blank:?}");
        }
        assert_eq!(selector("team=a").as_deref(), Ok("team=a"));
    }
}
