//! Which clusters a command means.

use super::Session;
use crate::cluster::{Name, VirtualCluster};
use crate::error::{Error, Kind};
use crate::host::Host;
use crate::lifecycle::{self, Listing};

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
        let mut clusters = Vec::new();
        for name in names {
            clusters.push(lifecycle::find(host, &name, &session.scope()).await?);
        }
        Ok(clusters)
    }
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
    use super::selector;

    #[test]
    fn a_selector_that_selects_nothing_is_refused() {
        for blank in ["", " ", "\t"] {
            assert!(selector(blank).is_err(), "{blank:?}");
        }
        assert_eq!(selector("team=a").as_deref(), Ok("team=a"));
    }
}
