//! Version constraints by the rules of the library Helm uses, which are not Cargo's.

use regex::Regex;
use semver::{BuildMetadata, Prerelease, Version};
use std::sync::LazyLock;

const NUMBERS: &str = r"v?([0-9]+|[xX*])(\.(?:[0-9]+|[xX*]))?(\.(?:[0-9]+|[xX*]))?(-[0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*)?(\+[0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*)?";

static VERSION: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"^v?([0-9]+)(\.[0-9]+)?(\.[0-9]+)?(-[0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*)?(\+[0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*)?$",
    )
});
static RANGE: LazyLock<Regex> =
    LazyLock::new(|| compile(&format!(r"\s*({NUMBERS})\s+-\s+({NUMBERS})\s*")));
static PART: LazyLock<Regex> = LazyLock::new(|| {
    compile(&format!(
        r"^[\s,]*(=|!=|>=|=>|<=|=<|>|<|~>|~|\^)?\s*{NUMBERS}(?:\s|,|$)"
    ))
});

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant that a test compiles")
}

/// Reads a version as people write them: `v1.2`, `1`, `1.2.3-rc.1+build`.
pub fn parse_version(text: &str) -> Option<Version> {
    let parts = VERSION.captures(text)?;
    let number = |group: usize| match parts.get(group) {
        Some(part) => part.as_str().trim_start_matches('.').parse().ok(),
        None => Some(0),
    };
    let suffix = |group: usize| parts.get(group).map_or("", |part| &part.as_str()[1..]);
    Some(Version {
        major: number(1)?,
        minor: number(2)?,
        patch: number(3)?,
        pre: Prerelease::new(suffix(4)).ok()?,
        build: BuildMetadata::new(suffix(5)).ok()?,
    })
}

/// Alternatives, each of conditions that must all hold.
#[derive(Clone, Debug)]
pub struct Constraint(Vec<Vec<Condition>>);

#[derive(Clone, Debug)]
struct Condition {
    operator: String,
    version: Version,
    /// How many of the three numbers are given: `1.x` has one.
    given: usize,
}

impl Constraint {
    /// Reads a constraint such as `>=1.20-0 <2 || 3.x`; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = RANGE.replace_all(text, ">= $1, <= $7 ");
        text.split("||")
            .map(parse_conditions)
            .collect::<Option<Vec<_>>>()
            .map(Self)
    }

    /// Whether a version is one that it allows.
    pub fn allows(&self, version: &Version) -> bool {
        self.0.iter().any(|conditions| {
            // A pre-release only counts where one is mentioned.
            let wants_pre = conditions.iter().any(|one| !one.version.pre.is_empty());
            (version.pre.is_empty() || wants_pre)
                && conditions.iter().all(|condition| condition.allows(version))
        })
    }
}

fn parse_conditions(text: &str) -> Option<Vec<Condition>> {
    let mut conditions = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let parts = PART.captures(rest)?;
        let part = |group: usize| {
            let text = parts.get(group)?.as_str().trim_start_matches('.');
            (!matches!(text, "x" | "X" | "*")).then_some(text)
        };
        let given = (2..5).take_while(|group| part(*group).is_some()).count();
        let mut numbers = [0, 0, 0];
        for (index, number) in numbers.iter_mut().enumerate().take(given) {
            *number = part(index + 2)?.parse().ok()?;
        }
        let pre = parts.get(5).map_or("", |pre| &pre.as_str()[1..]);
        conditions.push(Condition {
            operator: parts.get(1).map_or("", |one| one.as_str()).to_owned(),
            version: Version {
                pre: Prerelease::new(pre).ok()?,
                ..Version::new(numbers[0], numbers[1], numbers[2])
            },
            given,
        });
        rest = rest[parts.get(0)?.end()..].trim_start();
    }
    if conditions.is_empty() {
        return if text.trim().is_empty() {
            parse_conditions("*")
        } else {
            None
        };
    }
    Some(conditions)
}

impl Condition {
    fn allows(&self, version: &Version) -> bool {
        let wanted = &self.version;
        let order = version.cmp_precedence(wanted);
        let is_partial = self.given < 3;
        match self.operator.as_str() {
            "" | "=" if !is_partial => order.is_eq(),
            "" | "=" | "~" | "~>" => order.is_ge() && self.is_in_tilde(version),
            "!=" => !self.equals(version),
            ">" if is_partial => match self.given {
                2 => (version.major, version.minor) > (wanted.major, wanted.minor),
                _ => version.major > wanted.major,
            },
            ">" => order.is_gt(),
            ">=" | "=>" => order.is_ge(),
            "<" => order.is_lt(),
            "<=" | "=<" if is_partial => match self.given {
                1 => version.major <= wanted.major,
                _ => (version.major, version.minor) <= (wanted.major, wanted.minor),
            },
            "<=" | "=<" => order.is_le(),
            "^" => order.is_ge() && self.is_in_caret(version),
            _ => false,
        }
    }

    fn equals(&self, version: &Version) -> bool {
        let wanted = &self.version;
        match self.given {
            1 => version.major == wanted.major,
            2 => {
                (version.major, version.minor) == (wanted.major, wanted.minor)
                    && version.pre == wanted.pre
            }
            _ => version.cmp_precedence(wanted).is_eq(),
        }
    }

    fn is_in_tilde(&self, version: &Version) -> bool {
        let wanted = &self.version;
        // `*`, and by a special case of that library `~0.0.0`, take everything.
        let is_zero = (wanted.major, wanted.minor, wanted.patch) == (0, 0, 0);
        is_zero && matches!(self.given, 0 | 3)
            || version.major == wanted.major && (self.given == 1 || version.minor == wanted.minor)
    }

    fn is_in_caret(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if wanted.major > 0 || self.given == 1 {
            return version.major == wanted.major;
        }
        if version.major > 0 {
            return false;
        }
        if wanted.minor > 0 || self.given == 2 {
            return version.minor == wanted.minor;
        }
        version.minor == 0 && version.patch == wanted.patch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_mean_what_they_mean_to_helm() {
        let cases = [
            (">=1.20-0", "1.20.0", true),
            (">=1.20-0", "v1.36.3+k3s1", true),
            (">=1.20.0", "1.21.0-rc.1", false),
            (">= 1.19-0 < 1.22-0", "1.21.5-gke.1", true),
            ("1.x || >=2.5.0", "2.4.0", false),
            ("1.x", "1.99.0", true),
            ("^1.2", "1.9.0", true),
            ("^0.2.3", "0.3.0", false),
            ("~1.2.3", "1.2.9", true),
            ("~1.2.3", "1.3.0", false),
            ("1.2 - 1.4.5", "1.4.6", false),
            ("1.2 - 1.4.5", "1.3.0", true),
            ("!=1.2.x", "1.2.7", false),
            (">1.2", "1.2.9", false),
            ("<=1.2", "1.2.9", true),
            ("*", "3.1.0", true),
            ("", "3.1.0", true),
            ("=1.2.3", "1.2.3", true),
            (">1, <3", "2.0.0", true),
        ];
        for (constraint, version, expected) in cases {
            let parsed = Constraint::parse(constraint).unwrap_or_else(|| panic!("{constraint}"));
            let version = parse_version(version).unwrap_or_else(|| panic!("{version}"));
            assert_eq!(parsed.allows(&version), expected, "{constraint} {version}");
        }
        assert!(Constraint::parse("banana").is_none());
        assert!(parse_version("27+").is_none());
    }
}
