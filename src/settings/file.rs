//! A file of settings: one mapping of keys to single values, read with its places, and edited without touching what
//! was not meant.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use libyaml_safer::{Event, EventData, MappingStyle, Parser, ScalarStyle};

use super::table::{By, Layer, nearest, setting};
use crate::error::{Error, Kind};
use crate::helm::yaml;
use crate::kubeconfig;

/// A file of settings; one that does not exist says nothing.
#[derive(Clone, Debug)]
pub struct File {
    path: PathBuf,
    /// `None` if there is no such file.
    text: Option<String>,
    entries: Vec<Entry>,
}

/// One key and its value, and the bytes they are written in.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    key: String,
    /// `None` where nothing is written, or a word for nothing.
    value: Option<String>,
    line: usize,
    key_start: usize,
    value_span: Range<usize>,
}

/// What is wrong with a text, and in which line.
struct Fault {
    line: u64,
    problem: String,
}

impl File {
    /// Reads a file.
    pub fn read(path: PathBuf) -> Result<Self, Error> {
        use std::io::ErrorKind::{NotADirectory, NotFound};
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), NotFound | NotADirectory) => {
                return Ok(Self {
                    path,
                    text: None,
                    entries: Vec::new(),
                });
            }
            Err(error) => return Err(unusable(&path).because(&error)),
        };
        let entries = parse(&text).map_err(|fault| {
            let mut error = unusable(&path);
            error.push_cause(format!("line {}: {}", fault.line, fault.problem));
            error
        })?;
        Ok(Self {
            path,
            text: Some(text),
            entries,
        })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it says something of a key, even of one that is no setting.
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// What it says, if `by` may say it.
    pub(super) fn to_layer(&self, by: By) -> Result<Layer, Error> {
        let mut layer = Layer::default();
        for Entry {
            key, value, line, ..
        } in &self.entries
        {
            let wrong = |problem: &str| {
                let mut error = unusable(&self.path);
                error.push_cause(format!("line {line}: {problem}"));
                error
            };
            let Some(setting) = setting(key) else {
                let error = wrong(&format!("there is no setting `{key}`"));
                return Err(match nearest(key) {
                    Some(nearest) => error.hint(format!("did you mean `{nearest}`?")),
                    None => error.hint("run `vc config` to see every setting"),
                });
            };
            if by == By::Anyone && setting.by == By::User {
                let message = format!("`{}` may not set `{key}`", self.path.display());
                return Err(Error::usage(message).hint(format!(
                    "set `{key}` in your own `config.yaml`, with a variable or with a flag"
                )));
            }
            if let Some(value) = value {
                layer.say(key, value.as_ref()).map_err(|invalid| {
                    let error = wrong(&format!("`{key}`: {}", invalid.problem));
                    match invalid.hint {
                        Some(hint) => error.hint(hint),
                        None => error,
                    }
                })?;
            }
        }
        Ok(layer)
    }

    /// Says a setting in it; all else stays as it is written. Whether that changed anything.
    pub fn set(&self, key: &str, text: &str) -> Result<bool, Error> {
        let written = quoted(text);
        let old = self.text.clone().unwrap_or_default();
        let mut new = old.clone();
        if let Some(entry) = self.entries.iter().find(|entry| entry.key == key) {
            if entry.value.as_deref() == Some(text) {
                return Ok(false);
            }
            let blank = if entry.value_span.is_empty() { " " } else { "" };
            new.replace_range(entry.value_span.clone(), &format!("{blank}{written}"));
        } else {
            if !new.is_empty() && !new.ends_with('\n') {
                new.push('\n');
            }
            new.extend([key, ": ", &written, "\n"]);
        }
        let mut wanted = values(&self.entries);
        wanted.insert(key, Some(text));
        self.replace(&new, &wanted).map(|()| true)
    }

    /// Says nothing of a key any more; its whole line goes. Whether that changed anything.
    pub fn unset(&self, key: &str) -> Result<bool, Error> {
        let old = self.text.clone().unwrap_or_default();
        let Some(entry) = self.entries.iter().find(|entry| entry.key == key) else {
            return Ok(false);
        };
        let begin = old[..entry.key_start].rfind('\n').map_or(0, |end| end + 1);
        let end = old[entry.value_span.end..]
            .find('\n')
            .map_or(old.len(), |end| entry.value_span.end + end + 1);
        let mut new = old.clone();
        new.replace_range(begin..end, "");
        let mut wanted = values(&self.entries);
        wanted.remove(key);
        self.replace(&new, &wanted).map(|()| true)
    }

    /// Writes a new text if it says what it should and nothing else.
    fn replace(&self, new: &str, wanted: &BTreeMap<&str, Option<&str>>) -> Result<(), Error> {
        let said = parse(new);
        if !said.is_ok_and(|said| values(&said) == *wanted) {
            let message = format!("cannot change `{}` without damage", self.path.display());
            return Err(Error::new(Kind::Failed, message)
                .hint("write one `key: value` on each line of it, or change it by hand"));
        }
        let failed = |error: &dyn std::error::Error| {
            Error::new(
                Kind::Failed,
                format!("cannot change `{}`", self.path.display()),
            )
            .because(error)
        };
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        }
        let old = self.text.as_deref().map(str::as_bytes);
        kubeconfig::replace(&self.path, old, new.as_bytes()).map_err(|error| failed(&error))
    }
}

