//! Executing templates: Go's `text/template` with Helm's `include`, `tpl` and `lookup`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::rc::Rc;

use gotmpl::parse::{BranchNode, ListNode, Node, Pos, SmolStr, TemplateNode};

use super::super::print;
use super::super::value::{Map, Value};
use super::args::list_of;
use super::error::{Fault, TemplateError};
use super::eval::Eval;
use super::template::{Source, Template, TemplateSet};
use super::{LookupKey, Lookups, check};

/// How deep templates may include each other.
const MAX_INCLUDES: usize = 1000;
/// How deep blocks and expressions may nest, over all includes.
const MAX_DEPTH: usize = 10_000;
/// How much text one render may produce, included text counted each time.
const MAX_OUTPUT: usize = 64 << 20;
/// How many rounds all loops of a render may make together.
const MAX_ROUNDS: usize = 1_000_000;

/// What Go prints for nothing; Helm removes it from the output.
const NO_VALUE: &str = "<no value>";

/// Runs the templates of one render.
pub(crate) struct Executor<'l> {
    templates: TemplateSet,
    lookups: &'l Lookups,
    needs: BTreeSet<LookupKey>,
    pub(super) state: State,
    /// The templates under execution, outermost first, with the line each has reached.
    callers: Vec<(Rc<Source>, usize)>,
    depth: usize,
    written: usize,
    rounds: usize,
}

/// What belongs to one execution of one template.
pub(super) struct State {
    source: Rc<Source>,
    pub(super) variables: Vec<(SmolStr, Slot)>,
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

    fn element(value: Value) -> Self {
        Self {
            value,
            is_element: true,
        }
    }
}

enum Stop {
    Break,
    Continue,
    Error(Box<TemplateError>),
}

impl From<Box<TemplateError>> for Stop {
    fn from(error: Box<TemplateError>) -> Self {
        Self::Error(error)
    }
}

type Flow = Result<(), Stop>;

