//! Tasks of this repository; `cargo xtask --help` lists them.
//!
//! One subcommand is one module, holding `struct Args` (clap) and `fn run(Args) -> anyhow::Result<()>`; this file only
//! names them. The crates these tasks call do no I/O of their own: reading and writing the disk happens here.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod chaos;
mod ci;
mod compat;
mod dev;
mod drift;
mod gob;
mod ir;
mod older_peer;
mod output;
mod python;
mod regenerate;
mod release;
mod surface;
mod test;
mod upgrade;
mod upstream;
mod venv;
mod workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks of this repository", version)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

/// Every task, in the order of the pipeline.
#[derive(Subcommand)]
enum Task {
    /// Reads Mattermost's Go source and writes surface/surface.json
    Surface(surface::Args),
    /// Compares another version of Mattermost with the one in surface/surface.json
    Drift(drift::Args),
    /// Moves to another version of Mattermost
    Upgrade(upgrade::Args),
    /// Makes protos, Rust, Python and reference pages from the files in surface/
    Regenerate(regenerate::Args),
    /// Shows the intermediate representation between the surface and the targets
    Ir(ir::Args),
    /// Reads and writes gob streams with Go's field names, a JSON line a value
    Gob(gob::Args),
    /// Builds the native module and puts it into the Python package
    Python(python::Args),
    /// Runs a plugin in a simulated Mattermost, with a chat in the terminal
    Dev(dev::Args),
    /// Runs every test
    Test(test::Args),
    /// Disturbs a plugin on a miniature Mattermost for any length of time: kills, stops, cuts; needs Go
    Chaos(chaos::Args),
    /// Builds for release and measures; docs/internals/performance.md says what
    Bench(bench::Args),
    /// Makes the files of a release: programs, wheels, what is in them, what is new
    Dist(release::Args),
    /// Runs what CI runs: the tests, the formatters, the linters and the type checkers
    Ci(ci::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Surface(args) => surface::run(args),
        Task::Drift(args) => return drift::run(&args),
        Task::Upgrade(args) => upgrade::run(&args),
        Task::Regenerate(args) => regenerate::run(args),
        Task::Ir(args) => ir::run(args),
        Task::Gob(args) => gob::run(args),
        Task::Python(args) => python::run(args),
        Task::Dev(args) => dev::run(args),
        Task::Test(args) => test::run_tests(args),
        Task::Chaos(args) => chaos::run_chaos(&args),
        Task::Bench(args) => bench::run(args),
        Task::Dist(args) => release::run_dist(args),
        Task::Ci(args) => ci::run_ci(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
