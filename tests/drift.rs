//! Generated files are what the program would generate now, and the fences between modules stand.
//!
//! `make generate` writes the files anew; this test says which of them it should be run for.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory, ValueEnum};
use regex::Regex;
use vc::cli::Cli;
use vc::command::completion::Shell;
use vc::error::Kind;
use vc::settings::{By, SETTINGS, Setting, VARIABLES};

/// Modules that could become crates of their own by moving a folder.
const FENCED: [&str; 3] = ["cluster", "helm", "kubeconfig"];

#[test]
fn completions_are_what_the_program_prints() {
    let mut files = BTreeSet::new();
    for shell in Shell::value_variants() {
        let file = format!("completions/vc.{}", extension(*shell));
        let script = shell.script().expect("a script for every shell");
        assert_current(&file, &script);
        files.insert(file);
    }
    assert_eq!(
        files_in("completions"),
        files,
        "completions/ has a file for each shell and no other"
    );
}

#[test]
fn the_reference_is_what_the_command_line_is() {
    assert_current("docs/reference.md", &reference());
}

#[test]
fn the_page_of_template_functions_names_each() {
    assert_current("docs/template-functions.md", &template_functions());
}

/// The `docs/template-functions.md` of the engine's tables.
fn template_functions() -> String {
    let mut page = "<!-- Generated from the tables in src/helm/funcs by `make generate`. Do not edit. -->\n\n\
        # Template functions\n\n\
        What a chart can call, by theme, with the types that Go wants of its arguments: `any` takes everything, `value` \
        everything and tells nil apart, and what ends in `...` may come any number of times. They do what they do in Helm \
        4.3; [the oracle](contributing.md#beside-the-real-helm) compares them.\n"
        .to_owned();
    let mut count = 0;
    for (theme, functions) in vc::helm::functions() {
        let _ = write!(
            page,
            "\n## {theme}\n\n| Function | Arguments |\n|---|---|\n"
        );
        for (name, signature) in functions {
            count += 1;
            let arguments = if signature.is_empty() {
                String::new()
            } else {
                format!("`{signature}`")
            };
            let _ = writeln!(page, "| `{name}` | {arguments} |");
        }
    }
    let _ = write!(
        page,
        "\n{count} in all. `env` and `expandenv` are not there, as in Helm; `getHostByName` answers nothing, as Helm \
         does without `--enable-dns`; `lookup` asks the host when a chart is installed.\n"
    );
    page
}

#[test]
fn every_exit_code_is_explained() {
    let page = read("docs/exit-codes.md");
    for (kind, meaning) in KINDS {
        let row = format!("| {} | {meaning} |", kind.code());
        assert!(
            page.contains(&row),
            "docs/exit-codes.md has no row that begins `{row}`"
        );
    }
}

#[test]
fn fenced_modules_use_nothing_of_ours_outside_themselves() {
    let mut crossings = String::new();
    for module in FENCED {
        let folder = root().join("src").join(module);
        for file in rust_files(&folder) {
            let depth = depth(&folder, &file);
            for crossing in crossings_of(&read_path(&file), module, depth) {
                writeln!(crossings, "{}: {crossing}", file.display())
                    .expect("a string takes any text");
            }
        }
    }
    assert!(
        crossings.is_empty(),
        "these leave the folder they are in:\n{crossings}"
    );
}

#[test]
fn the_scan_for_crossings_finds_them() {
    let crossing = |line: &str, depth| crossings_of(line, "helm", depth).len();
    assert_eq!(crossing("use crate::helm::Chart;", 0), 0);
    assert_eq!(crossing("use crate::host::Host;", 0), 1);
    assert_eq!(crossing("use crate::{helm, host};", 0), 1);
    assert_eq!(crossing("pub(in crate::helm) fn f() {}", 0), 0);
    assert_eq!(crossing("use crate::helmsman;", 0), 1);
    assert_eq!(crossing("use vc::error::Error;", 0), 1);
    assert_eq!(crossing("//! as [`crate::host`] does", 0), 0);
    assert_eq!(crossing("use super::Chart;", 1), 0);
    assert_eq!(crossing("use super::super::host;", 1), 1);
    assert_eq!(crossing("mod tests {\n    use super::*;\n}", 0), 0);
    assert_eq!(
        crossing("mod tests {\n    use super::super::host;\n}", 0),
        1
    );
}

