//! One file's text and where everything in it stands.
//!
//! Values and places come from the same parse, so what is compared after an edit is what was cut.
//! The parser is of the libyaml family, as is kubectl's, so that both take a file alike.

use std::collections::HashMap;
use std::ops::Range;
use std::panic;

use libyaml_safer::{EventData, MappingStyle, Mark, Parser, ScalarStyle, SequenceStyle};
use serde_json::{Map, Value};

use super::scalar;

/// Deeper nesting is no kubeconfig, and would exhaust the stack.
const DEEPEST: usize = 100;
/// Aliases of aliases grow without bound; no kubeconfig comes near this many values.
const MOST_ALIASED_VALUES: usize = 100_000;

/// A fault in the text, by line counted from 1.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) problem: String,
}

/// A parsed text; of several YAML documents only the first counts, as for kubectl.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) text: String,
    /// Absent if the text holds only comments or nothing.
    pub(super) root: Option<Node>,
}

/// A value and the bytes it is written in, anchor and tag included.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
}

/// The shapes of a value.
#[derive(Debug)]
pub(super) enum Kind {
    Scalar {
        value: Value,
        quote: Option<char>,
    },
    Alias(Value),
    Sequence {
        is_flow: bool,
        items: Vec<Node>,
    },
    Mapping {
        is_flow: bool,
        members: Vec<(Node, Node)>,
    },
}

impl Document {
    pub(super) fn parse(text: String) -> Result<Self, Fault> {
        // Some texts make the parser panic (a tag right before a comma, an escape cut off by the end
        // of the file). They are broken, or so unusual that an edit is better refused.
        let root = panic::catch_unwind(|| Builder::of(&text).root()).unwrap_or_else(|_| {
            let problem = "the YAML parser cannot take this file".to_owned();
            Err(Fault { line: 1, problem })
        })?;
        Ok(Self { text, root })
    }

    /// The value of the whole document.
    pub(super) fn value(&self) -> Value {
        self.root.as_ref().map_or(Value::Null, Node::value)
    }

    /// A member of the outermost mapping; the last one of that key, as for kubectl.
    pub(super) fn member(&self, key: &str) -> Option<(&Node, &Node)> {
        let Kind::Mapping { members, .. } = &self.root.as_ref()?.kind else {
            return None;
        };
        let found = members.iter().rfind(|(node, _)| node.is_text(key));
        found.map(|(key, value)| (key, value))
    }

    /// The line of a byte, counted from 1.
    pub(super) fn line_of(&self, place: usize) -> usize {
        1 + self.text[..place].matches('\n').count()
    }
}

impl Node {
    pub(super) fn value(&self) -> Value {
        match &self.kind {
            Kind::Scalar { value, .. } | Kind::Alias(value) => value.clone(),
            Kind::Sequence { items, .. } => items.iter().map(Node::value).collect(),
            Kind::Mapping { members, .. } => Value::Object(object(members)),
        }
    }

    /// Whether nothing is written here, or a word for nothing.
    pub(super) fn is_null(&self) -> bool {
        matches!(
            &self.kind,
            Kind::Scalar {
                value: Value::Null,
                ..
            }
        )
    }

    fn is_text(&self, text: &str) -> bool {
        matches!(&self.kind, Kind::Scalar { value, .. } if value.as_str() == Some(text))
    }
}

fn object(members: &[(Node, Node)]) -> Map<String, Value> {
    let mut object = Map::new();
    let mut merged = Vec::new();
    for (key, value) in members {
        if matches!(key.kind, Kind::Scalar { quote: None, .. }) && key.is_text("<<") {
            match value.value() {
                Value::Array(values) => merged.extend(values),
                value => merged.push(value),
            }
            continue;
        }
        let key = match key.value() {
            Value::String(text) => text,
            other => other.to_string(),
        };
        object.insert(key, value.value());
    }
    for value in merged {
        if let Value::Object(members) = value {
            for (key, value) in members {
                object.entry(key).or_insert(value);
            }
        }
    }
    object
}

