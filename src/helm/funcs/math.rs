//! Arithmetic on integers and floats.

use super::super::engine::{Args, Fault};
use super::super::value::Value;
use super::convert::{to_float, to_integer};
use super::{Function, at_least, exactly};

pub(super) const TABLE: &[Function] = &[
    exactly("add1", 1, |args| {
        Ok(Value::Int64(to_integer(args.any(0)).wrapping_add(1)))
    }),
    at_least("add", 0, |args| Ok(fold(args, 0, i64::wrapping_add))),
    exactly("sub", 2, |args| {
        let (left, right) = pair(args);
        Ok(Value::Int64(left.wrapping_sub(right)))
    }),
    at_least("mul", 1, |args| Ok(fold(args, 1, i64::wrapping_mul))),
    exactly("div", 2, |args| divide(args, i64::wrapping_div)),
    exactly("mod", 2, |args| divide(args, i64::wrapping_rem)),
    at_least("max", 1, |args| Ok(extreme(args, i64::max))),
    at_least("biggest", 1, |args| Ok(extreme(args, i64::max))),
    at_least("min", 1, |args| Ok(extreme(args, i64::min))),
    at_least("maxf", 1, |args| Ok(extreme_float(args, f64::max))),
    at_least("minf", 1, |args| Ok(extreme_float(args, f64::min))),
    exactly("ceil", 1, |args| {
        Ok(Value::Float(to_float(args.any(0)).ceil()))
    }),
    exactly("floor", 1, |args| {
        Ok(Value::Float(to_float(args.any(0)).floor()))
    }),
    at_least("round", 2, round),
    exactly("add1f", 1, |args| {
        decimal(&[args.any(0).clone(), Value::Int(1)], '+')
    }),
    at_least("addf", 0, |args| decimal(args.all(), '+')),
    at_least("subf", 1, |args| decimal(args.all(), '-')),
    at_least("mulf", 1, |args| decimal(args.all(), '*')),
    at_least("divf", 1, |args| decimal(args.all(), '/')),
];

fn fold(args: &Args<'_>, start: i64, combine: fn(i64, i64) -> i64) -> Value {
    let numbers = args.all().iter().map(to_integer);
    Value::Int64(numbers.fold(start, combine))
}

fn pair(args: &Args<'_>) -> (i64, i64) {
    (to_integer(args.any(0)), to_integer(args.any(1)))
}

fn divide(args: &Args<'_>, combine: fn(i64, i64) -> i64) -> Result<Value, Fault> {
    match pair(args) {
        (_, 0) => Err(Fault::new("division by zero")),
        (left, right) => Ok(Value::Int64(combine(left, right))),
    }
}

fn extreme(args: &Args<'_>, pick: fn(i64, i64) -> i64) -> Value {
    let numbers = args.all().iter().map(to_integer);
    Value::Int64(numbers.reduce(pick).unwrap_or(0))
}

fn extreme_float(args: &Args<'_>, pick: fn(f64, f64) -> f64) -> Value {
    let numbers = args.all().iter().map(to_float);
    Value::Float(numbers.reduce(pick).unwrap_or(0.0))
}

fn round(args: &Args<'_>) -> Result<Value, Fault> {
    let places = i32::try_from(args.int(1)?).map_err(|_| Fault::new("too many places"))?;
    let from = args.rest(2).first().map_or(0.5, to_float);
    let scale = 10_f64.powi(places);
    let scaled = to_float(args.any(0)) * scale;
    let rounded = if scaled.fract() >= from {
        scaled.ceil()
    } else {
        scaled.floor()
    };
    Ok(Value::Float(rounded / scale))
}

/// Helm calculates these in decimal, so that `addf 0.1 0.2` is `0.3`. Here: exact as long as the
/// digits fit, else refused.
fn decimal(values: &[Value], operator: char) -> Result<Value, Fault> {
    let too_long = || Fault::new("the numbers have too many digits for exact arithmetic");
    let mut numbers = values
        .iter()
        .map(|value| Decimal::from_float(to_float(value)));
    let Some(first) = numbers.next() else {
        return Ok(Value::Float(0.0));
    };
    let mut result = first.ok_or_else(too_long)?;
    for number in numbers {
        let number = number.ok_or_else(too_long)?;
        result = match operator {
            '+' => result.add(number),
            '-' => result.add(Decimal {
                digits: -number.digits,
                ..number
            }),
            '*' => result.multiply(number),
            _ if number.digits == 0 => return Err(Fault::new("division by zero")),
            _ => result.divide(number),
        }
        .ok_or_else(too_long)?;
    }
    Ok(Value::Float(result.to_float()))
}

/// `digits` divided by ten `places` times.
#[derive(Clone, Copy)]
struct Decimal {
    digits: i128,
    places: u32,
}

impl Decimal {
    fn from_float(number: f64) -> Option<Self> {
        let text = number.to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        Some(Self {
            digits: format!("{whole}{fraction}").parse().ok()?,
            places: u32::try_from(fraction.len()).ok()?,
        })
    }

    fn scaled(self, places: u32) -> Option<i128> {
        let factor = 10_i128.checked_pow(places - self.places)?;
        self.digits.checked_mul(factor)
    }

    fn add(self, other: Self) -> Option<Self> {
        let places = self.places.max(other.places);
        let digits = self.scaled(places)?.checked_add(other.scaled(places)?)?;
        Some(Self { digits, places })
    }

    fn multiply(self, other: Self) -> Option<Self> {
        Some(Self {
            digits: self.digits.checked_mul(other.digits)?,
            places: self.places + other.places,
        })
    }

    /// To 16 places, half away from zero, as the library behind sprig does.
    fn divide(self, other: Self) -> Option<Self> {
        let places = self.places.max(other.places);
        let (left, right) = (self.scaled(places)?, other.scaled(places)?);
        let wide = left.checked_mul(10_i128.pow(16))?;
        let (quotient, rest) = (wide / right, wide % right);
        let step = if (wide < 0) == (right < 0) { 1 } else { -1 };
        let is_up = rest.unsigned_abs() * 2 >= right.unsigned_abs();
        Some(Self {
            digits: quotient + if is_up { step } else { 0 },
            places: 16,
        })
    }

    fn to_float(self) -> f64 {
        format!("{}e-{}", self.digits, self.places)
            .parse()
            .unwrap_or(f64::NAN)
    }
}
