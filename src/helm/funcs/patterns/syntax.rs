//! Go's syntax of regular expressions in that of the crate `regex`, after `regexp/syntax/parse.go`.
//!
//! Both come from RE2, and differ in small things: braces and brackets that Go takes for letters, octal escapes and
//! `\Q`, classes that are ASCII in Go, set operations, flags and repeated repetitions that only the crate knows.

use std::fmt::Write as _;

use super::super::super::value::stray;

/// How often something may be repeated.
const MAX_REPEAT: u32 = 1000;

/// The pattern as the crate reads it; nothing where Go refuses it. What is left to refuse, such as a group without an
/// end, the crate refuses as well.
pub(super) fn translated(pattern: &str) -> Option<String> {
    let mut translator = Translator {
        rest: pattern,
        out: String::with_capacity(pattern.len()),
    };
    translator.run()?;
    Some(translator.out)
}

struct Translator<'p> {
    rest: &'p str,
    out: String,
}

impl Translator<'_> {
    fn run(&mut self) -> Option<()> {
        let mut after_repeat = false;
        while let Some(letter) = self.rest.chars().next() {
            let is_repeat = match letter {
                '*' | '+' | '?' => {
                    self.rest = &self.rest[1..];
                    self.out.push(letter);
                    true
                }
                '{' => self.repeat()?,
                '(' => {
                    self.group()?;
                    false
                }
                '[' => {
                    self.class()?;
                    false
                }
                '\\' => {
                    self.escape()?;
                    false
                }
                '|' | ')' | '^' | '$' | '.' => {
                    self.rest = &self.rest[1..];
                    self.out.push(letter);
                    false
                }
                letter if stray::is_stray(letter) => return None,
                letter => {
                    self.rest = &self.rest[letter.len_utf8()..];
                    self.letter(letter);
                    false
                }
            };
            if is_repeat {
                if let Some(rest) = self.rest.strip_prefix('?') {
                    self.rest = rest;
                    self.out.push('?');
                }
                if after_repeat {
                    return None;
                }
            }
            after_repeat = is_repeat;
        }
        Some(())
    }

    /// A letter that stands for itself.
    fn letter(&mut self, letter: char) {
        if regex_syntax::is_meta_character(letter) {
            self.out.push('\\');
        }
        self.out.push(letter);
    }

    /// `{2,3}`; braces with something else are letters, and no repetition.
    fn repeat(&mut self) -> Option<bool> {
        let Some((least, most, length)) = bounds(self.rest) else {
            self.rest = &self.rest[1..];
            self.letter('{');
            return Some(false);
        };
        let most_allowed = most.unwrap_or(least);
        if least > MAX_REPEAT || most_allowed > MAX_REPEAT || least > most_allowed {
            return None;
        }
        self.out.push_str(&self.rest[..length]);
        self.rest = &self.rest[length..];
        Some(true)
    }

    /// The start of a group, with its name or flags.
    fn group(&mut self) -> Option<()> {
        let Some(inner) = self.rest.strip_prefix("(?") else {
            self.rest = &self.rest[1..];
            self.out.push('(');
            return Some(());
        };
        let named = inner.strip_prefix("P<").or_else(|| inner.strip_prefix('<'));
        if let Some(named) = named {
            let (name, rest) = named.split_once('>')?;
            self.rest = rest;
            let _ = write!(self.out, "(?P<{name}>");
            return Some(());
        }
        let length = inner.find([':', ')'])?;
        let flags = &inner[..length];
        if !flags.chars().all(|flag| "imsU-".contains(flag)) {
            return None;
        }
        let end = &inner[length..=length];
        self.rest = &inner[length + 1..];
        // The crate wants flags where nothing follows.
        if !(flags.is_empty() && end == ")") {
            let _ = write!(self.out, "(?{flags}{end}");
        }
        Some(())
    }

    fn escape(&mut self) -> Option<()> {
        let after = &self.rest[1..];
        let kind = after.chars().next()?;
        let plain = match kind {
            'A' => r"\A",
            // Go knows words of ASCII only.
            'b' => r"(?-u:\b)",
            'B' => r"\B",
            'z' => r"\z",
            'd' => "[0-9]",
            'w' => "[0-9A-Za-z_]",
            's' => r"[\t\n\f\r ]",
            'D' => "[^0-9]",
            'W' => "[^0-9A-Za-z_]",
            'S' => r"[^\t\n\f\r ]",
            'Q' => {
                let (text, rest) = after[1..].split_once(r"\E").unwrap_or((&after[1..], ""));
                text.chars().for_each(|letter| self.letter(letter));
                self.rest = rest;
                return Some(());
            }
            'p' | 'P' => return self.unicode_class(),
            _ => {
                let code = self.code()?;
                write_code(&mut self.out, code);
                return Some(());
            }
        };
        self.out.push_str(plain);
        self.rest = &after[1..];
        Some(())
    }

    /// `\pN`, `\p{Greek}`, `\p{^Greek}`, and their opposites.
    fn unicode_class(&mut self) -> Option<()> {
        let is_negated = self.rest.starts_with(r"\P");
        let after = &self.rest[2..];
        let (name, rest) = match after.strip_prefix('{') {
            Some(inner) => inner.split_once('}')?,
            None => after.split_at(after.chars().next()?.len_utf8()),
        };
        let (name, is_negated) = match name.strip_prefix('^') {
            Some(name) => (name, !is_negated),
            None => (name, is_negated),
        };
        let kind = if is_negated { 'P' } else { 'p' };
        let _ = write!(self.out, r"\{kind}{{{name}}}");
        self.rest = rest;
        Some(())
    }

    /// The letter that an escape stands for.
    fn code(&mut self) -> Option<u32> {
        let after = &self.rest[1..];
        let kind = after.chars().next()?;
        let digits = |text: &str, most: usize, radix: u32| {
            text.chars()
                .take(most)
                .take_while(|digit| digit.is_digit(radix))
                .count()
        };
        let (code, rest) = match kind {
            // A single digit but 0 would be a reference to a group.
            '1'..='7' if digits(after, 2, 8) < 2 => return None,
            '0'..='7' => {
                let length = digits(after, 3, 8);
                (
                    u32::from_str_radix(&after[..length], 8).ok()?,
                    &after[length..],
                )
            }
            'x' => {
                let (hex, rest) = if let Some(inner) = after[1..].strip_prefix('{') {
                    inner.split_once('}')?
                } else {
                    (after.get(1..3)?, &after[3..])
                };
                (u32::from_str_radix(hex, 16).ok()?, rest)
            }
            'a' => (7, &after[1..]),
            'f' => (12, &after[1..]),
            'n' => (10, &after[1..]),
            'r' => (13, &after[1..]),
            't' => (9, &after[1..]),
            'v' => (11, &after[1..]),
            kind if kind.is_ascii() && !kind.is_ascii_alphanumeric() => (kind as u32, &after[1..]),
            _ => return None,
        };
        self.rest = rest;
        (code <= char::MAX as u32).then_some(code)
    }

    fn class(&mut self) -> Option<()> {
        self.rest = &self.rest[1..];
        self.out.push('[');
        if let Some(rest) = self.rest.strip_prefix('^') {
            self.rest = rest;
            self.out.push('^');
        }
        let mut is_first = true;
        while is_first || !self.rest.starts_with(']') {
            is_first = false;
            if self.named_class()? || self.class_escape()? {
                continue;
            }
            let low = self.class_letter()?;
            let mut high = low;
            if let Some(rest) = self.rest.strip_prefix('-')
                && !rest.is_empty()
                && !rest.starts_with(']')
            {
                self.rest = rest;
                high = self.class_letter()?;
            }
            if high < low {
                return None;
            }
            write_code(&mut self.out, low);
            if high > low {
                self.out.push('-');
                write_code(&mut self.out, high);
            }
        }
        self.rest = &self.rest[1..];
        self.out.push(']');
        Some(())
    }

    /// `[:alpha:]`; the names are the same.
    fn named_class(&mut self) -> Option<bool> {
        if !self.rest.starts_with("[:") {
            return Some(false);
        }
        let Some(length) = self.rest[2..].find(":]") else {
            return Some(false);
        };
        let (class, rest) = self.rest.split_at(length + 4);
        let name = class[2..=length + 1].trim_start_matches('^');
        if !NAMED_CLASSES.contains(&name) {
            return None;
        }
        self.out.push_str(class);
        self.rest = rest;
        Some(true)
    }

    /// A class within a class.
    fn class_escape(&mut self) -> Option<bool> {
        let kind = self
            .rest
            .strip_prefix('\\')
            .and_then(|after| after.chars().next());
        match kind {
            Some('p' | 'P' | 'd' | 'w' | 's' | 'D' | 'W' | 'S') => self.escape().map(|()| true),
            _ => Some(false),
        }
    }

    fn class_letter(&mut self) -> Option<u32> {
        let letter = self.rest.chars().next()?;
        if letter == '\\' {
            return self.code();
        }
        self.rest = &self.rest[letter.len_utf8()..];
        (!stray::is_stray(letter)).then_some(letter as u32)
    }
}

