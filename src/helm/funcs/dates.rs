//! Dates by Go's layouts.

use std::any::Any;
use std::cmp::Ordering;
use std::rc::Rc;

use jiff::ToSpan as _;

use super::super::engine::{Args, Fault};
use super::super::value::{Object, Value};
use super::durations::DurationObject;
use super::gotime::{self, Moment, SECOND, Zone};
use super::{Row, pure};

const HTML_DATE: &str = "2006-01-02";

pub(super) const TABLE: &[Row] = &[
    pure("now", "", |_| Ok(time(Moment::now()))),
    pure("date", "text any", |args| {
        shown(&args.string(0)?, args.any(1), "Local")
    }),
    pure("dateInZone", "text any text", |args| {
        shown(&args.string(0)?, args.any(1), &args.string(2)?)
    }),
    pure("date_in_zone", "text any text", |args| {
        shown(&args.string(0)?, args.any(1), &args.string(2)?)
    }),
    pure("htmlDate", "any", |args| {
        shown(HTML_DATE, args.any(0), "Local")
    }),
    pure("htmlDateInZone", "any text", |args| {
        shown(HTML_DATE, args.any(0), &args.string(1)?)
    }),
    pure("dateModify", "text time", |args| modified(args, false)),
    pure("date_modify", "text time", |args| modified(args, false)),
    pure("mustDateModify", "text time", |args| modified(args, true)),
    pure("must_date_modify", "text time", |args| modified(args, true)),
    pure("toDate", "text text", |args| {
        let read = Moment::parse(&args.string(0)?, &args.string(1)?, &Zone::local());
        Ok(time(read.unwrap_or_else(Moment::zero)))
    }),
    pure("mustToDate", "text text", |args| {
        let (layout, text) = (args.string(0)?, args.string(1)?);
        Moment::parse(&layout, &text, &Zone::local())
            .map(time)
            .ok_or_else(|| {
                Fault::new(format!(
                    "parsing time: the text does not look like `{layout}`"
                ))
            })
    }),
    pure("unixEpoch", "time", |args| {
        Ok(moment(args, 0)?.at.as_second().to_string().into())
    }),
    pure("ago", "any", |args| {
        let since = moment_or_now(args.any(0)).elapsed();
        Ok(gotime::duration_text(gotime::round_duration(since, SECOND)).into())
    }),
];

fn time(moment: Moment) -> Value {
    Value::Object(Rc::new(TimeObject(moment)))
}

/// A time of TOML, which may lack its date, its time or its zone.
pub(super) fn from_toml(text: &str) -> Value {
    const LAYOUTS: [&str; 4] = [
        "2006-01-02T15:04:05.999999999Z07:00",
        "2006-01-02T15:04:05.999999999",
        "2006-01-02",
        "15:04:05.999999999",
    ];
    let read = LAYOUTS
        .iter()
        .find_map(|layout| Moment::parse(layout, text, &Zone::utc()));
    read.map_or_else(|| text.into(), time)
}

/// The moment in a time.
pub(super) fn moment_of(value: &Value) -> Option<&Moment> {
    match value {
        Value::Object(object) => {
            let object: &dyn Any = object.as_ref();
            object.downcast_ref::<TimeObject>().map(|time| &time.0)
        }
        _ => None,
    }
}

fn moment(args: &Args<'_>, index: usize) -> Result<Moment, Fault> {
    let found = moment_of(args.any(index)).cloned();
    found.ok_or_else(|| Fault::new("the argument is no time"))
}

/// A time, or seconds since 1970; now for anything else.
fn moment_or_now(value: &Value) -> Moment {
    let found = match value {
        Value::Int(seconds) | Value::Int64(seconds) => Moment::from_unix(*seconds),
        other => moment_of(other).cloned(),
    };
    found.unwrap_or_else(Moment::now)
}

#[expect(clippy::unnecessary_wraps, reason = "what rows of the table yield")]
fn shown(layout: &str, value: &Value, zone: &str) -> Result<Value, Fault> {
    let at = moment_or_now(value).at;
    let zone = Zone::load(zone).unwrap_or_else(Zone::utc);
    Ok(Moment { at, zone }.format(layout).into())
}

fn modified(args: &Args<'_>, must: bool) -> Result<Value, Fault> {
    let (text, from) = (args.string(0)?, moment(args, 1)?);
    match gotime::parse_duration(&text) {
        Some(duration) => from
            .plus(duration)
            .map(time)
            .ok_or_else(|| Fault::new("the time is out of range")),
        None if must => Err(Fault::new(format!("time: invalid duration `{text}`"))),
        None => Ok(time(from)),
    }
}

/// Go's `time.Time`.
struct TimeObject(Moment);

impl TimeObject {
    fn compared(&self, args: &Args<'_>) -> Result<Ordering, Fault> {
        Ok(self.0.at.cmp(&moment(args, 0)?.at))
    }

    fn add_date(&self, args: &Args<'_>) -> Result<Value, Fault> {
        let out_of_range = || Fault::new("the time is out of range");
        let part = |index| {
            let number = args.int(index)?;
            i32::try_from(number).map_err(|_| out_of_range())
        };
        let (years, months, days) = (part(0)?, part(1)?, part(2)?);
        // Go carries what is too many days into the next month.
        let civil = self.0.civil();
        let first = civil.date().first_of_month().to_datetime(civil.time());
        let span = years.years().months(months);
        let days = i64::from(civil.day()) - 1 + i64::from(days);
        let moved = first
            .checked_add(span)
            .and_then(|moved| moved.checked_add(days.days()))
            .ok()
            .and_then(|moved| self.0.with_civil(moved));
        moved.map(time).ok_or_else(out_of_range)
    }
}

