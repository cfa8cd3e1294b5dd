//! Templates of every construct, as pieces that can be taken out when a failure is made small.

use crate::expression::{argument, expression};
use crate::random::Random;
use crate::table::Type;

/// A part of a template: text before, parts inside, text after.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) before: String,
    pub(crate) inside: Vec<Piece>,
    pub(crate) after: String,
}

impl Piece {
    fn plain(text: impl Into<String>) -> Self {
        Self {
            before: text.into(),
            inside: Vec::new(),
            after: String::new(),
        }
    }

    fn around(before: String, inside: Vec<Piece>, after: impl Into<String>) -> Self {
        Self {
            before,
            inside,
            after: after.into(),
        }
    }

    fn write(&self, out: &mut String) {
        out.push_str(&self.before);
        self.inside.iter().for_each(|piece| piece.write(out));
        out.push_str(&self.after);
    }
}

/// The text of pieces, after variables that all of them may use.
pub(crate) fn text_of(pieces: &[Piece]) -> String {
    let mut out = "{{- $s := \"text\" }}{{ $i := 2 }}{{ $b := true }}{{ $l := list 1 2 }}{{ $m := dict \"a\" \"b\" }}{{ $a := .Values.a1 }}\n"
        .to_owned();
    for piece in pieces {
        piece.write(&mut out);
    }
    out
}

/// A few pieces next to each other.
pub(crate) fn pieces(random: &mut Random, depth: usize) -> Vec<Piece> {
    let count = random.between(1, 3);
    (0..count).map(|_| piece(random, depth)).collect()
}

/// The braces of an action, with or without trim markers.
fn braces(random: &mut Random, action: &str) -> String {
    let open = *random.pick(&["{{ ", "{{", "{{- ", "{{ "]);
    let close = *random.pick(&[" }}", "}}", " -}}", " }}"]);
    // `{{"a"}}` is fine, `{{-1}}` is minus one.
    format!("{open}{action}{close}")
}

fn words(random: &mut Random) -> String {
    (*random.pick(&[
        "\n", "x ", " y\n", "\n\n  ", "key: ", "- ", "  a: b\n", "{", "}}", "\t", "\"", " # c\n",
        "", "{ {",
    ]))
    .to_owned()
}

fn piece(random: &mut Random, depth: usize) -> Piece {
    if depth == 0 {
        return action(random);
    }
    match random.below(14) {
        0 => Piece::plain(words(random)),
        1 => branch(random, depth, "if"),
        2 => branch(random, depth, "with"),
        3 | 4 => range(random, depth),
        5 => {
            let comment = comment(random);
            Piece::plain(comment)
        }
        6 => assignment(random),
        7 => define(random, depth),
        8 => Piece::plain(braces(
            random,
            &format!("include \"h.named\" {}", "(dict \"x\" 1 \"root\" $)"),
        )),
        9 => structure(random),
        _ => action(random),
    }
}

/// A comment, which must touch the braces but for a trim marker.
fn comment(random: &mut Random) -> String {
    let text = random.word(&["/* c */", "/* {{ x }} */", "/*\nlines\n*/"]);
    let open = random.word(&["{{", "{{- "]);
    let close = random.word(&["}}", " -}}"]);
    format!("{open}{text}{close}")
}

fn action(random: &mut Random) -> Piece {
    let text = expression(random, Type::Any, 3);
    let before = words(random);
    Piece::plain(format!("{before}{}", braces(random, &text)))
}

/// What most charts consist of: values as YAML below a key.
fn structure(random: &mut Random) -> Piece {
    let value = argument(random, Type::Any, 1);
    let depth = random.between(1, 4) * 2;
    let action = *random.pick(&["toYaml", "toYamlPretty", "toJson", "toPrettyJson"]);
    Piece::plain(format!(
        "spec:\n  {{{{- {action} {value} | nindent {depth} }}}}\n"
    ))
}

fn assignment(random: &mut Random) -> Piece {
    let (name, kind) = *random.pick(&[
        ("$s", Type::Text),
        ("$i", Type::Int),
        ("$b", Type::Bool),
        ("$l", Type::List),
        ("$m", Type::Map),
        ("$a", Type::Any),
    ]);
    let sign = *random.pick(&["=", ":="]);
    let value = expression(random, kind, 2);
    Piece::plain(braces(random, &format!("{name} {sign} {value}")))
}

fn branch(random: &mut Random, depth: usize, word: &str) -> Piece {
    let kind = *random.pick(&[Type::Bool, Type::Any, Type::Map, Type::Text]);
    let condition = expression(random, kind, 2);
    let variable = if random.one_in(4) { "$v := " } else { "" };
    let before = braces(random, &format!("{word} {variable}{condition}"));
    let mut inside = pieces(random, depth - 1);
    if random.one_in(2) {
        let other = expression(random, Type::Bool, 1);
        let text = match random.below(3) {
            0 => format!("else {word} {other}"),
            _ => "else".to_owned(),
        };
        inside.push(Piece::plain(braces(random, &text)));
        inside.extend(pieces(random, depth - 1));
    }
    Piece::around(before, inside, braces(random, "end"))
}

fn range(random: &mut Random, depth: usize) -> Piece {
    let kind = *random.pick(&[Type::List, Type::Map, Type::List, Type::Int, Type::Texts]);
    let over = expression(random, kind, 2);
    let variables = *random.pick(&["", "$x := ", "$k, $x := ", "$k, $x := "]);
    let before = braces(random, &format!("range {variables}{over}"));
    let mut inside = Vec::new();
    if variables.starts_with("$k") {
        inside.push(Piece::plain("{{ $k }}={{ $x | toJson }};"));
    } else {
        inside.push(Piece::plain("[{{ . | toJson }}]"));
    }
    if random.one_in(4) {
        let jump = *random.pick(&["break", "continue"]);
        let condition = expression(random, Type::Bool, 1);
        inside.push(Piece::plain(format!(
            "{{{{ if {condition} }}}}{{{{ {jump} }}}}{{{{ end }}}}"
        )));
    }
    if random.one_in(2) {
        inside.extend(pieces(random, depth - 1));
    }
    if random.one_in(4) {
        inside.push(Piece::plain(braces(random, "else")));
        inside.extend(pieces(random, depth - 1));
    }
    Piece::around(before, inside, braces(random, "end"))
}

/// A template of its own and its use; a definition cannot stand inside of a block, so `tpl` holds it.
fn define(random: &mut Random, depth: usize) -> Piece {
    let inside = pieces(random, depth - 1);
    if inside.iter().any(|piece| !piece.inside.is_empty()) {
        return action(random);
    }
    let argument = argument(random, Type::Any, 1);
    Piece::around(
        "{{ block \"b\" $ }}{{ $s := \"s\" }}{{ $i := 1 }}{{ $b := false }}{{ $l := list }}{{ $m := dict }}{{ $a := 1 }}".to_owned(),
        inside,
        format!("{{{{ end }}}}{{{{ template \"h.other\" {argument} }}}}"),
    )
}
