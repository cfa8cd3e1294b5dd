//! Versions and version constraints as charts write them: `>=1.20-0`, `^1.2`, `1.x || 2.x`.

use std::rc::Rc;

use super::super::constraint::{Constraint, parse_version};
use super::super::engine::{Args, Fault};
use super::super::value::{Object, Value};
use super::{Row, pure};

pub(super) const TABLE: &[Row] = &[
    pure("semverCompare", "text text", |args| {
        let constraint = Some(args.string(0)?)
            .filter(|text| !text.trim().is_empty())
            .and_then(|text| Constraint::parse(&text))
            .ok_or_else(|| Fault::new("argument 1 is no version constraint"))?;
        Ok(constraint.allows(&version(args, 1)?).into())
    }),
    pure("semver", "text", |args| {
        Ok(Value::Object(Rc::new(Semver {
            original: args.string(0)?.to_string(),
            version: version(args, 0)?,
        })))
    }),
];

fn version(args: &Args<'_>, index: usize) -> Result<semver::Version, Fault> {
    parse_version(&args.string(index)?)
        .ok_or_else(|| Fault::new(format!("argument {} is no version", index + 1)))
}

/// What `semver` yields.
struct Semver {
    original: String,
    version: semver::Version,
}

impl Object for Semver {
    fn type_name(&self) -> &'static str {
        "*semver.Version"
    }

    fn kind(&self) -> &'static str {
        "ptr"
    }

    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    fn call(&self, method: &str, args: &Args<'_>) -> Option<Result<Value, Fault>> {
        let number = |number: u64| Value::Int64(i64::try_from(number).unwrap_or(i64::MAX));
        Some(Ok(match method {
            "Major" => number(self.version.major),
            "Minor" => number(self.version.minor),
            "Patch" => number(self.version.patch),
            "Prerelease" => self.version.pre.as_str().into(),
            "Metadata" => self.version.build.as_str().into(),
            "Original" => self.original.as_str().into(),
            "String" => self.plain(),
            "Compare" => match args.any(0) {
                Value::Object(other) => {
                    let other = match other.plain() {
                        Value::Str(text) => parse_version(&text),
                        _ => None,
                    };
                    match other {
                        Some(other) => Value::Int(self.version.cmp_precedence(&other) as i64),
                        None => return Some(Err(Fault::new("takes a version"))),
                    }
                }
                _ => return Some(Err(Fault::new("takes a version"))),
            },
            _ => return None,
        }))
    }

    fn plain(&self) -> Value {
        self.version.to_string().into()
    }
}