impl Object for TimeObject {
    fn type_name(&self) -> &'static str {
        "time.Time"
    }

    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    fn call(&self, method: &str, args: &Args<'_>) -> Option<Result<Value, Fault>> {
        let civil = self.0.civil();
        let at = self.0.at;
        let int64 = |number: i128| Value::Int64(i64::try_from(number).unwrap_or(i64::MAX));
        let with_zone = |zone| time(Moment { at, zone });
        Some(Ok(match method {
            "Year" => Value::Int(civil.year().into()),
            "Month" => Moment::format(&self.0, "January").into(),
            "Weekday" => Moment::format(&self.0, "Monday").into(),
            "Day" => Value::Int(civil.day().into()),
            "YearDay" => Value::Int(civil.day_of_year().into()),
            "Hour" => Value::Int(civil.hour().into()),
            "Minute" => Value::Int(civil.minute().into()),
            "Second" => Value::Int(civil.second().into()),
            "Nanosecond" => Value::Int(civil.subsec_nanosecond().into()),
            "Unix" => Value::Int64(at.as_second()),
            "UnixMilli" => Value::Int64(at.as_millisecond()),
            "UnixMicro" => Value::Int64(at.as_microsecond()),
            "UnixNano" => int64(at.as_nanosecond()),
            "UTC" => with_zone(Zone::utc()),
            "Local" => with_zone(Zone::local()),
            "IsZero" => (at == Moment::zero().at).into(),
            "String" => self.0.text().into(),
            "Format" => return Some(args.string(0).map(|layout| self.0.format(&layout).into())),
            "Before" => return Some(self.compared(args).map(|order| order.is_lt().into())),
            "After" => return Some(self.compared(args).map(|order| order.is_gt().into())),
            "Equal" => return Some(self.compared(args).map(|order| order.is_eq().into())),
            "Sub" => {
                return Some(moment(args, 0).map(|other| {
                    let nanos = at.as_nanosecond() - other.at.as_nanosecond();
                    DurationObject::value(i64::try_from(nanos).unwrap_or(i64::MAX))
                }));
            }
            "AddDate" => return Some(self.add_date(args)),
            _ => return None,
        }))
    }

    fn plain(&self) -> Value {
        self.0.text().into()
    }

    fn serialized(&self) -> Value {
        self.0.format("2006-01-02T15:04:05.999999999Z07:00").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(layout: &str, text: &str) -> Option<String> {
        Moment::parse(layout, text, &Zone::utc()).map(|moment| moment.text())
    }

    #[test]
    fn layouts_are_read_and_written_as_in_go() {
        let moment = Moment::parse(
            "2006-01-02 15:04:05",
            "2024-03-09 05:06:07.25",
            &Zone::utc(),
        );
        let moment = moment.unwrap();
        let cases = [
            ("2006-01-02T15:04:05Z07:00", "2024-03-09T05:06:07Z"),
            ("Mon, 2 Jan 2006", "Sat, 9 Mar 2024"),
            ("Monday January _2 06", "Saturday March  9 24"),
            ("3:04PM 03 pm", "5:06AM 05 am"),
            ("002 __2", "069  69"),
            (".000 .999 ,00", ".250 .25 ,25"),
            ("MST -0700 Z0700 -07:00:00", "UTC +0000 Z +00:00:00"),
            ("_2006 Januaryx Janx", "_2024 Marchx Janx"),
        ];
        for (layout, expected) in cases {
            assert_eq!(moment.format(layout), expected, "{layout}");
        }
        assert_eq!(moment.text(), "2024-03-09 05:06:07.25 +0000 UTC");
        let cases = [
            (
                "2006-01-02",
                "2024-02-29",
                Some("2024-02-29 00:00:00 +0000 UTC"),
            ),
            ("2006-01-02", "2023-02-29", None),
            ("2006-01-02", "2023-2-09", None),
            (
                "2006-1-2",
                "2023-12-09",
                Some("2023-12-09 00:00:00 +0000 UTC"),
            ),
            (
                "2006-01-02T15:04:05Z07:00",
                "2024-01-01T00:00:00+02:00",
                Some("2024-01-01 00:00:00 +0200 +0200"),
            ),
            (
                "Jan 2 2006 3:04PM",
                "feb 3 2024 1:05PM",
                Some("2024-02-03 13:05:00 +0000 UTC"),
            ),
            ("2006", "2024x", None),
        ];
        for (layout, text, expected) in cases {
            assert_eq!(read(layout, text).as_deref(), expected, "{layout} {text}");
        }
    }

    #[test]
    fn durations_are_read_and_written_as_in_go() {
        let cases = [
            ("1h30m", Some("1h30m0s")),
            ("1.5s", Some("1.5s")),
            ("-2ms", Some("-2ms")),
            ("1500us", Some("1.5ms")),
            ("0", Some("0s")),
            ("36h", Some("36h0m0s")),
            ("1d", None),
            ("", None),
            ("5", None),
        ];
        for (text, expected) in cases {
            let found = gotime::parse_duration(text).map(gotime::duration_text);
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
