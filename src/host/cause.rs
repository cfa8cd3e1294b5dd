//! The causes of a client error as lines for the user, without what they must not show.
//!
//! The client prints a credential plugin's whole environment and output, and a proxy's password; here those errors
//! are said in words of our own.

use std::error::Error;

use kube::client::AuthError;
use rustls::CertificateError;

use super::Distrust;

/// The longest part of a plugin's own words that is passed on.
const LONGEST_WORDS: usize = 200;

/// The root cause of an error.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    if let Some(line) = said_by_us(error) {
        return line;
    }
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// The chain of causes, from the outermost that says something to the root, each once.
pub(super) fn causes_of(error: &kube::Error) -> Vec<String> {
    // An outer error repeats the text of its source, so none of the others may be shown either.
    if let Some(line) = said_by_us(error) {
        return vec![line];
    }
    let mut lines: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let line = cause.to_string();
        if lines.last() != Some(&line) {
            lines.push(line);
        }
        next = cause.source();
    }
    // Libraries repeat the text of their source: a line that another one contains says nothing of its own.
    let repeated = |line: &String| {
        lines
            .iter()
            .any(|other| other != line && line.contains(other.as_str()))
    };
    let own: Vec<String> = lines
        .iter()
        .filter(|line| !repeated(line))
        .cloned()
        .collect();
    if own.is_empty() {
        vec![error.to_string()]
    } else {
        own
    }
}

/// What is wrong with a server that answered; `None` if the error is not about who it is.
pub(super) fn distrust_of(error: &kube::Error) -> Option<Distrust> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(cause) = next {
        // What is wrapped in an error of the system is not told as its source, but instead of it.
        let wrapped = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if let Some(wrapped) = wrapped {
            next = Some(wrapped);
            continue;
        }
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return of_tls(error);
        }
        next = cause.source();
    }
    None
}

fn of_tls(error: &rustls::Error) -> Option<Distrust> {
    use CertificateError as Wrong;
    match error {
        rustls::Error::InvalidCertificate(wrong) => Some(match wrong {
            Wrong::UnknownIssuer | Wrong::BadSignature => Distrust::UnknownAuthority,
            Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => Distrust::OtherName,
            Wrong::Expired
            | Wrong::ExpiredContext { .. }
            | Wrong::NotValidYet
            | Wrong::NotValidYetContext { .. } => Distrust::Expired,
            _ => Distrust::Other,
        }),
        rustls::Error::InvalidMessage(_) => Some(Distrust::NoTls),
        _ => None,
    }
}

/// What is shown instead of an error whose own text, or that of one of its causes, holds secrets.
fn said_by_us(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(error) = cause.downcast_ref::<AuthError>()
            && let Some(line) = of_credentials(error)
        {
            return Some(line);
        }
        if let Some(
            kube::Error::ProxyProtocolUnsupported { .. }
            | kube::Error::ProxyProtocolDisabled { .. },
        ) = cause.downcast_ref::<kube::Error>()
        {
            return Some("the protocol of its proxy is not supported".to_owned());
        }
        next = cause.source();
    }
    None
}

fn of_credentials(error: &AuthError) -> Option<String> {
    match error {
        AuthError::AuthExecRun { cmd, out } => {
            let mut line = format!(
                "the credential plugin `{}` failed with {}",
                program(cmd),
                out.status
            );
            let errors = String::from_utf8_lossy(&out.stderr);
            // A plugin of our own form ends with hints; what it failed of is said before.
            let said = |line: &&str| line.starts_with("error: ");
            let lines = || errors.lines().map(str::trim);
            let last = lines()
                .rfind(said)
                .or_else(|| lines().rfind(|line| !line.is_empty()));
            if let Some(last) = last {
                let last = last.strip_prefix("error: ").unwrap_or(last);
                line.push_str(": ");
                line.extend(
                    last.chars()
                        .filter(|char| !char.is_control())
                        .take(LONGEST_WORDS),
                );
            }
            Some(line)
        }
        AuthError::AuthExecParse(_) | AuthError::ParseTokenKey(_) => {
            Some("the credential plugin answered with something that cannot be read".to_owned())
        }
        _ => None,
    }
}

/// The program of a command as `Debug` prints it: removed and set variables come first, then what runs, in quotes.
///
/// Another form of the client's has no quotes and starts with the program.
fn program(command: &str) -> String {
    let mut word = String::new();
    let (mut in_quotes, mut is_quoted, mut is_escaped) = (false, false, false);
    let mut words = Vec::new();
    for char in command.chars().chain([' ']) {
        match char {
            _ if is_escaped => {
                word.push(char);
                is_escaped = false;
            }
            '\\' if in_quotes => is_escaped = true,
            '"' => {
                is_quoted |= word.is_empty();
                in_quotes = !in_quotes;
            }
            ' ' if !in_quotes => {
                words.push((std::mem::take(&mut word), std::mem::take(&mut is_quoted)));
            }
            _ => word.push(char),
        }
    }
    let is_program = |index: usize, word: &str, is_quoted: bool| {
        is_quoted || (index == 0 && word != "env" && !word.contains('='))
    };
    words
        .into_iter()
        .enumerate()
        .find(|(index, (word, is_quoted))| is_program(*index, word, *is_quoted))
        .map_or_else(String::new, |(_, (word, _))| word)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn of_a_plugin_only_its_program_is_shown() {
        let mut command = Command::new("/opt/log in/plugin");
        command
            .args(["--token", "hidden"])
            .env("KUBERNETES_EXEC_INFO", r#"{"spec": "hidden \"x\" y"}"#);
        assert_eq!(program(&format!("{command:?}")), "/opt/log in/plugin");
        command.env_remove("HOME");
        assert_eq!(program(&format!("{command:?}")), "/opt/log in/plugin");
        assert_eq!(program(r#"gcloud config "hidden""#), "gcloud");
    }

    #[cfg(unix)]
    #[test]
    fn the_words_of_a_failed_plugin_are_its_status_and_last_error() {
        use std::os::unix::process::ExitStatusExt;
        let out = std::process::Output {
            status: std::process::ExitStatus::from_raw(256),
            stdout: b"hidden".to_vec(),
            stderr: b"hidden\nlog in first\n\n".to_vec(),
        };
        let error = kube::Error::Auth(AuthError::AuthExecRun {
            cmd: r#"SECRET="hidden" "plugin" "hidden""#.to_owned(),
            out: Box::new(out),
        });
        let line =
            "the credential plugin `plugin` failed with exit status: 1: log in first".to_owned();
        assert_eq!(innermost(&error), line);
        assert_eq!(causes_of(&error), [line]);
    }
}
