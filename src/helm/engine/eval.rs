//! Evaluating expressions: pipelines, fields, methods and function calls.

use std::rc::Rc;

use super::super::funcs::{Body, Function, Type};
use super::super::value::Value;
use super::args::Args;
use super::error::{Fault, TemplateError};
use super::exec::{Executor, Slot};
use super::limits::MAX_OUTPUT;
use super::syntax::{Command, Expr, ExprKind, Number, Pipe, Span};

/// A value, or the error with its place.
pub(super) type Eval<T = Value> = Result<T, Box<TemplateError>>;

/// What stands before an expression's fields, and the fields.
struct Chain<'c> {
    span: Span,
    receiver: Slot,
    fields: &'c [Rc<str>],
}

impl Executor<'_> {
    pub(super) fn pipe(&mut self, dot: &Slot, pipe: &Pipe) -> Eval {
        let mut piped = None;
        for command in &pipe.commands {
            piped = Some(self.command(dot, command, piped)?);
        }
        let value = piped.unwrap_or(Value::Nil);
        for variable in &pipe.variables {
            let slot = Slot::plain(value.clone());
            if pipe.assigns {
                self.assign(pipe.span, variable, slot)?;
            } else {
                self.state.variables.push((variable.clone(), slot));
            }
        }
        Ok(value)
    }

    fn command(&mut self, dot: &Slot, command: &Command, piped: Option<Value>) -> Eval {
        let Command { first, args } = command;
        let span = first.span;
        let chain = match &first.kind {
            ExprKind::Function(function) => {
                let end = args.last().map_or(span.end, |arg| arg.span.end);
                return self.call(dot, Span { end, ..span }, function, args, piped);
            }
            ExprKind::Field(fields) => Chain {
                span,
                receiver: dot.clone(),
                fields,
            },
            ExprKind::Chain(inner, fields) => Chain {
                span,
                receiver: self.receiver(dot, inner)?,
                fields,
            },
            ExprKind::Variable(name, fields) if !fields.is_empty() => Chain {
                span,
                receiver: self.variable(span, name)?,
                fields,
            },
            _ if !args.is_empty() || piped.is_some() => {
                return Err(self.error(span, "can't give argument to non-function"));
            }
            ExprKind::Nil => return Err(self.error(span, "nil is not a command")),
            _ => return self.operand(dot, first),
        };
        self.chain_of(dot, chain, args, piped)
    }

    /// An operand where any type will do.
    fn operand(&mut self, dot: &Slot, expression: &Expr) -> Eval {
        let span = expression.span;
        match &expression.kind {
            ExprKind::Dot => Ok(dot.value.clone()),
            ExprKind::Nil => Ok(Value::Nil),
            ExprKind::Bool(truth) => Ok(Value::Bool(*truth)),
            ExprKind::Text(text) => Ok(Value::Str(text.clone())),
            ExprKind::Number(number) => ideal(**number).ok_or_else(|| {
                let problem = format!("{} overflows int", self.piece(span));
                self.error(span, problem)
            }),
            ExprKind::Pipe(pipe) => {
                self.check_depth(span)?;
                self.pipe(dot, pipe)
            }
            ExprKind::Function(function) => self.call(dot, span, function, &[], None),
            ExprKind::Field(fields) => {
                let receiver = dot.clone();
                self.fields(dot, span, receiver, fields)
            }
            ExprKind::Variable(name, fields) => {
                let receiver = self.variable(span, name)?;
                if fields.is_empty() {
                    return Ok(receiver.value);
                }
                self.fields(dot, span, receiver, fields)
            }
            ExprKind::Chain(inner, fields) => {
                let receiver = self.receiver(dot, inner)?;
                self.fields(dot, span, receiver, fields)
            }
        }
    }

    fn fields(&mut self, dot: &Slot, span: Span, receiver: Slot, fields: &[Rc<str>]) -> Eval {
        let chain = Chain {
            span,
            receiver,
            fields,
        };
        self.chain_of(dot, chain, &[], None)
    }

    fn receiver(&mut self, dot: &Slot, inner: &Expr) -> Eval<Slot> {
        self.operand(dot, inner).map(Slot::plain)
    }

    fn piece(&self, span: Span) -> String {
        self.error(span, "").action
    }

    fn variable(&self, span: Span, name: &str) -> Eval<Slot> {
        let known = self.state.variables.iter().rev();
        match known.into_iter().find(|(known, _)| **known == *name) {
            Some((_, slot)) => Ok(slot.clone()),
            None => Err(self.error(span, format!("undefined variable: {name}"))),
        }
    }

    /// `receiver.a.b.c args`: each may be a method, and the last one gets the arguments.
    fn chain_of(
        &mut self,
        dot: &Slot,
        chain: Chain<'_>,
        args: &[Expr],
        piped: Option<Value>,
    ) -> Eval {
        let Chain {
            span,
            mut receiver,
            fields,
        } = chain;
        let (last, path) = fields
            .split_last()
            .expect("the parser makes no chain without fields");
        for field in path {
            let value = self.field(&receiver, span, field)?;
            // A missing field stays "no value at all" only below no value at all.
            let is_element = !matches!(receiver.value, Value::Nil);
            receiver = Slot { value, is_element };
        }
        if args.is_empty() && piped.is_none() {
            return self.field(&receiver, span, last);
        }
        if let Value::Object(object) = &receiver.value {
            let mut values = args
                .iter()
                .map(|arg| self.operand(dot, arg))
                .collect::<Eval<Vec<_>>>()?;
            values.extend(piped);
            if let Some(result) = object.call(last, &Args::new(&values)) {
                return result.map_err(|fault| self.place(span, calling(last, fault)));
            }
        } else if matches!(receiver.value, Value::Nil) && !receiver.is_element {
            return Ok(Value::Nil);
        } else if !matches!(receiver.value, Value::Map(_)) {
            return self.field(&receiver, span, last);
        }
        let problem = format!("{last} is not a method but has arguments");
        Err(self.error(span, problem))
    }

    fn field(&self, receiver: &Slot, span: Span, name: &str) -> Eval {
        match &receiver.value {
            Value::Map(map) => Ok(map.field(name)),
            Value::Nil if receiver.is_element => {
                let problem = format!(
                    "nil pointer evaluating interface {{}}.{name}: what stands before `.{name}` is not set"
                );
                Err(self.error(span, problem))
            }
            Value::Nil => Ok(Value::Nil),
            Value::Object(object) => {
                if let Some(result) = object.call(name, &Args::new(&[])) {
                    return result.map_err(|fault| self.place(span, calling(name, fault)));
                }
                match object.field(name) {
                    Some(value) => Ok(value),
                    None => Err(self.no_field(span, name, &receiver.value)),
                }
            }
            other => Err(self.no_field(span, name, other)),
        }
    }

    fn no_field(&self, span: Span, name: &str, value: &Value) -> Box<TemplateError> {
        let mut problem = format!("can't evaluate field {name} in type {}", value.type_name());
        if let Some(shown) = value.shown() {
            problem.push_str(": the value is ");
            problem.push_str(&shown);
        }
        self.error(span, problem)
    }

    fn call(
        &mut self,
        dot: &Slot,
        span: Span,
        function: &'static Function,
        args: &[Expr],
        piped: Option<Value>,
    ) -> Eval {
        let count = args.len() + usize::from(piped.is_some());
        if let Some(wanted) = function.refuses(count) {
            let name = function.name;
            let problem = format!("wrong number of args for {name}: want {wanted} got {count}");
            return Err(self.error(span, problem));
        }
        if let Body::ShortCircuit { stops_at } = function.body {
            return self.short_circuit(dot, args, piped, stops_at);
        }
        self.check_depth(span)?;
        let mut values = Vec::with_capacity(count);
        for (index, arg) in args.iter().enumerate() {
            values.push(self.argument(dot, arg, function.param(index))?);
        }
        if let Some(piped) = piped {
            let param = function.param(args.len());
            values
                .push(typed(piped, param).map_err(|problem| {
                    self.error(span, format!("{}: {problem}", function.name))
                })?);
        }
        let args = Args::new(&values);
        self.reach(span);
        let result = match function.body {
            Body::Pure(call) => call(&args),
            Body::Engine(call) => call(self, &args),
            Body::ShortCircuit { .. } => Ok(Value::Nil),
        };
        match result {
            Ok(Value::Str(text)) if text.len() > MAX_OUTPUT => Err(self.error(
                span,
                format!("a text of more than {} MiB", MAX_OUTPUT >> 20),
            )),
            Ok(Value::Object(object)) => Ok(object.passed().unwrap_or(Value::Object(object))),
            result => result.map_err(|fault| self.place(span, calling(function.name, fault))),
        }
    }

    /// An argument of the type that the function wants; a literal becomes that type where it can.
    fn argument(&mut self, dot: &Slot, expression: &Expr, param: Type) -> Eval {
        let literal = match (&expression.kind, param) {
            (_, Type::Any | Type::Value) => return self.operand(dot, expression),
            (ExprKind::Nil, Type::Dict | Type::List) => return Ok(Value::Nil),
            (ExprKind::Nil, _) => Err(format!("cannot assign nil to {}", param.go_name())),
            (ExprKind::Number(number), Type::Int) => number
                .int
                .map(Value::Int)
                .ok_or_else(|| format!("expected integer; found {}", self.piece(expression.span))),
            (ExprKind::Number(number), Type::Float) => number
                .float
                .map(Value::Float)
                .ok_or_else(|| format!("expected float; found {}", self.piece(expression.span))),
            (ExprKind::Number(number), Type::Uint) => number
                .uint
                .and_then(|number| i64::try_from(number).ok())
                .map(Value::Int)
                .ok_or_else(|| {
                    let found = self.piece(expression.span);
                    format!("expected unsigned integer; found {found}")
                }),
            (ExprKind::Text(text), Type::Text) => Ok(Value::Str(text.clone())),
            (ExprKind::Bool(truth), Type::Bool) => Ok(Value::Bool(*truth)),
            (ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_), _) => {
                let found = self.piece(expression.span);
                Err(format!("expected {}; found {found}", param.go_name()))
            }
            _ => {
                let value = self.operand(dot, expression)?;
                if matches!(value, Value::Nil) && self.is_element(dot, expression) {
                    let wanted = param.go_name();
                    Err(format!(
                        "wrong type for value; expected {wanted}; got interface {{}}: nothing is set"
                    ))
                } else {
                    typed(value, param)
                }
            }
        };
        literal.map_err(|problem| self.error(expression.span, problem))
    }

    /// Whether a nil that an expression yielded came out of a list or map; Go passes no such nil as a map.
    fn is_element(&self, dot: &Slot, expression: &Expr) -> bool {
        match &expression.kind {
            ExprKind::Field(_) | ExprKind::Chain(..) => true,
            ExprKind::Dot => dot.is_element,
            ExprKind::Variable(name, fields) => {
                !fields.is_empty()
                    || self
                        .variable(expression.span, name)
                        .is_ok_and(|slot| slot.is_element)
            }
            _ => false,
        }
    }

    /// `and` and `or`: the first operand that decides, else the last one.
    fn short_circuit(
        &mut self,
        dot: &Slot,
        args: &[Expr],
        piped: Option<Value>,
        stops_at: bool,
    ) -> Eval {
        let mut value = Value::Nil;
        for arg in args {
            value = self.operand(dot, arg)?;
            if value.is_true() == stops_at {
                return Ok(value);
            }
        }
        Ok(piped.unwrap_or(value))
    }
}

/// A number where nothing says which type it is.
fn ideal(number: Number) -> Option<Value> {
    if number.looks_like_float {
        number.float.map(Value::Float)
    } else {
        number.int.map(Value::Int)
    }
}

/// The value, if it can be passed as such a parameter.
fn typed(value: Value, param: Type) -> Result<Value, String> {
    if param.takes(&value) {
        return Ok(value);
    }
    let wanted = param.go_name();
    if matches!(value, Value::Nil) {
        return Err(format!(
            "invalid value; expected {wanted}, but nothing is set"
        ));
    }
    let mut problem = format!(
        "wrong type for value; expected {wanted}; got {}",
        value.type_name()
    );
    if let Some(shown) = value.shown() {
        problem.push_str(": ");
        problem.push_str(&shown);
    }
    Err(problem)
}

fn calling(name: &str, fault: Fault) -> Fault {
    match fault {
        Fault::Wrong(problem) => Fault::Wrong(format!("error calling {name}: {problem}")),
        other => other,
    }
}
