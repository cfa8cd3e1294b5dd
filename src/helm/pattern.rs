//! Shell patterns as Go's `filepath.Match` reads them: `*`, `?`, `[a-z]`, `[^a]`, `\x`; none crosses a `/`.

/// A compiled pattern.
pub(super) struct Pattern(Vec<Token>);

enum Token {
    /// Any letters.
    Star,
    /// One letter.
    Any,
    Letter(char),
    Class {
        is_negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Pattern {
    /// `None` for a pattern that cannot be read.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut letters = text.chars().peekable();
        let mut tokens = Vec::new();
        while let Some(letter) = letters.next() {
            tokens.push(match letter {
                '*' => Token::Star,
                '?' => Token::Any,
                '[' => {
                    let is_negated = letters.next_if_eq(&'^').is_some();
                    let mut ranges = Vec::new();
                    while ranges.is_empty() || letters.next_if_eq(&']').is_none() {
                        let low = class_letter(&mut letters)?;
                        let high = match letters.next_if_eq(&'-') {
                            Some(_) => class_letter(&mut letters)?,
                            None => low,
                        };
                        ranges.push((low, high));
                    }
                    Token::Class { is_negated, ranges }
                }
                '\\' => Token::Letter(letters.next()?),
                letter => Token::Letter(letter),
            });
        }
        Some(Self(tokens))
    }

    /// Whether the whole path matches.
    pub(super) fn matches(&self, path: &str) -> bool {
        let path: Vec<char> = path.chars().collect();
        let (mut at, mut token) = (0, 0);
        // Where the last star stands, and what it takes up to.
        let mut star: Option<(usize, usize)> = None;
        loop {
            match (self.0.get(token), path.get(at)) {
                (None, None) => return true,
                (Some(Token::Star), _) => {
                    star = Some((token, at));
                    token += 1;
                }
                (Some(wanted), Some(letter)) if wanted.matches(*letter) => {
                    at += 1;
                    token += 1;
                }
                _ => match star {
                    Some((place, end)) if path.get(end).is_some_and(|next| *next != '/') => {
                        star = Some((place, end + 1));
                        (at, token) = (end + 1, place + 1);
                    }
                    _ => return false,
                },
            }
        }
    }
}

impl Token {
    fn matches(&self, letter: char) -> bool {
        match self {
            Self::Star => false,
            Self::Any => letter != '/',
            Self::Letter(wanted) => letter == *wanted,
            Self::Class { is_negated, ranges } => {
                let is_in = ranges
                    .iter()
                    .any(|(low, high)| (*low..=*high).contains(&letter));
                letter != '/' && is_in != *is_negated
            }
        }
    }
}

fn class_letter(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match letters.next()? {
        '-' | ']' => None,
        '\\' => letters.next(),
        letter => Some(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_go() {
        let cases = [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "a/b.yaml", false),
            ("templates/*/x", "templates/a/x", true),
            ("a*b*c", "axbxbyc", true),
            ("a*b*/c", "axb/c", true),
            ("[a-c]?[^d]", "bxe", true),
            ("[a-c]?[^d]", "bxd", false),
            ("{a,b}", "a", false),
            ("{a,b}", "{a,b}", true),
            ("\\*", "*", true),
            ("**", "a/b", false),
            ("a?b", "a/b", false),
        ];
        for (pattern, path, expected) in cases {
            let found = Pattern::parse(pattern).unwrap().matches(path);
            assert_eq!(found, expected, "{pattern} {path}");
        }
        for wrong in ["[a", "[]a]", "[-]", "a\\"] {
            assert!(Pattern::parse(wrong).is_none(), "{wrong}");
        }
    }
}
