//! The YAML that nearly all values and manifests are made of, read without the library.
//!
//! The parser of the library takes every letter through the whole of YAML's grammar, and to read values and manifests was
//! more than a third of the time of `vc template`. What charts hold is plain: maps and lists by indentation, texts in one
//! line, literal blocks, small flows such as `[]` and `{cpu: 1}`. This much is read here, by hand; anything else, and
//! every error, is left to the library. What is read here, the library would have read alike: a test asks both.
//!
//! The grammar is that of [YAML 1.1](https://yaml.org/spec/1.1/), as libyaml takes it.

mod flow;
#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::read::Numbers;
use super::scalar;
use flow::Flow;
use text::{ends_escaped, is_blank, key, quoted, until_comment, words};

/// How deep lists and maps are followed; less than the library's limit, which has an error of its own.
const DEEPEST: usize = 64;
/// How many bytes a key may have; less than the 1,024 letters after which a parser gives up.
const LONGEST_KEY: usize = 500;
/// How many lines a text in quotes may have, since its end is looked for after each.
const MOST_LINES: usize = 100;

/// The one document of a text; `None` where only the library can tell.
pub(super) fn read(text: &str, numbers: Numbers) -> Option<Value> {
    if !has_plain_letters(text) {
        return None;
    }
    let mut reader = Reader {
        line: None,
        rest: text,
        numbers,
        depth: 0,
    };
    reader.advance()?;
    let Some(line) = reader.line else {
        return Some(Value::Null);
    };
    let value = reader.block(line)?;
    reader.line.is_none().then_some(value)
}

/// Whether a text has no tabs, no letters that YAML forbids, and no line breaks but `\n`.
fn has_plain_letters(text: &str) -> bool {
    let is_plain = |letter| {
        matches!(letter, '\n' | ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}'
            | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
    };
    if text.is_ascii() {
        text.bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'~'))
    } else {
        text.chars().all(is_plain)
    }
}

/// What is left of a line, from its first letter on.
#[derive(Clone, Copy)]
struct Line<'t> {
    /// How far right that letter stands, in bytes; all that is left of it is ASCII.
    column: usize,
    text: &'t str,
}

impl Line<'_> {
    /// Whether an item of a list begins here.
    fn is_item(self) -> bool {
        self.text == "-" || self.text.starts_with("- ")
    }
}

/// A line that goes on with a text of the line before it.
struct Continuation<'t> {
    /// How many lines without letters stand before it.
    breaks: usize,
    text: &'t str,
    /// The lines after it.
    rest: &'t str,
}

impl Continuation<'_> {
    /// Adds what it says to the text: a line break is a blank, more than one are one less.
    fn fold(&self, all: &mut String, more: &str) {
        if self.breaks == 0 {
            all.push(' ');
        }
        all.extend(std::iter::repeat_n('\n', self.breaks));
        all.push_str(more);
    }
}

struct Reader<'t> {
    /// The line that is read next; `None` at the end.
    line: Option<Line<'t>>,
    /// The lines after it.
    rest: &'t str,
    numbers: Numbers,
    depth: usize,
}

impl<'t> Reader<'t> {
    /// Goes to the next line that says something.
    fn advance(&mut self) -> Option<()> {
        loop {
            if self.rest.is_empty() {
                self.line = None;
                return Some(());
            }
            let (line, rest) = first_line(self.rest);
            self.rest = rest;
            if line.text.is_empty() || line.text.starts_with('#') {
                continue;
            }
            // Documents and directives.
            if line.column == 0
                && (line.text.starts_with("---") || line.text.starts_with(['%', '.']))
            {
                return None;
            }
            self.line = Some(line);
            return Some(());
        }
    }

    /// The list or map that begins with a line, by indentation or, if it is all of the line, in brackets.
    fn block(&mut self, first: Line<'t>) -> Option<Value> {
        if self.depth == DEEPEST {
            return None;
        }
        self.depth += 1;
        let value = if first.is_item() {
            self.list(first.column)
        } else if first.text.starts_with(['[', '{']) {
            self.value(first.text, first.column)
        } else {
            self.map(first.column)
        };
        self.depth -= 1;
        // What stands further right than the last entry belongs to it, or nowhere.
        let is_over = self.line.is_none_or(|line| line.column <= first.column);
        value.filter(|_| is_over)
    }

    fn list(&mut self, column: usize) -> Option<Value> {
        let mut items = Vec::new();
        while let Some(line) = self.line
            && line.column == column
            && line.is_item()
        {
            let after = &line.text[1..];
            let text = after.trim_start_matches(' ');
            if is_blank(after) {
                self.advance()?;
                items.push(match self.line {
                    Some(below) if below.column > column => self.block(below)?,
                    _ => Value::Null,
                });
                continue;
            }
            let inner = Line {
                column: column + line.text.len() - text.len(),
                text,
            };
            items.push(if inner.is_item() || key(text).is_some() {
                self.line = Some(inner);
                self.block(inner)?
            } else {
                self.value(text, column)?
            });
        }
        Some(Value::Array(items))
    }

