//! Truth and comparison: Go's `eq`, `lt` and friends, `and`, `or`, `not`.

use std::cmp::Ordering;

use super::super::engine::{Args, Fault};
use super::super::value::Value;
use super::{Function, at_least, exactly, short_circuit};

pub(super) const TABLE: &[Function] = &[
    short_circuit("and", false),
    short_circuit("or", true),
    exactly("not", 1, |args| Ok((!args.any(0).is_true()).into())),
    at_least("eq", 2, eq),
    exactly("ne", 2, |args| {
        Ok((!equal(args.any(0), args.any(1))?).into())
    }),
    exactly("lt", 2, |args| Ok(is_less(args)?.into())),
    exactly("le", 2, |args| Ok(is_at_most(args)?.into())),
    exactly("gt", 2, |args| Ok((!is_at_most(args)?).into())),
    exactly("ge", 2, |args| Ok((!is_less(args)?).into())),
    exactly("deepEqual", 2, |args| {
        Ok(args.any(0).deep_equal(args.any(1)).into())
    }),
];

fn eq(args: &Args<'_>) -> Result<Value, Fault> {
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
        (Value::Nil, _)
        | (_, Value::Nil)
        | (Value::Binary(_), Value::Str(_))
        | (Value::Str(_), Value::Binary(_)) => Ok(false),
        (Value::Bool(left), Value::Bool(right)) => Ok(left == right),
        (Value::Binary(left), Value::Binary(right)) => Ok(left == right),
        _ => Ok(order(left, right)? == Some(Ordering::Equal)),
    }
}

/// `None` when one of two floats is not a number.
fn order(left: &Value, right: &Value) -> Result<Option<Ordering>, Fault> {
    if let (Some(left), Some(right)) = (left.as_integer(), right.as_integer()) {
        return Ok(Some(left.cmp(&right)));
    }
    match (left, right) {
        (Value::Str(left), Value::Str(right)) => Ok(Some(left.cmp(right))),
        (Value::Float(left), Value::Float(right)) => Ok(left.partial_cmp(right)),
        _ => Err(Fault::new(format!(
            "cannot compare {} with {}",
            left.type_name(),
            right.type_name()
        ))),
    }
}

fn is_less(args: &Args<'_>) -> Result<bool, Fault> {
    Ok(order(args.any(0), args.any(1))? == Some(Ordering::Less))
}

fn is_at_most(args: &Args<'_>) -> Result<bool, Fault> {
    let order = order(args.any(0), args.any(1))?;
    Ok(matches!(order, Some(Ordering::Less | Ordering::Equal)))
}