impl<'l> Executor<'l> {
    pub(super) fn new(templates: TemplateSet, lookups: &'l Lookups) -> Self {
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
            depth: 0,
            written: 0,
            rounds: 0,
        }
    }

    /// The lookups that were asked for and are not known.
    pub(super) fn into_needs(self) -> BTreeSet<LookupKey> {
        self.needs
    }

    /// Renders the named file.
    pub(super) fn render(&mut self, name: &str, data: &Value) -> Eval<String> {
        let template = self.template(name).map_err(|fault| match fault {
            Fault::Placed(error) => error,
            Fault::Wrong(problem) | Fault::Refused(problem) => {
                Box::new(TemplateError::in_file(name, 0, problem))
            }
        })?;
        let text = self.execute(&template, data.clone())?;
        Ok(text.replace(NO_VALUE, ""))
    }

    /// `include`: a template's output as a string.
    pub(crate) fn include(&mut self, name: &str, data: Value) -> Result<String, Fault> {
        let template = self.template(name)?;
        self.enter_template()?;
        let text = self.execute(&template, data)?;
        Ok(text)
    }

    /// `tpl`: a string as a template. What it defines is seen by it alone.
    pub(crate) fn render_text(&mut self, text: &str, data: Value) -> Result<String, Fault> {
        let outer = self.templates.clone();
        let rendered = self.render_text_in_set(text, data);
        self.templates = outer;
        Ok(rendered?.replace(NO_VALUE, ""))
    }

    fn render_text_in_set(&mut self, text: &str, data: Value) -> Result<String, Fault> {
        self.enter_template()?;
        let template = self.templates.add("tpl", text).map_err(|mut error| {
            error.chain = self.chain();
            error
        })?;
        Ok(self.execute(&template, data)?)
    }

    /// `lookup`: an object of the cluster, or an empty map.
    pub(crate) fn lookup(&mut self, key: LookupKey) -> Value {
        if let Some(found) = self.lookups.get(&key) {
            return Value::from(found);
        }
        self.needs.insert(key);
        Value::Map(Map::default())
    }

    fn template(&self, name: &str) -> Result<Rc<Template>, Fault> {
        self.templates.get(name).ok_or_else(|| {
            let mut problem = format!("there is no template `{name}`");
            if let Some(near) = check::nearest(name, self.templates.names()) {
                let _ = write!(problem, "; did you mean `{near}`?");
            }
            Fault::new(problem)
        })
    }

    fn enter_template(&self) -> Result<(), Fault> {
        if self.callers.len() > MAX_INCLUDES {
            return Err(Fault::new(format!(
                "templates include each other more than {MAX_INCLUDES} levels deep"
            )));
        }
        Ok(())
    }

    fn execute(&mut self, template: &Rc<Template>, data: Value) -> Eval<String> {
        let dot = Slot::plain(data);
        let state = State {
            source: template.source.clone(),
            variables: vec![(SmolStr::new_static("$"), dot.clone())],
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

    pub(super) fn error(&self, pos: Pos, problem: impl Into<String>) -> Box<TemplateError> {
        self.place(pos, Fault::new(problem))
    }

    pub(super) fn place(&self, pos: Pos, fault: Fault) -> Box<TemplateError> {
        let (problem, by_chart) = match fault {
            Fault::Placed(error) => return error,
            Fault::Wrong(problem) => (problem, false),
            Fault::Refused(problem) => (problem, true),
        };
        let mut chain = self.chain();
        if !chain.is_empty() {
            chain.remove(0);
        }
        Box::new(TemplateError {
            file: self.state.source.name.to_string(),
            defined: None,
            line: pos.line,
            action: self.state.source.action_at(pos.offset),
            chain,
            problem,
            by_chart,
        })
    }

    /// The templates under execution, innermost first.
    fn chain(&self) -> Vec<(String, usize)> {
        self.callers
            .iter()
            .rev()
            .map(|(source, line)| (source.name.to_string(), *line))
            .collect()
    }

    pub(super) fn deeper<T>(&mut self, pos: Pos, work: impl FnOnce(&mut Self) -> T) -> Eval<T> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error(pos, "blocks and expressions nest too deep"));
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        Ok(result)
    }

    fn write(&mut self, out: &mut String, pos: Pos, text: &str) -> Flow {
        self.written += text.len();
        if self.written > MAX_OUTPUT {
            let problem = format!("the chart produces more than {} MiB", MAX_OUTPUT >> 20);
            return Err(self.error(pos, problem).into());
        }
        out.push_str(text);
        Ok(())
    }

    fn walk(&mut self, out: &mut String, list: &ListNode, dot: &Slot) -> Flow {
        for node in &list.nodes {
            self.node(out, node, dot)?;
        }
        Ok(())
    }

    fn node(&mut self, out: &mut String, node: &Node, dot: &Slot) -> Flow {
        match node {
            Node::Text(text) => self.write(out, text.pos, &text.text),
            Node::Action(action) => {
                let value = self.pipe(dot, &action.pipe)?;
                if action.pipe.decl.is_empty() {
                    self.print(out, action.pos, &value)?;
                }
                Ok(())
            }
            Node::If(branch) => self.branch(out, branch, dot, false),
            Node::With(branch) => self.branch(out, branch, dot, true),
            Node::Range(branch) => {
                let mark = self.state.variables.len();
                let flow = self.deeper(branch.pos, |this| this.range(out, branch, dot))?;
                self.state.variables.truncate(mark);
                flow
            }
            Node::Template(call) => self.call_template(out, call, dot),
            Node::List(list) => self.walk(out, list, dot),
            Node::Define(_) => Ok(()),
            Node::Break(_) => Err(Stop::Break),
            Node::Continue(_) => Err(Stop::Continue),
        }
    }

    fn print(&mut self, out: &mut String, pos: Pos, value: &Value) -> Flow {
        match value {
            Value::Nil => self.write(out, pos, NO_VALUE),
            Value::Str(text) => self.write(out, pos, text),
            Value::Binary(_) => Err(self
                .error(pos, "the value is no UTF-8 text and cannot be printed")
                .into()),
            Value::Object(object) => self.write(out, pos, &print::sprint(&object.printed())),
            other => self.write(out, pos, &print::sprint(other)),
        }
    }

    fn branch(&mut self, out: &mut String, branch: &BranchNode, dot: &Slot, is_with: bool) -> Flow {
        let mark = self.state.variables.len();
        let flow = self.deeper(branch.pos, |this| {
            let value = this.pipe(dot, &branch.pipe)?;
            if value.is_true() {
                if is_with {
                    this.walk(out, &branch.body, &Slot::plain(value))
                } else {
                    this.walk(out, &branch.body, dot)
                }
            } else if let Some(body) = &branch.else_body {
                this.walk(out, body, dot)
            } else {
                Ok(())
            }
        })?;
        self.state.variables.truncate(mark);
        flow
    }

    fn range(&mut self, out: &mut String, branch: &BranchNode, dot: &Slot) -> Flow {
        let over = self.pipe(dot, &branch.pipe)?;
        let mark = self.state.variables.len();
        let over = match over {
            Value::Object(object) => object.plain(),
            plain => plain,
        };
        let mut ran = false;
        match &over {
            Value::Nil => {}
            Value::Int(count) | Value::Int64(count) => {
                if branch.pipe.decl.len() > 1 {
                    let problem = "a number has no second variable to range over";
                    return Err(self.error(branch.pos, problem).into());
                }
                let wide = matches!(over, Value::Int64(_));
                for number in 0..*count {
                    ran = true;
                    let item = if wide {
                        Value::Int64(number)
                    } else {
                        Value::Int(number)
                    };
                    if self.round(out, branch, Value::Nil, &Slot::plain(item), mark)? {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                for (key, item) in map.entries() {
                    ran = true;
                    if self.round(out, branch, Value::Str(key), &Slot::element(item), mark)? {
                        break;
                    }
                }
            }
            other => {
                let Some(items) = list_of(other) else {
                    let problem = format!("cannot range over {}", other.type_name());
                    return Err(self.error(branch.pos, problem).into());
                };
                for (index, item) in items.iter().enumerate() {
                    ran = true;
                    let item = Slot::element(item.clone());
                    if self.round(out, branch, index.into(), &item, mark)? {
                        break;
                    }
                }
            }
        }
        match &branch.else_body {
            Some(body) if !ran => self.walk(out, body, dot),
            _ => Ok(()),
        }
    }

    /// One round of a loop; true when it was left by `break`.
    fn round(
        &mut self,
        out: &mut String,
        branch: &BranchNode,
        key: Value,
        item: &Slot,
        mark: usize,
    ) -> Result<bool, Stop> {
        self.rounds += 1;
        if self.rounds > MAX_ROUNDS {
            let problem = format!("the loops of the chart make more than {MAX_ROUNDS} rounds");
            return Err(self.error(branch.pos, problem).into());
        }
        let key = Slot::plain(key);
        match (&branch.pipe.decl[..], branch.pipe.is_assign) {
            ([], _) => {}
            ([one], true) => self.assign(one, item.clone()),
            ([one, other, ..], true) => {
                self.assign(one, key);
                self.assign(other, item.clone());
            }
            ([_], false) => self.state.variables[mark - 1].1 = item.clone(),
            ([_, _, ..], false) => {
                self.state.variables[mark - 2].1 = key;
                self.state.variables[mark - 1].1 = item.clone();
            }
        }
        let flow = self.walk(out, &branch.body, item);
        self.state.variables.truncate(mark);
        match flow {
            Ok(()) | Err(Stop::Continue) => Ok(false),
            Err(Stop::Break) => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn call_template(&mut self, out: &mut String, call: &TemplateNode, dot: &Slot) -> Flow {
        let data = match &call.pipe {
            Some(pipe) => self.pipe(dot, pipe)?,
            None => Value::Nil,
        };
        self.reach(call.pos);
        let text = self
            .include(&call.name, data)
            .map_err(|fault| self.place(call.pos, fault))?;
        out.push_str(&text);
        Ok(())
    }

    /// Notes the line reached, for the chain of an error further in.
    pub(super) fn reach(&mut self, pos: Pos) {
        if let Some(caller) = self.callers.last_mut() {
            caller.1 = pos.line;
        }
    }

    pub(super) fn assign(&mut self, name: &SmolStr, slot: Slot) {
        let variable = self.state.variables.iter_mut().rev();
        if let Some((_, value)) = variable.into_iter().find(|(known, _)| known == name) {
            *value = slot;
        }
    }
}
