//! The few fields that we read of an event.

use jiff::Timestamp;
use serde::Deserialize;

use super::read::Metadata;

/// Something that happened on the host.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    /// What it says of itself.
    pub metadata: Metadata,
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub kind: String,
    /// In one word, for example `FailedCreate`.
    pub reason: String,
    /// In a sentence.
    pub message: String,
    /// What it happened to.
    pub involved_object: InvolvedObject,
    /// When it last happened.
    pub last_timestamp: Option<Timestamp>,
    /// When it happened, where only that is told.
    pub event_time: Option<Timestamp>,
    /// How often it happened.
    pub count: u32,
}

impl Event {
    /// When it last happened.
    pub fn happened(&self) -> Option<Timestamp> {
        self.last_timestamp
            .or(self.event_time)
            .or(self.metadata.creation_timestamp)
    }
}

/// What an event happened to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct InvolvedObject {
    /// For example `Pod`.
    pub kind: String,
    /// Its name.
    pub name: String,
}
