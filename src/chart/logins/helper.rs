//! The programs that keep secrets for docker, by their protocol: the server on standard input, the login as JSON on
//! standard output. <https://github.com/docker/docker-credential-helpers#development>

use std::path::Path;
use std::process::Stdio;

use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::LoginError;
use crate::chart::login::Login;

/// What a helper says when it has no login for the server.
const NOT_FOUND: &str = "credentials not found";
/// The user that means that the secret is a token.
const TOKEN: &str = "<token>";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Said {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// Asks the helper `name`, which the file at `path` names, for the login to a server; `None` if it has none.
pub(super) async fn ask(
    name: &str,
    server: &str,
    path: &Path,
) -> Result<Option<Login>, LoginError> {
    let program = format!("docker-credential-{name}");
    let cannot_run = |source: std::io::Error| LoginError::NoHelper {
        program: program.clone(),
        path: path.to_owned(),
        source,
    };
    // A name with a path in it would run any program.
    if name.contains(['/', '\\']) {
        let wrong = std::io::Error::new(
            std::io::ErrorKind::InvalidInput,
            "the name of a helper has no path in it",
        );
        return Err(cannot_run(wrong));
    }
    let mut helper = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(cannot_run)?;
    if let Some(mut input) = helper.stdin.take() {
        // One that does not read has its say all the same.
        let _ = input.write_all(server.as_bytes()).await;
    }
    let output = helper.wait_with_output().await.map_err(cannot_run)?;
    if !output.status.success() {
        let all = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&all);
        if text.contains(NOT_FOUND) {
            return Ok(None);
        }
        return Err(failed(&program, text.trim()));
    }
    let said: Said = serde_json::from_slice(&output.stdout)
        .map_err(|_| failed(&program, "it answered in no form that is known"))?;
    Ok(match said.username.as_str() {
        TOKEN => Some(Login::Identity(said.secret)),
        "" => None,
        _ => Some(Login::Password {
            user: said.username,
            password: said.secret,
        }),
    })
}

fn failed(program: &str, text: &str) -> LoginError {
    let line: String = text
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|letter| !letter.is_control())
        .take(200)
        .collect();
    // What looks like an answer may hold the secret.
    let said = if line.is_empty() || line.starts_with('{') {
        String::new()
    } else {
        format!(": {line}")
    };
    LoginError::Helper {
        program: program.to_owned(),
        said,
    }
}
