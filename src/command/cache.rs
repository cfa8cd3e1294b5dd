//! `vc cache`: the charts that were fetched and are kept.

use jiff::Timestamp;
use serde::Serialize;

use super::Session;
use crate::chart::cache::{Cache, Held};
use crate::error::{Error, Kind};
use crate::ui::{self, Row, View};

/// Show or remove the charts that were fetched
///
/// What `--chart` fetched is kept, so that it need not be fetched again: a version without any request, what may change
/// with a small one.
#[derive(Debug, clap::Args)]
pub struct CacheArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the charts that are kept
    #[command(visible_alias = "ls")]
    List,
    /// Remove all of them; what is needed again is fetched again
    Clean,
}

/// One chart of the cache; the JSON contract of `vc cache list`.
#[derive(Serialize)]
struct CacheRow {
    name: String,
    version: String,
    source: String,
    /// Version, tag or digest that it is known by there; empty for an archive with an address of its own.
    reference: String,
    digest: String,
    bytes: u64,
    fetched: Timestamp,
}

impl From<Held> for CacheRow {
    fn from(held: Held) -> Self {
        Self {
            name: held.name,
            version: held.version,
            source: held.source,
            reference: held.reference,
            digest: held.digest,
            bytes: held.size,
            fetched: held.fetched,
        }
    }
}

impl Row for CacheRow {
    const HEADINGS: &'static [&'static str] =
        &["NAME", "VERSION", "SOURCE", "SIZE", "AGE", "DIGEST"];
    const NARROW: usize = 5;

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.version.clone(),
            self.source.clone(),
            size(self.bytes),
            ui::age(self.fetched),
            self.digest.clone(),
        ]
    }

    fn name(&self) -> String {
        self.digest.clone()
    }
}

/// What `clean` did; its JSON contract.
#[derive(Serialize)]
struct CleanView {
    /// How many charts were removed.
    charts: usize,
    /// How much room that made.
    bytes: u64,
    folder: String,
}

impl View for CleanView {
    fn sentence(&self) -> String {
        let Self {
            charts,
            bytes,
            folder,
        } = self;
        match (*charts, *bytes) {
            (0, 0) => format!("There was nothing in `{folder}`"),
            (1, bytes) => format!("Removed 1 chart, {}, from `{folder}`", size(bytes)),
            (charts, bytes) => {
                format!("Removed {charts} charts, {}, from `{folder}`", size(bytes))
            }
        }
    }

    fn name(&self) -> String {
        self.folder.clone()
    }
}

/// Lists or removes. Asks nobody anything.
pub fn run(session: &Session, args: &CacheArgs) -> Result<(), Error> {
    let folder = session.process.cache_folder().ok_or_else(|| {
        Error::new(Kind::Failed, "there is no home folder to keep charts in")
            .hint("set `HOME` or `XDG_CACHE_HOME`")
    })?;
    let cache = Cache::new(folder.join("charts"));
    let failed = |what: &str, error: &std::io::Error| {
        let folder = cache.folder().display();
        Error::new(
            Kind::Failed,
            format!("cannot {what} the cache in `{folder}`"),
        )
        .because(error)
    };
    match args.action {
        Action::List => {
            let all = cache.all().map_err(|error| failed("read", &error))?;
            let rows: Vec<CacheRow> = all.into_iter().map(CacheRow::from).collect();
            session.ui.rows(&rows)
        }
        Action::Clean => {
            let removed = cache.clean().map_err(|error| failed("clean", &error))?;
            session.ui.answer(&CleanView {
                charts: removed.charts,
                bytes: removed.bytes,
                folder: cache.folder().display().to_string(),
            })
        }
    }
}

/// A size in the unit that suits it.
#[expect(clippy::cast_precision_loss, reason = "it is rounded to be read")]
fn size(bytes: u64) -> String {
    const UNIT: u64 = 1 << 10;
    match bytes {
        0..UNIT => format!("{bytes} B"),
        bytes if bytes < UNIT * UNIT => format!("{:.1} KiB", bytes as f64 / UNIT as f64),
        bytes => format!("{:.1} MiB", bytes as f64 / (UNIT * UNIT) as f64),
    }
}
