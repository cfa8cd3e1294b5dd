//! Upper and lower case, by letters and by words.

use super::super::engine::{Args, Fault};
use super::super::value::Value;
use super::{Row, pure};

pub(super) const TABLE: &[Row] = &[
    pure("upper", "text", |args| mapped(args, to_upper)),
    pure("lower", "text", |args| mapped(args, to_lower)),
    pure("title", "text", |args| Ok(title(&args.letters(0)?).into())),
    pure("untitle", "text", |args| {
        Ok(untitle(&args.letters(0)?).into())
    }),
    pure("swapcase", "text", |args| {
        Ok(swap_case(&args.letters(0)?).into())
    }),
    pure("initials", "text", |args| {
        Ok(initials(&args.bytes(0)?).into())
    }),
    pure("camelcase", "text", |args| {
        Ok(pascal_case(&args.letters(0)?).into())
    }),
    pure("snakecase", "text", |args| {
        Ok(words(&args.string(0)?, '_').into())
    }),
    pure("kebabcase", "text", |args| {
        Ok(words(&args.string(0)?, '-').into())
    }),
];

fn mapped(args: &Args<'_>, map: fn(char) -> char) -> Result<Value, Fault> {
    Ok(args.letters(0)?.chars().map(map).collect::<String>().into())
}

/// Go maps letter by letter: one that would become several stays as it is.
fn to_upper(letter: char) -> char {
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => letter,
    }
}

fn to_lower(letter: char) -> char {
    letter.to_lowercase().next().unwrap_or(letter)
}

fn title(text: &str) -> String {
    let mut after_letter = false;
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        out.push(if after_letter {
            letter
        } else {
            to_upper(letter)
        });
        // Go's word separators: anything but letters, digits and underscores in ASCII, else blanks.
        after_letter = if letter.is_ascii() {
            letter.is_ascii_alphanumeric() || letter == '_'
        } else {
            letter.is_alphanumeric() || !letter.is_whitespace()
        };
    }
    out
}

fn untitle(text: &str) -> String {
    let mut after_blank = true;
    let lower = text.chars().map(|letter| {
        if letter.is_whitespace() {
            after_blank = true;
            letter
        } else if std::mem::take(&mut after_blank) {
            to_lower(letter)
        } else {
            letter
        }
    });
    lower.collect()
}

fn swap_case(text: &str) -> String {
    let mut after_blank = true;
    let swapped = text.chars().map(|letter| {
        if letter.is_uppercase() {
            after_blank = false;
            to_lower(letter)
        } else if letter.is_lowercase() {
            after_blank = false;
            to_upper(letter)
        } else {
            after_blank = letter.is_whitespace();
            letter
        }
    });
    swapped.collect()
}

/// Goes by bytes, and takes each for a letter, as the library behind sprig does.
fn initials(text: &[u8]) -> String {
    let mut after_blank = true;
    let mut out = String::new();
    for letter in text.iter().copied().map(char::from) {
        if letter.is_whitespace() {
            after_blank = true;
        } else if std::mem::take(&mut after_blank) {
            out.push(letter);
        }
    }
    out
}

fn is_connector(letter: char) -> bool {
    matches!(letter, '-' | '_') || letter.is_whitespace()
}

/// `some_words` to `SomeWords`; connectors at the start stay, and so does one of two elsewhere.
fn pascal_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    let first = loop {
        match letters.next() {
            // What consists of connectors alone ends with the last one twice.
            None => {
                out.extend(text.chars().next_back());
                return out;
            }
            Some(letter) if is_connector(letter) => out.push(letter),
            Some(letter) => break letter,
        }
    };
    let mut in_upper_word = first.is_uppercase();
    let mut before = to_upper(first);
    for letter in letters {
        let mut letter = letter;
        if is_connector(letter) && is_connector(before) {
            out.push(before);
            before = letter;
            continue;
        }
        if is_connector(before) {
            in_upper_word = letter.is_uppercase();
            letter = to_upper(letter);
        } else {
            if in_upper_word {
                in_upper_word = letter.is_uppercase();
                letter = if in_upper_word {
                    to_lower(letter)
                } else {
                    letter
                };
            }
            out.push(before);
        }
        before = letter;
    }
    out.push(before);
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    None,
    Number,
    Upper,
    Letters,
    Connector,
    Punctuation,
    Other,
}

/// Takes the words of a text one by one.
struct Words<'t> {
    rest: &'t str,
}

impl<'t> Words<'t> {
    fn next(&mut self) -> (Word, &'t str) {
        let Some(first) = self.rest.chars().next() else {
            return (Word::None, "");
        };
        let run = |belongs: fn(char) -> bool| {
            self.rest
                .find(|letter| !belongs(letter))
                .unwrap_or(self.rest.len())
        };
        let (word, length) = if is_connector(first) {
            (Word::Connector, run(is_connector))
        } else if is_punctuation(first) {
            (Word::Punctuation, run(is_punctuation))
        } else if first.is_uppercase() {
            (Word::Upper, self.upper_word(first))
        } else if is_letter(first) {
            (Word::Letters, run(is_small_letter))
        } else if first.is_numeric() {
            (Word::Number, run(char::is_numeric))
        } else {
            let is_other = |letter: char| {
                !(is_connector(letter)
                    || is_letter(letter)
                    || letter.is_numeric()
                    || is_punctuation(letter))
            };
            (Word::Other, run(is_other))
        };
        let (text, rest) = self.rest.split_at(length.max(first.len_utf8()));
        self.rest = rest;
        (word, text)
    }

