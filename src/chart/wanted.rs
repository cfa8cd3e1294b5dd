//! Which version of a chart is wanted, and the one among many that it means.

use std::cmp::Ordering;

use semver::Version;

use crate::helm::{Constraint, parse_version};

/// The word for the newest version.
const NEWEST: &str = "latest";
/// How many versions are named when the wanted one is not there.
const NAMED: usize = 5;

/// Which version is wanted.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// The newest that is no pre-release.
    Newest,
    /// This one, which never changes.
    Exact(String),
    /// The newest that a constraint allows.
    Range(String, Constraint),
}

/// A text is neither a version nor a constraint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a version nor a constraint on versions")]
pub struct NoVersion(pub String);

impl Wanted {
    /// Reads `0.36.1`, `latest`, or a constraint such as `^0.36`, by the rules that Helm has.
    pub fn parse(text: &str) -> Result<Self, NoVersion> {
        let text = text.trim();
        if text == NEWEST {
            return Ok(Self::Newest);
        }
        if is_exact(text) {
            return Ok(Self::Exact(text.to_owned()));
        }
        match Constraint::parse(text) {
            Some(constraint) if !text.is_empty() => Ok(Self::Range(text.to_owned(), constraint)),
            _ => Err(NoVersion(text.to_owned())),
        }
    }

    /// How it is said.
    pub fn text(&self) -> &str {
        match self {
            Self::Newest => NEWEST,
            Self::Exact(text) | Self::Range(text, _) => text,
        }
    }

    /// The version that is meant, among those that there are: the one that is written just so, or the newest allowed.
    pub fn pick<'v>(&self, versions: impl Iterator<Item = &'v str> + Clone) -> Option<&'v str> {
        if let Some(same) = versions.clone().find(|version| *version == self.text()) {
            return Some(same);
        }
        let newest = match self {
            Self::Newest => Constraint::parse("*")?,
            Self::Exact(text) => Constraint::parse(text)?,
            Self::Range(_, constraint) => constraint.clone(),
        };
        let parsed = versions.filter_map(|text| Some((parse_version(text)?, text)));
        // Of versions that only their build tells apart, the first one stays.
        parsed
            .filter(|(version, _)| newest.allows(version))
            .reduce(|best, next| {
                if next.0.cmp_precedence(&best.0) == Ordering::Greater {
                    next
                } else {
                    best
                }
            })
            .map(|(_, text)| text)
    }

    /// The versions to name where the wanted one is not there: those around it, else the newest; the newest first.
    pub fn nearest<'v>(&self, versions: impl Iterator<Item = &'v str>) -> Vec<&'v str> {
        let mut all: Vec<(Version, &str)> = versions
            .filter_map(|text| Some((parse_version(text)?, text)))
            .collect();
        all.sort_by(|left, right| right.0.cmp_precedence(&left.0));
        all.dedup_by(|left, right| left.1 == right.1);
        let wanted = match self {
            Self::Exact(text) => parse_version(text),
            Self::Newest | Self::Range(..) => None,
        };
        let around = wanted.map_or(0, |wanted| {
            all.partition_point(|(version, _)| version.cmp_precedence(&wanted).is_gt())
        });
        let first = around
            .saturating_sub(NAMED / 2 + 1)
            .min(all.len().saturating_sub(NAMED));
        all.into_iter()
            .skip(first)
            .take(NAMED)
            .map(|(_, text)| text)
            .collect()
    }
}

/// Whether a text is one whole version, such as `0.36.1`, `v1.2.3-rc.1` or `1.2.3+build`.
pub fn is_exact(text: &str) -> bool {
    Version::parse(text.strip_prefix('v').unwrap_or(text)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSIONS: [&str; 7] = [
        "0.36.1",
        "0.37.0-rc.1",
        "0.9.0",
        "0.36.0",
        "v0.35.2",
        "no version",
        "0.36.10",
    ];

    fn pick(wanted: &str) -> Option<&'static str> {
        Wanted::parse(wanted).unwrap().pick(VERSIONS.into_iter())
    }

    #[test]
    fn a_version_is_picked_as_helm_picks_it() {
        for (wanted, picked) in [
            ("latest", Some("0.36.10")),
            ("*", Some("0.36.10")),
            (">0.0.0-0", Some("0.37.0-rc.1")),
            ("0.36.1", Some("0.36.1")),
            ("v0.36.1", Some("0.36.1")),
            ("0.35.2", Some("v0.35.2")),
            ("0.37.0-rc.1", Some("0.37.0-rc.1")),
            ("0.36", Some("0.36.10")),
            ("~0.36.0", Some("0.36.10")),
            ("<0.36", Some("v0.35.2")),
            ("^0.37", None),
            ("1.0.0", None),
        ] {
            assert_eq!(pick(wanted), picked, "{wanted}");
        }
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["banana", "", "1.2.3.4"] {
            assert!(Wanted::parse(text).is_err(), "{text}");
        }
        assert!(matches!(Wanted::parse("1.2.3"), Ok(Wanted::Exact(_))));
        assert!(matches!(Wanted::parse("1.2"), Ok(Wanted::Range(..))));
    }

    #[test]
    fn versions_around_the_wanted_one_are_named() {
        let nearest = |wanted: &str| Wanted::parse(wanted).unwrap().nearest(VERSIONS.into_iter());
        assert_eq!(
            nearest("0.36.2"),
            ["0.37.0-rc.1", "0.36.10", "0.36.1", "0.36.0", "v0.35.2"]
        );
        assert_eq!(nearest("0.1.0").last(), Some(&"0.9.0"));
        assert_eq!(nearest("^2").first(), Some(&"0.37.0-rc.1"));
        assert_eq!(Wanted::Newest.nearest([].into_iter()).len(), 0);
    }
}
