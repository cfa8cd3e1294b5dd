//! The tree of a template. Every part knows which piece of the text it came from.

use std::rc::Rc;

use super::super::super::funcs::Function;

/// A piece of the source, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::helm::engine) struct Span {
    pub(in crate::helm::engine) start: usize,
    pub(in crate::helm::engine) end: usize,
}

/// One step of a template's body.
pub(in crate::helm::engine) enum Node {
    /// Text as it stands in the source.
    Text(Span),
    /// `{{ pipeline }}`.
    Action(Pipe),
    If(Box<Branch>),
    With(Box<Branch>),
    Range(Box<Branch>),
    /// `{{ template "name" pipeline }}`.
    Template {
        span: Span,
        name: Rc<str>,
        pipe: Option<Box<Pipe>>,
    },
    Break,
    Continue,
}

/// What `if`, `with` and `range` have in common.
pub(in crate::helm::engine) struct Branch {
    pub(in crate::helm::engine) span: Span,
    pub(in crate::helm::engine) pipe: Pipe,
    pub(in crate::helm::engine) body: Vec<Node>,
    pub(in crate::helm::engine) otherwise: Option<Vec<Node>>,
}

/// Commands, each of which hands its value to the next.
pub(in crate::helm::engine) struct Pipe {
    pub(in crate::helm::engine) span: Span,
    /// The variables that take the value, with their `$`.
    pub(in crate::helm::engine) variables: Vec<Rc<str>>,
    /// Whether they are given another value with `=`, rather than declared with `:=`.
    pub(in crate::helm::engine) assigns: bool,
    pub(in crate::helm::engine) commands: Vec<Command>,
}

/// An operand and its arguments.
pub(in crate::helm::engine) struct Command {
    pub(in crate::helm::engine) first: Expr,
    pub(in crate::helm::engine) args: Vec<Expr>,
}

/// An operand, with its place.
pub(in crate::helm::engine) struct Expr {
    pub(in crate::helm::engine) span: Span,
    pub(in crate::helm::engine) kind: ExprKind,
}

pub(in crate::helm::engine) enum ExprKind {
    Dot,
    Nil,
    Bool(bool),
    Number(Box<Number>),
    Text(Rc<str>),
    /// `.a.b`.
    Field(Vec<Rc<str>>),
    /// `$x.a.b`, with or without fields.
    Variable(Rc<str>, Vec<Rc<str>>),
    /// `(pipeline).a.b`.
    Chain(Box<Expr>, Vec<Rc<str>>),
    Function(&'static Function),
    /// `(pipeline)`.
    Pipe(Box<Pipe>),
}

/// A number in every type that can hold it: what it becomes depends on who wants it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::helm::engine) struct Number {
    pub(in crate::helm::engine) int: Option<i64>,
    pub(in crate::helm::engine) uint: Option<u64>,
    pub(in crate::helm::engine) float: Option<f64>,
    /// Whether it is written as a float, `1.0` or `1e3`, which makes it one where any type will do.
    pub(in crate::helm::engine) looks_like_float: bool,
}
