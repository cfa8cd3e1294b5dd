//! The index of a repository: which versions of a chart there are, and where each lies.
//!
//! Indexes are large, tens of megabytes for some, so that only what is said of the one chart is kept.

use libyaml_safer::{Event, EventData, Parser};

/// How large an index may be once it is unpacked, in bytes.
pub(super) const LIMIT: usize = 64 << 20;
/// How deep what is skipped may nest.
const DEPTH: isize = 100;

/// What an index says of one chart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    /// The versions of the chart; `None` where it is not there at all.
    pub(super) versions: Option<Vec<Version>>,
    /// The names of all charts.
    pub(super) names: Vec<String>,
}

/// One version of a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) number: String,
    /// Where it lies, perhaps in several places; relative to the repository or not.
    pub(super) urls: Vec<String>,
    /// Its SHA-256, with or without `sha256:` before it.
    pub(super) digest: Option<String>,
    pub(super) is_deprecated: bool,
}

/// What is wrong with an index, and in which line, from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: u64,
    pub(super) problem: String,
}

/// Reads what an index says of one chart.
pub(super) fn read(bytes: &[u8], name: &str) -> Result<Index, Fault> {
    // Some texts make the parser panic; they are no index.
    let read = || Reader::of(bytes).index(name);
    std::panic::catch_unwind(read).unwrap_or_else(|_| {
        Err(Fault {
            line: 1,
            problem: "the YAML parser cannot take it".to_owned(),
        })
    })
}

struct Reader<'t> {
    parser: Parser<&'t [u8]>,
}

impl<'t> Reader<'t> {
    fn of(bytes: &'t [u8]) -> Self {
        let mut parser = Parser::new();
        parser.set_input(bytes);
        Self { parser }
    }

    fn index(mut self, name: &str) -> Result<Index, Fault> {
        let mut index = Index::default();
        let (mut has_version, mut has_entries) = (false, false);
        loop {
            let event = self.next()?;
            match event.data {
                EventData::StreamStart { .. } | EventData::DocumentStart { .. } => {}
                EventData::MappingStart { .. } => break,
                _ => return Err(fault(&event, NO_INDEX)),
            }
        }
        while let Some(key) = self.key()? {
            match key.as_str() {
                "entries" => {
                    has_entries = true;
                    self.entries(name, &mut index)?;
                }
                "apiVersion" => has_version = self.text()?.is_some_and(|text| !text.is_empty()),
                _ => self.skip()?,
            }
        }
        if !has_version || !has_entries {
            return Err(Fault {
                line: 1,
                problem: NO_INDEX.to_owned(),
            });
        }
        Ok(index)
    }

    fn entries(&mut self, name: &str, index: &mut Index) -> Result<(), Fault> {
        let event = self.next()?;
        match event.data {
            EventData::MappingStart { .. } => {}
            // A new repository has none, which YAML writes in several ways.
            EventData::Scalar { ref value, .. } if matches!(&**value, "" | "null" | "~") => {
                return Ok(());
            }
            _ => return Err(fault(&event, "`entries` is no map of charts")),
        }
        while let Some(key) = self.key()? {
            if key == name {
                let versions = self.versions()?;
                index.versions.get_or_insert_default().extend(versions);
            } else {
                self.skip()?;
            }
            index.names.push(key);
        }
        Ok(())
    }

    /// What is in the list of one chart; a version that says nothing of use is left out, as in Helm.
    fn versions(&mut self) -> Result<Vec<Version>, Fault> {
        let event = self.next()?;
        if !matches!(event.data, EventData::SequenceStart { .. }) {
            return Err(fault(&event, "it is no list of versions"));
        }
        let mut versions = Vec::new();
        loop {
            let event = self.next()?;
            match event.data {
                EventData::SequenceEnd => return Ok(versions),
                EventData::MappingStart { .. } => {
                    let version = self.version()?;
                    versions.extend(Some(version).filter(|version| !version.number.is_empty()));
                }
                _ => self.skip_from(&event)?,
            }
        }
    }

    fn version(&mut self) -> Result<Version, Fault> {
        let mut version = Version::default();
        while let Some(key) = self.key()? {
            match key.as_str() {
                "version" => version.number = self.text()?.unwrap_or_default(),
                "digest" => version.digest = self.text()?.filter(|digest| !digest.is_empty()),
                "deprecated" => version.is_deprecated = self.text()?.as_deref() == Some("true"),
                "urls" => version.urls = self.texts()?,
                _ => self.skip()?,
            }
        }
        Ok(version)
    }

    /// The next key of a map; `None` at its end.
    fn key(&mut self) -> Result<Option<String>, Fault> {
        let event = self.next()?;
        match event.data {
            EventData::MappingEnd => Ok(None),
            EventData::Scalar { value, .. } => Ok(Some(value)),
            _ => Err(fault(&event, "a key is no text")),
        }
    }

    /// A single value; `None` if it is something else.
    fn text(&mut self) -> Result<Option<String>, Fault> {
        let event = self.next()?;
        match event.data {
            EventData::Scalar { value, .. } => Ok(Some(value)),
            _ => self.skip_from(&event).map(|()| None),
        }
    }

