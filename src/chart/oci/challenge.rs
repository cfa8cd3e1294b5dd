//! What a server wants to know before it answers: the header `WWW-Authenticate`, by RFC 9110, section 11.6.1.

use std::collections::BTreeMap;

/// One way to say who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    /// The way, in small letters.
    pub(super) scheme: String,
    /// What goes with it, its names in small letters.
    pub(super) parameters: BTreeMap<String, String>,
}

/// The ways that a header offers; what is not understood is left out.
pub(super) fn parse(header: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find(|letter| !is_token(letter)).unwrap_or(rest.len());
        let word = &rest[..end];
        rest = rest[end..].trim_start_matches([' ', '\t']);
        if word.is_empty() {
            // Neither a scheme nor a parameter: whatever it is, it goes to the next comma.
            match rest.find(',') {
                Some(comma) => rest = &rest[comma..],
                None => return challenges,
            }
            continue;
        }
        match (rest.strip_prefix('='), challenges.last_mut()) {
            (Some(behind), Some(challenge)) => {
                let (value, behind) = value(behind.trim_start_matches([' ', '\t']));
                rest = behind;
                challenge
                    .parameters
                    .entry(word.to_ascii_lowercase())
                    .or_insert(value);
            }
            (Some(behind), None) => rest = behind,
            (None, _) => challenges.push(Challenge {
                scheme: word.to_ascii_lowercase(),
                parameters: BTreeMap::new(),
            }),
        }
    }
}

/// A value, in quotes or not, and what is behind it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t', ',']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            letter => value.push(letter),
        }
    }
    (value, "")
}

fn is_token(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(scheme: &str, parameters: &[(&str, &str)]) -> Challenge {
        let parameters = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Challenge {
            scheme: scheme.to_owned(),
            parameters: parameters.collect(),
        }
    }

    #[test]
    fn challenges_of_real_registries_are_read() {
        let docker = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#;
        assert_eq!(
            parse(docker),
            [challenge(
                "bearer",
                &[
                    ("realm", "https://auth.docker.io/token"),
                    ("service", "registry.docker.io"),
                    ("scope", "repository:a/b:pull,push"),
                ]
            )]
        );
        assert_eq!(
            parse(r#"BASIC realm = "a \"quoted\" realm" , Bearer Realm=x, service="""#),
            [
                challenge("basic", &[("realm", "a \"quoted\" realm")]),
                challenge("bearer", &[("realm", "x"), ("service", "")]),
            ]
        );
        assert_eq!(parse("Basic"), [challenge("basic", &[])]);
    }

    #[test]
    fn nonsense_ends_and_harms_nothing() {
        for nonsense in [
            "",
            ",,,",
            "=",
            "\"",
            "a=\"",
            "Negotiate abc==",
            "é, \u{1}",
            "Bearer realm=\"x\\",
        ] {
            let _ = parse(nonsense);
        }
        assert_eq!(
            parse("=x, Basic realm=y")
                .last()
                .map(|one| one.scheme.as_str()),
            Some("basic")
        );
    }
}
