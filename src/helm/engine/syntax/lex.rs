//! Cutting a template into tokens.

use super::tree::Span;

/// What `{{-` and `-}}` trim, and what separates operands.
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Open,
    Close,
    Space,
    Assign,
    Declare,
    Pipe,
    OpenParen,
    CloseParen,
    Comma,
    /// A character that means nothing here.
    Other,
    Quoted,
    RawQuoted,
    CharConstant,
    Number,
    Bool,
    Dot,
    Nil,
    Field,
    Variable,
    Identifier,
    Keyword(Keyword),
    Error(&'static str),
    End,
}

/// The words that are not names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

/// A token and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

/// All tokens of a text; the last one is [`Kind::End`] or [`Kind::Error`].
pub(super) fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        source,
        at: 0,
        start: 0,
        parens: 0,
        // About as many as templates have.
        tokens: Vec::with_capacity(source.len() / 8),
    };
    lexer.text();
    lexer.tokens
}

struct Lexer<'s> {
    source: &'s str,
    at: usize,
    /// Where the token under way began.
    start: usize,
    parens: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        match self.source.as_bytes().get(self.at) {
            Some(byte) if byte.is_ascii() => Some(char::from(*byte)),
            _ => self.rest().chars().next(),
        }
    }

    /// Whether this comes next; for text of one byte a letter.
    fn is_at(&self, ascii: &str) -> bool {
        self.source.as_bytes()[self.at..].starts_with(ascii.as_bytes())
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    fn skip_while(&mut self, belongs: impl Fn(char) -> bool) {
        let rest = self.rest();
        let end = rest.find(|letter| !belongs(letter));
        self.at += end.unwrap_or(rest.len());
    }

    fn emit(&mut self, kind: Kind) {
        let span = Span {
            start: self.start,
            end: self.at,
        };
        self.tokens.push(Token { kind, span });
        self.start = self.at;
    }

    /// Text and actions by turns, to the end or to the first error.
    fn text(&mut self) {
        loop {
            let Some(length) = self.rest().find("{{") else {
                self.at = self.source.len();
                if self.at > self.start {
                    self.emit(Kind::Text);
                }
                self.emit(Kind::End);
                return;
            };
            let open = self.at + length;
            let trims = starts_with_trim(&self.source[open + 2..]);
            let text = &self.source[self.at..open];
            let kept = if trims {
                text.trim_end_matches(BLANKS).len()
            } else {
                text.len()
            };
            self.at += kept;
            if kept > 0 {
                self.emit(Kind::Text);
            }
            self.start = open;
            self.at = open + 2;
            let marker = if trims { 2 } else { 0 };
            let goes_on = if self.source[self.at + marker..].starts_with("/*") {
                self.at += marker;
                self.comment()
            } else {
                self.emit(Kind::Open);
                self.at += marker;
                self.start = self.at;
                self.parens = 0;
                self.action()
            };
            if !goes_on {
                return;
            }
        }
    }

    fn fail(&mut self, problem: &'static str) -> bool {
        self.emit(Kind::Error(problem));
        false
    }

    fn comment(&mut self) -> bool {
        let Some(length) = self.source[self.at + 2..].find("*/") else {
            return self.fail("unclosed comment");
        };
        self.at += 2 + length + 2;
        match self.close_length() {
            Some(trims) => {
                self.close(trims);
                self.start = self.at;
                true
            }
            None => self.fail("comment ends before closing delimiter"),
        }
    }

    /// Whether an action ends here, and whether it trims what follows.
    fn close_length(&self) -> Option<bool> {
        match self.peek()? {
            '}' if self.is_at("}}") => Some(false),
            blank if BLANKS.contains(&blank) => {
                let rest = &self.source.as_bytes()[self.at + 1..];
                rest.starts_with(b"-}}").then_some(true)
            }
            _ => None,
        }
    }

    fn close(&mut self, trims: bool) {
        self.at += if trims { 4 } else { 2 };
        if trims {
            self.skip_while(|letter| BLANKS.contains(&letter));
        }
    }

    /// The inside of `{{ }}`; false after an error.
    fn action(&mut self) -> bool {
        loop {
            if let Some(trims) = self.close_length() {
                if self.parens > 0 {
                    return self.fail("unclosed left paren");
                }
                self.start = self.at;
                let end = self.at + if trims { 4 } else { 2 };
                self.close(trims);
                let after = std::mem::replace(&mut self.at, end);
                self.emit(Kind::Close);
                self.at = after;
                self.start = after;
                return true;
            }
            let Some(letter) = self.next() else {
                return self.fail("unclosed action");
            };
            let outcome = match letter {
                ' ' | '\t' | '\r' | '\n' => {
                    self.space();
                    Ok(())
                }
                '=' => self.done(Kind::Assign),
                ':' if self.next() == Some('=') => self.done(Kind::Declare),
                ':' => Err("expected :="),
                '|' => self.done(Kind::Pipe),
                ',' => self.done(Kind::Comma),
                '"' => self.quoted('"', Kind::Quoted, "unterminated quoted string"),
                '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant"),
                '`' => self.raw_quoted(),
                '$' => self.name(Kind::Variable, Kind::Variable),
                '.' if !self.peek().is_some_and(|next| next.is_ascii_digit()) => {
                    self.name(Kind::Field, Kind::Dot)
                }
                '.' | '+' | '-' | '0'..='9' => self.number(),
                '(' => {
                    self.parens += 1;
                    self.done(Kind::OpenParen)
                }
                ')' if self.parens == 0 => Err("unexpected right paren"),
                ')' => {
                    self.parens -= 1;
                    self.done(Kind::CloseParen)
                }
                letter if is_alphanumeric(letter) => self.word(),
                ' '..='~' => self.done(Kind::Other),
                _ => Err("unrecognized character in action"),
            };
            if let Err(problem) = outcome {
                return self.fail(problem);
            }
        }
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "one shape for every arm of a match"
    )]
    fn done(&mut self, kind: Kind) -> Result<(), &'static str> {
        self.emit(kind);
        Ok(())
    }

    /// A run of blanks, less the one that belongs to a closing ` -}}`.
    fn space(&mut self) {
        self.skip_while(|letter| BLANKS.contains(&letter));
        if self.is_at("-}}") {
            self.at -= 1;
        }
        if self.at > self.start {
            self.emit(Kind::Space);
        }
    }

    /// `.name`, `$name`, or the sign alone.
    fn name(&mut self, kind: Kind, alone: Kind) -> Result<(), &'static str> {
        if self.is_at_terminator() {
            return self.done(alone);
        }
        self.skip_while(is_alphanumeric);
        if !self.is_at_terminator() {
            return Err("bad character in a name");
        }
        self.done(kind)
    }

    fn word(&mut self) -> Result<(), &'static str> {
        self.skip_while(is_alphanumeric);
        if !self.is_at_terminator() {
            return Err("bad character in a name");
        }
        let kind = match &self.source[self.start..self.at] {
            "block" => Kind::Keyword(Keyword::Block),
            "break" => Kind::Keyword(Keyword::Break),
            "continue" => Kind::Keyword(Keyword::Continue),
            "define" => Kind::Keyword(Keyword::Define),
            "else" => Kind::Keyword(Keyword::Else),
            "end" => Kind::Keyword(Keyword::End),
            "if" => Kind::Keyword(Keyword::If),
            "range" => Kind::Keyword(Keyword::Range),
            "template" => Kind::Keyword(Keyword::Template),
            "with" => Kind::Keyword(Keyword::With),
            "nil" => Kind::Nil,
            "true" | "false" => Kind::Bool,
            _ => Kind::Identifier,
        };
        self.done(kind)
    }

    fn is_at_terminator(&self) -> bool {
        match self.peek() {
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(') => true,
            Some('}') => self.is_at("}}"),
            Some(_) => false,
        }
    }

    fn quoted(
        &mut self,
        quote: char,
        kind: Kind,
        problem: &'static str,
    ) -> Result<(), &'static str> {
        loop {
            match self.next() {
                Some('\\') => {
                    if matches!(self.next(), None | Some('\n')) {
                        return Err(problem);
                    }
                }
                None | Some('\n') => return Err(problem),
                Some(letter) if letter == quote => return self.done(kind),
                Some(_) => {}
            }
        }
    }

    fn raw_quoted(&mut self) -> Result<(), &'static str> {
        match self.rest().find('`') {
            Some(length) => {
                self.at += length + 1;
                self.done(Kind::RawQuoted)
            }
            None => Err("unterminated raw quoted string"),
        }
    }

    /// More or less a number; whether it is one is for the parser.
    fn number(&mut self) -> Result<(), &'static str> {
        self.at = self.start;
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.skip_while(|letter| digits.contains(letter));
        if self.accept(".") {
            self.skip_while(|letter| digits.contains(letter));
        }
        let exponent = match digits.len() {
            11 => "eE",
            23 => "pP",
            _ => "",
        };
        if self.accept(exponent) {
            self.accept("+-");
            self.skip_while(|letter| letter.is_ascii_digit() || letter == '_');
        }
        if self.peek().is_some_and(is_alphanumeric) {
            return Err("bad number syntax");
        }
        self.done(Kind::Number)
    }

    fn accept(&mut self, letters: &str) -> bool {
        let found = self.peek().is_some_and(|letter| letters.contains(letter));
        if found {
            self.next();
        }
        found
    }
}

fn starts_with_trim(text: &str) -> bool {
    text.strip_prefix('-')
        .is_some_and(|rest| rest.starts_with(BLANKS))
}

#[inline]
fn is_alphanumeric(letter: char) -> bool {
    // Go's letters and decimal digits; other numbers, such as `½`, are no part of a name.
    letter == '_'
        || letter.is_ascii_alphanumeric()
        || !letter.is_ascii() && (letter.is_alphabetic() || letter.is_numeric())
}