    fn map(&mut self, column: usize) -> Option<Value> {
        let mut map = Map::new();
        while let Some(line) = self.line
            && line.column == column
        {
            let (key, after) = key(line.text)?;
            let value = if is_blank(after) {
                self.advance()?;
                match self.line {
                    // A list may stand as far left as the key that it is the value of.
                    Some(below)
                        if below.column > column || below.column == column && below.is_item() =>
                    {
                        self.block(below)?
                    }
                    _ => Value::Null,
                }
            } else {
                self.value(after.trim_start_matches(' '), column)?
            };
            map.insert(key.into_owned(), value);
        }
        Some(Value::Object(map))
    }

    /// A value that begins in the line of its key or dash; goes to the line after it.
    fn value(&mut self, text: &'t str, column: usize) -> Option<Value> {
        let value = match text.as_bytes()[0] {
            b'|' => self.literal(text, column)?.into(),
            b'"' | b'\'' => self.quoted(text, column)?.into(),
            b'[' | b'{' => self.flow(text)?,
            _ => plain(&self.words(text, column)?, self.numbers)?,
        };
        self.advance()?;
        Some(value)
    }

    /// A plain text, with the lines that go on with it.
    fn words(&mut self, text: &'t str, column: usize) -> Option<Cow<'t, str>> {
        let (first, mut goes_on) = words(text)?;
        let mut all = Cow::Borrowed(first);
        while goes_on
            && let Some(next) = self.continuation(column)
            && !next.text.starts_with('#')
        {
            let more;
            (more, goes_on) = until_comment(next.text)?;
            next.fold(all.to_mut(), more);
            self.rest = next.rest;
        }
        Some(all)
    }

    /// A text in quotes, with the lines that go on with it.
    fn quoted(&mut self, text: &'t str, column: usize) -> Option<Cow<'t, str>> {
        if let Some((text, after)) = quoted(text) {
            return is_blank(after).then_some(text);
        }
        let quote = text.chars().next()?;
        let mut all = text.to_owned();
        for _ in 0..MOST_LINES {
            let next = self.continuation(column)?;
            self.rest = next.rest;
            if quote == '"' && ends_escaped(&all) {
                if next.breaks > 0 {
                    return None;
                }
                all.pop();
                all.push_str(next.text);
            } else {
                all.truncate(all.trim_end_matches(' ').len());
                if quote == '"' && ends_escaped(&all) {
                    return None;
                }
                next.fold(&mut all, next.text);
            }
            if next.text.contains(quote)
                && let Some((text, after)) = quoted(&all)
            {
                return is_blank(after).then(|| text.into_owned().into());
            }
        }
        None
    }

    /// The next line with letters, if it stands further right than `column`.
    fn continuation(&self, column: usize) -> Option<Continuation<'t>> {
        let mut breaks = 0;
        let mut rest = self.rest;
        while !rest.is_empty() {
            let (line, after) = first_line(rest);
            rest = after;
            if !line.text.is_empty() {
                let text = line.text;
                return (line.column > column).then_some(Continuation { breaks, text, rest });
            }
            breaks += 1;
        }
        None
    }

    /// A literal block, whose lines stand further right than `column`.
    fn literal(&mut self, header: &str, column: usize) -> Option<String> {
        let (keeps_end, keeps_breaks) = match header.trim_end_matches(' ') {
            "|" => (true, false),
            "|-" => (false, false),
            "|+" => (true, true),
            _ => return None,
        };
        // A text whose last line does not end is the library's: the break at its end would be of no line.
        if !self.rest.ends_with('\n') {
            return None;
        }
        let first = self.rest.split('\n').find(|line| !is_spaces(line));
        let indent = first.map_or(0, spaces);
        if indent <= column {
            return (!keeps_breaks).then(String::new);
        }
        let mut block = String::new();
        let mut breaks = 0;
        for line in self.rest.split_inclusive('\n') {
            let letters = &line[..line.len() - 1];
            if is_spaces(letters) && (letters.len() <= indent || block.is_empty()) {
                // Blank lines that reach further right than the text make the library take these for its indentation.
                if letters.len() > indent {
                    return None;
                }
                breaks += 1;
            } else if spaces(letters) >= indent {
                block.extend(std::iter::repeat_n('\n', breaks));
                block.push_str(&letters[indent..]);
                breaks = 1;
            } else {
                break;
            }
            self.rest = &self.rest[line.len()..];
        }
        if keeps_breaks {
            block.extend(std::iter::repeat_n('\n', breaks));
        } else if keeps_end {
            block.push('\n');
        }
        Some(block)
    }

    /// A list or map in brackets that is all that is left of its line.
    fn flow(&self, text: &str) -> Option<Value> {
        let mut flow = Flow {
            rest: text,
            numbers: self.numbers,
            depth: self.depth,
        };
        let value = flow.value()?;
        is_blank(flow.rest).then_some(value)
    }
}

/// What a plain text is.
fn plain(text: &str, numbers: Numbers) -> Option<Value> {
    scalar::resolve(text).into_value(text, numbers)
}

/// The first of some lines, and the others.
fn first_line(lines: &str) -> (Line<'_>, &str) {
    let (line, rest) = lines.split_once('\n').unwrap_or((lines, ""));
    let column = spaces(line);
    let text = &line[column..];
    (Line { column, text }, rest)
}

fn spaces(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn is_spaces(line: &str) -> bool {
    line.bytes().all(|byte| byte == b' ')
}
