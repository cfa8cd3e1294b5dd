//! Which styles of YAML scalar a text can be written in.

/// What the letters of a text allow.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about one text"
)]
pub(super) struct Shape {
    pub(super) has_breaks: bool,
    pub(super) plain_allowed: bool,
    pub(super) single_allowed: bool,
    pub(super) block_allowed: bool,
}

impl Shape {
    /// Looks at every letter once. The newer of Go's libraries allows tabs in blocks of text.
    pub(super) fn of(text: &str, is_newer: bool) -> Self {
        if text.is_empty() || is_word(text) {
            return Self {
                has_breaks: false,
                plain_allowed: true,
                single_allowed: true,
                block_allowed: !text.is_empty(),
            };
        }
        let letters: Vec<char> = text.chars().collect();
        let last = letters.len() - 1;
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut special, mut has_breaks, mut has_tabs) = (false, false, false);
        let (mut edge_blank, mut trailing_space) = (false, false);
        let (mut break_space, mut space_break) = (false, false);
        let (mut after_space, mut after_break, mut after_blank) = (false, false, true);
        for (index, letter) in letters.iter().copied().enumerate() {
            let before_blank = letters
                .get(index + 1)
                .is_none_or(|next| matches!(next, ' ' | '\t'));
            indicators |= match letter {
                '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"'
                | '%' | '@' | '`'
                    if index == 0 =>
                {
                    true
                }
                '?' | '-' if index == 0 => before_blank,
                ':' => before_blank,
                '#' => after_blank,
                _ => false,
            };
            if is_newer && letter == '\t' {
                has_tabs = true;
            } else {
                special |= !is_printable(letter);
            }
            if letter == ' ' {
                edge_blank |= index == 0 || index == last;
                trailing_space |= index == last;
                break_space |= after_break;
                (after_space, after_break) = (true, false);
            } else if is_break(letter) {
                has_breaks = true;
                edge_blank |= index == 0 || index == last;
                space_break |= after_space;
                (after_space, after_break) = (false, true);
            } else {
                (after_space, after_break) = (false, false);
            }
            after_blank = matches!(letter, ' ' | '\t') || is_break(letter);
        }
        let unquotable = space_break || special;
        Self {
            has_breaks,
            plain_allowed: !(edge_blank
                || break_space
                || unquotable
                || has_tabs
                || has_breaks
                || indicators),
            single_allowed: !(break_space || unquotable || has_tabs),
            block_allowed: !(trailing_space || unquotable),
        }
    }
}

/// Whether a text is of letters that mean nothing to YAML, as most are.
fn is_word(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/'))
}

/// What YAML takes for a line break.
pub(super) fn is_break(letter: char) -> bool {
    matches!(letter, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Go's library never writes letters beyond the basic plane as they are.
pub(super) fn is_printable(letter: char) -> bool {
    matches!(letter, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}'
        | '\u{ff00}'..='\u{fffd}')
}