struct Builder<'t> {
    parser: Parser<&'t [u8]>,
    text: &'t str,
    anchors: HashMap<String, Value>,
    aliased_values: usize,
}

struct Step {
    data: EventData,
    span: Range<usize>,
    mark: Mark,
}

impl<'t> Builder<'t> {
    fn of(text: &'t str) -> Self {
        let mut parser = Parser::new();
        parser.set_input(text.as_bytes());
        Self {
            parser,
            text,
            anchors: HashMap::new(),
            aliased_values: 0,
        }
    }

    fn root(&mut self) -> Result<Option<Node>, Fault> {
        loop {
            let step = self.step()?;
            match step.data {
                EventData::StreamStart { .. } | EventData::DocumentStart { .. } => {}
                EventData::StreamEnd => return Ok(None),
                _ => break self.node(step, 0).map(Some),
            }
        }
    }

    fn step(&mut self) -> Result<Step, Fault> {
        let event = self.parser.parse().map_err(|error| {
            let line = match error.problem_mark() {
                Some(mark) => line_of(mark),
                None => self.line_of_unreadable(),
            };
            Fault {
                line,
                problem: error.problem().to_owned(),
            }
        })?;
        let span = byte(event.start_mark)..byte(event.end_mark);
        Ok(Step {
            data: event.data,
            span,
            mark: event.start_mark,
        })
    }

    fn node(&mut self, step: Step, depth: usize) -> Result<Node, Fault> {
        let line = line_of(step.mark);
        let fault = |problem: &str| Fault {
            line,
            problem: problem.to_owned(),
        };
        if depth > DEEPEST {
            return Err(fault("nested too deeply"));
        }
        let mut span = step.span;
        let (anchor, kind) = match step.data {
            EventData::Alias { anchor } => {
                let value = self.anchors.get(&anchor).cloned();
                let value =
                    value.ok_or_else(|| fault("an alias of an anchor that is not there"))?;
                self.aliased_values += count(&value);
                if self.aliased_values > MOST_ALIASED_VALUES {
                    return Err(fault("too many values behind aliases"));
                }
                (None, Kind::Alias(value))
            }
            EventData::Scalar {
                anchor,
                tag,
                value,
                style,
                ..
            } => {
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                    span.end = self.end_of_block_scalar(&span, &value);
                }
                (anchor, scalar_kind(value, tag.as_deref(), style))
            }
            EventData::SequenceStart { anchor, style, .. } => {
                let mut items = Vec::new();
                let last = loop {
                    let step = self.step()?;
                    if step.data == EventData::SequenceEnd {
                        break step;
                    }
                    items.push(self.node(step, depth + 1)?);
                };
                let is_flow = style == SequenceStyle::Flow;
                span.end = end_of_collection(is_flow, &span, &last, items.last());
                (anchor, Kind::Sequence { is_flow, items })
            }
            EventData::MappingStart { anchor, style, .. } => {
                let mut members = Vec::new();
                let last = loop {
                    let step = self.step()?;
                    if step.data == EventData::MappingEnd {
                        break step;
                    }
                    let key = self.node(step, depth + 1)?;
                    let step = self.step()?;
                    members.push((key, self.node(step, depth + 1)?));
                };
                let is_flow = style == MappingStyle::Flow;
                let last_value = members.last().map(|(_, value)| value);
                span.end = end_of_collection(is_flow, &span, &last, last_value);
                (anchor, Kind::Mapping { is_flow, members })
            }
            _ => return Err(fault("a value is missing")),
        };
        let node = Node { span, kind };
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, node.value());
        }
        Ok(node)
    }

    /// The parser counts blank lines below a block scalar to it even where they mean nothing.
    fn end_of_block_scalar(&self, span: &Range<usize>, value: &str) -> usize {
        let text = &self.text[span.clone()];
        if value.ends_with("\n\n") || value == "\n" {
            let text = text.strip_suffix('\n').unwrap_or(text);
            return span.start + text.strip_suffix('\r').unwrap_or(text).len();
        }
        span.start + text.trim_end().len()
    }

    /// The parser does not say where it met a character that YAML forbids.
    fn line_of_unreadable(&self) -> usize {
        let is_forbidden = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
        let before = self.text.split(is_forbidden).next().unwrap_or_default();
        1 + before.matches('\n').count()
    }
}

