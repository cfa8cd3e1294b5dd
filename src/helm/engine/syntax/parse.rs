//! From tokens to trees: Go's grammar, with its rules on where variables are seen.
//!
//! What stands between the braces of an action is in [`super::pipeline`].

use std::rc::Rc;

use super::lex::{Keyword, Kind, Token, tokens};
use super::literal;
use super::tree::{Branch, Node, Span};

/// How deep blocks and parentheses may nest.
const MAX_DEPTH: usize = 10_000;

/// What a text holds: its own body, and the templates it defines.
pub(in crate::helm::engine) struct Parsed {
    pub(in crate::helm::engine) body: Vec<Node>,
    /// By `define` and `block`, in the order in which they end; a name may come more than once.
    pub(in crate::helm::engine) defined: Vec<Defined>,
}

/// A template with a name of its own.
pub(in crate::helm::engine) struct Defined {
    pub(in crate::helm::engine) name: Rc<str>,
    pub(in crate::helm::engine) span: Span,
    pub(in crate::helm::engine) body: Vec<Node>,
}

/// Why a text is no template, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::helm::engine) struct SyntaxError {
    pub(in crate::helm::engine) span: Span,
    pub(in crate::helm::engine) problem: String,
}

pub(super) type Parse<T> = Result<T, SyntaxError>;

/// Parses a text.
pub(in crate::helm::engine) fn parse(source: &str) -> Parse<Parsed> {
    let mut parser = Parser {
        source,
        tokens: tokens(source),
        next: 0,
        variables: vec!["$"],
        ranges: 0,
        depth: 0,
        defined: Vec::new(),
    };
    let body = parser.file()?;
    Ok(Parsed {
        body,
        defined: parser.defined,
    })
}

pub(super) struct Parser<'s> {
    pub(super) source: &'s str,
    pub(super) tokens: Vec<Token>,
    pub(super) next: usize,
    /// The variables that are seen here.
    pub(super) variables: Vec<&'s str>,
    /// How many loops lie around.
    ranges: usize,
    depth: usize,
    defined: Vec<Defined>,
}

/// What ends a list of nodes.
enum Ending {
    End,
    /// `else`; what follows it is still to be read when it is an `if` or `with` of its own.
    Else,
}

impl<'s> Parser<'s> {
    pub(super) fn peek(&self) -> Token {
        self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    pub(super) fn take(&mut self) -> Token {
        let token = self.peek();
        self.next += 1;
        token
    }

    pub(super) fn peek_past_space(&mut self) -> Token {
        while self.peek().kind == Kind::Space {
            self.next += 1;
        }
        self.peek()
    }

    pub(super) fn take_past_space(&mut self) -> Token {
        self.peek_past_space();
        self.take()
    }

    pub(super) fn text(&self, token: Token) -> &'s str {
        &self.source[token.span.start..token.span.end]
    }

