//! Reading YAML: the events of a libyaml-family parser, as a tree of nodes.
//!
//! What the nodes mean by Go's rules is in [`super::compose`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::panic::{self, UnwindSafe};
use std::rc::Rc;

use libyaml_safer::{Encoding, ErrorKind, EventData, Mark, Parser, ScalarStyle};
use serde_json::Value;

use super::key::first_mark;
use super::plain;

/// How deep lists and maps may nest.
pub(super) const MAX_DEPTH: usize = 120;

/// YAML that cannot be read, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{origin}` line {line} column {column}: {problem}")]
pub struct YamlError {
    /// The file, or what else the text came from.
    pub origin: String,
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// What is wrong there; never contains a value of the document.
    pub problem: String,
    /// What Go's library says, which templates can see.
    pub(crate) in_go: String,
}

/// What becomes of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// Every number is a float, as in Helm's values.
    Floats,
    /// Integers stay integers, as in manifests.
    Kept,
}

/// The bytes as text, which YAML has to be.
pub(crate) fn utf8<'t>(bytes: &'t [u8], origin: &str) -> Result<&'t str, YamlError> {
    str::from_utf8(bytes).map_err(|error| {
        let (before, rest) = bytes.split_at(error.valid_up_to());
        let before = String::from_utf8_lossy(before);
        let line = before.rsplit('\n').next().unwrap_or_default();
        YamlError {
            origin: origin.to_owned(),
            line: before.matches('\n').count() as u64 + 1,
            column: line.chars().count() as u64 + 1,
            problem: "the text is no UTF-8".to_owned(),
            in_go: format!("yaml: {}", in_go(rest)),
        }
    })
}

/// What Go's library says of bytes that begin with no letter.
fn in_go(bytes: &[u8]) -> &'static str {
    let width = match bytes.first() {
        Some(0xc0..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf7) => 4,
        _ => return "invalid leading UTF-8 octet",
    };
    match bytes.get(1..width) {
        None => "incomplete UTF-8 octet sequence",
        Some(rest) if rest.iter().any(|byte| byte & 0xc0 != 0x80) => "invalid trailing UTF-8 octet",
        Some(_)
            if matches!(
                bytes,
                [0xc0 | 0xc1, ..] | [0xe0, ..=0x9f, ..] | [0xf0, ..=0x8f, ..]
            ) =>
        {
            "invalid length of a UTF-8 sequence"
        }
        Some(_) => "invalid Unicode character",
    }
}

/// Reads the first document; an empty text is null.
pub(crate) fn parse_document(
    text: &str,
    origin: &str,
    numbers: Numbers,
) -> Result<Value, YamlError> {
    match plain::read(text, numbers) {
        Some(document) => Ok(document),
        None => parse_by_library(text, origin, numbers),
    }
}

/// The same, by the library alone.
pub(super) fn parse_by_library(
    text: &str,
    origin: &str,
    numbers: Numbers,
) -> Result<Value, YamlError> {
    let ended = ended(text);
    let first = guarded(origin, || {
        Composer::new(text, &ended, origin, numbers)?.next_document()
    });
    Ok(first?.unwrap_or(Value::Null))
}

/// Reads every document of a stream.
pub(crate) fn documents(
    text: &str,
    origin: &str,
    numbers: Numbers,
) -> Result<Vec<Value>, YamlError> {
    match plain::read(text, numbers) {
        Some(Value::Null) => return Ok(Vec::new()),
        Some(document) => return Ok(vec![document]),
        None => {}
    }
    let ended = ended(text);
    guarded(origin, || {
        let mut composer = Composer::new(text, &ended, origin, numbers)?;
        let mut documents = Vec::new();
        while let Some(document) = composer.next_document()? {
            documents.push(document);
        }
        Ok(documents)
    })
}

/// The text with its last line ended; libyaml-safer 0.3.0 panics where a block of text is not.
fn ended(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.is_empty() || text.ends_with('\n') {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("{text}\n"))
    }
}

