//! What is being waited for, in the user's words: the interface that work reports to.
//!
//! `ui` shows it as a live line, plain lines or JSON lines.

/// Where work reports what it does.
pub trait Progress: Send + Sync {
    /// Work on `doing` begins; ends an unfinished earlier step as done.
    fn begin(&self, doing: &str);

    /// Why the current step takes its time; empty if nothing is wrong any more. Repeated reasons are shown once.
    fn because(&self, reason: &str);

    /// What to do about that reason, should it not pass; told if the command ends before it does.
    fn advise(&self, hint: &str);

    /// The current step is done.
    fn end(&self);

    /// Something the user should know that is no failure.
    fn note(&self, text: &str);

    /// What is left behind if the command is interrupted or times out from here on, and what to type about it.
    fn if_interrupted(&self, left: &str, hint: &str);
}
