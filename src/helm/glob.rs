//! The patterns of `.Files.Glob`: `*` within a path segment, `**` across, `?`, `[a-z]`, `{a,b}`.

use regex::Regex;

/// A compiled pattern.
pub(crate) struct Glob(Regex);

impl Glob {
    /// `None` for a pattern that cannot be read.
    pub(crate) fn new(pattern: &str) -> Option<Self> {
        let mut regex = String::from(r"(?s)\A");
        let mut letters = pattern.chars().peekable();
        let mut groups = 0;
        while let Some(letter) = letters.next() {
            match letter {
                '*' if letters.next_if_eq(&'*').is_some() => regex.push_str(".*"),
                '*' => regex.push_str("[^/]*"),
                '?' => regex.push_str("[^/]"),
                '{' => {
                    groups += 1;
                    regex.push_str("(?:");
                }
                '}' if groups > 0 => {
                    groups -= 1;
                    regex.push(')');
                }
                ',' if groups > 0 => regex.push('|'),
                '[' => {
                    regex.push('[');
                    if letters.next_if(|next| matches!(next, '!' | '^')).is_some() {
                        regex.push('^');
                    }
                    loop {
                        match letters.next()? {
                            ']' => break,
                            '-' => regex.push('-'),
                            '\\' => regex.push_str(&regex::escape(&letters.next()?.to_string())),
                            other => regex.push_str(&regex::escape(&other.to_string())),
                        }
                    }
                    regex.push(']');
                }
                '\\' => regex.push_str(&regex::escape(&letters.next()?.to_string())),
                other => regex.push_str(&regex::escape(&other.to_string())),
            }
        }
        if groups > 0 {
            return None;
        }
        regex.push_str(r"\z");
        Regex::new(&regex).ok().map(Self)
    }

    /// Whether the whole path matches.
    pub(crate) fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stay_within_their_segment_unless_doubled() {
        let matches = |pattern: &str, path: &str| Glob::new(pattern).unwrap().matches(path);
        assert!(matches("config/*.yaml", "config/a.yaml"));
        assert!(!matches("config/*.yaml", "config/deep/a.yaml"));
        assert!(matches("config/**", "config/deep/a.yaml"));
        assert!(matches("{a,b}.t?t", "b.txt"));
        assert!(!matches("[!a].txt", "a.txt"));
        assert!(Glob::new("[a").is_none());
    }
}
