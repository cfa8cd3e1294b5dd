//! JSON as Go reads it, and what it says about a text that is none; templates can see it.

use std::borrow::Cow;

/// The message for a text that is no JSON; nothing when it is.
pub(super) fn problem(text: &[u8]) -> Option<String> {
    let mut scanner = Scanner { text, at: 0 };
    scanner.document().err()
}

/// The text with a replacement letter for each escaped half of a letter that has no other half, as Go reads it.
pub(super) fn with_whole_escapes(text: &str) -> Cow<'_, str> {
    if !text.contains(r"\ud") && !text.contains(r"\uD") {
        return Cow::Borrowed(text);
    }
    let half = |at: usize| {
        let digits = text.get(at..)?.strip_prefix(r"\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(length) = text[at..].find('\\') {
        out.push_str(&text[at..at + length]);
        at += length;
        let size = match (half(at), half(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                out.push('\u{fffd}');
                at += 6;
                continue;
            }
            // A backslash and what it escapes.
            _ => 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8),
        };
        out.push_str(&text[at..at + size]);
        at += size;
    }
    out.push_str(&text[at..]);
    Cow::Owned(out)
}

/// How deep Go reads.
const MAX_DEPTH: usize = 10_000;

struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
}

type Scan = Result<(), String>;

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn invalid(&self, place: &str) -> Scan {
        match self.peek() {
            Some(byte) => Self::wrong(byte, place),
            None => Err("unexpected end of JSON input".to_owned()),
        }
    }

    /// The same within a number, a word or an escape; there Go takes the end for a blank.
    fn invalid_within(&self, place: &str) -> Scan {
        Self::wrong(self.peek().unwrap_or(b' '), place)
    }

    fn wrong(byte: u8, place: &str) -> Scan {
        let shown = match byte {
            b'\'' => r"'\''".to_owned(),
            b'"' => "'\"'".to_owned(),
            byte => {
                let quoted = super::super::print::quoted(&char::from(byte).to_string());
                format!("'{}'", &quoted[1..quoted.len() - 1])
            }
        };
        Err(format!("invalid character {shown} {place}"))
    }

    fn document(&mut self) -> Scan {
        self.value(0)?;
        self.skip_blanks();
        match self.peek() {
            None => Ok(()),
            Some(_) => self.invalid("after top-level value"),
        }
    }

    fn value(&mut self, depth: usize) -> Scan {
        if depth > MAX_DEPTH {
            return Err("exceeded max depth".to_owned());
        }
        self.skip_blanks();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => self.invalid("looking for beginning of value"),
        }
    }

    fn object(&mut self, depth: usize) -> Scan {
        self.at += 1;
        self.skip_blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'"') {
                return self.invalid("looking for beginning of object key string");
            }
            self.string()?;
            self.skip_blanks();
            if self.peek() != Some(b':') {
                return self.invalid("after object key");
            }
            self.at += 1;
            self.value(depth + 1)?;
            self.skip_blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.invalid("after object key:value pair"),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Scan {
        self.at += 1;
        self.skip_blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            self.skip_blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.invalid("after array element"),
            }
        }
    }

    fn string(&mut self) -> Scan {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek() {
                        Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => {
                            self.at += 1;
                        }
                        Some(b'u') => self.code_point()?,
                        _ => return self.invalid_within("in string escape code"),
                    }
                }
                Some(byte) if byte >= b' ' => self.at += 1,
                _ => return self.invalid("in string literal"),
            }
        }
    }

    fn code_point(&mut self) -> Scan {
        for _ in 0..4 {
            self.at += 1;
            if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                return self.invalid_within("in \\u hexadecimal character escape");
            }
        }
        self.at += 1;
        Ok(())
    }

    fn digits(&mut self, place: &str) -> Scan {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return self.invalid_within(place);
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Scan {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(())
    }

    fn word(&mut self, word: &str) -> Scan {
        for byte in word.bytes() {
            if self.peek() != Some(byte) {
                let wanted = char::from(byte);
                return self.invalid_within(&format!("in literal {word} (expecting '{wanted}')"));
            }
            self.at += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_letters_become_replacement_letters() {
        let cases = [
            (r#""\ud800""#, "\"\u{fffd}\""),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\ude00\ud83dx""#, "\"\u{fffd}\u{fffd}x\""),
            (r#""\\ud800""#, r#""\\ud800""#),
            (r#""\ud800\n\"#, "\"\u{fffd}\\n\\"),
            (r#""\ud8"#, r#""\ud8"#),
        ];
        for (text, expected) in cases {
            assert_eq!(with_whole_escapes(text), expected, "{text}");
        }
    }

    #[test]
    fn the_messages_are_those_of_go() {
        let cases = [
            ("", "unexpected end of JSON input"),
            ("{", "unexpected end of JSON input"),
            ("x", "invalid character 'x' looking for beginning of value"),
            (
                "'q'",
                r"invalid character '\'' looking for beginning of value",
            ),
            ("- a", "invalid character ' ' in numeric literal"),
            ("-", "invalid character ' ' in numeric literal"),
            (
                "5.",
                "invalid character ' ' after decimal point in numeric literal",
            ),
            ("5e", "invalid character ' ' in exponent of numeric literal"),
            ("n", "invalid character ' ' in literal null (expecting 'u')"),
            ("\"\\", "invalid character ' ' in string escape code"),
            (
                "\"\\u12",
                "invalid character ' ' in \\u hexadecimal character escape",
            ),
            ("\"a", "unexpected end of JSON input"),
            ("[1", "unexpected end of JSON input"),
            (
                "nope",
                "invalid character 'o' in literal null (expecting 'u')",
            ),
            ("1 \"", "invalid character '\"' after top-level value"),
            ("[1 2]", "invalid character '2' after array element"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            (
                "{\"a\": 1 \"b\"}",
                "invalid character '\"' after object key:value pair",
            ),
            (
                "{a: 1}",
                "invalid character 'a' looking for beginning of object key string",
            ),
            ("\"\n\"", r"invalid character '\n' in string literal"),
            (
                "1.x",
                "invalid character 'x' after decimal point in numeric literal",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(
                problem(text.as_bytes()).as_deref(),
                Some(expected),
                "{text}"
            );
        }
    }
}
