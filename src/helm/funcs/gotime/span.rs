//! Durations, in nanoseconds.

pub(in crate::helm::funcs) const SECOND: i64 = 1_000_000_000;
pub(in crate::helm::funcs) const MINUTE: i64 = 60 * SECOND;
pub(in crate::helm::funcs) const HOUR: i64 = 60 * MINUTE;

/// Go's `ParseDuration`, in nanoseconds.
pub(in crate::helm::funcs) fn parse_duration(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_negative = text.starts_with('-');
    if unsigned == "0" {
        return Some(0);
    }
    if unsigned.is_empty() {
        return None;
    }
    let mut rest = unsigned;
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let length = rest
            .find(|one: char| !one.is_ascii_digit() && one != '.')
            .filter(|length| *length > 0)?;
        let (whole, fraction) = rest[..length]
            .split_once('.')
            .unwrap_or((&rest[..length], ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        rest = &rest[length..];
        let end = rest
            .find(|one: char| one.is_ascii_digit() || one == '.')
            .unwrap_or(rest.len());
        let unit: i128 = match &rest[..end] {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => i128::from(SECOND),
            "m" => i128::from(MINUTE),
            "h" => i128::from(HOUR),
            _ => return None,
        };
        rest = &rest[end..];
        let whole: i128 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        total = total.checked_add(whole.checked_mul(unit)?)?;
        let fraction = &fraction[..fraction.len().min(18)];
        if !fraction.is_empty() {
            let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
            total += fraction.parse::<i128>().ok()? * unit / scale;
        }
    }
    i64::try_from(if is_negative { -total } else { total }).ok()
}

/// What Go prints for a duration: `1h0m0s`, `1.5ms`.
pub(in crate::helm::funcs) fn duration_text(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let left = nanoseconds.unsigned_abs();
    let fraction = |value: u64, unit: u64| {
        let digits = format!("{:0width$}", value % unit, width = unit.ilog10() as usize);
        let digits = digits.trim_end_matches('0');
        let dot = if digits.is_empty() || unit == 1 {
            ""
        } else {
            "."
        };
        let digits = if unit == 1 { "" } else { digits };
        format!("{}{dot}{digits}", value / unit)
    };
    let text = match left {
        0 => return "0s".to_owned(),
        1..1_000 => format!("{left}ns"),
        1_000..1_000_000 => format!("{}µs", fraction(left, 1_000)),
        1_000_000..1_000_000_000 => format!("{}ms", fraction(left, 1_000_000)),
        _ => {
            let minute = MINUTE.unsigned_abs();
            let seconds = fraction(left % minute, SECOND.unsigned_abs());
            let minutes = left / minute;
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{seconds}s"),
                (0, minutes) => format!("{minutes}m{seconds}s"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
            }
        }
    };
    format!("{sign}{text}")
}

/// Go's `Duration.Round`: half away from zero.
pub(in crate::helm::funcs) fn round_duration(duration: i64, to: i64) -> i64 {
    if to <= 0 {
        return duration;
    }
    let rest = duration % to;
    if rest.unsigned_abs() * 2 < to.unsigned_abs() {
        return duration - rest;
    }
    let away = if duration < 0 { -to } else { to };
    (duration - rest).saturating_add(away)
}