    /// `HTTPStatus` begins with the word `HTTP`, `Http` is one.
    fn upper_word(&self, first: char) -> usize {
        let rest = &self.rest[first.len_utf8()..];
        let uppers = rest
            .find(|letter: char| !letter.is_uppercase())
            .unwrap_or(rest.len());
        if uppers == 0 {
            let small = rest
                .find(|letter| !is_small_letter(letter))
                .unwrap_or(rest.len());
            return first.len_utf8() + small;
        }
        let goes_on = rest[uppers..].chars().next().is_some_and(is_letter);
        let last = rest[..uppers].chars().next_back().map_or(0, char::len_utf8);
        first.len_utf8() + if goes_on { uppers - last } else { uppers }
    }
}

/// Letters but the common Chinese ones, which have no case and make words of their own.
fn is_letter(letter: char) -> bool {
    letter.is_alphabetic()
        && !matches!(letter, '\u{4e00}'..='\u{9fcc}' | '\u{3400}'..='\u{4d85}'
            | '\u{20000}'..='\u{2b81d}')
}

fn is_small_letter(letter: char) -> bool {
    is_letter(letter) && !letter.is_uppercase()
}

fn is_punctuation(letter: char) -> bool {
    if letter.is_ascii() {
        // Go counts these as symbols.
        letter.is_ascii_punctuation() && !"$+<=>^`|~".contains(letter)
    } else {
        matches!(letter, '\u{a1}' | '\u{a7}' | '\u{ab}' | '\u{b6}' | '\u{b7}' | '\u{bb}' | '\u{bf}'
            | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{3001}'..='\u{3003}'
            | '\u{3008}'..='\u{3011}' | '\u{ff01}'..='\u{ff0f}')
    }
}

/// `HTTPServer2x` to `http_server_2x`.
fn words(text: &str, connector: char) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    let mut words = Words { rest: text };
    let (mut kind, mut word) = words.next();
    while !words.rest.is_empty() {
        if kind != Word::Connector {
            lower(&mut out, kind, word, connector);
        }
        let (before, last) = (kind, word);
        (kind, word) = words.next();
        let ends_word = |kind| matches!(kind, Word::Connector | Word::Punctuation);
        match before {
            Word::Number => {
                while matches!(kind, Word::Letters | Word::Number) {
                    lower(&mut out, kind, word, connector);
                    (kind, word) = words.next();
                }
                if kind != Word::None && !ends_word(kind) {
                    out.push(connector);
                }
            }
            Word::Connector => lower(&mut out, before, last, connector),
            Word::Punctuation => {}
            _ if kind != Word::Number => {
                if !ends_word(kind) {
                    out.push(connector);
                }
            }
            _ if words.rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word) = words.next();
                if kind != Word::Letters {
                    lower(&mut out, Word::Number, number, connector);
                    if !ends_word(kind) {
                        out.push(connector);
                    }
                    continue;
                }
                out.push(connector);
                lower(&mut out, Word::Number, number, connector);
                while matches!(kind, Word::Letters | Word::Number) {
                    lower(&mut out, kind, word, connector);
                    (kind, word) = words.next();
                }
                if kind != Word::None && !ends_word(kind) {
                    out.push(connector);
                }
            }
        }
    }
    lower(&mut out, kind, word, connector);
    out
}

fn lower(out: &mut String, kind: Word, word: &str, connector: char) {
    match kind {
        Word::Upper => out.extend(word.chars().map(to_lower)),
        Word::Connector => out.extend(word.chars().map(|_| connector)),
        _ => out.push_str(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart_as_the_library_behind_sprig_does() {
        let cases = [
            ("FirstName", "first_name"),
            ("HTTPServer", "http_server"),
            ("NoHTTPS", "no_https"),
            ("GO-PATH x", "go_path_x"),
            ("http2xx", "http_2xx"),
            ("HTTP20xOK", "http_20x_ok"),
            ("Duration2m3s", "duration_2m3s"),
            ("Bld4Floor3rd", "bld4_floor_3rd"),
            ("a.B", "a.b"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text, '_'), expected, "{text}");
        }
        let cases = [
            ("some_words", "SomeWords"),
            ("_complex__case_", "_Complex_Case_"),
            ("GOLANG_IS_GREAT", "GolangIsGreat"),
            ("some words", "SomeWords"),
            ("--", "---"),
            ("- x\n- y", "- X\n-Y"),
        ];
        for (text, expected) in cases {
            assert_eq!(pascal_case(text), expected, "{text}");
        }
        assert_eq!(swap_case("This Is a.Test"), "tHIS iS A.tEST");
        assert_eq!(initials(b"First Try"), "FT");
        assert_eq!(untitle("First Try"), "first try");
    }
}