/// libyaml-safer 0.3.0 panics on some broken texts, such as an escape that the end of the text cuts off.
fn guarded<T>(
    origin: &str,
    read: impl FnOnce() -> Result<T, YamlError> + UnwindSafe,
) -> Result<T, YamlError> {
    panic::catch_unwind(read).unwrap_or_else(|_| {
        Err(YamlError {
            origin: origin.to_owned(),
            line: 1,
            column: 1,
            problem: "the text is not valid YAML, or ends in the middle of something".to_owned(),
            in_go: "yaml: unexpected end of stream".to_owned(),
        })
    })
}

pub(super) struct Node {
    pub(super) kind: NodeKind,
    line: u64,
    column: u64,
}

pub(super) enum NodeKind {
    Scalar {
        text: String,
        tag: Option<String>,
        is_plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Alias(Rc<Node>),
    Anchored(Rc<Node>),
}

impl Node {
    pub(super) fn resolve(&self) -> &Node {
        match &self.kind {
            NodeKind::Alias(node) | NodeKind::Anchored(node) => node.resolve(),
            _ => self,
        }
    }

    pub(super) fn is_merge_key(&self) -> bool {
        matches!(&self.kind, NodeKind::Scalar { text, tag, is_plain }
            if text == "<<" && (*is_plain || tag.as_deref() == Some("tag:yaml.org,2002:merge")))
    }
}

pub(super) struct Composer<'t> {
    parser: Parser<&'t [u8]>,
    origin: &'t str,
    pub(super) numbers: Numbers,
    /// `None` while the anchored node is still being read.
    anchors: HashMap<String, Option<Rc<Node>>>,
    pub(super) nodes: f64,
    pub(super) nodes_by_alias: f64,
    pub(super) alias_depth: usize,
    /// Where a line break was added, which belongs to no text.
    added_break: Option<u64>,
    /// Keys that no map can have; one that a later key replaces does no harm.
    pub(super) bad_keys: Vec<YamlError>,
}

impl<'t> Composer<'t> {
    fn new(
        text: &str,
        ended: &'t str,
        origin: &'t str,
        numbers: Numbers,
    ) -> Result<Self, YamlError> {
        let mut parser = Parser::new();
        // Left to guess, the parser takes any letter from U+F000 on for a broken byte order mark.
        parser.set_encoding(Encoding::Utf8);
        parser.set_input(ended.as_bytes());
        let mut composer = Self {
            parser,
            origin,
            numbers,
            anchors: HashMap::new(),
            nodes: 0.0,
            nodes_by_alias: 0.0,
            alias_depth: 0,
            added_break: (!text.is_empty() && !text.ends_with('\n')).then_some(ended.len() as u64),
            bad_keys: Vec::new(),
        };
        composer.event()?;
        Ok(composer)
    }

    fn next_document(&mut self) -> Result<Option<Value>, YamlError> {
        let (event, _) = self.event()?;
        if !matches!(event, EventData::DocumentStart { .. }) {
            return Ok(None);
        }
        self.anchors.clear();
        let (event, mark) = self.event()?;
        let node = self.node(event, mark, 0)?;
        self.event()?;
        let value = self.value(&node)?;
        if self.bad_keys.is_empty() {
            return Ok(Some(value));
        }
        self.without_bad_keys(value).map(Some)
    }

    /// Refuses a document in which a bad key is left.
    fn without_bad_keys(&mut self, value: Value) -> Result<Value, YamlError> {
        let found = first_mark(&value).and_then(|index| self.bad_keys.get(index).cloned());
        self.bad_keys.clear();
        found.map_or(Ok(value), Err)
    }

