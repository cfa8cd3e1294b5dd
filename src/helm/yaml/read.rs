//! Reading YAML: the events of a libyaml-family parser, composed by Go's rules.

use std::collections::HashMap;
use std::panic::{self, UnwindSafe};
use std::rc::Rc;

use libyaml_safer::{Encoding, EventData, Mark, Parser, ScalarStyle};
use serde_json::{Map, Value};

use super::scalar::{self, Scalar};

/// How deep lists and maps may nest.
const MAX_DEPTH: usize = 120;
/// Below so many nodes aliases may make up nearly everything, as in Go's library.
const FREE_NODES: f64 = 400_000.0;

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
}

/// What becomes of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// Every number is a float, as in Helm's values.
    Floats,
    /// Integers stay integers, as in manifests.
    Kept,
}

/// Reads the first document; an empty text is null.
pub(crate) fn parse_document(
    text: &str,
    origin: &str,
    numbers: Numbers,
) -> Result<Value, YamlError> {
    let first = guarded(origin, || {
        Composer::new(text, origin, numbers)?.next_document()
    });
    Ok(first?.unwrap_or(Value::Null))
}

/// Reads every document of a stream.
pub(crate) fn documents(
    text: &str,
    origin: &str,
    numbers: Numbers,
) -> Result<Vec<Value>, YamlError> {
    guarded(origin, || {
        let mut composer = Composer::new(text, origin, numbers)?;
        let mut documents = Vec::new();
        while let Some(document) = composer.next_document()? {
            documents.push(document);
        }
        Ok(documents)
    })
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
        })
    })
}

struct Node {
    kind: NodeKind,
    line: u64,
    column: u64,
}

enum NodeKind {
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
    fn resolve(&self) -> &Node {
        match &self.kind {
            NodeKind::Alias(node) | NodeKind::Anchored(node) => node.resolve(),
            _ => self,
        }
    }

    fn is_merge_key(&self) -> bool {
        matches!(&self.kind, NodeKind::Scalar { text, tag, is_plain }
            if text == "<<" && (*is_plain || tag.as_deref() == Some("tag:yaml.org,2002:merge")))
    }
}

struct Composer<'t> {
    parser: Parser<&'t [u8]>,
    origin: &'t str,
    numbers: Numbers,
    /// `None` while the anchored node is still being read.
    anchors: HashMap<String, Option<Rc<Node>>>,
    nodes: f64,
    nodes_by_alias: f64,
    alias_depth: usize,
}

impl<'t> Composer<'t> {
    fn new(text: &'t str, origin: &'t str, numbers: Numbers) -> Result<Self, YamlError> {
        let mut parser = Parser::new();
        // Left to guess, the parser takes any letter from U+F000 on for a broken byte order mark.
        parser.set_encoding(Encoding::Utf8);
        parser.set_input(text.strip_prefix('\u{feff}').unwrap_or(text).as_bytes());
        let mut composer = Self {
            parser,
            origin,
            numbers,
            anchors: HashMap::new(),
            nodes: 0.0,
            nodes_by_alias: 0.0,
            alias_depth: 0,
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
        self.value(&node).map(Some)
    }

    fn event(&mut self) -> Result<(EventData, Mark), YamlError> {
        match self.parser.parse() {
            Ok(event) => Ok((event.data, event.start_mark)),
            Err(error) => {
                let mark = error.problem_mark().unwrap_or_default();
                let problem = match error.context() {
                    Some(context) => format!("{} {context}", error.problem()),
                    None => error.problem().to_owned(),
                };
                Err(self.error(mark.line + 1, mark.column + 1, problem))
            }
        }
    }

    fn error(&self, line: u64, column: u64, problem: impl Into<String>) -> YamlError {
        YamlError {
            origin: self.origin.to_owned(),
            line,
            column,
            problem: problem.into(),
        }
    }

    fn error_at(&self, node: &Node, problem: impl Into<String>) -> YamlError {
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
                        return Err(self.error(line, column, problem));
                    }
                    None => {
                        let problem = format!("there is no anchor `{anchor}`");
                        return Err(self.error(line, column, problem));
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

    fn value(&mut self, node: &Node) -> Result<Value, YamlError> {
        self.nodes += 1.0;
        if self.alias_depth > 0 {
            self.nodes_by_alias += 1.0;
        }
        if self.nodes_by_alias > 100.0
            && self.nodes > 1000.0
            && self.nodes_by_alias / self.nodes > allowed_alias_share(self.nodes)
        {
            return Err(self.error_at(node, "the document repeats itself too often by aliases"));
        }
        match &node.kind {
            NodeKind::Alias(target) => {
                self.alias_depth += 1;
                if self.alias_depth > MAX_DEPTH {
                    return Err(self.error_at(node, "aliases nest too deep"));
                }
                let value = self.value(target);
                self.alias_depth -= 1;
                value
            }
            NodeKind::Anchored(node) => self.value(node),
            NodeKind::Scalar {
                text,
                tag,
                is_plain,
            } => self.scalar(node, text, tag.as_deref(), *is_plain),
            NodeKind::List(items) => items.iter().map(|item| self.value(item)).collect(),
            NodeKind::Map(entries) => {
                let mut map = Map::new();
                self.fill(&mut map, entries)?;
                Ok(Value::Object(map))
            }
        }
    }

    /// Fills a map in document order: a merge overrides what came before it, as in Go's library.
    fn fill(
        &mut self,
        map: &mut Map<String, Value>,
        entries: &[(Node, Node)],
    ) -> Result<(), YamlError> {
        for (key, item) in entries {
            if key.is_merge_key() {
                self.merge(map, item)?;
            } else {
                let key = self.key(key)?;
                let item = self.value(item)?;
                map.insert(key, item);
            }
        }
        Ok(())
    }

    fn merge(&mut self, map: &mut Map<String, Value>, source: &Node) -> Result<(), YamlError> {
        // Expanding the merged value through `value` counts it against the alias limit.
        let by_alias = matches!(source.kind, NodeKind::Alias(_));
        match &source.resolve().kind {
            NodeKind::Map(_) => {
                if let Value::Object(entries) = self.value(source)? {
                    map.extend(entries);
                }
                Ok(())
            }
            NodeKind::List(items) if !by_alias => {
                for item in items.iter().rev() {
                    match &item.resolve().kind {
                        NodeKind::Map(_) => self.merge(map, item)?,
                        _ => return Err(self.error_at(item, "only maps can be merged with `<<`")),
                    }
                }
                Ok(())
            }
            _ => Err(self.error_at(source, "only maps can be merged with `<<`")),
        }
    }

    fn key(&mut self, node: &Node) -> Result<String, YamlError> {
        if let NodeKind::Scalar {
            text,
            tag,
            is_plain,
        } = &node.resolve().kind
        {
            let resolved = match tag.as_deref() {
                Some("tag:yaml.org,2002:str") => Scalar::Text,
                None if !is_plain => Scalar::Text,
                _ => scalar::resolve(text),
            };
            match resolved {
                Scalar::Text | Scalar::Timestamp => return Ok(text.clone()),
                Scalar::Bool(truth) => return Ok(truth.to_string()),
                Scalar::Int(number) => return Ok(number.to_string()),
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "Go writes such keys as float32"
                )]
                Scalar::Float(number) => return Ok(float_key(number as f32)),
                Scalar::Uint(_) | Scalar::Null => {}
            }
        }
        Err(self.error_at(node, "a key must be text, a number or a boolean"))
    }

