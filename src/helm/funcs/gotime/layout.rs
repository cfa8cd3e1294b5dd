//! Layouts: what stands for what, and writing a moment by one.

use std::fmt::Write as _;

use jiff::civil::DateTime;
use jiff::tz::Offset;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    MonthName,
    MonthShort,
    Month(Pad),
    Day(Pad),
    DayOfYear(Pad),
    Hour,
    HourTwelve(Pad),
    Minute(Pad),
    Second(Pad),
    Year,
    YearShort,
    AmPm {
        upper: bool,
    },
    ZoneName,
    Offset(OffsetShape),
    Fraction {
        digits: usize,
        trims: bool,
        comma: bool,
    },
    WeekDay,
    WeekDayShort,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pad {
    No,
    Zero,
    Blank,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent facts about a layout"
)]
pub(super) struct OffsetShape {
    /// Written as `Z` when it is none.
    pub(super) has_z: bool,
    pub(super) colon: bool,
    pub(super) minutes: bool,
    pub(super) seconds: bool,
}

#[expect(clippy::fn_params_excessive_bools, reason = "rows of a table")]
const fn offset(has_z: bool, colon: bool, minutes: bool, seconds: bool) -> Piece {
    Piece::Offset(OffsetShape {
        has_z,
        colon,
        minutes,
        seconds,
    })
}

/// What stands for what in a layout; of two that fit, the first one counts.
const PIECES: &[(&str, Piece)] = &[
    ("January", Piece::MonthName),
    ("Jan", Piece::MonthShort),
    ("Monday", Piece::WeekDay),
    ("Mon", Piece::WeekDayShort),
    ("MST", Piece::ZoneName),
    ("01", Piece::Month(Pad::Zero)),
    ("02", Piece::Day(Pad::Zero)),
    ("03", Piece::HourTwelve(Pad::Zero)),
    ("04", Piece::Minute(Pad::Zero)),
    ("05", Piece::Second(Pad::Zero)),
    ("06", Piece::YearShort),
    ("002", Piece::DayOfYear(Pad::Zero)),
    ("15", Piece::Hour),
    ("1", Piece::Month(Pad::No)),
    ("2006", Piece::Year),
    ("2", Piece::Day(Pad::No)),
    ("__2", Piece::DayOfYear(Pad::Blank)),
    ("_2", Piece::Day(Pad::Blank)),
    ("3", Piece::HourTwelve(Pad::No)),
    ("4", Piece::Minute(Pad::No)),
    ("5", Piece::Second(Pad::No)),
    ("PM", Piece::AmPm { upper: true }),
    ("pm", Piece::AmPm { upper: false }),
    ("-070000", offset(false, false, true, true)),
    ("-07:00:00", offset(false, true, true, true)),
    ("-0700", offset(false, false, true, false)),
    ("-07:00", offset(false, true, true, false)),
    ("-07", offset(false, false, false, false)),
    ("Z070000", offset(true, false, true, true)),
    ("Z07:00:00", offset(true, true, true, true)),
    ("Z0700", offset(true, false, true, false)),
    ("Z07:00", offset(true, true, true, false)),
    ("Z07", offset(true, false, false, false)),
];

/// The first piece of a layout, with what stands before and after it.
pub(super) fn next_piece(layout: &str) -> Option<(&str, Piece, &str)> {
    for (at, _) in layout.char_indices() {
        let rest = &layout[at..];
        // `_2006` is an underscore and a year.
        if rest.starts_with("_2006") {
            continue;
        }
        for (text, piece) in PIECES {
            let Some(after) = rest.strip_prefix(text) else {
                continue;
            };
            let goes_on = after.starts_with(|letter: char| letter.is_ascii_lowercase());
            if matches!(piece, Piece::MonthShort | Piece::WeekDayShort) && goes_on {
                continue;
            }
            return Some((&layout[..at], *piece, after));
        }
        if let Some((piece, after)) = fraction(rest) {
            return Some((&layout[..at], piece, after));
        }
    }
    None
}

