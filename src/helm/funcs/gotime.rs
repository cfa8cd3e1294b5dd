//! Go's `time`: moments in a zone, layouts such as `2006-01-02`, and durations such as `1h30m`.
//!
//! The functions that charts call are in `dates` and `durations`.

mod layout;
mod read;
mod span;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use layout::{next_piece, write_piece};
use read::{Read, skip};
pub(super) use span::{HOUR, MINUTE, SECOND, duration_text, parse_duration, round_duration};

/// A moment, and the zone it is shown in.
#[derive(Clone)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    pub(super) zone: Zone,
}

#[derive(Clone)]
pub(super) enum Zone {
    Named(TimeZone),
    /// An offset, and what the text that was read called it.
    Fixed(Offset, String),
}

impl Zone {
    pub(super) fn local() -> Self {
        Self::Named(TimeZone::system())
    }

    pub(super) fn utc() -> Self {
        Self::Fixed(Offset::UTC, "UTC".to_owned())
    }

    /// Go's `LoadLocation`.
    pub(super) fn load(name: &str) -> Option<Self> {
        match name {
            "" | "UTC" => Some(Self::utc()),
            "Local" => Some(Self::local()),
            name => TimeZone::get(name).ok().map(Self::Named),
        }
    }

    /// Offset and abbreviation at a moment.
    fn at(&self, at: Timestamp) -> (Offset, String) {
        match self {
            Self::Fixed(offset, name) => (*offset, name.clone()),
            Self::Named(zone) => {
                let info = zone.to_offset_info(at);
                (info.offset(), info.abbreviation().to_owned())
            }
        }
    }

    fn resolve(&self, civil: DateTime) -> Option<Timestamp> {
        match self {
            Self::Fixed(offset, _) => offset.to_timestamp(civil).ok(),
            Self::Named(zone) => zone.to_timestamp(civil).ok(),
        }
    }
}

impl Moment {
    pub(super) fn now() -> Self {
        Self {
            at: Timestamp::now(),
            zone: Zone::local(),
        }
    }

    /// Go's zero time.
    pub(super) fn zero() -> Self {
        let first = DateTime::constant(1, 1, 1, 0, 0, 0, 0);
        Self {
            at: Offset::UTC.to_timestamp(first).unwrap_or(Timestamp::MIN),
            zone: Zone::utc(),
        }
    }

    pub(super) fn from_unix(seconds: i64) -> Option<Self> {
        Some(Self {
            at: Timestamp::from_second(seconds).ok()?,
            zone: Zone::local(),
        })
    }

    pub(super) fn plus(&self, nanoseconds: i64) -> Option<Self> {
        let total = self
            .at
            .as_nanosecond()
            .checked_add(i128::from(nanoseconds))?;
        Some(Self {
            at: Timestamp::from_nanosecond(total).ok()?,
            zone: self.zone.clone(),
        })
    }

    /// The nanoseconds since then.
    pub(super) fn elapsed(&self) -> i64 {
        let nanos = Timestamp::now().as_nanosecond() - self.at.as_nanosecond();
        i64::try_from(nanos).unwrap_or(if nanos > 0 { i64::MAX } else { i64::MIN })
    }

    /// The time on the clock of its zone.
    pub(super) fn civil(&self) -> DateTime {
        self.zone.at(self.at).0.to_datetime(self.at)
    }

    /// The moment at another time on the clock of its zone.
    pub(super) fn with_civil(&self, civil: DateTime) -> Option<Self> {
        Some(Self {
            at: self.zone.resolve(civil)?,
            zone: self.zone.clone(),
        })
    }

    /// What Go prints for it.
    pub(super) fn text(&self) -> String {
        self.format("2006-01-02 15:04:05.999999999 -0700 MST")
    }

    pub(super) fn format(&self, layout: &str) -> String {
        let (offset, name) = self.zone.at(self.at);
        let civil = offset.to_datetime(self.at);
        let mut out = String::new();
        let mut rest = layout;
        while let Some((before, piece, after)) = next_piece(rest) {
            out.push_str(before);
            write_piece(&mut out, piece, civil, offset, &name);
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// Go's `ParseInLocation`.
    pub(super) fn parse(layout: &str, text: &str, zone: &Zone) -> Option<Self> {
        let mut read = Read::default();
        let (mut layout, mut text) = (layout, text);
        loop {
            let Some((before, piece, after)) = next_piece(layout) else {
                text = skip(text, layout)?;
                if !text.is_empty() {
                    return None;
                }
                return read.finish(zone);
            };
            text = skip(text, before)?;
            text = read.piece(piece, text, after)?;
            layout = after;
        }
    }
}
