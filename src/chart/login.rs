//! Who we are to a server of charts. Secrets in it are never shown.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

/// What a server knows a user by.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// A name and its password.
    Password {
        /// The name.
        user: String,
        /// Its password.
        password: String,
    },
    /// A token that a registry's own server exchanges for one that opens the registry.
    Identity(String),
    /// A token that opens the registry itself.
    Registry(String),
}

impl Login {
    /// The header `Authorization` of it, for those that have one.
    pub fn to_basic(&self) -> Option<HeaderValue> {
        let Self::Password { user, password } = self else {
            return None;
        };
        secret_header(&format!(
            "Basic {}",
            STANDARD.encode(format!("{user}:{password}"))
        ))
    }
}

/// The header `Authorization` of a token.
pub fn bearer(token: &str) -> Option<HeaderValue> {
    secret_header(&format!("Bearer {token}"))
}

fn secret_header(text: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

impl fmt::Debug for Login {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Password { .. } => "Login(password)",
            Self::Identity(_) | Self::Registry(_) => "Login(token)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_never_shown() {
        let login = Login::Password {
            user: "me".to_owned(),
            password: "secret".to_owned(),
        };
        let header = login.to_basic().unwrap();
        assert_eq!(header, "Basic bWU6c2VjcmV0");
        assert!(header.is_sensitive());
        for shown in [format!("{login:?}"), format!("{header:?}")] {
            assert!(
                !shown.contains("secret") && !shown.contains("bWU6"),
                "{shown}"
            );
        }
        assert_eq!(Login::Identity("t".to_owned()).to_basic(), None);
    }
}
