//! Templates by name: parsing a file and collecting what it defines.

use std::collections::HashMap;
use std::rc::Rc;

use super::error::TemplateError;
use super::syntax::{self, Node, Span};

/// A template that can be executed.
pub(super) struct Template {
    /// Its name: a file's path or the name in `define`.
    pub(super) name: Rc<str>,
    /// The file it was read from.
    pub(super) source: Rc<Source>,
    pub(super) body: Vec<Node>,
}

/// The text a template came from.
pub(super) struct Source {
    pub(super) name: Rc<str>,
    pub(super) text: Rc<str>,
}

/// All templates that see each other. Cloning is cheap enough for `tpl`.
#[derive(Clone, Default)]
pub(super) struct TemplateSet(Rc<HashMap<Rc<str>, Rc<Template>>>);

impl TemplateSet {
    pub(super) fn get(&self, name: &str) -> Option<Rc<Template>> {
        self.0.get(name).cloned()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(AsRef::as_ref)
    }

    /// Parses a file as the template `name` and adds it and all it defines.
    pub(super) fn add(&mut self, name: &str, text: &str) -> Result<(), Box<TemplateError>> {
        let main = self.add_text(name, text)?;
        let is_blank = syntax::is_blank(text, &main.body);
        self.insert(main, is_blank);
        Ok(())
    }

    /// Parses a text and adds what it defines, but not the text itself.
    pub(super) fn add_text(
        &mut self,
        name: &str,
        text: &str,
    ) -> Result<Rc<Template>, Box<TemplateError>> {
        let source = Rc::new(Source {
            name: name.into(),
            text: text.into(),
        });
        let parsed = syntax::parse(text)
            .map_err(|error| Box::new(source.syntax_error(error.span, error.problem)))?;
        let mut named: Vec<(Rc<str>, Vec<Node>)> = Vec::new();
        for defined in parsed.defined {
            let is_blank = syntax::is_blank(text, &defined.body);
            match named.iter_mut().find(|entry| entry.0 == defined.name) {
                Some(_) if is_blank => {}
                Some(entry) if syntax::is_blank(text, &entry.1) => entry.1 = defined.body,
                Some(_) => {
                    let problem = format!("multiple definition of template `{}`", defined.name);
                    return Err(Box::new(source.syntax_error(defined.span, problem)));
                }
                None => named.push((defined.name, defined.body)),
            }
        }
        let template = |name, body| {
            let source = source.clone();
            Rc::new(Template { name, source, body })
        };
        for (defined, body) in named {
            let is_blank = syntax::is_blank(text, &body);
            self.insert(template(defined, body), is_blank);
        }
        Ok(template(name.into(), parsed.body))
    }

    /// Adds a template; a blank one never replaces another, as in Go.
    fn insert(&mut self, template: Rc<Template>, is_blank: bool) {
        if !is_blank || !self.0.contains_key(&template.name) {
            Rc::make_mut(&mut self.0).insert(template.name.clone(), template);
        }
    }
}

impl Source {
    /// The text of a piece in one line, cut when it is long.
    pub(super) fn piece(&self, span: Span) -> String {
        let text = self.text.get(span.start..span.end).unwrap_or_default();
        let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((cut, _)) = words.char_indices().nth(100) {
            words.truncate(cut);
            words.push('…');
        }
        words
    }

    /// Line and column of a byte, from 1.
    pub(super) fn place(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        (line, before[start..].chars().count() + 1)
    }

    fn syntax_error(&self, span: Span, problem: String) -> TemplateError {
        let (line, column) = self.place(span.start);
        TemplateError {
            line,
            column,
            ..TemplateError::in_file(&*self.name, problem)
        }
    }
}
