//! Go's `print` family: which argument a verb takes, with which flags. How it is written is in
//! `format/verb.rs`.

mod verb;

use super::super::engine::Fault;
use super::super::print;
use super::super::value::{Value, Walk};
use super::flow::sprint_all;
use super::{Row, pure};
use verb::{Spec, typed};

pub(super) const TABLE: &[Row] = &[
    pure("print", "any...", |args| Ok(sprint_all(args.all())?.into())),
    pure("println", "any...", |args| {
        let words = args.all().iter().map(print::sprint);
        let words = words.collect::<Result<Vec<_>, _>>()?;
        Ok(format!("{}\n", words.join(" ")).into())
    }),
    pure("printf", "text any...", |args| {
        let format = args.string(0)?;
        Printer::new(&format, args.rest(1)).run().map(Value::from)
    }),
];

/// The widest field that Go writes, and thereby the widest a format may ask for.
const MAX_WIDTH: i64 = 1_000_000;
/// How much one format may produce.
const MAX_OUTPUT: usize = 16 << 20;

/// A format under way.
struct Printer<'f> {
    format: &'f str,
    at: usize,
    args: &'f [Value],
    /// The next argument.
    next: usize,
    /// Whether `[n]` was used, after which unused arguments are no mistake.
    is_reordered: bool,
    is_index_good: bool,
    out: String,
}

impl<'f> Printer<'f> {
    fn new(format: &'f str, args: &'f [Value]) -> Self {
        Self {
            format,
            at: 0,
            args,
            next: 0,
            is_reordered: false,
            is_index_good: true,
            out: String::new(),
        }
    }

    fn run(mut self) -> Result<String, Fault> {
        while let Some(length) = self.format[self.at..].find('%') {
            let text = &self.format[self.at..self.at + length];
            self.out.push_str(text);
            self.at += length + 1;
            self.one()?;
            if self.out.len() > MAX_OUTPUT {
                return Err(super::text::too_long());
            }
        }
        self.out.push_str(&self.format[self.at..]);
        if !self.is_reordered && self.next < self.args.len() {
            let extra = self.args[self.next..].iter().map(typed);
            let extra = extra.collect::<Result<Vec<_>, _>>()?;
            self.put(&format!("%!(EXTRA {})", extra.join(", ")));
        }
        Ok(self.out)
    }

    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn peek(&self) -> Option<char> {
        self.format[self.at..].chars().next()
    }

    /// One verb with what belongs to it; the `%` is read.
    fn one(&mut self) -> Result<(), Fault> {
        let mut spec = Spec::default();
        self.is_index_good = true;
        while let Some(flag) = self.peek() {
            match flag {
                '#' => spec.sharp = true,
                '0' => spec.zero = true,
                '+' => spec.plus = true,
                '-' => spec.minus = true,
                ' ' => spec.space = true,
                _ => break,
            }
            self.at += 1;
        }
        let mut after_index = self.index();
        if self.peek() == Some('*') {
            self.at += 1;
            match self.integer_argument() {
                Some(width) => {
                    spec.minus |= width < 0;
                    spec.width = usize::try_from(width.unsigned_abs()).ok();
                }
                None => self.put("%!(BADWIDTH)"),
            }
            after_index = false;
        } else {
            spec.width = self.number();
            if after_index && spec.width.is_some() {
                self.is_index_good = false;
            }
        }
        if self.peek() == Some('.') {
            self.at += 1;
            if after_index {
                self.is_index_good = false;
            }
            after_index = self.index();
            if self.peek() == Some('*') {
                self.at += 1;
                match self.integer_argument() {
                    Some(precision) => spec.precision = usize::try_from(precision).ok(),
                    None => self.put("%!(BADPREC)"),
                }
                after_index = false;
            } else {
                spec.precision = Some(self.number().unwrap_or(0));
            }
        }
        if !after_index {
            self.index();
        }
        let Some(verb) = self.peek() else {
            self.put("%!(NOVERB)");
            return Ok(());
        };
        self.at += verb.len_utf8();
        if verb == '%' {
            self.put("%");
        } else if !self.is_index_good {
            self.put(&format!("%!{verb}(BADINDEX)"));
        } else if let Some(value) = self.args.get(self.next) {
            self.next += 1;
            // With a plus, `%v` would name the fields of structs; it writes no signs.
            spec.plus &= verb != 'v';
            let text = if verb == 'v' && spec.sharp {
                verb::syntax(&spec, value)?
            } else {
                verb::written(&spec, verb, value, &mut Walk::new())?
            };
            self.put(&text);
        } else {
            self.put(&format!("%!{verb}(MISSING)"));
        }
        Ok(())
    }

