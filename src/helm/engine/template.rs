//! Templates by name: parsing a file, collecting what it defines, refusing what cannot work.

use std::collections::HashMap;
use std::rc::Rc;

use gotmpl::TemplateError as SyntaxError;
use gotmpl::parse::{DefineNode, Expr, ListNode, Node, Parser};

use super::check;
use super::error::TemplateError;

/// Marks the end of a parsed file. The parser takes a stray `end` for the end of the file and a
/// missing one for granted; with the mark at the end both show.
const END_MARK: &str = "\u{0}end of file\u{0}";
const END_ACTION: &str = "\n{{\"\\u0000end of file\\u0000\"}}";

/// A template that can be executed.
pub(super) struct Template {
    /// Its name: a file's path or the name in `define`.
    pub(super) name: Rc<str>,
    /// The file it was read from.
    pub(super) source: Rc<Source>,
    pub(super) body: ListNode,
}

/// The text a template came from.
pub(super) struct Source {
    pub(super) name: Rc<str>,
    pub(super) text: Rc<str>,
}

/// All templates that see each other. Cloning is cheap enough for `tpl`.
#[derive(Clone, Default)]
pub(super) struct TemplateSet(HashMap<Rc<str>, Rc<Template>>);

impl TemplateSet {
    pub(super) fn get(&self, name: &str) -> Option<Rc<Template>> {
        self.0.get(name).cloned()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(AsRef::as_ref)
    }

    /// Parses a text as the template `name` and adds all it defines.
    pub(super) fn add(
        &mut self,
        name: &str,
        text: &str,
    ) -> Result<Rc<Template>, Box<TemplateError>> {
        let source = Rc::new(Source {
            name: name.into(),
            text: text.into(),
        });
        let (body, defines) = parse(name, text)?;
        let mut named: Vec<(Rc<str>, ListNode)> = Vec::new();
        for DefineNode {
            name: defined,
            body,
            ..
        } in defines
        {
            let empty = body.is_empty_tree();
            match named.iter_mut().find(|entry| *entry.0 == *defined) {
                Some(_) if empty => {}
                Some(entry) if entry.1.is_empty_tree() => entry.1 = body,
                Some(_) => {
                    let problem = format!("`{defined}` is defined twice");
                    return Err(Box::new(TemplateError::in_file(
                        name,
                        body.pos.line,
                        problem,
                    )));
                }
                None => named.push((defined.as_str().into(), body)),
            }
        }
        for (defined, body) in named {
            self.insert(defined, &source, body)?;
        }
        let main = self.insert(name.into(), &source, body)?;
        Ok(main)
    }

    /// Adds a template; an empty one never replaces another, as in Go.
    fn insert(
        &mut self,
        name: Rc<str>,
        source: &Rc<Source>,
        body: ListNode,
    ) -> Result<Rc<Template>, Box<TemplateError>> {
        check::check(source, &body)?;
        let is_empty = body.is_empty_tree();
        let template = Rc::new(Template {
            name: name.clone(),
            source: source.clone(),
            body,
        });
        if !is_empty || !self.0.contains_key(&name) {
            self.0.insert(name, template.clone());
        }
        Ok(template)
    }
}

impl Source {
    /// The action that lies around a byte of the text, without its braces.
    pub(super) fn action_at(&self, offset: usize) -> String {
        let before = self.text.get(..offset).unwrap_or_default();
        let after = self.text.get(offset..).unwrap_or_default();
        let start = before.rfind("{{").map_or(offset, |start| start + 2);
        let end = after.find("}}").map_or(self.text.len(), |end| offset + end);
        let action = self.text.get(start..end).unwrap_or_default();
        let action = action.strip_prefix('-').unwrap_or(action);
        let action = action.strip_suffix('-').unwrap_or(action);
        let mut words = action.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((cut, _)) = words.char_indices().nth(100) {
            words.truncate(cut);
            words.push('…');
        }
        words
    }
}

fn parse(name: &str, text: &str) -> Result<(ListNode, Vec<DefineNode>), Box<TemplateError>> {
    let marked = format!("{text}{END_ACTION}");
    let parsed = Parser::new(&marked, "{{", "}}").and_then(Parser::parse);
    let (mut body, defines) = parsed.map_err(|error| {
        let (line, problem) = match error {
            SyntaxError::Parse { line, message, .. } | SyntaxError::Lex { line, message, .. } => {
                (line, message)
            }
            other => (0, other.to_string()),
        };
        Box::new(TemplateError::in_file(name, line, problem))
    })?;
    match body.nodes.last() {
        Some(Node::Action(action)) if is_end_mark(&action.pipe.commands[0].args) => {
            body.nodes.pop();
        }
        last => return Err(Box::new(unbalanced(name, last, body.nodes.len(), &body))),
    }
    if let Some(Node::Text(last)) = body.nodes.last_mut() {
        // The line break of the mark, unless a trim marker took it.
        let shorter = last.text.strip_suffix('\n').unwrap_or(&last.text).into();
        last.text = shorter;
        if last.text.is_empty() {
            body.nodes.pop();
        }
    }
    Ok((body, defines))
}

fn is_end_mark(args: &[Expr]) -> bool {
    matches!(args, [Expr::String(_, text)] if **text == *END_MARK)
}

fn unbalanced(name: &str, last: Option<&Node>, _count: usize, body: &ListNode) -> TemplateError {
    let open = match last {
        Some(Node::If(branch)) if holds_mark(&branch.body, branch.else_body.as_ref()) => {
            Some(("if", branch.pos.line))
        }
        Some(Node::With(branch)) if holds_mark(&branch.body, branch.else_body.as_ref()) => {
            Some(("with", branch.pos.line))
        }
        Some(Node::Range(branch)) if holds_mark(&branch.body, branch.else_body.as_ref()) => {
            Some(("range", branch.pos.line))
        }
        _ => None,
    };
    match open {
        Some((keyword, line)) => {
            TemplateError::in_file(name, line, format!("this `{keyword}` has no `end`"))
        }
        None => TemplateError::in_file(
            name,
            body.nodes.last().map_or(1, line_of),
            "an `end` or `else` belongs to nothing, or a `define` has no `end`",
        ),
    }
}

fn holds_mark(body: &ListNode, else_body: Option<&ListNode>) -> bool {
    let nodes = &else_body.unwrap_or(body).nodes;
    match nodes.last() {
        Some(Node::Action(action)) => is_end_mark(&action.pipe.commands[0].args),
        Some(Node::If(branch) | Node::With(branch) | Node::Range(branch)) => {
            holds_mark(&branch.body, branch.else_body.as_ref())
        }
        _ => false,
    }
}

fn line_of(node: &Node) -> usize {
    match node {
        Node::List(list) => list.pos.line,
        Node::Text(text) => text.pos.line,
        Node::Action(action) => action.pos.line,
        Node::If(branch) | Node::With(branch) | Node::Range(branch) => branch.pos.line,
        Node::Template(call) => call.pos.line,
        Node::Define(define) => define.pos.line,
        Node::Break(pos) | Node::Continue(pos) => pos.line,
    }
}
