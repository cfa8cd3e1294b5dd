//! What Go refuses before it executes anything: unknown functions and variables, stray `break`.

use std::fmt::Write as _;
use std::rc::Rc;

use gotmpl::parse::{BranchNode, CommandNode, Expr, ListNode, Node, PipeNode, Pos};

use super::super::funcs;
use super::error::TemplateError;
use super::template::Source;

/// Checks one template body.
pub(super) fn check(source: &Rc<Source>, body: &ListNode) -> Result<(), Box<TemplateError>> {
    let mut checker = Checker {
        source,
        variables: vec!["$".to_owned()],
        ranges: 0,
    };
    checker.list(body)
}

/// The closest of the known names, when one is close enough to be meant.
pub(super) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    known
        .map(|other| (distance(name, other), other))
        .filter(|(distance, other)| *distance <= 2.min(other.len() / 3))
        .min()
        .map(|(_, other)| other)
}

struct Checker<'s> {
    source: &'s Rc<Source>,
    variables: Vec<String>,
    ranges: usize,
}

impl Checker<'_> {
    fn error(&self, pos: Pos, problem: impl Into<String>) -> Box<TemplateError> {
        let mut error = TemplateError::in_file(&*self.source.name, pos.line, problem);
        error.action = self.source.action_at(pos.offset);
        Box::new(error)
    }

    fn list(&mut self, list: &ListNode) -> Result<(), Box<TemplateError>> {
        list.nodes.iter().try_for_each(|node| self.node(node))
    }

    fn node(&mut self, node: &Node) -> Result<(), Box<TemplateError>> {
        match node {
            Node::List(list) => self.list(list),
            Node::Action(action) => self.pipe(&action.pipe),
            Node::If(branch) | Node::With(branch) => self.branch(branch, 0),
            Node::Range(branch) => self.branch(branch, 1),
            Node::Template(call) => call.pipe.as_ref().map_or(Ok(()), |pipe| self.pipe(pipe)),
            Node::Break(pos) if self.ranges == 0 => {
                Err(self.error(*pos, "`break` outside of a `range`"))
            }
            Node::Continue(pos) if self.ranges == 0 => {
                Err(self.error(*pos, "`continue` outside of a `range`"))
            }
            Node::Text(_) | Node::Define(_) | Node::Break(_) | Node::Continue(_) => Ok(()),
        }
    }

    fn branch(&mut self, branch: &BranchNode, ranges: usize) -> Result<(), Box<TemplateError>> {
        let outer = self.variables.len();
        self.pipe(&branch.pipe)?;
        let inner = self.variables.len();
        self.ranges += ranges;
        self.list(&branch.body)?;
        self.ranges -= ranges;
        self.variables.truncate(inner);
        if let Some(else_body) = &branch.else_body {
            self.list(else_body)?;
        }
        self.variables.truncate(outer);
        Ok(())
    }

    fn pipe(&mut self, pipe: &PipeNode) -> Result<(), Box<TemplateError>> {
        for (index, command) in pipe.commands.iter().enumerate() {
            self.command(command, index > 0)?;
        }
        for variable in &pipe.decl {
            if pipe.is_assign {
                self.variable(variable, pipe.pos)?;
            } else {
                self.variables.push(variable.to_string());
            }
        }
        Ok(())
    }

    fn command(&mut self, command: &CommandNode, is_piped: bool) -> Result<(), Box<TemplateError>> {
        match &command.args[0] {
            Expr::Nil(pos) => return Err(self.error(*pos, "`nil` is not a command")),
            first @ (Expr::Bool(..) | Expr::String(..) | Expr::Number(..) | Expr::Dot(_))
                if is_piped =>
            {
                return Err(self.error(first.pos(), "only a function can follow a `|`"));
            }
            _ => {}
        }
        command.args.iter().try_for_each(|arg| self.expression(arg))
    }

    fn expression(&mut self, expression: &Expr) -> Result<(), Box<TemplateError>> {
        match expression {
            Expr::Variable(pos, name, _) => self.variable(name, *pos),
            Expr::Identifier(pos, name) => self.function(name, *pos),
            Expr::Pipe(_, pipe) => {
                let outer = self.variables.len();
                self.pipe(pipe)?;
                self.variables.truncate(outer);
                Ok(())
            }
            Expr::Chain(_, inner, _) => self.expression(inner),
            _ => Ok(()),
        }
    }

    fn variable(&self, name: &str, pos: Pos) -> Result<(), Box<TemplateError>> {
        if self.variables.iter().any(|known| known == name) {
            return Ok(());
        }
        let mut problem = format!("the variable `{name}` is not defined");
        if let Some(near) = nearest(name, self.variables.iter().map(String::as_str)) {
            let _ = write!(problem, "; did you mean `{near}`?");
        }
        Err(self.error(pos, problem))
    }

    fn function(&self, name: &str, pos: Pos) -> Result<(), Box<TemplateError>> {
        if funcs::find(name).is_some() {
            return Ok(());
        }
        if funcs::is_missing(name) {
            let problem = format!("Helm's function `{name}` is not supported yet");
            return Err(self.error(pos, problem));
        }
        let mut problem = format!("there is no function `{name}`");
        if let Some(near) = nearest(name, funcs::names()) {
            let _ = write!(problem, "; did you mean `{near}`?");
        }
        Err(self.error(pos, problem))
    }
}

/// How many letters must be added, removed or replaced.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, one) in left.chars().enumerate() {
        let mut corner = row[0];
        row[0] = index + 1;
        for (column, other) in right.iter().enumerate() {
            let replaced = corner + usize::from(one != *other);
            corner = row[column + 1];
            row[column + 1] = replaced.min(corner + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}