const NAMED_CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// The numbers of `{2}`, `{2,}` or `{2,3}` at the start, and its length.
fn bounds(text: &str) -> Option<(u32, Option<u32>, usize)> {
    let (inner, _) = text.strip_prefix('{')?.split_once('}')?;
    let number = |digits: &str| {
        let is_number = digits.bytes().all(|digit| digit.is_ascii_digit()) && !digits.is_empty();
        let has_zeros = digits.len() > 1 && digits.starts_with('0');
        // What is too large is refused by whoever asks.
        (is_number && !has_zeros).then(|| digits.parse().unwrap_or(u32::MAX))
    };
    let (least, most) = match inner.split_once(',') {
        None => (number(inner)?, None),
        Some((least, "")) => (number(least)?, None),
        Some((least, most)) => (number(least)?, Some(number(most)?)),
    };
    Some((least, most, inner.len() + 2))
}

fn write_code(out: &mut String, code: u32) {
    let _ = write!(out, r"\x{{{code:x}}}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_reads_otherwise_is_said_otherwise() {
        let cases = [
            ("a{2,3}?b{x}{,3}", Some(r"a{2,3}?b\{x\}\{,3\}")),
            (r"\d[\d-a]\Qa.b\E+", Some(r"[0-9][[0-9]\x{2d}\x{61}]a\.b+")),
            ("[]a[&&]", Some(r"[\x{5d}\x{61}\x{5b}\x{26}\x{26}]")),
            ("[a-c[:alpha:]-]", Some(r"[\x{61}-\x{63}[:alpha:]\x{2d}]")),
            (r"\101\x41\x{1F600}", Some(r"\x{41}\x{41}\x{1f600}")),
            (
                "(?i:a)(?P<n>b)(?<m>c)(?s)",
                Some("(?i:a)(?P<n>b)(?P<m>c)(?s)"),
            ),
            (r"\p{^Greek}\PL", Some(r"\P{Greek}\P{L}")),
            ("a**", None),
            ("a{1001}", None),
            ("a{3,2}", None),
            (r"\1", None),
            (r"\u0041", None),
            ("(?x)a", None),
            ("[b-a]", None),
            (r"[a-\d]", None),
            ("[[:x:]]", None),
            ("[a", None),
        ];
        for (pattern, expected) in cases {
            assert_eq!(translated(pattern).as_deref(), expected, "{pattern}");
        }
    }
}
