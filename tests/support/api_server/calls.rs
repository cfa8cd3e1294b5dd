//! The record of what the server was asked, and its text for snapshots.

use std::fmt;

use serde_json::Value;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Kubernetes' verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `apply`, `delete`,
    /// `deletecollection`, or `forward` for a stream into a pod.
    pub(crate) verb: &'static str,
    /// Path without the query.
    pub(crate) path: String,
    /// Query, decoded, in the order it came.
    pub(crate) query: Vec<(String, String)>,
    /// The body where it was JSON, else null.
    pub(crate) body: Value,
    /// The status code of the answer; 0 while there is none, or where the connection was reset.
    pub(crate) answer: u16,
}

impl Call {
    fn is_write(&self) -> bool {
        !matches!(self.verb, "get" | "list" | "watch" | "forward")
    }

    /// Whether a background tunnel asked, whose requests have no fixed place among the others. It alone follows
    /// pods with bookmarks and lists them whole.
    pub(crate) fn is_of_a_tunnel(&self) -> bool {
        let has = |name: &str| self.query.iter().any(|(known, _)| known == name);
        let follows = match self.verb {
            "watch" => has("allowWatchBookmarks"),
            "list" => !has("limit"),
            _ => false,
        };
        self.verb == "forward" || (follows && self.path.ends_with("/pods"))
    }

    /// Whether one tunnel asked both, as far as the namespace tells.
    pub(crate) fn is_of_the_same_tunnel(&self, other: &Self) -> bool {
        let namespace = |call: &Self| call.path.split('/').nth(4).map(str::to_owned);
        self.is_of_a_tunnel() && other.is_of_a_tunnel() && namespace(self) == namespace(other)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.verb, self.path)?;
        let mut query: Vec<String> = self
            .query
            .iter()
            .filter(|(name, _)| !["watch", "timeoutSeconds"].contains(&name.as_str()))
            .map(|(name, value)| match name.as_str() {
                "resourceVersion" if value != "0" => format!("{name}=[VERSION]"),
                "continue" => format!("{name}=[TOKEN]"),
                _ => format!("{name}={value}"),
            })
            .collect();
        query.sort();
        if !query.is_empty() {
            write!(out, "?{}", query.join("&"))?;
        }
        // Whether an object is still there when its own delete comes, or went with its owner, is a race.
        let is_expected = match self.answer {
            0 | 101 | 200..300 => true,
            code => self.verb == "delete" && code == 404,
        };
        if is_expected {
            Ok(())
        } else {
            write!(out, " -> {}", self.answer)
        }
    }
}

/// Requests in the order they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(pub(crate) Vec<Call>);

impl Calls {
    /// How many requests there were.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Requests that go out together arrive in any order, so neighbours that only read are sorted, and so are
/// neighbours that write. Watches stay open beside all others and are told after them, and then, each line once,
/// what a tunnel asks before it serves; what it asks later may come after the command has ended.
impl fmt::Display for Calls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tunnel, own): (Vec<&Call>, Vec<&Call>) =
            self.0.iter().partition(|call| call.is_of_a_tunnel());
        // What is listed only to be watched from there on belongs to its watch.
        let (watches, own): (Vec<&Call>, Vec<&Call>) = own.into_iter().partition(|call| {
            call.verb == "watch" || call.verb == "list" && call.path.ends_with("/events")
        });
        for neighbours in own.chunk_by(|one, other| one.is_write() == other.is_write()) {
            for line in sorted(neighbours) {
                writeln!(out, "{line}")?;
            }
        }
        for line in sorted(&watches) {
            writeln!(out, "{line}")?;
        }
        let tunnel: Vec<&Call> = tunnel
            .into_iter()
            .filter(|call| call.verb != "watch")
            .collect();
        let mut lines = sorted(&tunnel);
        lines.dedup();
        for line in lines {
            writeln!(out, "tunnel: {line}")?;
        }
        Ok(())
    }
}

fn sorted(calls: &[&Call]) -> Vec<String> {
    let mut lines: Vec<String> = calls.iter().map(ToString::to_string).collect();
    lines.sort();
    lines
}