    /// The single values of a list.
    fn texts(&mut self) -> Result<Vec<String>, Fault> {
        let event = self.next()?;
        let mut texts = Vec::new();
        if !matches!(event.data, EventData::SequenceStart { .. }) {
            self.skip_from(&event)?;
            return Ok(texts);
        }
        loop {
            let event = self.next()?;
            match event.data {
                EventData::SequenceEnd => return Ok(texts),
                EventData::Scalar { value, .. } => texts.push(value),
                _ => self.skip_from(&event)?,
            }
        }
    }

    fn skip(&mut self) -> Result<(), Fault> {
        let event = self.next()?;
        self.skip_from(&event)
    }

    /// Passes over what begins with an event.
    fn skip_from(&mut self, event: &Event) -> Result<(), Fault> {
        let mut depth = depth_of(event);
        while depth > 0 {
            let event = self.next()?;
            depth += depth_of(&event);
            if depth > DEPTH {
                return Err(fault(&event, "it nests too deep"));
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Event, Fault> {
        self.parser.parse().map_err(|error| Fault {
            line: error.problem_mark().map_or(1, |mark| mark.line + 1),
            problem: error.problem().to_owned(),
        })
    }
}

const NO_INDEX: &str = "it is no index of a repository, which has `apiVersion` and `entries`";

/// How much deeper an event leads.
fn depth_of(event: &Event) -> isize {
    match event.data {
        EventData::MappingStart { .. } | EventData::SequenceStart { .. } => 1,
        EventData::MappingEnd | EventData::SequenceEnd => -1,
        _ => 0,
    }
}

fn fault(event: &Event, problem: &str) -> Fault {
    Fault {
        line: event.start_mark.line + 1,
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    const TEXT: &str = "\
apiVersion: v1
entries:
  other:
  - version: 9.9.9
    dependencies: [{name: a, version: 1.0.0}]
  x:
  - apiVersion: v2
    created: \"2026-01-01T00:00:00Z\"
    version: 1.2.3
    urls:
    - x-1.2.3.tgz
    - https://mirror.example/x-1.2.3.tgz
    digest: abc
    maintainers: [{name: me, urls: [no]}]
  - version: \"1.10\"
    deprecated: true
    urls: not-a-list
  - null
  - name: without a version
generated: \"2026-01-01T00:00:00Z\"
";

    #[test]
    fn what_is_said_of_one_chart_is_read() {
        let index = read(TEXT.as_bytes(), "x").unwrap();
        assert_eq!(index.names, ["other", "x"]);
        let versions = index.versions.unwrap();
        assert_eq!(versions.len(), 2);
        assert_eq!(
            versions[0],
            Version {
                number: "1.2.3".to_owned(),
                urls: vec![
                    "x-1.2.3.tgz".to_owned(),
                    "https://mirror.example/x-1.2.3.tgz".to_owned()
                ],
                digest: Some("abc".to_owned()),
                is_deprecated: false,
            }
        );
        assert!(versions[1].is_deprecated && versions[1].urls.is_empty());
        assert_eq!(read(TEXT.as_bytes(), "y").unwrap().versions, None);
    }

    #[test]
    fn an_index_in_json_is_one_too() {
        let json = br#"{"apiVersion":"v1","entries":{"x":[{"version":"1.0.0","urls":["a"]}]}}"#;
        let versions = read(json, "x").unwrap().versions.unwrap();
        assert_eq!(versions[0].urls, ["a"]);
        let empty = read(b"apiVersion: v1\nentries: {}\n", "x").unwrap();
        assert_eq!(empty, Index::default());
    }

    #[test]
    fn what_is_no_index_is_told_with_its_line() {
        let problem = |text: &str| {
            let fault = read(text.as_bytes(), "x").expect_err(text);
            (fault.line, fault.problem)
        };
        assert_eq!(problem("<html>\n<p>hello\n").1, NO_INDEX);
        assert_eq!(problem("").1, NO_INDEX);
        assert_eq!(problem("entries: {}\n").1, NO_INDEX);
        assert_eq!(problem("apiVersion: v1\n").1, NO_INDEX);
        assert_eq!(problem("apiVersion: v1\nentries: [a]\n").0, 2);
        assert_eq!(problem("apiVersion: v1\nentries:\n  x: 1\n").0, 3);
        assert_eq!(problem("apiVersion: v1\nentries:\n  x: [\n").0, 4);
        let deep = format!("apiVersion: v1\nentries:\n  y: {}", "[".repeat(200));
        assert_eq!(problem(&deep).0, 3);
    }

    #[test]
    fn a_large_index_is_read_in_one_pass() {
        let mut text = "apiVersion: v1\nentries:\n".to_owned();
        for number in 0..2_000 {
            let _ = write!(text, "  c{number}:\n  - version: 1.0.0\n    urls: [a]\n");
        }
        assert_eq!(read(text.as_bytes(), "c1999").unwrap().names.len(), 2_000);
    }
}
