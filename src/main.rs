//! The `vc` program: takes the process it is, and ends with what the library says.

use std::process::ExitCode;

fn main() -> ExitCode {
    vc::run(vc::Process::current())
}