fn unusable(path: &Path) -> Error {
    Error::usage(format!("cannot use the settings in `{}`", path.display()))
}

fn values(entries: &[Entry]) -> BTreeMap<&str, Option<&str>> {
    entries
        .iter()
        .map(|entry| (entry.key.as_str(), entry.value.as_deref()))
        .collect()
}

/// A value as YAML, plain where every reader takes it for the same text.
fn quoted(text: &str) -> String {
    let is_plain = match yaml::parse(text, "a setting") {
        Ok(serde_json::Value::String(read)) => read == text,
        Ok(serde_json::Value::Bool(_)) => matches!(text, "true" | "false"),
        _ => false,
    };
    if is_plain && !text.contains(['\'', '"', '#', '{', '[']) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

fn parse(text: &str) -> Result<Vec<Entry>, Fault> {
    // Some texts make the parser panic; they are no settings.
    std::panic::catch_unwind(|| Reader::of(text).entries()).unwrap_or_else(|_| {
        let problem = "the YAML parser cannot take this file".to_owned();
        Err(Fault { line: 1, problem })
    })
}

struct Reader<'t>(Parser<&'t [u8]>);

impl<'t> Reader<'t> {
    fn of(text: &'t str) -> Self {
        let mut parser = Parser::new();
        parser.set_input(text.as_bytes());
        Self(parser)
    }

    fn entries(mut self) -> Result<Vec<Entry>, Fault> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let event = self.next()?;
            match event.data {
                EventData::StreamStart { .. }
                | EventData::DocumentStart { .. }
                | EventData::DocumentEnd { .. } => {}
                EventData::StreamEnd => return Ok(entries),
                EventData::MappingStart {
                    style: MappingStyle::Block,
                    anchor: None,
                    ..
                } => break,
                EventData::Scalar { ref value, .. } if value.is_empty() => {}
                _ => {
                    return Err(fault(
                        &event,
                        "it is no list of settings, one `key: value` on each line",
                    ));
                }
            }
        }
        loop {
            let key = self.next()?;
            if key.data == EventData::MappingEnd {
                return self.end().map(|()| entries);
            }
            let (name, _) = scalar(&key, "a key")?;
            let value = self.next()?;
            let (text, is_plain) = scalar(&value, &format!("the value of `{name}`"))?;
            if entries.iter().any(|entry| entry.key == name) {
                return Err(fault(&key, &format!("`{name}` is there twice")));
            }
            let is_nothing = is_plain && matches!(text, "" | "~" | "null" | "Null" | "NULL");
            entries.push(Entry {
                key: name.to_owned(),
                value: (!is_nothing).then(|| text.to_owned()),
                line: usize::try_from(key.start_mark.line + 1).unwrap_or(usize::MAX),
                key_start: byte(key.start_mark.index),
                value_span: byte(value.start_mark.index)..byte(value.end_mark.index),
            });
        }
    }

    /// Nothing may follow the one mapping.
    fn end(&mut self) -> Result<(), Fault> {
        loop {
            let event = self.next()?;
            match event.data {
                EventData::StreamEnd => return Ok(()),
                EventData::DocumentEnd { .. } => {}
                _ => return Err(fault(&event, "there is more than one document")),
            }
        }
    }

    fn next(&mut self) -> Result<Event, Fault> {
        self.0.parse().map_err(|error| Fault {
            line: error.problem_mark().map_or(1, |mark| mark.line + 1),
            problem: error.problem().to_owned(),
        })
    }
}

