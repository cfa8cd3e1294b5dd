//! Truth and comparison: Go's `eq`, `lt` and friends, `and`, `or`, `not`.

use std::cmp::Ordering;

use super::super::engine::{Args, Fault};
use super::super::value::{Value, stray};
use super::{Row, pure, short_circuit};

pub(super) const TABLE: &[Row] = &[
    short_circuit("and", false),
    short_circuit("or", true),
    pure("not", "value", |args| Ok((!args.any(0).is_true()).into())),
    pure("eq", "value value...", eq),
    pure("ne", "value value", |args| {
        Ok((!equal(args.any(0), args.any(1))?).into())
    }),
    pure("lt", "value value", |args| Ok(is_less(args)?.into())),
    pure("le", "value value", |args| Ok(is_at_most(args)?.into())),
    pure("gt", "value value", |args| Ok((!is_at_most(args)?).into())),
    pure("ge", "value value", |args| Ok((!is_less(args)?).into())),
    pure("deepEqual", "any any", |args| {
        Ok(args.any(0).deep_equal(args.any(1))?.into())
    }),
];

fn eq(args: &Args<'_>) -> Result<Value, Fault> {
    if args.len() < 2 {
        return Err(Fault::new("missing argument for comparison"));
    }
    for other in args.rest(1) {
        if equal(args.any(0), other)? {
            return Ok(true.into());
        }
    }
    Ok(false.into())
}

fn equal(left: &Value, right: &Value) -> Result<bool, Fault> {
    match (left, right) {
        (Value::Nil, Value::Nil) => Ok(true),
        (Value::Nil, Value::List(list)) | (Value::List(list), Value::Nil) => Ok(list.is_nil()),
        (Value::Nil, Value::Map(map)) | (Value::Map(map), Value::Nil) => Ok(map.is_nil()),
        (Value::Nil, _) | (_, Value::Nil) => Ok(false),
        (Value::Bool(left), Value::Bool(right)) => Ok(left == right),
        (left, right) if is_basic(left) != is_basic(right) => Err(incompatible(left, right)),
        (left, right) if !is_basic(left) => non_basic(left, right),
        _ => Ok(order(left, right)? == Some(Ordering::Equal)),
    }
}

/// Whether Go can compare values of this kind at all.
fn is_basic(value: &Value) -> bool {
    matches!(
        value,
        Value::Bool(_) | Value::Int(_) | Value::Int64(_) | Value::Float(_) | Value::Str(_)
    )
}

/// Lists and maps are equal to nothing, but nil ones to each other.
fn non_basic(left: &Value, right: &Value) -> Result<bool, Fault> {
    match (left, right) {
        (Value::List(left), Value::List(right)) if left.is_nil() || right.is_nil() => {
            Ok(left.is_nil() == right.is_nil())
        }
        (Value::Map(left), Value::Map(right)) if left.is_nil() || right.is_nil() => {
            Ok(left.is_nil() == right.is_nil())
        }
        (Value::Object(left), Value::Object(right))
            if left.kind() == right.kind() && !matches!(left.kind(), "map" | "slice") =>
        {
            Ok(left.type_name() == right.type_name() && left.plain().deep_equal(&right.plain())?)
        }
        _ => Err(Fault::new(format!(
            "non-comparable type {}: {}",
            left.type_name(),
            right.type_name()
        ))),
    }
}

fn incompatible(left: &Value, right: &Value) -> Fault {
    Fault::new(format!(
        "incompatible types for comparison: {} and {}",
        left.type_name(),
        right.type_name()
    ))
}

/// `None` when one of two floats is not a number.
fn order(left: &Value, right: &Value) -> Result<Option<Ordering>, Fault> {
    if let (Some(left), Some(right)) = (left.as_integer(), right.as_integer()) {
        return Ok(Some(left.cmp(&right)));
    }
    match (left, right) {
        (Value::Str(left), Value::Str(right)) => {
            Ok(Some(stray::bytes_of(left).cmp(&stray::bytes_of(right))))
        }
        (Value::Float(left), Value::Float(right)) => Ok(left.partial_cmp(right)),
        _ if !is_basic(left) || !is_basic(right) => Err(Fault::new("invalid type for comparison")),
        (Value::Bool(_), Value::Bool(_)) => Err(Fault::new("invalid type for comparison")),
        _ => Err(incompatible(left, right)),
    }
}

fn is_less(args: &Args<'_>) -> Result<bool, Fault> {
    Ok(order(args.any(0), args.any(1))? == Some(Ordering::Less))
}

fn is_at_most(args: &Args<'_>) -> Result<bool, Fault> {
    let order = order(args.any(0), args.any(1))?;
    Ok(matches!(order, Some(Ordering::Less | Ordering::Equal)))
}
