//! What a setting can be: read from text in one way, wherever the text comes from.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;

use crate::chart::address::Address;
use crate::cluster::{ContextName, Namespace};
use crate::error::Error;
use crate::ui::Format;

/// Why a text is no value of its setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// What is wrong with it, naming it.
    pub problem: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Invalid {
    fn new(problem: String, hint: &str) -> Self {
        Self {
            problem,
            hint: Some(hint.to_owned()),
        }
    }

    /// The error of what cannot be done with it.
    pub fn into_error(self, message: String) -> Error {
        let mut error = Error::usage(message);
        error.push_cause(self.problem);
        error.hints.extend(self.hint);
        error
    }
}

/// A kind of value that settings have.
pub trait Value: Sized {
    /// Reads what was written.
    fn parse(text: &str) -> Result<Self, Invalid>;

    /// Reads what the system gave, which need not be text.
    fn parse_os(text: &OsStr) -> Result<Self, Invalid> {
        let text = text.to_str().ok_or_else(|| Invalid {
            problem: "it is not valid UTF-8".to_owned(),
            hint: None,
        })?;
        Self::parse(text)
    }

    /// What to write to mean this value; secrets are left out.
    fn to_text(&self) -> String;

    /// What was written, as it may be shown.
    fn shown(text: &str) -> String {
        text.to_owned()
    }
}

/// With a user and password, perhaps, that are never shown.
impl Value for Address {
    fn parse(text: &str) -> Result<Self, Invalid> {
        Self::parse(text).map_err(|error| {
            Invalid::new(
                format!("it is no address: {error}"),
                "use for example `https://charts.example.com` or `oci://registry.example.com/charts`",
            )
        })
    }

    fn to_text(&self) -> String {
        self.to_string()
    }

    fn shown(text: &str) -> String {
        Self::parse(text).map_or_else(|_| String::new(), |address| address.to_string())
    }
}

impl Value for String {
    fn parse(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(Invalid {
                problem: format!("{text:?} is empty or holds characters that cannot be shown"),
                hint: None,
            });
        }
        Ok(text.to_owned())
    }

    fn to_text(&self) -> String {
        self.clone()
    }
}

impl Value for ContextName {
    fn parse(text: &str) -> Result<Self, Invalid> {
        Self::parse(text).map_err(|error| {
            Invalid::new(
                format!("`{text}` is no template for names: {error}"),
                "use `{name}`, `{namespace}` and `{host}`, for example `{name}-{host}`",
            )
        })
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

impl Value for PathBuf {
    fn parse(text: &str) -> Result<Self, Invalid> {
        String::parse(text).map(Self::from)
    }

    fn parse_os(text: &OsStr) -> Result<Self, Invalid> {
        Ok(Self::from(text))
    }

    fn to_text(&self) -> String {
        self.display().to_string()
    }
}

impl Value for bool {
    fn parse(text: &str) -> Result<Self, Invalid> {
        match text {
            "true" | "1" | "yes" => Ok(true),
            "false" | "0" | "no" => Ok(false),
            _ => Err(Invalid::new(
                format!("`{text}` is neither true nor false"),
                "use `true` or `false`",
            )),
        }
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

impl Value for Namespace {
    fn parse(text: &str) -> Result<Self, Invalid> {
        Self::parse(text).map_err(|error| Invalid {
            problem: error.to_string(),
            hint: None,
        })
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

impl Value for Format {
    fn parse(text: &str) -> Result<Self, Invalid> {
        Self::parse(text).ok_or_else(|| {
            Invalid::new(
                format!("`{text}` is no form of output"),
                "use table, wide, json, yaml or name",
            )
        })
    }

    fn to_text(&self) -> String {
        self.word().to_owned()
    }
}

/// Longer than nothing.
impl Value for Duration {
    fn parse(text: &str) -> Result<Self, Invalid> {
        let wrong = || {
            Invalid::new(
                format!("`{text}` is not a duration"),
                "use for example `90s`, `5m` or `1h30m`",
            )
        };
        let duration: SignedDuration = text.parse().map_err(|_| wrong())?;
        Self::try_from(duration)
            .ok()
            .filter(|duration| !duration.is_zero())
            .ok_or_else(wrong)
    }

    fn to_text(&self) -> String {
        // One that was read from text is never too long to be written again.
        SignedDuration::try_from(*self).map_or_else(
            |_| format!("{}s", self.as_secs()),
            |duration| format!("{duration:#}").replace(' ', ""),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_positive_and_has_a_unit() {
        let parse = <Duration as Value>::parse;
        assert_eq!(parse("1h30m").unwrap(), Duration::from_mins(90));
        assert_eq!(parse("1h30m").unwrap().to_text(), "1h30m");
        for wrong in ["5", "", "-5s", "0s", "soon"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
