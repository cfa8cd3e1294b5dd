//! Pipelines: declarations, commands, operands.

use std::rc::Rc;

use super::super::super::funcs;
use super::super::nearest::did_you_mean;
use super::lex::Kind;
use super::literal;
use super::parse::{Parse, Parser, error};
use super::tree::{Command, Expr, ExprKind, Pipe, Span};

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, closing: Kind) -> Parse<Pipe> {
        let start = self.peek_past_space().span.start;
        let (variables, assigns) = self.declarations(context)?;
        // Most pipelines are one command, and trees of templates are large.
        let mut commands: Vec<Command> = Vec::with_capacity(1);
        let mut end = start;
        loop {
            let token = self.peek_past_space();
            if token.kind == closing {
                self.next += 1;
                break;
            }
            if !starts_operand(token.kind) {
                return self.unexpected(token, context);
            }
            let command = self.command()?;
            end = self.end_of_last();
            if !commands.is_empty() && !is_executable(&command.first) {
                let stage = commands.len() + 1;
                let problem = format!("non executable command in pipeline stage {stage}");
                return Err(error(command.first.span, problem));
            }
            commands.push(command);
        }
        let span = Span { start, end };
        if commands.is_empty() {
            return Err(error(span, format!("missing value for {context}")));
        }
        Ok(Pipe {
            span,
            variables,
            assigns,
            commands,
        })
    }

    /// Where the last token that is no blank ended.
    fn end_of_last(&self) -> usize {
        let read = &self.tokens[..self.next.min(self.tokens.len())];
        let solid = read
            .iter()
            .rev()
            .find(|token| !matches!(token.kind, Kind::Space | Kind::Pipe));
        solid.map_or(0, |token| token.span.end)
    }

    /// `$x :=`, `$x =`, and in a `range` also `$i, $x :=`.
    fn declarations(&mut self, context: &str) -> Parse<(Vec<Rc<str>>, bool)> {
        let mut variables: Vec<Rc<str>> = Vec::new();
        loop {
            let mark = self.next;
            let variable = self.peek_past_space();
            if variable.kind != Kind::Variable {
                return Ok((variables, false));
            }
            self.next += 1;
            let name = self.text(variable);
            let after = self.peek_past_space();
            match after.kind {
                Kind::Assign | Kind::Declare => {
                    self.next += 1;
                    self.variables.push(name);
                    variables.push(name.into());
                    return Ok((variables, after.kind == Kind::Assign));
                }
                Kind::Comma => {
                    self.next += 1;
                    self.variables.push(name);
                    variables.push(name.into());
                    if context != "range" || variables.len() > 1 {
                        let problem = format!("too many declarations in {context}");
                        return Err(error(variable.span, problem));
                    }
                    let next = self.peek_past_space();
                    if !matches!(next.kind, Kind::Variable | Kind::Close | Kind::CloseParen) {
                        return Err(error(next.span, "range can only initialize variables"));
                    }
                }
                _ => {
                    self.next = mark;
                    return Ok((variables, false));
                }
            }
        }
    }

    fn command(&mut self) -> Parse<Command> {
        let mut first = None;
        let mut args = Vec::new();
        loop {
            self.peek_past_space();
            match self.operand()? {
                Some(operand) if first.is_none() => first = Some(operand),
                Some(operand) => args.push(operand),
                None => {}
            }
            let token = self.take();
            match token.kind {
                Kind::Space => {}
                Kind::Close | Kind::CloseParen => {
                    self.next -= 1;
                    break;
                }
                Kind::Pipe => break,
                _ => return self.unexpected(token, "operand"),
            }
        }
        match first {
            Some(first) => Ok(Command { first, args }),
            None => Err(error(self.peek().span, "empty command")),
        }
    }

    /// A term, and the fields asked of it.
    fn operand(&mut self) -> Parse<Option<Expr>> {
        let Some(term) = self.term()? else {
            return Ok(None);
        };
        if self.peek().kind != Kind::Field {
            return Ok(Some(term));
        }
        let mut fields: Vec<Rc<str>> = Vec::new();
        let mut end = term.span.end;
        while self.peek().kind == Kind::Field {
            let token = self.take();
            fields.push(self.text(token)[1..].into());
            end = token.span.end;
        }
        let span = Span {
            start: term.span.start,
            end,
        };
        let kind = match term.kind {
            ExprKind::Field(first) => ExprKind::Field(first.into_iter().chain(fields).collect()),
            ExprKind::Variable(name, _) => ExprKind::Variable(name, fields),
            ExprKind::Bool(_)
            | ExprKind::Text(_)
            | ExprKind::Number(_)
            | ExprKind::Nil
            | ExprKind::Dot => {
                let text = &self.source[term.span.start..term.span.end];
                return Err(error(span, format!("unexpected . after term `{text}`")));
            }
            _ => ExprKind::Chain(Box::new(term), fields),
        };
        Ok(Some(Expr { span, kind }))
    }

    fn term(&mut self) -> Parse<Option<Expr>> {
        let token = self.take_past_space();
        let mut span = token.span;
        let text = self.text(token);
        let kind = match token.kind {
            Kind::Identifier => {
                let Some(function) = funcs::find(text) else {
                    let near = did_you_mean(text, funcs::names());
                    let problem = format!("function `{text}` not defined{near}");
                    return Err(error(span, problem));
                };
                ExprKind::Function(function)
            }
            Kind::Dot => ExprKind::Dot,
            Kind::Nil => ExprKind::Nil,
            Kind::Bool => ExprKind::Bool(text == "true"),
            Kind::Variable => {
                if !self.variables.contains(&text) {
                    let near = did_you_mean(text, self.variables.iter().copied());
                    return Err(error(span, format!("undefined variable `{text}`{near}")));
                }
                ExprKind::Variable(text.into(), Vec::new())
            }
            Kind::Field => ExprKind::Field(vec![text[1..].into()]),
            Kind::CharConstant => {
                let number = literal::character(text)
                    .ok_or_else(|| error(span, format!("malformed character constant {text}")))?;
                ExprKind::Number(Box::new(number))
            }
            Kind::Number => {
                let number = literal::number(text)
                    .map_err(|problem| error(span, format!("{problem}: `{text}`")))?;
                ExprKind::Number(Box::new(number))
            }
            Kind::Quoted | Kind::RawQuoted => ExprKind::Text(self.unquoted(token)?.into()),
            Kind::OpenParen => {
                let pipe = self.deeper(span, |parser| {
                    parser.pipeline("parenthesized pipeline", Kind::CloseParen)
                })?;
                span.end = self.end_of_last();
                ExprKind::Pipe(Box::new(pipe))
            }
            _ => {
                self.next -= 1;
                return Ok(None);
            }
        };
        Ok(Some(Expr { span, kind }))
    }
}

fn starts_operand(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Bool
            | Kind::CharConstant
            | Kind::Dot
            | Kind::Field
            | Kind::Identifier
            | Kind::Number
            | Kind::Nil
            | Kind::RawQuoted
            | Kind::Quoted
            | Kind::Variable
            | Kind::OpenParen
    )
}

/// Whether a value can be piped into it.
fn is_executable(first: &Expr) -> bool {
    !matches!(
        first.kind,
        ExprKind::Bool(_) | ExprKind::Dot | ExprKind::Nil | ExprKind::Number(_) | ExprKind::Text(_)
    )
}
