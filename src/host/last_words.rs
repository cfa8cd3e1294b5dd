//! The last lines that a container wrote before it ended, fit to be shown.
//!
//! A log may hold anything. What looks like a credential is hidden: the user may pass our error on.

use std::sync::LazyLock;
use std::time::Duration;

use http::Request;
use regex::Regex;
use tokio::time::timeout;

use super::explain::Crash;
use super::{Host, request};

/// Lines asked for.
const LINES: usize = 20;
/// The longest part of a line that is shown.
const LONGEST_LINE: usize = 300;
/// A log that takes longer is done without: the reason must not wait for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// How terminals are told about colours.
static COLORS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\x1b\[[0-9;]*[A-Za-z]").expect("the pattern is a constant"));

/// What looks like a credential, and what is shown of it.
static SECRETS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"(?i)\b(bearer|basic)\s+\S+", "$1 [hidden]"),
        (
            r#"(?i)((?:token|passwd|password|secret|credentials?|api[-_]?key|authorization)["']?\s*[=:]\s*)\S+"#,
            "$1[hidden]",
        ),
        (r"\beyJ[\w-]+\.[\w-]+\.[\w-]*", "[hidden]"),
        (r"://[^/\s@]+@", "://[hidden]@"),
        (r"[A-Za-z0-9+/_-]{48,}={0,2}", "[hidden]"),
    ]
    .into_iter()
    .map(|(pattern, shown)| (Regex::new(pattern).expect("the patterns are constants"), shown))
    .collect()
});

impl Host {
    /// The last lines of a container that crashed; none where they cannot be had, which is no failure of its own.
    pub async fn fetch_last_words(&self, namespace: &str, crash: &Crash) -> Vec<String> {
        let path = format!(
            "/api/v1/namespaces/{namespace}/pods/{}/log?container={}&tailLines={LINES}&previous={}",
            crash.pod,
            request::escape(&crash.container),
            crash.is_previous
        );
        let Ok(request) = Request::get(path).body(Vec::new()) else {
            return Vec::new();
        };
        match timeout(PATIENCE, self.client.request_text(request)).await {
            Ok(Ok(text)) => fit_to_show(&text),
            _ => Vec::new(),
        }
    }
}

/// A line of a log without what would move a terminal's cursor or colour it.
pub fn printable(line: &str) -> String {
    let is_shown = |letter: &char| !letter.is_control() || *letter == '\t';
    let plain = COLORS.replace_all(line, "");
    plain.chars().filter(is_shown).collect()
}

fn fit_to_show(log: &str) -> Vec<String> {
    let lines = log.lines().map(|line| {
        let line: String = printable(line).chars().take(LONGEST_LINE).collect();
        let hidden = SECRETS.iter().fold(line, |line, (secret, shown)| {
            secret.replace_all(&line, *shown).into_owned()
        });
        hidden.trim().to_owned()
    });
    lines.filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_credential_is_hidden() {
        let log = "starting\n\n\u{1b}[31merror\u{1b}[0m: unknown flag: --wrong\n\
                   token=abc.def password: \"x y\"\n\
                   Authorization: Bearer abcdef\n\
                   dsn postgres://me:pass@db/x\n\
                   jwt eyJhbGciOi.eyJzdWIi.c2ln end\n\
                   LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSURRVEND\n";
        assert_eq!(
            fit_to_show(log),
            [
                "starting",
                "error: unknown flag: --wrong",
                "token=[hidden] password: [hidden] y\"",
                "Authorization: [hidden] [hidden]",
                "dsn postgres://[hidden]@db/x",
                "jwt [hidden] end",
                "[hidden]",
            ]
        );
    }
}
