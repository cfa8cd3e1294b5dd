//! What the project promises, measured on a real host beside other programs that do the same: `make bench`.
//!
//! It reports and never fails for a figure: a bound that is missed is marked. The host is the one of `tests/host`;
//! `VC_BENCH_KUBECONFIG` names another, such as one with the real control plane; `VC_BENCH_REGISTRY` is where its images
//! are. `vcluster` is measured if it is on the path.

mod agent;
mod create;
mod list;
mod measure;
mod render;
mod report;
mod tunnel;
mod wake;
mod world;

use std::path::Path;
use std::process::ExitCode;

use measure::{Runs, time};
use report::{Report, Unit, say};
use world::World;

type Part = fn(&World, &mut Report) -> Result<(), String>;

/// The parts, by the word that chooses one: `cargo bench --all-features --bench vc -- create`.
const PARTS: [(&str, Part); 7] = [
    ("start", start),
    ("render", render::measure),
    ("list", list::measure),
    ("agent", agent::measure),
    ("tunnel", tunnel::measure),
    ("create", create::measure),
    ("wake", wake::measure),
];

fn main() -> ExitCode {
    let chosen = chosen();
    if let [word, arguments @ ..] = &*chosen
        && word == tunnel::WORD
    {
        let kubeconfig = world::variable("KUBECONFIG").unwrap_or_default();
        let Err(error) = tunnel::serve(&kubeconfig, arguments) else {
            return ExitCode::SUCCESS;
        };
        say(&format!("error: {error}"));
        return ExitCode::FAILURE;
    }
    let mut parts = PARTS
        .iter()
        .filter(|(word, _)| chosen.is_empty() || chosen.iter().any(|chosen| chosen == word));
    let mut report = Report::default();
    let measured = World::new().and_then(|world| {
        say(&world.description());
        parts.try_for_each(|(_, part)| part(&world, &mut report))
    });
    report.print();
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// The words on the command line; cargo adds a flag of its own.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark has no `Process` to ask"
)]
fn chosen() -> Vec<String> {
    std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect()
}

/// What a program costs before it does anything.
fn start(world: &World, report: &mut Report) -> Result<(), String> {
    let ours = Runs::of(31, || time(&mut world.vc("version")))?;
    report.figure("`vc version`", &ours, Unit::Milliseconds, Some(3.0));
    let size = world::size_of(Path::new(world::VC))?;
    let vcluster = world.program("vcluster");
    if let Some(vcluster) = &vcluster {
        let theirs = Runs::of(5, || time(&mut world.command(vcluster, "version")))?;
        report.peer("`vcluster version`", &theirs);
    }
    report.figure("the program", &Runs::one(size), Unit::Megabytes, Some(15.0));
    if let Some(vcluster) = vcluster {
        report.peer("`vcluster`", &Runs::one(world::size_of(&vcluster)?));
    } else {
        report.absent("`vcluster`");
    }
    Ok(())
}
