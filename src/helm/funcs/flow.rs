//! Defaults, refusals and the functions that reach back into the engine.

use super::super::engine::{Args, Executor, Fault, LookupKey};
use super::super::print;
use super::super::value::{TooDeep, Value, stray};
use super::{Row, engine, pure};

pub(super) const TABLE: &[Row] = &[
    pure("default", "any any...", |args| {
        let given = if args.len() > 1 {
            args.any(1)
        } else {
            &Value::Nil
        };
        Ok(if given.is_true() { given } else { args.any(0) }.clone())
    }),
    pure("empty", "any", |args| Ok((!args.any(0).is_true()).into())),
    pure("coalesce", "any...", |args| {
        let first = args.all().iter().find(|value| value.is_true());
        Ok(first.cloned().unwrap_or(Value::Nil))
    }),
    pure("all", "any...", |args| {
        Ok(args.all().iter().all(Value::is_true).into())
    }),
    pure("any", "any...", |args| {
        Ok(args.all().iter().any(Value::is_true).into())
    }),
    pure("ternary", "any any bool", |args| {
        let chosen = usize::from(!args.bool(2)?);
        Ok(args.any(chosen).clone())
    }),
    pure("fail", "text", |args| {
        Err(Fault::Refused(args.string(0)?.to_string()))
    }),
    pure("required", "text any", required),
    // No value of a chart is a function.
    pure("call", "value value...", |args| {
        Err(Fault::new(match args.any(0) {
            Value::Nil => "call of nil".to_owned(),
            other => format!("non-function of type {}", other.type_name()),
        }))
    }),
    pure("hello", "", |_| Ok("Hello!".into())),
    // Helm answers so unless a flag allows questions to the network.
    pure("getHostByName", "text", |args| {
        args.string(0).map(|_| "".into())
    }),
    engine("include", "text any", include),
    engine("tpl", "text any", tpl),
    engine("lookup", "text text text text", lookup),
];

fn required(args: &Args<'_>) -> Result<Value, Fault> {
    let message = args.string(0)?;
    match args.any(1) {
        Value::Nil => Err(Fault::Refused(message.to_string())),
        Value::Str(text) if text.is_empty() => Err(Fault::Refused(message.to_string())),
        value => Ok(value.clone()),
    }
}

fn include(executor: &mut Executor<'_>, args: &Args<'_>) -> Result<Value, Fault> {
    executor.include(&args.string(0)?, args.any(1).clone())
}

fn tpl(executor: &mut Executor<'_>, args: &Args<'_>) -> Result<Value, Fault> {
    executor.render_text(&args.string(0)?, args.any(1).clone())
}

fn lookup(executor: &mut Executor<'_>, args: &Args<'_>) -> Result<Value, Fault> {
    let text = |index| {
        args.string(index)
            .map(|text| stray::outside(&text).into_owned())
    };
    Ok(executor.lookup(LookupKey {
        api_version: text(0)?,
        kind: text(1)?,
        namespace: text(2)?,
        name: text(3)?,
    }))
}

/// The same for what escapes its operands; there nil is no value.
pub(super) fn sprint_escaped(values: &[Value]) -> Result<String, TooDeep> {
    let values: Vec<Value> = values
        .iter()
        .map(|value| match value {
            Value::Nil => Value::from("<no value>"),
            other => other.clone(),
        })
        .collect();
    sprint_all(&values)
}

/// Used by `print`: Go puts a blank between operands that are both no strings.
pub(super) fn sprint_all(values: &[Value]) -> Result<String, TooDeep> {
    let mut out = String::new();
    let mut after_string = true;
    for value in values {
        let is_string = matches!(value, Value::Str(_));
        if !after_string && !is_string {
            out.push(' ');
        }
        out.push_str(&print::sprint(value)?);
        after_string = is_string;
    }
    Ok(out)
}
