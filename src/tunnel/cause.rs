//! Errors of the client as one line for a log, without what may not be in one.

use std::error::Error;

use kube::client::AuthError;

/// An error with its causes on one line.
///
/// What a credential plugin's failure says holds its whole environment and output, so none of it is passed on.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = Some(error);
    while let Some(cause) = next {
        if cause.is::<AuthError>() {
            return "the credentials of the host could not be renewed".to_owned();
        }
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    text
}