/// `.000` or `,999`: fractions of a second, when no other digit follows.
fn fraction(rest: &str) -> Option<(Piece, &str)> {
    let sign = rest
        .chars()
        .next()
        .filter(|sign| matches!(sign, '.' | ','))?;
    let body = &rest[1..];
    let digit = body
        .chars()
        .next()
        .filter(|digit| matches!(digit, '0' | '9'))?;
    let digits = body.len() - body.trim_start_matches(digit).len();
    let after = &body[digits..];
    if after.starts_with(|next: char| next.is_ascii_digit()) {
        return None;
    }
    let piece = Piece::Fraction {
        digits,
        trims: digit == '9',
        comma: sign == ',',
    };
    Some((piece, after))
}

pub(super) fn write_piece(
    out: &mut String,
    piece: Piece,
    civil: DateTime,
    offset: Offset,
    name: &str,
) {
    let number = |out: &mut String, number: i64, pad: Pad, width: usize| {
        let _ = match pad {
            Pad::No => write!(out, "{number}"),
            Pad::Zero => write!(out, "{number:0width$}"),
            Pad::Blank => write!(out, "{number:width$}"),
        };
    };
    let month = usize::try_from(civil.month() - 1).unwrap_or(0);
    let day = usize::try_from(civil.weekday().to_sunday_zero_offset()).unwrap_or(0);
    let hour = i64::from(civil.hour());
    match piece {
        Piece::MonthName => out.push_str(MONTHS[month]),
        Piece::MonthShort => out.push_str(&MONTHS[month][..3]),
        Piece::Month(pad) => number(out, i64::from(civil.month()), pad, 2),
        Piece::Day(pad) => number(out, i64::from(civil.day()), pad, 2),
        Piece::DayOfYear(pad) => number(out, i64::from(civil.day_of_year()), pad, 3),
        Piece::Hour => number(out, hour, Pad::Zero, 2),
        Piece::HourTwelve(pad) => number(out, (hour + 11) % 12 + 1, pad, 2),
        Piece::Minute(pad) => number(out, i64::from(civil.minute()), pad, 2),
        Piece::Second(pad) => number(out, i64::from(civil.second()), pad, 2),
        Piece::Year => number(out, i64::from(civil.year()), Pad::Zero, 4),
        Piece::YearShort => number(out, i64::from(civil.year()) % 100, Pad::Zero, 2),
        Piece::AmPm { upper } => out.push_str(match (hour >= 12, upper) {
            (true, true) => "PM",
            (true, false) => "pm",
            (false, true) => "AM",
            (false, false) => "am",
        }),
        Piece::ZoneName if name.is_empty() => {
            let shape = OffsetShape {
                has_z: false,
                colon: false,
                minutes: true,
                seconds: false,
            };
            write_offset(out, offset, shape);
        }
        Piece::ZoneName => out.push_str(name),
        Piece::Offset(shape) => write_offset(out, offset, shape),
        Piece::Fraction {
            digits,
            trims,
            comma,
        } => {
            let nanos = format!("{:09}", civil.subsec_nanosecond());
            let shown = &nanos[..digits.min(9)];
            let shown = if trims {
                shown.trim_end_matches('0')
            } else {
                shown
            };
            if !shown.is_empty() {
                out.push(if comma { ',' } else { '.' });
                out.push_str(shown);
            }
        }
        Piece::WeekDay => out.push_str(DAYS[day]),
        Piece::WeekDayShort => out.push_str(&DAYS[day][..3]),
    }
}

fn write_offset(out: &mut String, offset: Offset, shape: OffsetShape) {
    let seconds = offset.seconds();
    if shape.has_z && seconds == 0 {
        out.push('Z');
        return;
    }
    out.push(if seconds < 0 { '-' } else { '+' });
    let seconds = seconds.unsigned_abs();
    let colon = if shape.colon { ":" } else { "" };
    let _ = write!(out, "{:02}", seconds / 3600);
    if shape.minutes {
        let _ = write!(out, "{colon}{:02}", seconds / 60 % 60);
    }
    if shape.seconds {
        let _ = write!(out, "{colon}{:02}", seconds % 60);
    }
}
