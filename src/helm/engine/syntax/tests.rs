//! The grammar, by what is refused and what is not; what trees do is tested by executing them.

use super::parse::parse;

fn problem(source: &str) -> Option<String> {
    parse(source).err().map(|error| error.problem)
}

#[test]
fn what_go_refuses_is_refused() {
    let cases = [
        ("{{ nope 1 }}", "function `nope` not defined"),
        (
            "{{ toYml . }}",
            "function `toYml` not defined; did you mean `toYaml`?",
        ),
        ("{{ $x }}", "undefined variable `$x`"),
        (
            "{{ if 1 }}{{ $x := 1 }}{{ end }}{{ $x }}",
            "undefined variable `$x`",
        ),
        ("{{ break }}", "{{break}} outside {{range}}"),
        (
            "{{ range . }}{{ block \"b\" . }}{{ break }}{{ end }}{{ end }}",
            "{{break}} outside {{range}}",
        ),
        ("{{ end }}", "unexpected {{end}}"),
        ("{{ else }}", "unexpected {{else}}"),
        ("{{ if 1 }}", "unexpected EOF: this `if` has no `end`"),
        (
            "{{ if 1 }}{{ else }}{{ else }}{{ end }}",
            "expected end; found {{else}}",
        ),
        (
            "{{ range . }}{{ else if 1 }}{{ end }}",
            "unexpected `if` in input",
        ),
        ("{{ 1", "unclosed action"),
        ("{{ (1 }}", "unclosed left paren"),
        ("{{ 1) }}", "unexpected right paren"),
        ("{{ \"a }}", "unterminated quoted string"),
        ("{{ 'a }}", "unterminated character constant"),
        ("{{ `a }}", "unterminated raw quoted string"),
        ("{{/* a }}", "unclosed comment"),
        ("{{/* a */ 1 }}", "comment ends before closing delimiter"),
        ("{{ }}", "missing value for command"),
        ("{{ if }}{{ end }}", "missing value for if"),
        ("{{ 1 | 2 }}", "non executable command in pipeline stage 2"),
        ("{{ | len }}", "unexpected `|` in command"),
        ("{{ \"a\".b }}", "unexpected . after term `\"a\"`"),
        ("{{ 089 }}", "integer overflow: `089`"),
        ("{{ 1a }}", "bad number syntax"),
        ("{{ $a, $b := . }}", "too many declarations in command"),
        (
            "{{ range $a, 1 }}{{ end }}",
            "range can only initialize variables",
        ),
        (
            "{{ if 1 }}{{ define \"x\" }}{{ end }}{{ end }}",
            "unexpected `define` in command",
        ),
        ("{{ .a+1 }}", "bad character in a name"),
        ("{{ \"\\q\" }}", "invalid syntax in a quoted string"),
        ("{{ template foo }}", "unexpected `foo` in template clause"),
    ];
    for (source, expected) in cases {
        assert_eq!(problem(source).as_deref(), Some(expected), "{source}");
    }
}

#[test]
fn what_go_takes_is_taken() {
    let sources = [
        "{{- /* a */ -}}",
        "{{/* a */}}",
        "{{ $x := 1 }}{{ if $x }}{{ $x = 2 }}{{ else if $x }}{{ end }}",
        "{{ with $y := . }}{{ else with .a }}{{ else }}{{ $y }}{{ end }}",
        "{{ range $i, $v := . }}{{ if 1 }}{{ continue }}{{ end }}{{ end }}",
        "{{ (list 1 2 | len) }}{{ (dict).a.b }}",
        "{{ 1_000 }}{{ 0x1F }}{{ 'a' }}{{ 1e3 }}{{ -.5 }}",
        "{{ if 1 }}{{ $x := 1 }}{{ else }}{{ $x }}{{ end }}",
        "{{ define \"a\" }}{{ end }}{{ template \"a\" }}{{ block \"b\" . }}{{ end }}",
        "{{ (\nlist\n1\n) }}",
        "{{ 1 | }}",
    ];
    for source in sources {
        assert_eq!(problem(source), None, "{source}");
    }
}
