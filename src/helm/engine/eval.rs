//! Evaluating expressions: pipelines, fields, methods and function calls.

use gotmpl::parse::{CommandNode, Expr, Number, PipeNode, Pos, SmolStr};

use super::super::funcs::{self, Body};
use super::super::value::Value;
use super::args::Args;
use super::error::{Fault, TemplateError};
use super::exec::{Executor, Slot};

/// A value, or the error with its place.
pub(super) type Eval<T = Value> = Result<T, Box<TemplateError>>;

impl Executor<'_> {
    pub(super) fn pipe(&mut self, dot: &Slot, pipe: &PipeNode) -> Eval {
        let value = self.deeper(pipe.pos, |this| this.commands(dot, pipe))??;
        for variable in &pipe.decl {
            let slot = Slot::plain(value.clone());
            if pipe.is_assign {
                self.assign(variable, slot);
            } else {
                self.state.variables.push((variable.clone(), slot));
            }
        }
        Ok(value)
    }

    fn commands(&mut self, dot: &Slot, pipe: &PipeNode) -> Eval {
        let mut piped = None;
        for command in &pipe.commands {
            piped = Some(self.command(dot, command, piped)?);
        }
        Ok(piped.unwrap_or(Value::Nil))
    }

    fn command(&mut self, dot: &Slot, command: &CommandNode, piped: Option<Value>) -> Eval {
        let (first, args) = command
            .args
            .split_first()
            .expect("the parser makes no empty command");
        match first {
            Expr::Identifier(pos, name) => self.call(dot, *pos, name, args, piped),
            Expr::Field(pos, fields) => {
                self.chain_of(dot, dot.clone(), (*pos, fields), args, piped)
            }
            Expr::Chain(pos, inner, fields) => {
                let receiver = Slot::plain(self.argument(dot, inner)?);
                self.chain_of(dot, receiver, (*pos, fields), args, piped)
            }
            Expr::Variable(pos, name, fields) if !fields.is_empty() => {
                let receiver = self.variable(name);
                self.chain_of(dot, receiver, (*pos, fields), args, piped)
            }
            other if !args.is_empty() || piped.is_some() => {
                Err(self.error(other.pos(), "only functions and methods take arguments"))
            }
            other => self.argument(dot, other),
        }
    }

    fn argument(&mut self, dot: &Slot, expression: &Expr) -> Eval {
        Ok(match expression {
            Expr::Dot(_) => dot.value.clone(),
            Expr::Nil(_) => Value::Nil,
            Expr::Bool(_, truth) => Value::Bool(*truth),
            Expr::String(_, text) => Value::str(&**text),
            Expr::Number(pos, number) => match number {
                Number::Int(number) => Value::Int(*number),
                Number::Float(number) => Value::Float(*number),
                Number::Uint(number) => {
                    return Err(self.error(*pos, format!("`{number}` overflows an integer")));
                }
            },
            Expr::Pipe(_, pipe) => {
                let mark = self.state.variables.len();
                let value = self.pipe(dot, pipe)?;
                self.state.variables.truncate(mark);
                value
            }
            Expr::Identifier(pos, name) => self.call(dot, *pos, name, &[], None)?,
            Expr::Field(pos, fields) => {
                self.chain_of(dot, dot.clone(), (*pos, fields), &[], None)?
            }
            Expr::Variable(_, name, fields) if fields.is_empty() => self.variable(name).value,
            Expr::Variable(pos, name, fields) => {
                let receiver = self.variable(name);
                self.chain_of(dot, receiver, (*pos, fields), &[], None)?
            }
            Expr::Chain(pos, inner, fields) => {
                let receiver = Slot::plain(self.argument(dot, inner)?);
                self.chain_of(dot, receiver, (*pos, fields), &[], None)?
            }
        })
    }

    fn variable(&self, name: &str) -> Slot {
        self.state
            .variables
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map_or_else(|| Slot::plain(Value::Nil), |(_, slot)| slot.clone())
    }

    /// `receiver.a.b.c args`: the last field may be a method.
    fn chain_of(
        &mut self,
        dot: &Slot,
        receiver: Slot,
        (pos, fields): (Pos, &[SmolStr]),
        args: &[Expr],
        piped: Option<Value>,
    ) -> Eval {
        let (last, path) = fields
            .split_last()
            .expect("the parser makes no chain without fields");
        let mut receiver = receiver;
        for field in path {
            let value = self.field(&receiver, pos, field)?;
            // A missing field stays "no value at all" only below no value at all.
            let is_element = !matches!(receiver.value, Value::Nil);
            receiver = Slot { value, is_element };
        }
        if args.is_empty() && piped.is_none() {
            return self.field(&receiver, pos, last);
        }
        let Value::Object(object) = &receiver.value else {
            let problem = format!("`{last}` is no method but has arguments");
            return Err(self.error(pos, problem));
        };
        let mut values = args
            .iter()
            .map(|arg| self.argument(dot, arg))
            .collect::<Eval<Vec<_>>>()?;
        values.extend(piped);
        if let Some(result) = object.call(last, &Args::new(&values)) {
            return result.map_err(|fault| self.place(pos, prefix(last, fault)));
        }
        let problem = format!("`{last}` is no method but has arguments");
        Err(self.error(pos, problem))
    }

    fn field(&self, receiver: &Slot, pos: Pos, name: &str) -> Eval {
        match &receiver.value {
            Value::Map(map) => Ok(map.get(name).unwrap_or(Value::Nil)),
            Value::Nil if receiver.is_element => Err(self.error(
                pos,
                format!("`{name}` is asked of nothing: what stands before it is not set"),
            )),
            Value::Nil => Ok(Value::Nil),
            Value::Object(object) => {
                let empty = Args::new(&[]);
                if let Some(result) = object.call(name, &empty) {
                    return result.map_err(|fault| self.place(pos, prefix(name, fault)));
                }
                match object.field(name) {
                    Some(value) => Ok(value),
                    None if object.kind() == "map" => Ok(Value::Nil),
                    None => {
                        let problem = format!("{} has no field `{name}`", object.type_name());
                        Err(self.error(pos, problem))
                    }
                }
            }
            other => {
                let problem = format!("{} has no field `{name}`", other.type_name());
                Err(self.error(pos, problem))
            }
        }
    }

    fn call(
        &mut self,
        dot: &Slot,
        pos: Pos,
        name: &str,
        args: &[Expr],
        piped: Option<Value>,
    ) -> Eval {
        let Some(function) = funcs::find(name) else {
            return Err(self.error(pos, format!("there is no function `{name}`")));
        };
        let count = args.len() + usize::from(piped.is_some());
        if !function.arity.takes(count) {
            let problem = format!("`{name}` takes {} but got {count}", function.arity);
            return Err(self.error(pos, problem));
        }
        if let Body::ShortCircuit { stops_at } = function.body {
            return self.short_circuit(dot, args, piped, stops_at);
        }
        let mut values = args
            .iter()
            .map(|arg| self.argument(dot, arg))
            .collect::<Eval<Vec<_>>>()?;
        values.extend(piped);
        let args = Args::new(&values);
        self.reach(pos);
        let result = match function.body {
            Body::Pure(call) => call(&args),
            Body::Engine(call) => self.deeper(pos, |this| call(this, &args))?,
            Body::ShortCircuit { .. } => Ok(Value::Nil),
        };
        result.map_err(|fault| self.place(pos, prefix(name, fault)))
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
            value = self.argument(dot, arg)?;
            if value.is_true() == stops_at {
                return Ok(value);
            }
        }
        Ok(piped.unwrap_or(value))
    }
}

fn prefix(name: &str, fault: Fault) -> Fault {
    match fault {
        Fault::Wrong(problem) => Fault::Wrong(format!("`{name}`: {problem}")),
        other => other,
    }
}
