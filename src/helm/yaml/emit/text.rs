//! Writing a text: plain, in quotes or as a block.

use std::fmt::Write as _;

use super::super::super::encode_base64;
use super::super::super::value::stray;
use super::super::scalar::{self, Scalar};
use super::super::shape::{Shape, is_break, is_printable};
use super::Emitter;

/// Behind this column a text goes on in the next line.
const BEST_WIDTH: usize = 80;
/// The length of a line of base64.
const BASE64_LINE: usize = 70;

impl Emitter {
    pub(super) fn text(&mut self, text: &str, indent: usize, is_key: bool) {
        if !self.is_pretty {
            return self.letters(text, indent, is_key);
        }
        let bytes = stray::bytes_of(text);
        match str::from_utf8(&bytes) {
            Ok(text) => self.letters(text, indent, is_key),
            Err(_) => self.binary(&bytes, indent),
        }
    }

    /// Bytes that are no text, as base64 in lines of their own where it is long.
    fn binary(&mut self, bytes: &[u8], indent: usize) {
        let mut encoded = encode_base64(bytes);
        if encoded.len() >= BASE64_LINE {
            let lines = encoded.as_bytes().chunks(BASE64_LINE);
            let lines: Vec<_> = lines.map(String::from_utf8_lossy).collect();
            encoded = lines.join("\n") + "\n";
        }
        self.put_str("!!binary ");
        self.letters(&encoded, indent, false);
    }

    fn letters(&mut self, text: &str, indent: usize, is_key: bool) {
        let shape = Shape::of(text, self.is_pretty);
        let wants_plain =
            matches!(scalar::resolve(text), Scalar::Text) && !scalar::is_base_60(text);
        let style = if text.contains('\n') {
            Style::Literal
        } else if wants_plain {
            Style::Plain
        } else {
            Style::Double
        };
        let style = match style {
            Style::Plain if is_key && shape.has_breaks => Style::Double,
            Style::Plain if shape.plain_allowed => Style::Plain,
            Style::Plain if shape.single_allowed => Style::Single,
            Style::Literal if shape.block_allowed && !is_key => Style::Literal,
            _ => Style::Double,
        };
        match style {
            Style::Plain => self.plain(text, indent, !is_key),
            Style::Single => self.single(text, indent, !is_key),
            Style::Double => self.double(text, indent, !is_key),
            Style::Literal => self.literal(text, indent),
        }
    }

    fn plain(&mut self, text: &str, indent: usize, may_fold: bool) {
        self.folding(text, indent, may_fold, false);
    }

    fn single(&mut self, text: &str, indent: usize, may_fold: bool) {
        self.put('\'');
        self.folding(text, indent, may_fold, true);
        self.put('\'');
    }

    fn folding(&mut self, text: &str, indent: usize, may_fold: bool, is_quoted: bool) {
        let may_fold = may_fold && !self.is_pretty;
        if !text.contains(|letter| matches!(letter, ' ' | '\'') || is_break(letter)) {
            return self.put_str(text);
        }
        let letters: Vec<char> = text.chars().collect();
        let (mut after_space, mut after_break) = (false, false);
        for (index, letter) in letters.iter().copied().enumerate() {
            if letter == ' ' {
                let at_edge = is_quoted && (index == 0 || index + 1 == letters.len());
                if may_fold
                    && !after_space
                    && self.column > BEST_WIDTH
                    && !at_edge
                    && letters.get(index + 1) != Some(&' ')
                {
                    self.break_to(indent);
                } else {
                    self.put(' ');
                }
                after_space = true;
            } else if is_break(letter) {
                if !after_break && letter == '\n' {
                    self.put('\n');
                }
                self.put_break(letter);
                after_break = true;
            } else {
                if after_break {
                    self.indent_to(indent);
                }
                if is_quoted && letter == '\'' {
                    self.put('\'');
                }
                self.put(letter);
                (after_space, after_break) = (false, false);
            }
        }
    }

    fn put_break(&mut self, letter: char) {
        self.out.push(letter);
        self.column = 0;
    }

    fn double(&mut self, text: &str, indent: usize, may_fold: bool) {
        let may_fold = may_fold && !self.is_pretty;
        self.put('"');
        let letters: Vec<char> = text.chars().collect();
        let last = letters.len().saturating_sub(1);
        let mut after_space = false;
        // Go's library looks for the mark at the start of the text, wherever it is in it.
        let escape_all = text.starts_with('\u{feff}');
        for (index, letter) in letters.iter().copied().enumerate() {
            if escape_all
                || !is_printable(letter)
                || is_break(letter)
                || letter == '"'
                || letter == '\\'
            {
                self.escaped(letter);
                after_space = false;
            } else if letter == ' ' {
                if may_fold && !after_space && self.column > BEST_WIDTH && index > 0 && index < last
                {
                    self.break_to(indent);
                    if letters[index + 1] == ' ' {
                        self.put('\\');
                    }
                } else {
                    self.put(' ');
                }
                after_space = true;
            } else {
                self.put(letter);
                after_space = false;
            }
        }
        self.put('"');
    }

    fn escaped(&mut self, letter: char) {
        self.put('\\');
        match letter {
            '\0' => self.put('0'),
            '\u{7}' => self.put('a'),
            '\u{8}' => self.put('b'),
            '\t' => self.put('t'),
            '\n' => self.put('n'),
            '\u{b}' => self.put('v'),
            '\u{c}' => self.put('f'),
            '\r' => self.put('r'),
            '\u{1b}' => self.put('e'),
            '"' => self.put('"'),
            '\\' => self.put('\\'),
            '\u{85}' => self.put('N'),
            '\u{a0}' => self.put('_'),
            '\u{2028}' => self.put('L'),
            '\u{2029}' => self.put('P'),
            other => {
                let code = other as u32;
                let mut text = String::new();
                let _ = match code {
                    0..=0xff => write!(text, "x{code:02X}"),
                    0x100..=0xffff => write!(text, "u{code:04X}"),
                    _ => write!(text, "U{code:08X}"),
                };
                self.put_str(&text);
            }
        }
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.put('|');
        if text.starts_with([' ', '\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
            self.put('2');
        }
        let mut backwards = text.chars().rev();
        let last_is_break = backwards.next().is_some_and(is_break);
        if !last_is_break {
            self.put('-');
        } else if backwards.next().is_none_or(is_break) {
            self.put('+');
        }
        self.put('\n');
        let mut after_break = true;
        for letter in text.chars() {
            if is_break(letter) {
                self.put_break(letter);
                after_break = true;
            } else {
                if after_break {
                    self.indent_to(indent);
                }
                self.put(letter);
                after_break = false;
            }
        }
        self.is_on_fresh_line = after_break;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}