fn byte(mark: Mark) -> usize {
    usize::try_from(mark.index).unwrap_or(usize::MAX)
}

fn line_of(mark: Mark) -> usize {
    usize::try_from(mark.line)
        .unwrap_or(usize::MAX)
        .saturating_add(1)
}

/// A block collection has no end of its own: the parser reports where the next thing starts.
fn end_of_collection(
    is_flow: bool,
    start: &Range<usize>,
    end: &Step,
    last: Option<&Node>,
) -> usize {
    match last {
        Some(last) if !is_flow => last.span.end,
        _ if is_flow => end.span.end,
        _ => start.end,
    }
}

fn scalar_kind(text: String, tag: Option<&str>, style: ScalarStyle) -> Kind {
    let quote = match style {
        ScalarStyle::SingleQuoted => Some('\''),
        ScalarStyle::DoubleQuoted => Some('"'),
        _ => None,
    };
    let is_text = style != ScalarStyle::Plain || tag == Some(libyaml_safer::STR_TAG);
    let value = if is_text {
        Value::String(text)
    } else {
        scalar::resolve(&text)
    };
    Kind::Scalar { value, quote }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parsed(text: &str) -> Document {
        Document::parse(text.to_owned()).unwrap()
    }

    #[test]
    fn places_are_those_of_the_text() {
        let document = parsed("# é\na: &x \"ü\" # c\nb:\n  - 1\n  - |\n    two\n\n# end\n");
        let text = |key| &document.text[document.member(key).unwrap().1.span.clone()];
        assert_eq!(text("a"), "&x \"ü\"");
        assert_eq!(text("b"), "- 1\n  - |\n    two");
    }

    #[test]
    fn merge_keys_aliases_and_doubled_keys_mean_what_they_mean_to_kubectl() {
        let document = parsed("a: &a {x: 1, w: 1}\nb:\n  <<: [*a, {z: 3}]\n  w: 2\nc: 1\nc: 2\n");
        assert_eq!(document.value()["b"], json!({"x": 1, "w": 2, "z": 3}));
        assert_eq!(document.value()["c"], json!(2));
    }

    #[test]
    fn faults_name_their_line() {
        for (text, line) in [
            ("a: 1\nb: [\n", 3),
            ("a: 1\nb: *none\n", 2),
            ("a: 1\n\nb: \u{7}\n", 3),
            ("a: 1\n\tb: 2\n", 2),
        ] {
            let fault = Document::parse(text.to_owned()).unwrap_err();
            assert_eq!(
                (fault.line, fault.problem.is_empty()),
                (line, false),
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_makes_the_parser_panic_is_a_fault_too() {
        for text in ["a: \"\\", "a: [!b, c]\n"] {
            assert!(Document::parse(text.to_owned()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn bombs_are_refused() {
        let doubled = (1..40).map(|i| format!("a{i}: &a{i} [*a{}, *a{}]\n", i - 1, i - 1));
        let text = format!("a0: &a0 x\n{}", doubled.collect::<String>());
        assert!(Document::parse(text).is_err());
        assert!(Document::parse("[".repeat(10_000)).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_makes_it_panic(text in "([-:{}\\[\\],&*!|>'\"%@#? \n\r\tab\u{e9}\u{85}\u{2028}\u{0}]|clusters|- name: a\n|\\PC){0,40}") {
            if let Ok(document) = Document::parse(text) {
                for key in ["a", "clusters"] {
                    if let Some((key, value)) = document.member(key) {
                        _ = (&document.text[key.span.clone()], &document.text[value.span.clone()]);
                    }
                }
            }
        }
    }
}
