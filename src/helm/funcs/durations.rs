//! Spans of time: Go's `time.Duration` and Helm's conversions of it.

use std::any::Any;
use std::rc::Rc;

use super::super::engine::{Args, Fault};
use super::super::number;
use super::super::print;
use super::super::value::{Object, Value};
use super::dates::moment_of;
use super::gotime::{self, HOUR, MINUTE, SECOND};
use super::{Row, pure};

const DAY: i64 = 24 * HOUR;

pub(super) const TABLE: &[Row] = &[
    pure("duration", "any", |args| {
        let seconds = match args.any(0) {
            Value::Str(text) => number::parse_decimal(text).unwrap_or(0),
            Value::Int64(seconds) => *seconds,
            _ => 0,
        };
        Ok(gotime::duration_text(seconds.wrapping_mul(SECOND)).into())
    }),
    pure("durationRound", "any", rounded_to_a_word),
    pure("mustToDuration", "any", |args| {
        to_duration(args.any(0)).map(DurationObject::value)
    }),
    pure("durationNanoseconds", "any", |args| whole(args, 1)),
    pure("durationMicroseconds", "any", |args| whole(args, 1_000)),
    pure("durationMilliseconds", "any", |args| whole(args, 1_000_000)),
    pure("durationSeconds", "any", |args| fractional(args, SECOND)),
    pure("durationMinutes", "any", |args| fractional(args, MINUTE)),
    pure("durationHours", "any", |args| fractional(args, HOUR)),
    pure("durationDays", "any", |args| {
        let hours = in_units(lenient(args.any(0)), HOUR);
        Ok(Value::Float(hours / 24.0))
    }),
    pure("durationWeeks", "any", |args| {
        let hours = in_units(lenient(args.any(0)), HOUR);
        Ok(Value::Float(hours / 24.0 / 7.0))
    }),
    pure("durationRoundTo", "any any", |args| {
        stepped(args, gotime::round_duration)
    }),
    pure("durationTruncateTo", "any any", |args| {
        stepped(args, truncated)
    }),
];

/// The largest unit that there is more than one of.
#[expect(clippy::unnecessary_wraps, reason = "what rows of the table yield")]
fn rounded_to_a_word(args: &Args<'_>) -> Result<Value, Fault> {
    const UNITS: [(i64, &str); 6] = [
        (365 * DAY, "y"),
        (30 * DAY, "mo"),
        (DAY, "d"),
        (HOUR, "h"),
        (MINUTE, "m"),
        (SECOND, "s"),
    ];
    let duration = match args.any(0) {
        Value::Str(text) => gotime::parse_duration(text).unwrap_or(0),
        Value::Int64(nanos) => *nanos,
        other => moment_of(other).map_or(0, gotime::Moment::elapsed),
    };
    let length = duration.unsigned_abs();
    let word = UNITS.iter().find_map(|(unit, name)| {
        let unit = unit.unsigned_abs();
        (length > unit).then(|| format!("{}{name}", length / unit))
    });
    Ok(word.unwrap_or_else(|| "0s".to_owned()).into())
}

/// What Helm takes for a duration: one, text of one, or a number of seconds.
fn to_duration(value: &Value) -> Result<i64, Fault> {
    match value {
        Value::Str(text) => {
            let trimmed = text.trim();
            if trimmed.is_empty() {
                return Err(Fault::new("empty duration"));
            }
            match gotime::parse_duration(trimmed) {
                Some(duration) => Ok(duration),
                None => match number::parse_float(trimmed) {
                    Some(seconds) => from_seconds(seconds),
                    None => Err(Fault::new("could not parse duration")),
                },
            }
        }
        Value::Int(seconds) | Value::Int64(seconds) => seconds
            .checked_mul(SECOND)
            .ok_or_else(|| Fault::new(format!("duration seconds overflow: {seconds}"))),
        Value::Float(seconds) => from_seconds(*seconds),
        Value::Nil => Err(Fault::new("invalid duration")),
        other => DurationObject::of(other)
            .ok_or_else(|| Fault::new(format!("unsupported duration type {}", other.type_name()))),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "checked to be in range; Go truncates as well"
)]
fn from_seconds(seconds: f64) -> Result<i64, Fault> {
    let nanos = seconds * SECOND as f64;
    if nanos.is_finite() && nanos.abs() <= i64::MAX as f64 {
        return Ok(nanos as i64);
    }
    let shown = print::float_g(seconds);
    Err(Fault::new(format!("invalid duration seconds: {shown}")))
}