    pub(super) fn unexpected<T>(&self, token: Token, context: &str) -> Parse<T> {
        let problem = match token.kind {
            Kind::Error(problem) => problem.to_owned(),
            Kind::End => "unexpected EOF".to_owned(),
            Kind::Close => format!("unexpected `}}}}` in {context}"),
            _ => format!("unexpected `{}` in {context}", self.text(token).trim()),
        };
        Err(error(token.span, problem))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parse<Token> {
        let token = self.take_past_space();
        if token.kind == kind {
            Ok(token)
        } else {
            self.unexpected(token, context)
        }
    }

    pub(super) fn deeper<T>(
        &mut self,
        span: Span,
        work: impl FnOnce(&mut Self) -> Parse<T>,
    ) -> Parse<T> {
        if self.depth >= MAX_DEPTH {
            return Err(error(span, "blocks and parentheses nest too deep"));
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        result
    }

    /// The whole text. Only here can templates be defined.
    fn file(&mut self) -> Parse<Vec<Node>> {
        let mut body = Vec::new();
        loop {
            let token = self.peek();
            match token.kind {
                Kind::End => return Ok(body),
                Kind::Open => {
                    let mark = self.next;
                    self.next += 1;
                    let word = self.take_past_space();
                    if word.kind == Kind::Keyword(Keyword::Define) {
                        self.definition(word.span)?;
                        continue;
                    }
                    self.next = mark;
                }
                _ => {}
            }
            match self.text_or_action()? {
                Step::Node(node) => body.push(node),
                Step::Ending(Ending::End, span) => return Err(error(span, "unexpected {{end}}")),
                Step::Ending(Ending::Else, span) => return Err(error(span, "unexpected {{else}}")),
            }
        }
    }

    fn definition(&mut self, span: Span) -> Parse<()> {
        let context = "define clause";
        let name = self.template_name(context)?;
        self.expect(Kind::Close, context)?;
        let body = self.own_template(|parser| {
            let (body, ending, at) = parser.list(span)?;
            match ending {
                Ending::End => Ok(body),
                Ending::Else => Err(error(at, "unexpected {{else}} in define clause")),
            }
        })?;
        self.defined.push(Defined { name, span, body });
        Ok(())
    }

    /// Reads a body that sees no variable and no loop of what lies around it.
    fn own_template(
        &mut self,
        read: impl FnOnce(&mut Self) -> Parse<Vec<Node>>,
    ) -> Parse<Vec<Node>> {
        let variables = std::mem::replace(&mut self.variables, vec!["$"]);
        let ranges = std::mem::take(&mut self.ranges);
        let body = read(self);
        self.variables = variables;
        self.ranges = ranges;
        body
    }

    fn template_name(&mut self, context: &str) -> Parse<Rc<str>> {
        let token = self.take_past_space();
        match token.kind {
            Kind::Quoted | Kind::RawQuoted => Ok(self.unquoted(token)?.into()),
            _ => self.unexpected(token, context),
        }
    }

    pub(super) fn unquoted(&self, token: Token) -> Parse<String> {
        literal::unquote(self.text(token))
            .ok_or_else(|| error(token.span, "invalid syntax in a quoted string"))
    }

    /// Nodes up to an `end` or `else`.
    fn list(&mut self, opened: Span) -> Parse<(Vec<Node>, Ending, Span)> {
        self.deeper(opened, |parser| {
            let mut nodes = Vec::new();
            loop {
                if parser.peek_past_space().kind == Kind::End {
                    let word = &parser.source[opened.start..opened.end];
                    let problem = format!("unexpected EOF: this `{word}` has no `end`");
                    return Err(error(opened, problem));
                }
                match parser.text_or_action()? {
                    Step::Node(node) => nodes.push(node),
                    Step::Ending(ending, span) => {
                        nodes.shrink_to_fit();
                        return Ok((nodes, ending, span));
                    }
                }
            }
        })
    }

    fn text_or_action(&mut self) -> Parse<Step> {
        let token = self.take_past_space();
        match token.kind {
            Kind::Text => Ok(Step::Node(Node::Text(token.span))),
            Kind::Open => self.action(),
            _ => self.unexpected(token, "input"),
        }
    }

    fn action(&mut self) -> Parse<Step> {
        let token = self.peek_past_space();
        let Kind::Keyword(keyword) = token.kind else {
            return Ok(Step::Node(Node::Action(
                self.pipeline("command", Kind::Close)?,
            )));
        };
        self.next += 1;
        let span = token.span;
        Ok(Step::Node(match keyword {
            Keyword::If => Node::If(self.branch(span, keyword)?),
            Keyword::With => Node::With(self.branch(span, keyword)?),
            Keyword::Range => Node::Range(self.branch(span, keyword)?),
            Keyword::Template => {
                let name = self.template_name("template clause")?;
                let pipe = if self.peek_past_space().kind == Kind::Close {
                    self.next += 1;
                    None
                } else {
                    Some(Box::new(self.pipeline("template clause", Kind::Close)?))
                };
                let end = pipe.as_ref().map_or(span.end, |pipe| pipe.span.end);
                let span = Span { end, ..span };
                Node::Template { span, name, pipe }
            }
            Keyword::Block => self.block(span)?,
            Keyword::Break => {
                self.jump(span, "break")?;
                Node::Break
            }
            Keyword::Continue => {
                self.jump(span, "continue")?;
                Node::Continue
            }
            Keyword::End => {
                self.expect(Kind::Close, "end")?;
                return Ok(Step::Ending(Ending::End, span));
            }
            Keyword::Else => {
                let next = self.peek_past_space();
                if !is_keyword(next, Keyword::If) && !is_keyword(next, Keyword::With) {
                    self.expect(Kind::Close, "else")?;
                }
                return Ok(Step::Ending(Ending::Else, span));
            }
            Keyword::Define => return self.unexpected(token, "command"),
        }))
    }

    fn jump(&mut self, span: Span, word: &str) -> Parse<()> {
        self.expect(Kind::Close, &format!("{{{{{word}}}}}"))?;
        if self.ranges == 0 {
            return Err(error(span, format!("{{{{{word}}}}} outside {{{{range}}}}")));
        }
        Ok(())
    }

    /// `{{ block "name" pipeline }}`: a definition that is used where it stands.
    fn block(&mut self, span: Span) -> Parse<Node> {
        let context = "block clause";
        let name = self.template_name(context)?;
        let pipe = self.pipeline(context, Kind::Close)?;
        let body = self.own_template(|parser| {
            let (body, ending, at) = parser.list(span)?;
            match ending {
                Ending::End => Ok(body),
                Ending::Else => Err(error(at, "unexpected {{else}} in block clause")),
            }
        })?;
        self.defined.push(Defined {
            name: name.clone(),
            span,
            body,
        });
        Ok(Node::Template {
            span,
            name,
            pipe: Some(Box::new(pipe)),
        })
    }

    fn branch(&mut self, span: Span, keyword: Keyword) -> Parse<Box<Branch>> {
        let seen = self.variables.len();
        let context = self.text(Token {
            kind: Kind::Keyword(keyword),
            span,
        });
        let pipe = self.pipeline(context, Kind::Close)?;
        let is_range = keyword == Keyword::Range;
        self.ranges += usize::from(is_range);
        let (body, ending, _) = self.list(span)?;
        self.ranges -= usize::from(is_range);
        let otherwise = match ending {
            Ending::End => None,
            Ending::Else => Some(self.otherwise(span, keyword)?),
        };
        self.variables.truncate(seen);
        Ok(Box::new(Branch {
            span,
            pipe,
            body,
            otherwise,
        }))
    }

    fn otherwise(&mut self, span: Span, keyword: Keyword) -> Parse<Vec<Node>> {
        let next = self.peek_past_space();
        if matches!(keyword, Keyword::If | Keyword::With) && is_keyword(next, keyword) {
            self.next += 1;
            // The `end` of the inner one is that of the outer one too.
            let inner = self.deeper(span, |parser| parser.branch(next.span, keyword))?;
            return Ok(vec![match keyword {
                Keyword::If => Node::If(inner),
                _ => Node::With(inner),
            }]);
        }
        let (body, ending, at) = self.list(span)?;
        match ending {
            Ending::End => Ok(body),
            Ending::Else => Err(error(at, "expected end; found {{else}}")),
        }
    }
}

enum Step {
    Node(Node),
    Ending(Ending, Span),
}

pub(super) fn error(span: Span, problem: impl Into<String>) -> SyntaxError {
    SyntaxError {
        span,
        problem: problem.into(),
    }
}

fn is_keyword(token: Token, keyword: Keyword) -> bool {
    token.kind == Kind::Keyword(keyword)
}

/// Whether a body holds nothing but blanks; such a one replaces no other.
pub(in crate::helm::engine) fn is_blank(source: &str, body: &[Node]) -> bool {
    body.iter().all(|node| match node {
        Node::Text(span) => source[span.start..span.end].trim().is_empty(),
        _ => false,
    })
}
