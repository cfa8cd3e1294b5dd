//! Defaults, refusals and the functions that reach back into the engine.

use super::super::engine::{Args, Executor, Fault, LookupKey};
use super::super::print;
use super::super::value::Value;
use super::{Function, at_least, exactly, with_engine};

pub(super) const TABLE: &[Function] = &[
    at_least("default", 1, |args| {
        let given = if args.len() > 1 {
            args.any(1)
        } else {
            &Value::Nil
        };
        Ok(if given.is_true() { given } else { args.any(0) }.clone())
    }),
    exactly("empty", 1, |args| Ok((!args.any(0).is_true()).into())),
    at_least("coalesce", 0, |args| {
        let first = args.all().iter().find(|value| value.is_true());
        Ok(first.cloned().unwrap_or(Value::Nil))
    }),
    at_least("all", 0, |args| {
        Ok(args.all().iter().all(Value::is_true).into())
    }),
    at_least("any", 0, |args| {
        Ok(args.all().iter().any(Value::is_true).into())
    }),
    exactly("ternary", 3, |args| {
        let chosen = usize::from(!args.bool(2)?);
        Ok(args.any(chosen).clone())
    }),
    exactly("fail", 1, |args| {
        Err(Fault::Refused(args.string(0)?.to_string()))
    }),
    exactly("required", 2, required),
    exactly("hello", 0, |_| Ok("Hello!".into())),
    // Helm answers so unless a flag allows questions to the network.
    exactly("getHostByName", 1, |args| args.string(0).map(|_| "".into())),
    with_engine("include", 2, include),
    with_engine("tpl", 2, tpl),
    with_engine("lookup", 4, lookup),
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
    executor
        .include(&args.string(0)?, args.any(1).clone())
        .map(Value::from)
}

fn tpl(executor: &mut Executor<'_>, args: &Args<'_>) -> Result<Value, Fault> {
    executor
        .render_text(&args.string(0)?, args.any(1).clone())
        .map(Value::from)
}

fn lookup(executor: &mut Executor<'_>, args: &Args<'_>) -> Result<Value, Fault> {
    let text = |index| args.string(index).map(|text| text.to_string());
    Ok(executor.lookup(LookupKey {
        api_version: text(0)?,
        kind: text(1)?,
        namespace: text(2)?,
        name: text(3)?,
    }))
}

/// Used by `print`: Go puts a blank between operands that are both no strings.
pub(super) fn sprint_all(values: &[Value]) -> String {
    let mut out = String::new();
    let mut after_string = true;
    for value in values {
        let is_string = matches!(value, Value::Str(_) | Value::Binary(_));
        if !after_string && !is_string {
            out.push(' ');
        }
        out.push_str(&print::sprint(value));
        after_string = is_string;
    }
    out
}
