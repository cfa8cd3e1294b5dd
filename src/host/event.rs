//! The few fields that we read of an event, whose older and newer forms tell times and counts in different ones.

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
    /// When it last happened, as older components tell it.
    pub last_timestamp: Option<Timestamp>,
    /// When it first happened, as newer components tell it.
    pub event_time: Option<Timestamp>,
    /// How it went on, as newer components tell it.
    pub series: Option<EventSeries>,
    /// How often it happened, as older components count.
    pub count: u32,
}

/// How an event went on.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EventSeries {
    /// When it last happened.
    pub last_observed_time: Option<Timestamp>,
    /// How often it happened.
    pub count: u32,
}

impl Event {
    /// When it last happened.
    pub fn happened(&self) -> Option<Timestamp> {
        let series = self
            .series
            .as_ref()
            .and_then(|series| series.last_observed_time);
        series
            .or(self.last_timestamp)
            .or(self.event_time)
            .or(self.metadata.creation_timestamp)
    }

    /// How often it happened.
    pub fn times(&self) -> u32 {
        self.series
            .as_ref()
            .map_or(self.count, |series| series.count)
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
    /// Its identity, unlike that of an earlier one of the name.
    pub uid: String,
}
