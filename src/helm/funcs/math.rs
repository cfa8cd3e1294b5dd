//! Arithmetic on integers and floats.

use num_bigint::BigInt;

use super::super::engine::{Args, Fault};
use super::super::value::Value;
use super::convert::{to_float, to_integer};
use super::{Row, pure};

pub(super) const TABLE: &[Row] = &[
    pure("add1", "any", |args| {
        Ok(Value::Int64(to_integer(args.any(0)).wrapping_add(1)))
    }),
    pure("add", "any...", |args| Ok(fold(args, 0, i64::wrapping_add))),
    pure("sub", "any any", |args| {
        let (left, right) = pair(args);
        Ok(Value::Int64(left.wrapping_sub(right)))
    }),
    pure("mul", "any any...", |args| {
        Ok(fold(args, 1, i64::wrapping_mul))
    }),
    pure("div", "any any", |args| divide(args, i64::wrapping_div)),
    pure("mod", "any any", |args| divide(args, i64::wrapping_rem)),
    pure("max", "any any...", |args| Ok(extreme(args, i64::max))),
    pure("biggest", "any any...", |args| Ok(extreme(args, i64::max))),
    pure("min", "any any...", |args| Ok(extreme(args, i64::min))),
    pure("maxf", "any any...", |args| Ok(extreme_float(args, go_max))),
    pure("minf", "any any...", |args| {
        Ok(extreme_float(args, |one, other| -go_max(-one, -other)))
    }),
    pure("ceil", "any", |args| {
        Ok(Value::Float(to_float(args.any(0)).ceil()))
    }),
    pure("floor", "any", |args| {
        Ok(Value::Float(to_float(args.any(0)).floor()))
    }),
    pure("round", "any int float...", round),
    pure("add1f", "any", |args| {
        decimal(&[args.any(0).clone(), Value::Int(1)], '+')
    }),
    pure("addf", "any...", |args| decimal(args.all(), '+')),
    pure("subf", "any any...", |args| decimal(args.all(), '-')),
    pure("mulf", "any any...", |args| decimal(args.all(), '*')),
    pure("divf", "any any...", |args| decimal(args.all(), '/')),
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

/// Go's `math.Max`: infinity, then what is no number, then 0 before -0.
#[expect(clippy::float_cmp, reason = "zeros are told apart by their sign")]
fn go_max(one: f64, other: f64) -> f64 {
    if one == f64::INFINITY || other == f64::INFINITY {
        f64::INFINITY
    } else if one.is_nan() || other.is_nan() {
        f64::NAN
    } else if one == other {
        if one.is_sign_negative() { other } else { one }
    } else {
        one.max(other)
    }
}

fn extreme_float(args: &Args<'_>, pick: fn(f64, f64) -> f64) -> Value {
    let numbers = args.all().iter().map(to_float);
    Value::Float(numbers.reduce(pick).unwrap_or(0.0))
}

fn round(args: &Args<'_>) -> Result<Value, Fault> {
    let places = args.int(1)?;
    let from = args.rest(2).first().map_or(0.5, to_float);
    let limit = if places < 0 { i32::MIN } else { i32::MAX };
    let scale = 10_f64.powi(i32::try_from(places).unwrap_or(limit));
    let scaled = to_float(args.any(0)) * scale;
    let rounded = if scaled.fract() >= from {
        scaled.ceil()
    } else {
        scaled.floor()
    };
    Ok(Value::Float(rounded / scale))
}

/// Helm calculates these in decimal, so that `addf 0.1 0.2` is `0.3`.
fn decimal(values: &[Value], operator: char) -> Result<Value, Fault> {
    let mut numbers = values
        .iter()
        .map(|value| Decimal::from_float(to_float(value)));
    let Some(first) = numbers.next() else {
        return Ok(Value::Float(0.0));
    };
    let none = || Fault::new("an infinite number, or no number, has no decimal digits");
    let mut result = first.ok_or_else(none)?;
    for number in numbers {
        let number = number.ok_or_else(none)?;
        result = match operator {
            '+' => result.add(&number),
            '-' => result.add(&Decimal {
                digits: -number.digits,
                ..number
            }),
            '*' => result.multiply(&number),
            _ if number.digits == BigInt::ZERO => return Err(Fault::new("decimal division by 0")),
            _ => result.divide(&number),
        };
        if result.digits.bits() > MAX_BITS {
            return Err(Fault::new("the numbers have too many digits"));
        }
    }
    Ok(Value::Float(result.to_float()))
}

/// How long the numbers between two operations may become.
const MAX_BITS: u64 = 1 << 20;
/// To how many digits after the point the library behind sprig divides.
const DIVISION_PLACES: u32 = 16;

/// `digits` divided by ten `places` times.
struct Decimal {
    digits: BigInt,
    places: u32,
}

impl Decimal {
    fn from_float(number: f64) -> Option<Self> {
        if !number.is_finite() {
            return None;
        }
        let text = number.to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        Some(Self {
            digits: format!("{whole}{fraction}").parse().ok()?,
            places: u32::try_from(fraction.len()).ok()?,
        })
    }

    fn scaled(&self, places: u32) -> BigInt {
        &self.digits * BigInt::from(10).pow(places - self.places)
    }

    fn add(&self, other: &Self) -> Self {
        let places = self.places.max(other.places);
        Self {
            digits: self.scaled(places) + other.scaled(places),
            places,
        }
    }

    fn multiply(&self, other: &Self) -> Self {
        Self {
            digits: &self.digits * &other.digits,
            places: self.places + other.places,
        }
    }

    /// Half away from zero.
    fn divide(&self, other: &Self) -> Self {
        let places = self.places.max(other.places);
        let (left, right) = (self.scaled(places), other.scaled(places));
        let wide = left * BigInt::from(10).pow(DIVISION_PLACES);
        let (quotient, rest) = (&wide / &right, &wide % &right);
        let step = if wide.sign() == right.sign() { 1 } else { -1 };
        let is_up = rest.magnitude() * 2_u32 >= *right.magnitude();
        Self {
            digits: quotient + if is_up { step } else { 0 },
            places: DIVISION_PLACES,
        }
    }

    fn to_float(&self) -> f64 {
        format!("{}e-{}", self.digits, self.places)
            .parse()
            .unwrap_or(f64::NAN)
    }
}