    fn scalar(
        &mut self,
        node: &Node,
        text: &str,
        tag: Option<&str>,
        is_plain: bool,
    ) -> Result<Value, YamlError> {
        let short = tag.map(|tag| tag.strip_prefix("tag:yaml.org,2002:").unwrap_or(tag));
        let resolved = match short {
            None if !is_plain => Scalar::Text,
            None => scalar::resolve(text),
            Some("binary") => return self.binary(node, text),
            Some(wanted @ ("bool" | "int" | "float" | "null" | "timestamp")) => {
                let resolved = scalar::resolve(text);
                match (wanted, resolved) {
                    ("bool", resolved @ Scalar::Bool(_))
                    | ("int", resolved @ (Scalar::Int(_) | Scalar::Uint(_)))
                    | ("float", resolved @ Scalar::Float(_))
                    | ("null", resolved @ Scalar::Null)
                    | ("timestamp", resolved @ Scalar::Timestamp) => resolved,
                    #[expect(clippy::cast_precision_loss, reason = "the tag asks for a float")]
                    ("float", Scalar::Int(number)) => Scalar::Float(number as f64),
                    _ => {
                        let problem = format!("the value is no `!!{wanted}`");
                        return Err(self.error_at(node, problem));
                    }
                }
            }
            Some(_) => Scalar::Text,
        };
        match resolved {
            Scalar::Null => Ok(Value::Null),
            Scalar::Bool(truth) => Ok(truth.into()),
            Scalar::Text | Scalar::Timestamp => Ok(text.into()),
            Scalar::Int(number) if self.numbers == Numbers::Kept => Ok(number.into()),
            Scalar::Uint(number) if self.numbers == Numbers::Kept => Ok(number.into()),
            #[expect(clippy::cast_precision_loss, reason = "Helm's values are floats")]
            Scalar::Int(number) => self.float(node, number as f64),
            #[expect(clippy::cast_precision_loss, reason = "Helm's values are floats")]
            Scalar::Uint(number) => self.float(node, number as f64),
            Scalar::Float(number) => self.float(node, number),
        }
    }

    fn float(&self, node: &Node, number: f64) -> Result<Value, YamlError> {
        match serde_json::Number::from_f64(number) {
            Some(number) => Ok(number.into()),
            None => Err(self.error_at(node, "infinite numbers and `.nan` are not supported")),
        }
    }

    fn binary(&self, node: &Node, text: &str) -> Result<Value, YamlError> {
        let compact: String = text.split_ascii_whitespace().collect();
        match super::super::decode_base64(&compact) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into()),
            Err(_) => Err(self.error_at(node, "the `!!binary` value is no base64")),
        }
    }
}

fn float_key(number: f32) -> String {
    if number.is_nan() {
        ".nan".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { ".inf" } else { "-.inf" }.to_owned()
    } else {
        let shortest: f64 = number.to_string().parse().unwrap_or_default();
        super::super::print::float_g(shortest)
    }
}

fn allowed_alias_share(nodes: f64) -> f64 {
    if nodes <= FREE_NODES {
        0.99
    } else if nodes >= FREE_NODES * 10.0 {
        0.10
    } else {
        0.99 - 0.89 * ((nodes - FREE_NODES) / (FREE_NODES * 9.0))
    }
}