fn lenient(value: &Value) -> i64 {
    to_duration(value).unwrap_or(0)
}

#[expect(clippy::unnecessary_wraps, reason = "what rows of the table yield")]
fn whole(args: &Args<'_>, unit: i64) -> Result<Value, Fault> {
    Ok(Value::Int64(lenient(args.any(0)) / unit))
}

#[expect(clippy::unnecessary_wraps, reason = "what rows of the table yield")]
fn fractional(args: &Args<'_>, unit: i64) -> Result<Value, Fault> {
    Ok(Value::Float(in_units(lenient(args.any(0)), unit)))
}

/// Go adds whole units and the fraction of one, which rounds differently from one division.
#[expect(clippy::cast_precision_loss, reason = "Go loses the same digits")]
fn in_units(duration: i64, unit: i64) -> f64 {
    (duration / unit) as f64 + (duration % unit) as f64 / unit as f64
}

fn truncated(duration: i64, to: i64) -> i64 {
    if to <= 0 {
        duration
    } else {
        duration - duration % to
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what rows of the table yield")]
fn stepped(args: &Args<'_>, step: fn(i64, i64) -> i64) -> Result<Value, Fault> {
    let Ok(duration) = to_duration(args.any(0)) else {
        return Ok(DurationObject::value(0));
    };
    Ok(DurationObject::value(match to_duration(args.any(1)) {
        Ok(to) => step(duration, to),
        Err(_) => duration,
    }))
}

/// Go's `time.Duration`.
pub(super) struct DurationObject(i64);

impl DurationObject {
    pub(super) fn value(nanoseconds: i64) -> Value {
        Value::Object(Rc::new(Self(nanoseconds)))
    }

    fn of(value: &Value) -> Option<i64> {
        let Value::Object(object) = value else {
            return None;
        };
        let object: &dyn Any = object.as_ref();
        object.downcast_ref::<Self>().map(|duration| duration.0)
    }
}

impl Object for DurationObject {
    fn type_name(&self) -> &'static str {
        "time.Duration"
    }

    fn kind(&self) -> &'static str {
        "int64"
    }

    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    fn call(&self, method: &str, args: &Args<'_>) -> Option<Result<Value, Fault>> {
        let step = |step: fn(i64, i64) -> i64| {
            let to = Self::of(args.any(0)).or_else(|| args.int(0).ok());
            to.map(|to| Self::value(step(self.0, to)))
                .ok_or_else(|| Fault::new("takes a duration"))
        };
        Some(Ok(match method {
            "String" => gotime::duration_text(self.0).into(),
            "Hours" => Value::Float(in_units(self.0, HOUR)),
            "Minutes" => Value::Float(in_units(self.0, MINUTE)),
            "Seconds" => Value::Float(in_units(self.0, SECOND)),
            "Milliseconds" => Value::Int64(self.0 / 1_000_000),
            "Microseconds" => Value::Int64(self.0 / 1_000),
            "Nanoseconds" => Value::Int64(self.0),
            "Abs" => Self::value(self.0.saturating_abs()),
            "Round" => return Some(step(gotime::round_duration)),
            "Truncate" => return Some(step(truncated)),
            _ => return None,
        }))
    }

    fn plain(&self) -> Value {
        gotime::duration_text(self.0).into()
    }

    fn serialized(&self) -> Value {
        Value::Int64(self.0)
    }
}
