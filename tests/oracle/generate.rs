//! Charts made at random, compared with Helm one by one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::case::{Case, difference};
use crate::helm::{Helm, Version};
use crate::known::Known;
use crate::random::Random;
use crate::shrink::shrink;
use crate::template::{Piece, pieces, text_of};
use crate::{ours, yaml};

/// How many cases one run of the tests makes.
const CASES: u64 = 2_000;
/// Where the seeds of the tests begin; another start makes other cases.
const FIRST_SEED: u64 = 1;
/// Templates that generated ones call.
const HELPERS: &str = "{{ define \"h.named\" }}<{{ .x }} {{ .root.Release.Name }}>{{ end }}\
    {{- define \"h.other\" }}({{ . | toJson }}){{ end }}";

/// A chart in the parts that shrinking takes away.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) values: Vec<String>,
    pub(crate) set: Vec<String>,
}

impl Made {
    pub(crate) fn from_seed(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let values = yaml::document(&mut random);
        let pieces = pieces(&mut random, 2);
        let mut set = Vec::new();
        if random.one_in(3) {
            let numbers = [
                "1",
                "0",
                "007",
                "9007199254740993",
                "1.5",
                "true",
                "null",
                "text",
                "a\\,b",
                "{1,x}",
                "",
            ];
            set.push(format!("a2={}", random.pick(&numbers)));
            set.push(format!("m1.set={}", random.pick(&numbers)));
        }
        Self {
            pieces,
            values,
            set,
        }
    }

    pub(crate) fn case(&self) -> Case {
        let files = [
            (
                "Chart.yaml",
                "apiVersion: v2\nname: gen\nversion: 0.1.0\n".to_owned(),
            ),
            ("values.yaml", self.values.concat()),
            ("templates/_helpers.tpl", HELPERS.to_owned()),
            ("templates/x.yaml", text_of(&self.pieces)),
        ];
        Case {
            files: files.map(|(name, text)| (name.to_owned(), text)).into(),
            set: self.set.clone(),
            ..Case::default()
        }
    }
}

/// What a run has seen.
#[derive(Default)]
struct Tally {
    cases: u64,
    rendered: u64,
    known: BTreeMap<Known, u64>,
    failures: Vec<String>,
}

impl Tally {
    fn run(&mut self, helm: &mut Helm, seed: u64) {
        let made = Made::from_seed(seed);
        let case = made.case();
        let theirs = helm.render(&case);
        self.cases += 1;
        self.rendered += u64::from(theirs.is_ok());
        let ours = ours::render(&case);
        if difference(&theirs, &ours).is_none() {
            return;
        }
        if let Some(known) = Known::reason(&case, &ours, helm) {
            *self.known.entry(known).or_default() += 1;
            return;
        }
        let small = shrink(made, |case| {
            let ours = ours::render(case);
            difference(&helm.render(case), &ours).is_some()
                && Known::reason(case, &ours, helm).is_none()
        });
        let case = small.case();
        let found = difference(&helm.render(&case), &ours::render(&case)).unwrap_or_default();
        self.failures.push(format!(
            "seed {seed}\n{}\n--- values\n{}--- set {:?}\n{found}",
            case.files["templates/x.yaml"], case.files["values.yaml"], case.set
        ));
    }

    fn conclude(self) {
        let Self {
            cases,
            rendered,
            known,
            failures,
        } = self;
        let mut summary = format!(
            "{cases} generated cases, {rendered} of them rendered by Helm and the rest refused; {} differences",
            failures.len()
        );
        for (reason, count) in known {
            let _ = write!(summary, ", {count} known ({reason})");
        }
        report(&summary, &failures);
    }
}

/// Fails with what differs, or says how much was compared.
pub(crate) fn report(summary: &str, failures: &[String]) {
    assert!(
        failures.is_empty(),
        "{summary}\n\n{}",
        failures.join("\n\n")
    );
    eprintln_summary(summary);
}

#[expect(
    clippy::print_stderr,
    reason = "how many cases were compared is part of the outcome"
)]
fn eprintln_summary(summary: &str) {
    eprintln!("{summary}");
}

#[expect(clippy::disallowed_methods, reason = "a test has no `Process` to ask")]
pub(crate) fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn generated_charts_render_as_helm_4_renders_them() {
    let mut helm = Helm::start(Version::V4);
    let mut tally = Tally::default();
    let first = asked("VC_ORACLE_SEED").unwrap_or(FIRST_SEED);
    for seed in first..first + asked("VC_ORACLE_CASES").unwrap_or(CASES) {
        tally.run(&mut helm, seed);
    }
    tally.conclude();
}

#[test]
#[ignore = "runs for as long as VC_ORACLE_SECONDS says: `make fuzz`"]
fn generated_charts_go_on_rendering_as_helm_4_renders_them() {
    let mut helm = Helm::start(Version::V4);
    let mut tally = Tally::default();
    let end = Instant::now() + Duration::from_secs(asked("VC_ORACLE_SECONDS").unwrap_or(60));
    let mut seed = asked("VC_ORACLE_SEED").unwrap_or_else(|| u64::from(std::process::id()) << 32);
    while Instant::now() < end && tally.failures.len() < 10 {
        tally.run(&mut helm, seed);
        seed += 1;
    }
    tally.conclude();
}
