//! Executing templates: Go's `text/template` with Helm's `include`, `tpl` and `lookup`.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::super::print;
use super::super::value::{Map, Value, stray};
use super::error::{Fault, TemplateError};
use super::eval::Eval;
use super::limits::{Limits, has_stack};
use super::nearest::did_you_mean;
use super::syntax::{Branch, Node, Pipe, Span};
use super::template::{Source, Template, TemplateSet};
use super::{LookupKey, Lookups};

/// How deep the action `template` may go, as in Go.
const MAX_TEMPLATES: usize = 100_000;
/// What Go prints for nothing; Helm removes it from the output.
pub(super) const NO_VALUE: &str = "<no value>";

/// Runs the templates of one render.
pub(crate) struct Executor<'l> {
    pub(super) templates: TemplateSet,
    pub(super) lookups: &'l Lookups,
    pub(super) needs: BTreeSet<LookupKey>,
    pub(super) state: State,
    /// The templates under execution, outermost first, with the byte each has reached.
    callers: Vec<(Rc<Source>, usize)>,
    pub(super) limits: Limits,
    /// Maps that contain themselves, which nothing frees by itself.
    circles: Vec<Map>,
}

impl Drop for Executor<'_> {
    fn drop(&mut self) {
        self.circles.iter().for_each(Map::clear);
    }
}

/// What belongs to one execution of one template.
pub(super) struct State {
    source: Rc<Source>,
    pub(super) variables: Vec<(Rc<str>, Slot)>,
}

/// A value and whether it came straight out of a list or map.
///
/// Go tells a nil element from no value at all: a field of the former is an error, of the latter nothing.
#[derive(Clone)]
pub(super) struct Slot {
    pub(super) value: Value,
    pub(super) is_element: bool,
}

impl Slot {
    pub(super) fn plain(value: Value) -> Self {
        Self {
            value,
            is_element: false,
        }
    }

    pub(super) fn element(value: Value) -> Self {
        Self {
            value,
            is_element: true,
        }
    }
}

pub(super) enum Stop {
    Break,
    Continue,
    Error(Box<TemplateError>),
}

impl From<Box<TemplateError>> for Stop {
    fn from(error: Box<TemplateError>) -> Self {
        Self::Error(error)
    }
}

pub(super) type Flow = Result<(), Stop>;

impl<'l> Executor<'l> {
    pub(super) fn new(templates: TemplateSet, lookups: &'l Lookups, limits: Limits) -> Self {
        let source = Rc::new(Source {
            name: "".into(),
            text: "".into(),
        });
        Self {
            templates,
            lookups,
            needs: BTreeSet::new(),
            state: State {
                source,
                variables: Vec::new(),
            },
            callers: Vec::new(),
            limits,
            circles: Vec::new(),
        }
    }

    /// The lookups that were asked for and are not known.
    pub(super) fn into_needs(mut self) -> BTreeSet<LookupKey> {
        std::mem::take(&mut self.needs)
    }

    /// To be told of a map that is about to contain itself.
    pub(crate) fn note_circle(&mut self, map: &Map) {
        self.circles.push(map.clone());
    }

    /// Renders the named file.
    pub(super) fn render(&mut self, name: &str, data: &Value) -> Eval<Vec<u8>> {
        let in_file = |problem: String| Box::new(TemplateError::in_file(name, problem));
        let template = self.template(name).map_err(|fault| match fault {
            Fault::Placed(error) => error,
            Fault::Wrong(problem) | Fault::Refused(problem) => in_file(problem),
        })?;
        let text = self.execute(&template, data.clone())?;
        Ok(stray::into_bytes(without_no_value(text)))
    }

    pub(super) fn template(&self, name: &str) -> Result<Rc<Template>, Fault> {
        self.templates.get(name).ok_or_else(|| {
            let near = did_you_mean(name, self.templates.names());
            Fault::new(format!("template: no template `{name}` is defined{near}"))
        })
    }

    pub(super) fn execute(&mut self, template: &Rc<Template>, data: Value) -> Eval<String> {
        let dot = Slot::plain(data);
        let state = State {
            source: template.source.clone(),
            variables: vec![("$".into(), dot.clone())],
        };
        let outer = std::mem::replace(&mut self.state, state);
        self.callers.push((template.source.clone(), 0));
        let mut out = String::new();
        let flow = self.walk(&mut out, &template.body, &dot);
        self.callers.pop();
        self.state = outer;
        match flow {
            Ok(()) | Err(Stop::Break | Stop::Continue) => Ok(out),
            Err(Stop::Error(mut error)) => {
                let is_innermost = error.chain.len() == self.callers.len();
                if is_innermost && error.file != *template.name {
                    error.defined = Some(template.name.to_string());
                }
                Err(error)
            }
        }
    }

    pub(super) fn error(&self, span: Span, problem: impl Into<String>) -> Box<TemplateError> {
        self.place(span, Fault::new(problem))
    }

