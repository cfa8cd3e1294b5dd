//! Every function a template can call: Go's own, sprig's and Helm's.
//!
//! Each theme has a file with a table that names its functions. A function of Helm's that is not
//! there yet is in [`MISSING`], so that a chart that needs it is refused by name.

mod compare;
mod convert;
mod dicts;
mod encoding;
mod flow;
mod format;
mod lists;
mod math;
mod patterns;
mod text;
mod typed;
mod version;

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use super::engine::{Args, Executor, Fault};
use super::value::Value;

/// A function that only looks at its arguments.
pub(crate) type Pure = fn(&Args<'_>) -> Result<Value, Fault>;
/// A function that needs the engine.
pub(crate) type Engine = fn(&mut Executor<'_>, &Args<'_>) -> Result<Value, Fault>;

/// A function by name.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) arity: Arity,
    pub(crate) body: Body,
}

/// How a function is executed.
#[derive(Clone, Copy)]
pub(crate) enum Body {
    /// Without the engine.
    Pure(Pure),
    /// With the engine.
    Engine(Engine),
    /// `and` and `or`: operands are evaluated until one has this truth.
    ShortCircuit { stops_at: bool },
}

/// How many arguments a function takes.
#[derive(Clone, Copy)]
pub(crate) struct Arity {
    least: usize,
    most: Option<usize>,
}

impl Arity {
    pub(crate) fn takes(self, count: usize) -> bool {
        count >= self.least && self.most.is_none_or(|most| count <= most)
    }
}

impl fmt::Display for Arity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, prefix) = match self.most {
            Some(most) if most == self.least => (most, ""),
            Some(most) => {
                return write!(out, "{} to {most} arguments", self.least);
            }
            None => (self.least, "at least "),
        };
        let plural = if count == 1 { "" } else { "s" };
        write!(out, "{prefix}{count} argument{plural}")
    }
}

/// A function of exactly so many arguments.
const fn exactly(name: &'static str, count: usize, body: Pure) -> Function {
    Function {
        name,
        arity: Arity {
            least: count,
            most: Some(count),
        },
        body: Body::Pure(body),
    }
}

/// A function of so many arguments or more.
const fn at_least(name: &'static str, least: usize, body: Pure) -> Function {
    Function {
        name,
        arity: Arity { least, most: None },
        body: Body::Pure(body),
    }
}

const fn with_engine(name: &'static str, count: usize, body: Engine) -> Function {
    Function {
        name,
        arity: Arity {
            least: count,
            most: Some(count),
        },
        body: Body::Engine(body),
    }
}

const fn short_circuit(name: &'static str, stops_at: bool) -> Function {
    Function {
        name,
        arity: Arity {
            least: 1,
            most: None,
        },
        body: Body::ShortCircuit { stops_at },
    }
}

const TABLES: &[&[Function]] = &[
    compare::TABLE,
    convert::TABLE,
    dicts::TABLE,
    encoding::TABLE,
    flow::TABLE,
    format::TABLE,
    lists::TABLE,
    math::TABLE,
    patterns::TABLE,
    text::TABLE,
    version::TABLE,
];

/// What Helm has and this engine has not yet.
const MISSING: &[&str] = &[
    "abbrev",
    "abbrevboth",
    "adler32sum",
    "ago",
    "b32dec",
    "b32enc",
    "bcrypt",
    "buildCustomCert",
    "call",
    "camelcase",
    "date",
    "dateInZone",
    "dateModify",
    "date_in_zone",
    "date_modify",
    "decryptAES",
    "derivePassword",
    "duration",
    "durationDays",
    "durationHours",
    "durationMicroseconds",
    "durationMilliseconds",
    "durationMinutes",
    "durationNanoseconds",
    "durationRound",
    "durationRoundTo",
    "durationSeconds",
    "durationTruncateTo",
    "durationWeeks",
    "encryptAES",
    "fromToml",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "htmlDate",
    "htmlDateInZone",
    "htpasswd",
    "initials",
    "js",
    "kebabcase",
    "mustDateModify",
    "mustToDate",
    "mustToDuration",
    "mustToToml",
    "must_date_modify",
    "now",
    "randAlpha",
    "randAlphaNum",
    "randAscii",
    "randBytes",
    "randInt",
    "randNumeric",
    "sha1sum",
    "shuffle",
    "snakecase",
    "swapcase",
    "toDate",
    "toToml",
    "toYamlPretty",
    "unixEpoch",
    "urlJoin",
    "urlParse",
    "uuidv4",
    "wrap",
    "wrapWith",
];

static INDEX: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
    TABLES
        .iter()
        .flat_map(|table| table.iter())
        .map(|function| (function.name, function))
        .collect()
});

/// The function of this name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    INDEX.get(name).copied()
}

/// Whether Helm has the function but this engine has not.
pub(crate) fn is_missing(name: &str) -> bool {
    MISSING.contains(&name)
}

/// The names of all functions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    INDEX.keys().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_function_is_named_twice_or_both_known_and_missing() {
        let named: usize = TABLES.iter().map(|table| table.len()).sum();
        assert_eq!(named, INDEX.len());
        for name in MISSING {
            assert!(find(name).is_none(), "{name}");
        }
    }
}
