//! Reading a moment by a layout.

use jiff::civil::{Date, Time};
use jiff::tz::Offset;

use super::layout::{DAYS, MONTHS, OffsetShape, Pad, Piece, next_piece};
use super::{Moment, Zone};

/// What has been read of a time.
#[derive(Default)]
pub(super) struct Read {
    year: i16,
    month: Option<i8>,
    day: Option<i8>,
    day_of_year: Option<i16>,
    hour: i8,
    minute: i8,
    second: i8,
    nanos: i32,
    is_pm: Option<bool>,
    offset: Option<Offset>,
    zone_name: Option<String>,
}

impl Read {
    pub(super) fn piece<'t>(
        &mut self,
        piece: Piece,
        text: &'t str,
        after: &str,
    ) -> Option<&'t str> {
        let narrow = |number: i64| i8::try_from(number).ok();
        Some(match piece {
            Piece::MonthName | Piece::MonthShort => {
                let short = piece == Piece::MonthShort;
                let (index, rest) = named(&MONTHS, short, text)?;
                self.month = Some(i8::try_from(index).ok()? + 1);
                rest
            }
            Piece::WeekDay => named(&DAYS, false, text)?.1,
            Piece::WeekDayShort => named(&DAYS, true, text)?.1,
            Piece::Month(pad) => {
                let (month, rest) = digits(text, pad, 2)?;
                self.month = Some(narrow(month).filter(|month| (1..=12).contains(month))?);
                rest
            }
            Piece::Day(pad) => {
                let (day, rest) = digits(text, pad, 2)?;
                self.day = Some(narrow(day)?);
                rest
            }
            Piece::DayOfYear(pad) => {
                let (day, rest) = digits(text, pad, 3)?;
                self.day_of_year = Some(i16::try_from(day).ok()?);
                rest
            }
            Piece::Hour => {
                let (hour, rest) = digits(text, Pad::No, 2)?;
                self.hour = narrow(hour).filter(|hour| (0..24).contains(hour))?;
                rest
            }
            Piece::HourTwelve(pad) => {
                let (hour, rest) = digits(text, pad, 2)?;
                self.hour = narrow(hour).filter(|hour| (0..=12).contains(hour))?;
                rest
            }
            Piece::Minute(pad) => {
                let (minute, rest) = digits(text, pad, 2)?;
                self.minute = narrow(minute).filter(|minute| (0..60).contains(minute))?;
                rest
            }
            Piece::Second(pad) => {
                let (second, rest) = digits(text, pad, 2)?;
                self.second = narrow(second).filter(|second| (0..60).contains(second))?;
                // A fraction is read even where the layout has none.
                let has_own = next_piece(after).is_some_and(|(before, next, _)| {
                    before.is_empty() && matches!(next, Piece::Fraction { .. })
                });
                if has_own {
                    rest
                } else {
                    self.optional_fraction(rest)?
                }
            }
            Piece::Year => {
                let year = text.get(..4).filter(|year| is_digits(year))?;
                self.year = year.parse().ok()?;
                &text[4..]
            }
            Piece::YearShort => {
                let year = text.get(..2).filter(|year| is_digits(year))?;
                let year: i16 = year.parse().ok()?;
                self.year = year + if year >= 69 { 1900 } else { 2000 };
                &text[2..]
            }
            Piece::AmPm { upper } => {
                let (am, pm) = if upper { ("AM", "PM") } else { ("am", "pm") };
                self.is_pm = Some(text.starts_with(pm));
                text.strip_prefix(am).or_else(|| text.strip_prefix(pm))?
            }
            Piece::ZoneName => self.zone_name(text)?,
            Piece::Offset(shape) => self.offset(shape, text)?,
            Piece::Fraction { trims: true, .. } => self.optional_fraction(text)?,
            Piece::Fraction { digits, .. } => {
                let body = text.strip_prefix(['.', ','])?;
                let found = body.get(..digits).filter(|found| is_digits(found))?;
                self.nanos = nanos(found)?;
                &body[digits..]
            }
        })
    }

    fn optional_fraction<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let Some(body) = text.strip_prefix(['.', ',']) else {
            return Some(text);
        };
        let length = body.len()
            - body
                .trim_start_matches(|next: char| next.is_ascii_digit())
                .len();
        if length == 0 {
            return Some(text);
        }
        self.nanos = nanos(&body[..length])?;
        Some(&body[length..])
    }

    fn zone_name<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        if let Some(rest) = text.strip_prefix("UTC") {
            self.offset = Some(Offset::UTC);
            return Some(rest);
        }
        let length = text.len()
            - text
                .trim_start_matches(|one: char| one.is_ascii_uppercase())
                .len();
        if !(3..=5).contains(&length) {
            return None;
        }
        self.zone_name = Some(text[..length].to_owned());
        Some(&text[length..])
    }

    fn offset<'t>(&mut self, shape: OffsetShape, text: &'t str) -> Option<&'t str> {
        if shape.has_z
            && let Some(rest) = text.strip_prefix('Z')
        {
            self.offset = Some(Offset::UTC);
            return Some(rest);
        }
        let sign = match text.as_bytes().first()? {
            b'-' => -1,
            b'+' => 1,
            _ => return None,
        };
        let mut rest = &text[1..];
        let parts = 1 + usize::from(shape.minutes) + usize::from(shape.seconds);
        let mut seconds = 0;
        for (index, factor) in [3600, 60, 1].into_iter().take(parts).enumerate() {
            if index > 0 && shape.colon {
                rest = rest.strip_prefix(':')?;
            }
            let part = rest.get(..2).filter(|part| is_digits(part))?;
            seconds += part.parse::<i32>().ok()? * factor;
            rest = &rest[2..];
        }
        self.offset = Some(Offset::from_seconds(sign * seconds).ok()?);
        Some(rest)
    }

    pub(super) fn finish(self, zone: &Zone) -> Option<Moment> {
        let hour = match self.is_pm {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let date = match self.day_of_year {
            Some(day) => Date::new(self.year, 1, 1)
                .ok()?
                .with()
                .day_of_year(day)
                .build()
                .ok()?,
            None => Date::new(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1)).ok()?,
        };
        let time = Time::new(hour, self.minute, self.second, self.nanos).ok()?;
        let civil = date.to_datetime(time);
        let zone = match (self.offset, self.zone_name) {
            (Some(offset), name) => {
                // The zone asked for keeps its name when it has the offset that was read.
                let at = offset.to_timestamp(civil).ok()?;
                let (local, _) = zone.at(at);
                if local == offset {
                    zone.clone()
                } else if offset == Offset::UTC && name.is_none() {
                    Zone::utc()
                } else {
                    Zone::Fixed(offset, name.unwrap_or_default())
                }
            }
            (None, Some(name)) => {
                let at = zone.resolve(civil)?;
                if zone.at(at).1 == name {
                    zone.clone()
                } else {
                    Zone::Fixed(Offset::UTC, name)
                }
            }
            (None, None) => zone.clone(),
        };
        Some(Moment {
            at: zone.resolve(civil)?,
            zone,
        })
    }
}