    fn event(&mut self) -> Result<(EventData, Mark), YamlError> {
        match self.parser.parse() {
            Ok(event) => {
                let mut data = event.data;
                if let EventData::Scalar {
                    style: ScalarStyle::Literal | ScalarStyle::Folded,
                    value,
                    ..
                } = &mut data
                    && self
                        .added_break
                        .is_some_and(|end| event.end_mark.index >= end)
                    && value.ends_with('\n')
                {
                    value.pop();
                }
                Ok((data, event.start_mark))
            }
            Err(error) => {
                let mut mark = error.problem_mark().unwrap_or_default();
                let is_cut = error.problem() == "found unexpected end of stream";
                if is_cut && self.added_break.is_some_and(|end| mark.index >= end) {
                    // Behind the break that the text does not have.
                    mark.line = mark.line.saturating_sub(1);
                }
                let problem = match error.context() {
                    Some(context) => format!("{} {context}", error.problem()),
                    None => error.problem().to_owned(),
                };
                // As `fail` of Go's library has it.
                let line = match mark.line {
                    0 => error.context_mark().unwrap_or_default().line,
                    line => line + u64::from(error.kind() == ErrorKind::Scanner),
                };
                let place = if line == 0 {
                    String::new()
                } else {
                    format!("line {line}: ")
                };
                Err(YamlError {
                    in_go: format!("yaml: {place}{}", error.problem()),
                    ..self.error(mark.line + 1, mark.column + 1, problem)
                })
            }
        }
    }

    fn error(&self, line: u64, column: u64, problem: impl Into<String>) -> YamlError {
        let problem = problem.into();
        YamlError {
            origin: self.origin.to_owned(),
            line,
            column,
            in_go: format!("yaml: {problem}"),
            problem,
        }
    }

    pub(super) fn error_at(&self, node: &Node, problem: impl Into<String>) -> YamlError {
        self.error(node.line, node.column, problem)
    }

    fn node(&mut self, event: EventData, mark: Mark, depth: usize) -> Result<Node, YamlError> {
        let (line, column) = (mark.line + 1, mark.column + 1);
        if depth > MAX_DEPTH {
            return Err(self.error(line, column, "lists and maps nest too deep"));
        }
        let (kind, anchor) = match event {
            EventData::Alias { anchor } => {
                let target = match self.anchors.get(&anchor) {
                    Some(Some(node)) => node.clone(),
                    Some(None) => {
                        let problem = format!("the value of anchor `{anchor}` contains itself");
                        return Err(YamlError {
                            in_go: format!("yaml: anchor '{anchor}' value contains itself"),
                            ..self.error(line, column, problem)
                        });
                    }
                    None => {
                        let problem = format!("there is no anchor `{anchor}`");
                        return Err(YamlError {
                            in_go: format!("yaml: unknown anchor '{anchor}' referenced"),
                            ..self.error(line, column, problem)
                        });
                    }
                };
                (NodeKind::Alias(target), None)
            }
            EventData::Scalar {
                anchor,
                tag,
                value,
                plain_implicit,
                style,
                ..
            } => {
                let kind = NodeKind::Scalar {
                    text: value,
                    is_plain: plain_implicit && (style == ScalarStyle::Plain || tag.is_some()),
                    tag,
                };
                (kind, anchor)
            }
            EventData::SequenceStart { anchor, .. } => {
                self.open_anchor(anchor.as_ref());
                let mut items = Vec::new();
                loop {
                    let (event, mark) = self.event()?;
                    if matches!(event, EventData::SequenceEnd) {
                        break;
                    }
                    items.push(self.node(event, mark, depth + 1)?);
                }
                (NodeKind::List(items), anchor)
            }
            EventData::MappingStart { anchor, .. } => {
                self.open_anchor(anchor.as_ref());
                let mut entries = Vec::new();
                loop {
                    let (event, mark) = self.event()?;
                    if matches!(event, EventData::MappingEnd) {
                        break;
                    }
                    let key = self.node(event, mark, depth + 1)?;
                    let (event, mark) = self.event()?;
                    entries.push((key, self.node(event, mark, depth + 1)?));
                }
                (NodeKind::Map(entries), anchor)
            }
            _ => return Err(self.error(line, column, "the document ends too early")),
        };
        let node = Node { kind, line, column };
        let Some(anchor) = anchor else {
            return Ok(node);
        };
        let shared = Rc::new(node);
        self.anchors.insert(anchor, Some(shared.clone()));
        Ok(Node {
            kind: NodeKind::Anchored(shared),
            line,
            column,
        })
    }

    fn open_anchor(&mut self, anchor: Option<&String>) {
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor.clone(), None);
        }
    }
}
