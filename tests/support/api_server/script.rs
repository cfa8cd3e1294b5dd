//! What goes wrong on purpose: faults for requests that match, and verbs that are forbidden.

use std::{sync::Mutex, time::Duration};

use super::calls::Call;

/// What happens to a request instead of, or before, its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This status code and the Status object that goes with it.
    Status(u16),
    /// This status code with a `Retry-After` header of so many seconds.
    RetryAfter(u16, u64),
    /// This status code with these words, as admission refuses.
    Refuse(u16, String),
    /// The connection ends without an answer.
    Reset,
    /// The request is carried out, and the connection ends without an answer.
    LoseAnswer,
    /// The answer comes so much later.
    Delay(Duration),
    /// The answer never comes; the connection ends when the faults are taken back.
    Hang,
    /// The watch ends without a word after so many events.
    CloseWatchAfter(usize),
    /// The watch tells what there is, and nothing of what becomes of it.
    SilentWatch,
    /// The watch begins with a bookmark, which nobody asked for.
    BookmarkFirst,
    /// The watch ends with a 410 after so many events.
    ExpireWatchAfter(usize),
}

/// Which of the requests that match have the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nth {
    /// Every one.
    Every,
    /// Only this one, counted from 1.
    Only(usize),
    /// The first so many.
    First(usize),
}

/// Where a verb is forbidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// In every namespace and at the cluster scope.
    Anywhere,
    /// Only across namespaces, or for things that have none.
    Cluster,
    /// In this namespace.
    Namespace(String),
}

struct Rule {
    pattern: String,
    nth: Nth,
    fault: Fault,
    seen: usize,
}

struct Refusal {
    verb: String,
    resource: String,
    scope: Scope,
}

/// All faults and refusals of one server.
#[derive(Default)]
pub(super) struct Script {
    rules: Mutex<Vec<Rule>>,
    refusals: Mutex<Vec<Refusal>>,
    cleared: tokio::sync::Notify,
}

impl Script {
    pub(super) fn add(&self, pattern: &str, nth: Nth, fault: Fault) {
        let rule = Rule {
            pattern: pattern.to_owned(),
            nth,
            fault,
            seen: 0,
        };
        self.rules.lock().expect("no test panics here").push(rule);
    }

    pub(super) fn forbid(&self, verb: &str, resource: &str, scope: Scope) {
        let refusal = Refusal {
            verb: verb.to_owned(),
            resource: resource.to_owned(),
            scope,
        };
        self.refusals
            .lock()
            .expect("no test panics here")
            .push(refusal);
    }

    pub(super) fn clear(&self) {
        self.rules.lock().expect("no test panics here").clear();
        self.refusals.lock().expect("no test panics here").clear();
        self.cleared.notify_waiters();
    }

    /// Waits until the faults are taken back.
    pub(super) async fn until_cleared(&self) {
        self.cleared.notified().await;
    }

    /// The fault of this request, if it is the one that was meant.
    pub(super) fn fault_of(&self, call: &Call) -> Option<Fault> {
        let text = format!("{} {}", call.verb, call.path);
        let mut rules = self.rules.lock().expect("no test panics here");
        let mut fault = None;
        for rule in rules.iter_mut().filter(|rule| glob(&rule.pattern, &text)) {
            rule.seen += 1;
            let is_meant = match rule.nth {
                Nth::Every => true,
                Nth::Only(nth) => rule.seen == nth,
                Nth::First(count) => rule.seen <= count,
            };
            if is_meant && fault.is_none() {
                fault = Some(rule.fault.clone());
            }
        }
        fault
    }

    /// Whether anything is refused at all.
    pub(super) fn has_refusals(&self) -> bool {
        !self
            .refusals
            .lock()
            .expect("no test panics here")
            .is_empty()
    }

    /// Whether this verb on this resource is refused there; an empty namespace is the cluster scope.
    pub(super) fn is_forbidden(&self, verb: &str, resource: &str, namespace: &str) -> bool {
        let refusals = self.refusals.lock().expect("no test panics here");
        refusals.iter().any(|refusal| {
            glob(&refusal.verb, verb)
                && glob(&refusal.resource, resource)
                && match &refusal.scope {
                    Scope::Anywhere => true,
                    Scope::Cluster => namespace.is_empty(),
                    Scope::Namespace(forbidden) => namespace == forbidden,
                }
        })
    }
}

/// `*` stands for any run of letters, slashes too.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(start) else {
        return false;
    };
    (0..=text.len())
        .filter(|at| text.is_char_boundary(*at))
        .any(|at| glob(rest, &text[at..]))
}
