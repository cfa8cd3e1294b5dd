//! `vc config`: which settings hold, where they were said, and changing the user's own.

use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap_complete::{ArgValueCandidates, CompletionCandidate};
use serde::Serialize;

use super::Session;
use crate::error::{Error, Kind};
use crate::settings::{self, File, Layer, Layers, Origin, SETTINGS, Setting};
use crate::ui::{Row, View};

/// Show each setting, its value and where that was said; change your own
///
/// Flags come first, then variables, then `vc.yaml` in the working folder, then your own `config.yaml`, then what is
/// built in. `-o wide` says what each setting means.
#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Set one in your own `config.yaml`; all else in it stays as it is written
    Set {
        /// The setting
        #[arg(value_parser = PossibleValuesParser::new(SETTINGS.iter().map(|setting| setting.key)))]
        key: String,
        /// What it is from now on
        value: String,
    },
    /// Take one out of your own `config.yaml`
    Unset {
        /// The setting, or any other key that is there
        #[arg(add = ArgValueCandidates::new(keys))]
        key: String,
    },
    /// Print where your own `config.yaml` lies, or would lie
    Path,
}

fn keys() -> Vec<CompletionCandidate> {
    let keys = SETTINGS.iter().map(|setting| setting.key);
    keys.map(CompletionCandidate::new).collect()
}

/// One setting; the JSON contract of `vc config`.
#[derive(Serialize)]
struct ConfigRow {
    key: &'static str,
    /// `null` where nothing holds.
    value: Option<String>,
    /// `flag`, `variable`, `project`, `user` or `default`; `null` where nothing holds.
    origin: Option<&'static str>,
    /// The flag, the variable or the file.
    source: Option<String>,
    meaning: &'static str,
}

impl ConfigRow {
    fn new(setting: &'static Setting, layers: &Layers) -> Self {
        let (value, origin) = layers.holds(setting).unzip();
        let (origin, source) = origin
            .map(|origin| match origin {
                Origin::Flag => ("flag", Some(setting.flag.to_owned())),
                Origin::Variable => ("variable", Some(setting.variable.to_owned())),
                Origin::Project(file) => ("project", Some(file.display().to_string())),
                Origin::User(file) => ("user", Some(file.display().to_string())),
                Origin::Default => ("default", None),
            })
            .unzip();
        Self {
            key: setting.key,
            value,
            origin,
            source: source.flatten(),
            meaning: setting.meaning,
        }
    }
}

impl Row for ConfigRow {
    const HEADINGS: &'static [&'static str] = &["KEY", "VALUE", "FROM", "MEANING"];
    const NARROW: usize = 3;

    fn cells(&self) -> Vec<String> {
        let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
        vec![
            self.key.to_owned(),
            or_dash(self.value.as_deref()),
            or_dash(self.source.as_deref().or(self.origin)),
            self.meaning.to_owned(),
        ]
    }

    fn name(&self) -> String {
        self.key.to_owned()
    }
}

/// What `set` and `unset` did; their JSON contract.
#[derive(Serialize)]
struct ChangeView {
    key: String,
    /// `null` where it was taken out.
    value: Option<String>,
    file: String,
    changed: bool,
}

impl View for ChangeView {
    fn sentence(&self) -> String {
        let Self {
            key, file, value, ..
        } = self;
        match (value, self.changed) {
            (Some(value), true) => format!("Set `{key}` to `{value}` in `{file}`"),
            (Some(value), false) => format!("`{key}` is `{value}` in `{file}` already"),
            (None, true) => format!("Took `{key}` out of `{file}`"),
            (None, false) => format!("`{key}` is not in `{file}`"),
        }
    }

    fn name(&self) -> String {
        self.key.clone()
    }
}

/// Where the user's own settings lie; the JSON contract of `path`.
#[derive(Serialize)]
struct PathView {
    file: String,
    exists: bool,
}