/// Leaves out a prefix, in which runs of blanks match each other.
pub(super) fn skip<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let mut rest = text;
    let mut letters = prefix.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == ' ' {
            if !rest.is_empty() && !rest.starts_with(' ') {
                return None;
            }
            while letters.next_if_eq(&' ').is_some() {}
            rest = rest.trim_start_matches(' ');
        } else {
            rest = rest.strip_prefix(letter)?;
        }
    }
    Some(rest)
}

fn named<'t>(names: &[&str], short: bool, text: &'t str) -> Option<(usize, &'t str)> {
    names.iter().enumerate().find_map(|(index, name)| {
        let name = if short { &name[..3] } else { name };
        let found = text.get(..name.len())?;
        found
            .eq_ignore_ascii_case(name)
            .then(|| (index, &text[name.len()..]))
    })
}

fn digits(text: &str, pad: Pad, width: usize) -> Option<(i64, &str)> {
    let text = if pad == Pad::Blank {
        text.trim_start_matches(' ')
    } else {
        text
    };
    let found = text.len()
        - text
            .trim_start_matches(|one: char| one.is_ascii_digit())
            .len();
    let length = found.min(width);
    if length == 0 || pad == Pad::Zero && length < width {
        return None;
    }
    Some((text[..length].parse().ok()?, &text[length..]))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn nanos(digits: &str) -> Option<i32> {
    let shown = &digits[..digits.len().min(9)];
    format!("{shown:0<9}").parse().ok()
}