/// The `docs/reference.md` of this command line.
fn reference() -> String {
    let mut root = Cli::command();
    root.build();
    let head = "<!-- Generated from the command line itself by `make generate`. Do not edit. -->\n\n# Reference\n\n\
                `vc help COMMAND` prints the same on a terminal. [guide.md](guide.md) goes by task instead.\n\n";
    let global = root
        .get_arguments()
        .filter(|argument| argument.is_global_set());
    [
        head,
        &about(&root),
        "\n| Command | |\n|---|---|\n",
        &commands(&root)
            .map(contents_row)
            .collect::<Vec<_>>()
            .concat(),
        &commands(&root).map(section).collect::<Vec<_>>().concat(),
        "\n## Global options\n\nEvery command takes them, before or after its name.\n\n",
        &options(global),
        &settings(),
        &exit_codes(),
    ]
    .concat()
}

fn contents_row(command: &Command) -> String {
    let name = command.get_name();
    let aliases = command.get_visible_aliases();
    let aliases: Vec<String> = aliases.map(|alias| format!(", `{alias}`")).collect();
    let about = command.get_about();
    let text = cell(&about.expect("every command says what it does").to_string());
    format!("| [`{name}`](#vc-{name}){} | {text} |\n", aliases.concat())
}

/// What a command says of itself.
fn about(command: &Command) -> String {
    let text = command.get_long_about().or_else(|| command.get_about());
    format!(
        "{}\n",
        text.expect("every command says what it does")
            .to_string()
            .trim_end()
    )
}

/// The subcommands that users are told of.
fn commands(root: &Command) -> impl Iterator<Item = &Command> {
    root.get_subcommands()
        .filter(|command| !command.is_hide_set() && command.get_name() != "help")
}

fn section(command: &Command) -> String {
    let below = commands(command).map(|below| {
        subsection(
            "###",
            &format!("{} {}", command.get_name(), below.get_name()),
            below,
        )
    });
    subsection("##", command.get_name(), command) + &below.collect::<String>()
}

/// What is said of one command, below a heading of that depth.
fn subsection(depth: &str, name: &str, command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let own = |argument: &&Arg| {
        !argument.is_global_set() && !["help", "version"].contains(&argument.get_id().as_str())
    };
    let table = options(command.get_arguments().filter(own));
    let gap = if table.is_empty() { "" } else { "\n" };
    format!(
        "\n{depth} `vc {name}`\n\n{}\n```text\n{usage}\n```\n{gap}{table}",
        about(command)
    )
}

/// A table of arguments; nothing if there are none.
fn options<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let rows: Vec<String> = arguments
        .filter(|argument| !argument.is_hide_set())
        .map(row)
        .collect();
    if rows.is_empty() {
        String::new()
    } else {
        format!("| Argument | |\n|---|---|\n{}", rows.concat())
    }
}

fn row(argument: &Arg) -> String {
    let text = argument.get_long_help().or_else(|| argument.get_help());
    let text = text.map(|text| cell(&text.to_string())).unwrap_or_default();
    let values: Vec<String> = argument
        .get_possible_values()
        .iter()
        // A switch has the values `true` and `false`, which nobody types.
        .filter(|value| argument.get_action().takes_values() && !value.is_hide_set())
        .map(|value| match value.get_help() {
            Some(help) => format!("`{}` ({})", value.get_name(), cell(&help.to_string())),
            None => format!("`{}`", value.get_name()),
        })
        .collect();
    let one_of = if values.is_empty() { "" } else { ". One of " };
    format!(
        "| {} | {text}{one_of}{} |\n",
        spelling(argument),
        values.join(", ")
    )
}

/// How an argument is typed.
fn spelling(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let values = names
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ");
    if argument.is_positional() {
        let dashes = if argument.is_last_set() { "-- " } else { "" };
        return format!("`{dashes}{values}`");
    }
    let values = if argument.get_action().takes_values() {
        format!(" {values}")
    } else {
        String::new()
    };
    let short = argument
        .get_short()
        .map(|short| format!("`-{short}`, "))
        .unwrap_or_default();
    let long = argument.get_long().expect("every option has a long name");
    format!("{short}`--{long}{values}`")
}