    pub(super) fn place(&self, span: Span, fault: Fault) -> Box<TemplateError> {
        let (problem, by_chart) = match fault {
            Fault::Placed(error) => return error,
            Fault::Wrong(problem) => (problem, false),
            Fault::Refused(problem) => (problem, true),
        };
        let mut chain = self.chain();
        if !chain.is_empty() {
            chain.remove(0);
        }
        let (line, column) = self.state.source.place(span.start);
        Box::new(TemplateError {
            file: self.state.source.name.to_string(),
            defined: None,
            line,
            column,
            action: stray::outside(&self.state.source.piece(span)).into_owned(),
            chain,
            problem: stray::outside(&problem).into_owned(),
            by_chart,
        })
    }

    /// The templates under execution, innermost first.
    pub(super) fn chain(&self) -> Vec<(String, usize)> {
        self.callers
            .iter()
            .rev()
            .map(|(source, reached)| (source.name.to_string(), source.place(*reached).0))
            .collect()
    }

    /// Refuses to go deeper when the stack ends.
    pub(super) fn check_depth(&mut self, span: Span) -> Eval<()> {
        if !has_stack() {
            return Err(self.error(span, "templates, blocks and expressions nest too deep"));
        }
        self.limits
            .step()
            .map_err(|problem| self.error(span, problem))
    }

    fn write(&mut self, out: &mut String, span: Span, text: &str) -> Flow {
        self.limits
            .write(text.len())
            .map_err(|problem| self.error(span, problem))?;
        out.push_str(text);
        Ok(())
    }

    pub(super) fn walk(&mut self, out: &mut String, nodes: &[Node], dot: &Slot) -> Flow {
        nodes.iter().try_for_each(|node| self.node(out, node, dot))
    }

    fn node(&mut self, out: &mut String, node: &Node, dot: &Slot) -> Flow {
        match node {
            Node::Text(span) => {
                let source = self.state.source.clone();
                self.write(out, *span, &source.text[span.start..span.end])
            }
            Node::Action(pipe) => {
                let value = self.pipe(dot, pipe)?;
                if pipe.variables.is_empty() {
                    self.print(out, pipe.span, &value)?;
                }
                Ok(())
            }
            Node::If(branch) => self.branch(out, branch, dot, false),
            Node::With(branch) => self.branch(out, branch, dot, true),
            Node::Range(branch) => {
                self.check_depth(branch.span)?;
                let mark = self.state.variables.len();
                let flow = self.range(out, branch, dot);
                self.state.variables.truncate(mark);
                flow
            }
            Node::Template { span, name, pipe } => {
                self.call_template(out, *span, name, pipe.as_deref(), dot)
            }
            Node::Break => Err(Stop::Break),
            Node::Continue => Err(Stop::Continue),
        }
    }

    fn print(&mut self, out: &mut String, span: Span, value: &Value) -> Flow {
        match value {
            Value::Nil => self.write(out, span, NO_VALUE),
            Value::Str(text) => self.write(out, span, text),
            Value::Object(object) => {
                let text = self.printed(span, &object.printed())?;
                self.write(out, span, &text)
            }
            other => {
                let text = self.printed(span, other)?;
                self.write(out, span, &text)
            }
        }
    }

    pub(super) fn printed(&self, span: Span, value: &Value) -> Eval<String> {
        print::sprint(value).map_err(|too_deep| self.place(span, too_deep.into()))
    }

    fn branch(&mut self, out: &mut String, branch: &Branch, dot: &Slot, is_with: bool) -> Flow {
        self.check_depth(branch.span)?;
        let mark = self.state.variables.len();
        let value = self.pipe(dot, &branch.pipe)?;
        let flow = if value.is_true() {
            if is_with {
                self.walk(out, &branch.body, &Slot::plain(value))
            } else {
                self.walk(out, &branch.body, dot)
            }
        } else if let Some(body) = &branch.otherwise {
            self.walk(out, body, dot)
        } else {
            Ok(())
        };
        self.state.variables.truncate(mark);
        flow
    }

    fn call_template(
        &mut self,
        out: &mut String,
        span: Span,
        name: &str,
        pipe: Option<&Pipe>,
        dot: &Slot,
    ) -> Flow {
        self.check_depth(span)?;
        self.reach(span);
        let template = self
            .template(name)
            .map_err(|fault| self.place(span, fault))?;
        let data = match pipe {
            Some(pipe) => self.pipe(dot, pipe)?,
            None => Value::Nil,
        };
        self.reach(span);
        if self.callers.len() > MAX_TEMPLATES {
            let problem = format!("exceeded maximum template depth ({MAX_TEMPLATES})");
            return Err(self.error(span, problem).into());
        }
        let text = self.execute(&template, data)?;
        out.push_str(&text);
        Ok(())
    }

    /// Notes the place reached, for the chain of an error further in.
    pub(super) fn reach(&mut self, span: Span) {
        if let Some(caller) = self.callers.last_mut() {
            caller.1 = span.start;
        }
    }

    pub(super) fn assign(&mut self, span: Span, name: &str, slot: Slot) -> Eval<()> {
        let known = self.state.variables.iter_mut().rev();
        match known.into_iter().find(|(known, _)| **known == *name) {
            Some((_, value)) => {
                *value = slot;
                Ok(())
            }
            None => Err(self.error(span, format!("undefined variable: {name}"))),
        }
    }
}

pub(super) fn without_no_value(text: String) -> String {
    if text.contains(NO_VALUE) {
        text.replace(NO_VALUE, "")
    } else {
        text
    }
}
