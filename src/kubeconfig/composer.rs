//! From the parser's events to values and the places where they are written.

use std::collections::HashMap;
use std::ops::Range;

use libyaml_safer::{EventData, MappingStyle, Mark, Parser, ScalarStyle, SequenceStyle};
use serde_json::Value;

use super::document::{Fault, Kind, Node};
use super::scalar;

/// Deeper nesting is no kubeconfig, and would exhaust the stack.
const DEEPEST: usize = 100;
/// Aliases of aliases grow without bound; no kubeconfig comes near this many values.
const MOST_ALIASED_VALUES: usize = 100_000;

pub(super) struct Composer<'t> {
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

impl<'t> Composer<'t> {
    /// Reads a text; `ended` is the same with a line break at its end.
    pub(super) fn of(text: &'t str, ended: &'t str) -> Self {
        let mut parser = Parser::new();
        parser.set_input(ended.as_bytes());
        Self {
            parser,
            text,
            anchors: HashMap::new(),
            aliased_values: 0,
        }
    }

    /// The outermost value, if there is any.
    pub(super) fn root(&mut self) -> Result<Option<Node>, Fault> {
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
        let place = |mark: Mark| byte(mark).min(self.text.len());
        let span = place(event.start_mark)..place(event.end_mark);
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
                mut value,
                style,
                ..
            } => {
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                    if span.end == self.text.len() && !self.text.ends_with('\n') {
                        // The break that ends it for the parser is not in the text.
                        value.truncate(value.strip_suffix('\n').unwrap_or(&value).len());
                    }
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