fn settings() -> String {
    let rows = SETTINGS.iter().map(|setting| {
        let Setting {
            key,
            variable,
            flag,
            meaning,
            default,
            ..
        } = setting;
        let default = default.map(|default| format!("`{default}`"));
        format!(
            "| `{key}` | `{variable}` | `{flag}` | {} | {} |\n",
            cell(meaning),
            default.unwrap_or_default()
        )
    });
    let variables = VARIABLES
        .iter()
        .map(|(variable, meaning)| format!("| `{variable}` | {} |\n", cell(meaning)));
    let own: Vec<String> = SETTINGS
        .iter()
        .filter(|setting| setting.by == By::User)
        .map(|setting| format!("`{}`", setting.key))
        .collect();
    [
        "\n## Settings\n\nFlags come first, then variables, then `vc.yaml` in the working folder, then `config.yaml` in \
         `~/.config/vc`, then what is built in.\n\n| Key in the files | Variable | Flag | | Built in |\n\
         |---|---|---|---|---|\n",
        &rows.collect::<Vec<_>>().concat(),
        "\n`vc.yaml` comes with a repository, so it may not set ",
        &own.join(", "),
        ".\n\nOther variables that are read:\n\n| Variable | |\n|---|---|\n",
        &variables.collect::<Vec<_>>().concat(),
    ]
    .concat()
}

/// The kinds of failure, and what the documents say of each.
const KINDS: [(Kind, &str); 8] = [
    (Kind::Failed, "could not be done"),
    (Kind::Usage, "wrong usage"),
    (Kind::Host, "host unreachable, or it refused us"),
    (Kind::NotFound, "no such virtual cluster"),
    (Kind::Exists, "already exists and differs"),
    (Kind::Timeout, "timed out waiting"),
    (Kind::Bug, "our bug"),
    (Kind::Interrupted, "interrupted"),
];

fn exit_codes() -> String {
    let rows = KINDS.map(|(kind, meaning)| format!("| {} | {meaning} |\n", kind.code()));
    [
        "\n## Exit codes\n\n| Code | Meaning |\n|---|---|\n| 0 | done, or already so |\n",
        &rows.concat(),
        "\n`vc connect NAME -- COMMAND` ends with the command's own code. [exit-codes.md](exit-codes.md) says more.\n",
    ]
    .concat()
}

/// Text that stays within one cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

fn extension(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
        Shell::Powershell => "ps1",
        Shell::Elvish => "elv",
    }
}

/// Asserts that a file is what it should be, or makes it so with `VC_GENERATE=1`.
fn assert_current(file: &str, wanted: &str) {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test has no process value to ask"
    )]
    let is_generating = std::env::var_os("VC_GENERATE").is_some();
    let path = root().join(file);
    if is_generating {
        fs::write(&path, wanted).expect("a file of the repository can be written");
    }
    let is_current = fs::read_to_string(&path).is_ok_and(|found| found == wanted);
    assert!(
        is_current,
        "`{file}` is not what would be generated now; run `make generate`"
    );
}

/// What in a file's text leads out of its fenced module. `depth` is how many folders deep its module lies.
fn crossings_of(text: &str, module: &str, depth: usize) -> Vec<String> {
    let absolute = Regex::new(r"\b(?:crate|vc)::(\w+|\{|\*)").expect("a correct pattern");
    let relative = Regex::new(r"\b(?:super::)+").expect("a correct pattern");
    let inline = Regex::new(r"^(?:pub(?:\(\w+\))? )?mod \w+ \{").expect("a correct pattern");
    let mut crossings = Vec::new();
    let mut inside = 0;
    for line in text.lines() {
        if inline.is_match(line) {
            inside = 1;
        } else if line == "}" {
            inside = 0;
        }
        let code = line.split("//").next().unwrap_or_default();
        let leaves = absolute
            .captures_iter(code)
            .any(|found| &found[1] != module)
            || relative
                .find_iter(code)
                .any(|found| found.as_str().matches("super").count() > depth + inside);
        if leaves {
            crossings.push(line.trim().to_owned());
        }
    }
    crossings
}

/// How many modules lie between a fenced module and the one that this file is.
fn depth(folder: &Path, file: &Path) -> usize {
    let below = file.strip_prefix(folder).expect("a file of that folder");
    let is_folder = below.file_name().is_some_and(|name| name == "mod.rs");
    below.components().count() - usize::from(is_folder)
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn files_in(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(folder)).expect("a folder of the repository");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry of it").file_name();
    entries
        .map(|entry| format!("{folder}/{}", name(entry).to_string_lossy()))
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    read_path(&root().join(file))
}

fn read_path(path: &Path) -> String {
    fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("cannot read `{}`: {error}", path.display()))
}
