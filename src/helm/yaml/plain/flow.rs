//! Lists and maps in brackets.

use serde_json::{Map, Value};

use super::super::read::Numbers;
use super::text::{key, quoted, word};
use super::{DEEPEST, plain};

/// Lists and maps in brackets, on one line.
pub(super) struct Flow<'t> {
    /// What is left of the line.
    pub(super) rest: &'t str,
    pub(super) numbers: Numbers,
    pub(super) depth: usize,
}

impl<'t> Flow<'t> {
    /// The value that begins here.
    pub(super) fn value(&mut self) -> Option<Value> {
        match self.rest.as_bytes().first()? {
            b'[' => self.inside(']', Vec::new(), |flow, items| {
                items.push(flow.value()?);
                Some(())
            }),
            b'{' => self.inside('}', Map::new(), |flow, map| {
                let key = flow.key()?;
                map.insert(key, flow.value()?);
                Some(())
            }),
            b'"' | b'\'' => {
                let (text, rest) = quoted(self.rest)?;
                self.rest = rest;
                Some(text.into())
            }
            _ => plain(self.word()?, self.numbers),
        }
    }

    /// All between two brackets, with commas between the entries.
    fn inside<T: Into<Value>>(
        &mut self,
        end: char,
        mut all: T,
        entry: impl Fn(&mut Self, &mut T) -> Option<()>,
    ) -> Option<Value> {
        if self.depth == DEEPEST {
            return None;
        }
        self.depth += 1;
        self.step(1);
        if !self.rest.starts_with(end) {
            loop {
                entry(self, &mut all)?;
                self.step(0);
                if !self.rest.starts_with(',') {
                    break;
                }
                self.step(1);
            }
        }
        self.rest = self.rest.strip_prefix(end)?;
        self.depth -= 1;
        Some(all.into())
    }

    fn key(&mut self) -> Option<String> {
        let (key, after) = key(self.rest)?;
        self.rest = after.strip_prefix(' ')?;
        self.step(0);
        Some(key.into_owned())
    }

    /// A word of letters that mean nothing to YAML, and what ends it.
    fn word(&mut self) -> Option<&'t str> {
        let word = word(self.rest)?;
        let after = &self.rest[word.len()..];
        if !after.trim_start_matches(' ').starts_with([',', ']', '}']) {
            return None;
        }
        self.rest = after;
        Some(word)
    }

    /// Goes over so many bytes and the blanks behind them.
    fn step(&mut self, bytes: usize) {
        self.rest = self.rest[bytes..].trim_start_matches(' ');
    }
}
