//! The benchmark: what a call between Python and the host costs, and how fast things start. `cargo xtask bench` builds what it needs
//! and runs it; `docs/internals/performance.md` records what it found.
//!
//! Three contestants make the same calls, in turns ([`contest`]): the SDK under the real host with the simulator behind it, grpcio in
//! the SDK's place ([`hosted`]), and two processes of plain tonic that only echo ([`echo`]). With programs written in Go beside it, it
//! measures against Go too: plugins under go-plugin ([`server`]) and gob ([`gob`]).

mod calls;
mod contest;
mod echo;
mod echo_plugin;
mod gob;
mod hosted;
mod lines;
mod report;
mod samples;
mod server;
mod startup;
mod web;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use tokio::runtime::Builder;

use contest::{Contestant, Direction, Plan, Series};
use echo::Echo;
use hosted::Hosted;
use report::{ECHO, GRPCIO, Report, SDK};
use startup::Tools;

#[derive(Parser)]
#[command(about = "Measures calls between Python and the host, and how fast things start")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one, made once")]
enum Command {
    /// Measures
    Run(Options),
    /// The other process of the tonic echo; started by `run`
    #[command(hide = true)]
    EchoPeer { socket: PathBuf },
    /// A plugin process without Python; started by `mm-host`
    #[command(hide = true)]
    EchoPlugin,
}

#[derive(clap::Args)]
struct Options {
    /// Folder of the repository
    #[arg(long)]
    root: PathBuf,
    /// Python with grpcio, to run the plugins
    #[arg(long)]
    python: PathBuf,
    /// Folder that holds the package `mattermost_plugin`, with its native module built for release
    #[arg(long)]
    sdk: PathBuf,
    /// The release build of `xtask`; measured when given
    #[arg(long, requires = "host")]
    xtask: Option<PathBuf>,
    /// The release build of `mm-host`; measured when given
    #[arg(long, requires = "xtask")]
    host: Option<PathBuf>,
    /// `server/public` of a Mattermost checkout, to measure how fast it is read
    #[arg(long)]
    source: Option<PathBuf>,
    /// Folder of the programs written in Go: minimost, refplugin, gobbench; what needs them is measured when given
    #[arg(long, requires = "host")]
    go: Option<PathBuf>,
    /// Fewer rounds: to see that everything works
    #[arg(long)]
    quick: bool,
    /// How many rounds of calls
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Only these contestants
    #[arg(long, value_delimiter = ',', default_values_t = [ECHO.to_owned(), SDK.to_owned(), GRPCIO.to_owned()])]
    only: Vec<String>,
    /// Only these calls
    #[arg(long, value_delimiter = ',', default_values = ["api", "hook"])]
    directions: Vec<Direction>,
    /// How many callers there are at the same time
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8])]
    callers: Vec<usize>,
    /// Writes everything to this file as JSON too
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let mut builder = match command {
        // The host is in this process, and has one thread as under a server.
        Command::Run(_) => Builder::new_current_thread(),
        Command::EchoPeer { .. } | Command::EchoPlugin => Builder::new_multi_thread(),
    };
    let done = builder.enable_all().build().map_err(Into::into).and_then(|it| it.block_on(execute(command)));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("a target was missed");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn execute(command: Command) -> Result<bool> {
    match command {
        Command::EchoPeer { socket } => echo::serve(&socket).await.map(|()| true),
        Command::EchoPlugin => echo_plugin::serve().await.map(|()| true),
        Command::Run(options) => run(options).await,
    }
}

/// Measures, prints, and says whether all targets hold.
async fn run(options: Options) -> Result<bool> {
    let mut report = Report::default();
    report.add_calls(&calls(&options).await?);
    if let (Some(go), Some(host)) = (&options.go, &options.host) {
        let (rounds, calls) = if options.quick { (3, 200) } else { (options.rounds, 1000) };
        gob::measure(&go.join("gobbench"), rounds, &mut report)?;
        let Options { root, python, sdk, .. } = &options;
        server::Server { root, host, python, sdk, go, rounds, calls }.measure(&mut report).await?;
    }
    if let (Some(xtask), Some(host)) = (options.xtask, options.host) {
        let times = if options.quick { 1 } else { 5 };
        let Options { root, python, sdk, source, .. } = options;
        let tools = Tools { root, xtask, host, python, sdk, source, times };
        report = tokio::task::spawn_blocking(move || tools.measure(&mut report).map(|()| report)).await??;
    }
    print!("{}", report.to_markdown());
    if let Some(file) = options.json {
        std::fs::write(&file, report.to_json()?).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(report.holds())
}

async fn calls(options: &Options) -> Result<Vec<Series>> {
    let folder = tempfile::tempdir()?;
    let plugins = options.root.join("benches/plugins");
    let wanted = |who: &str| options.only.iter().any(|it| it == who);
    let hosted = async |folder: &str, who: &str| -> Result<Option<Hosted>> {
        let bundle: &Path = &plugins.join(folder);
        match wanted(who) {
            true => Hosted::start(bundle, &options.python, &options.sdk).await.map(Some),
            false => Ok(None),
        }
    };
    let echo = if wanted(ECHO) { Some(Echo::start(folder.path()).await?) } else { None };
    let sdk = hosted("sdk", SDK).await?;
    let grpcio = hosted("grpcio", GRPCIO).await?;

    let mut contestants: Vec<(&'static str, &dyn Contestant)> = Vec::new();
    contestants.extend(echo.as_ref().map(|it| (ECHO, it as &dyn Contestant)));
    contestants.extend(sdk.as_ref().map(|it| (SDK, it as &dyn Contestant)));
    contestants.extend(grpcio.as_ref().map(|it| (GRPCIO, it as &dyn Contestant)));
    let (rounds, sequential, concurrent) = if options.quick { (3, 200, 50) } else { (options.rounds, 500, 250) };
    let (directions, callers) = (options.directions.clone(), options.callers.clone());
    let plan = Plan { directions, callers, rounds, sequential, concurrent };
    let series = contest::run(&plan, &contestants).await;
    for plugin in [sdk, grpcio].iter().flatten() {
        plugin.stop().await;
    }
    series
}