/// The text of a single value, and whether it is written without quotes.
fn scalar<'e>(event: &'e Event, what: &str) -> Result<(&'e str, bool), Fault> {
    match &event.data {
        EventData::Scalar {
            value,
            style:
                style @ (ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted),
            anchor: None,
            ..
        } => Ok((value, *style == ScalarStyle::Plain)),
        _ => Err(fault(event, &format!("{what} is not one plain value"))),
    }
}

fn fault(event: &Event, problem: &str) -> Fault {
    Fault {
        line: event.start_mark.line + 1,
        problem: problem.to_owned(),
    }
}

fn byte(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str, edit: impl FnOnce(&File) -> Result<bool, Error>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/config.yaml");
        if !text.is_empty() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
        }
        edit(&File::read(path.clone()).unwrap()).unwrap();
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn an_edit_keeps_comments_order_and_quotes() {
        let text = "# mine\nk8s: '1.35' # the old one\n\noutput:\ntimeout: 5m";
        let set =
            |key: &'static str, value: &'static str| edited(text, move |file| file.set(key, value));
        assert_eq!(set("k8s", "1.36"), text.replace("1.35", "1.36"));
        assert_eq!(
            set("output", "json"),
            text.replace("output:", "output: json")
        );
        assert_eq!(set("namespace", "a"), format!("{text}\nnamespace: a\n"));
        assert_eq!(
            edited(text, |file| file.unset("k8s")),
            "# mine\n\noutput:\ntimeout: 5m"
        );
        assert_eq!(edited("", |file| file.set("yes", "true")), "yes: true\n");
    }

    #[test]
    fn what_yaml_would_take_for_something_else_is_quoted() {
        for (text, written) in [
            ("1.30", "'1.30'"),
            ("it's", "'it''s'"),
            ("a: b", "'a: b'"),
            ("{name}", "'{name}'"),
            ("null", "'null'"),
            ("/a/b", "/a/b"),
            ("true", "true"),
            ("5m", "5m"),
        ] {
            assert_eq!(quoted(text), written);
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("config.yaml");
            File::read(path.clone())
                .unwrap()
                .set("context", text)
                .unwrap();
            let said = File::read(path).unwrap().to_layer(By::User).unwrap();
            assert_eq!(said.context.as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_list_of_settings_is_refused_with_its_line() {
        let problem = |text: &str| {
            let fault = parse(text).expect_err(text);
            (fault.line, fault.problem)
        };
        assert_eq!(problem("a: 1\na: 2\n").0, 2);
        assert_eq!(problem("a: 1\nb: [c]\n").0, 2);
        assert_eq!(problem("- a\n").0, 1);
        assert_eq!(problem("a: 1\n---\nb: 1\n").0, 2);
        assert_eq!(problem("{a: 1}\n").0, 1);
        assert_eq!(problem("a: 1\n\tb: 2\n").0, 2);
        for nothing in ["", "# only this\n", "---\n", "\n\n"] {
            assert_eq!(
                parse(nothing).ok().map(|entries| entries.len()),
                Some(0),
                "{nothing:?}"
            );
        }
    }
}
