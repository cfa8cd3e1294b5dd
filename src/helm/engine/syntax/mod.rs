//! The syntax of Go templates: from text to a tree in which every name is known.
//!
//! Lexer and parser follow Go's rules to the letter, because charts rely on all of them: which
//! blanks a trim marker takes, where a variable is seen, what is refused before anything runs.
//! Executing the tree is for the rest of the engine.

mod lex;
mod literal;
mod parse;
mod pipeline;
#[cfg(test)]
mod tests;
mod tree;

pub(super) use parse::{is_blank, parse};
pub(super) use tree::{Branch, Command, Expr, ExprKind, Node, Number, Pipe, Span};