    fn number(&mut self) -> Option<usize> {
        let rest = &self.format[self.at..];
        let length = rest.len()
            - rest
                .trim_start_matches(|digit: char| digit.is_ascii_digit())
                .len();
        let number = rest[..length].parse::<i64>().ok();
        self.at += length;
        number
            .filter(|number| *number <= MAX_WIDTH)
            .and_then(|number| usize::try_from(number).ok())
    }

    /// `[n]`: the number of the argument that comes next.
    fn index(&mut self) -> bool {
        if self.peek() != Some('[') {
            return false;
        }
        self.is_reordered = true;
        let rest = &self.format[self.at + 1..];
        let Some(length) = rest.find(']') else {
            self.is_index_good = false;
            self.at += 1;
            return false;
        };
        self.at += length + 2;
        let number = rest[..length].parse::<usize>().ok();
        match number.filter(|number| (1..=self.args.len()).contains(number)) {
            Some(number) => self.next = number - 1,
            None => self.is_index_good = false,
        }
        true
    }

    /// The argument that `*` takes for a width.
    fn integer_argument(&mut self) -> Option<i64> {
        let value = self.args.get(self.next)?;
        self.next += 1;
        value
            .as_integer()
            .filter(|number| number.abs() <= MAX_WIDTH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_written_as_in_go() {
        let text = |text: &str| Value::from(text);
        let list = || {
            [Value::Int(1), text("a"), Value::Nil]
                .into_iter()
                .collect::<Value>()
        };
        let cases = [
            (
                "%d|%5d|%-5d|%05d|%+d",
                vec![Value::Int(4); 5],
                "4|    4|4    |00004|+4",
            ),
            ("%[2]d %[1]d", vec![Value::Int(1), Value::Int(2)], "2 1"),
            (
                "%*d|%-*d|",
                vec![Value::Int(3), Value::Int(1), Value::Int(3), Value::Int(1)],
                "  1|1  |",
            ),
            ("%.*f", vec![Value::Int(1), Value::Float(2.25)], "2.2"),
            (
                "%.3g %g %G",
                vec![
                    Value::Float(1234.5678),
                    Value::Float(1e21),
                    Value::Float(1e-7),
                ],
                "1.23e+03 1e+21 1E-07",
            ),
            ("%d", vec![text("x")], "%!d(string=x)"),
            ("%d %d", vec![Value::Int(1)], "1 %!d(MISSING)"),
            ("%d", vec![Value::Int(1), text("x")], "1%!(EXTRA string=x)"),
            ("%[3]d", vec![Value::Int(1)], "%!d(BADINDEX)"),
            ("%", vec![], "%!(NOVERB)"),
            ("%v %+v", vec![list(), list()], "[1 a <nil>] [1 a <nil>]"),
            (
                "%#v",
                vec![list()],
                "[]interface {}{1, \"a\", interface {}(nil)}",
            ),
            (
                "%q %s",
                vec![list(), list()],
                "['\\x01' \"a\" <nil>] [%!s(int=1) a <nil>]",
            ),
            (
                "%x %X % x",
                vec![text("hi"), text("hi"), text("hi")],
                "6869 6869 68 69",
            ),
            (
                "%6.2f%%|%e",
                vec![Value::Float(99.5), Value::Float(31415.9)],
                " 99.50%|3.141590e+04",
            ),
            (
                "%08.3f|%+.1f|%x",
                vec![Value::Float(-1.23456), Value::Float(2.0), Value::Int(-255)],
                "-001.235|+2.0|-ff",
            ),
            ("%t %v", vec![Value::Bool(true), Value::Nil], "true <nil>"),
            (
                "%U %c %q",
                vec![Value::Int(0x1f600), Value::Int(65), Value::Int(10)],
                "U+1F600 A '\\n'",
            ),
        ];
        for (format, args, expected) in cases {
            let found = Printer::new(format, &args).run().unwrap();
            assert_eq!(found, expected, "{format}");
        }
    }
}