impl View for PathView {
    fn sentence(&self) -> String {
        self.file.clone()
    }

    fn name(&self) -> String {
        self.file.clone()
    }
}

/// Shows or changes settings. Asks the host nothing, and works beside a file that is broken.
pub fn run(session: &Session, args: &ConfigArgs) -> Result<(), Error> {
    match &args.action {
        None => {
            let layers = Layers::read(session.flags.clone(), &session.process)?;
            let rows: Vec<ConfigRow> = SETTINGS
                .iter()
                .map(|setting| ConfigRow::new(setting, &layers))
                .collect();
            session.ui.rows(&rows)
        }
        Some(Action::Set { key, value }) => set(session, key, value),
        Some(Action::Unset { key }) => unset(session, key),
        Some(Action::Path) => {
            let file = user_file(session)?;
            session.ui.answer(&PathView {
                exists: file.exists(),
                file: file.display().to_string(),
            })
        }
    }
}

fn set(session: &Session, key: &str, value: &str) -> Result<(), Error> {
    Layer::check(key, value)
        .map_err(|invalid| invalid.into_error(format!("cannot set `{key}`")))?;
    let path = user_file(session)?;
    let changed = change(session, &path, |file| file.set(key, value))?;
    session.ui.answer(&ChangeView {
        key: key.to_owned(),
        value: Some(Layer::shown(key, value)),
        file: path.display().to_string(),
        changed,
    })?;
    tell_what_comes_first(session, key);
    Ok(())
}

fn unset(session: &Session, key: &str) -> Result<(), Error> {
    let path = user_file(session)?;
    if settings::setting(key).is_none() && !File::read(path.clone())?.has(key) {
        let error = Error::usage(format!("there is no setting `{key}`"));
        return Err(match settings::nearest(key) {
            Some(nearest) => error.hint(format!("did you mean `{nearest}`?")),
            None => error.hint("run `vc config` to see every setting"),
        });
    }
    let changed = change(session, &path, |file| file.unset(key))?;
    session.ui.answer(&ChangeView {
        key: key.to_owned(),
        value: None,
        file: path.display().to_string(),
        changed,
    })
}

/// Changes the user's own file; whether that changed anything. Of several at once, each waits for the one before.
fn change(
    session: &Session,
    path: &Path,
    edit: impl FnOnce(&File) -> Result<bool, Error>,
) -> Result<bool, Error> {
    let lock = session.process.state_folder().map(|folder| {
        std::fs::create_dir_all(&folder)?;
        let lock = std::fs::File::create(folder.join("settings.lock"))?;
        lock.lock()?;
        Ok::<_, std::io::Error>(lock)
    });
    let _lock = lock.transpose().map_err(|error| {
        Error::new(Kind::Failed, format!("cannot change `{}`", path.display()))
            .because(&error)
            .hint("set `XDG_STATE_HOME` to a folder that can be written")
    })?;
    edit(&File::read(path.to_owned())?)
}

/// Says so where a nearer place goes on to say something else.
fn tell_what_comes_first(session: &Session, key: &str) {
    // A file that is broken elsewhere is told of by the next command that needs it.
    let Ok(layers) = Layers::read(session.flags.clone(), &session.process) else {
        return;
    };
    let holds = settings::setting(key).and_then(|setting| Some((setting, layers.holds(setting)?)));
    let place = match holds {
        Some((setting, (_, Origin::Variable))) => setting.variable.to_owned(),
        Some((_, (_, Origin::Project(file)))) => file.display().to_string(),
        _ => return,
    };
    session
        .ui
        .next(&format!("`{place}` sets it too, and comes first here"));
}

fn user_file(session: &Session) -> Result<PathBuf, Error> {
    settings::user_file(&session.process).ok_or_else(|| {
        Error::new(Kind::Failed, "there is no home folder to keep settings in")
            .hint("set `HOME` or `XDG_CONFIG_HOME`")
    })
}
