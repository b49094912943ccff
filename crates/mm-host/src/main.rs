//! The `mm-host` command line: arguments and exit codes only.
//!
//! Exit codes: 0 all went well; 1 the plugin or the script failed; 2 wrong arguments.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use mm_host::audit;
use mm_host::bundle::{self, layout::Target};
use mm_host::check;
use mm_host::dev::{self, key_value};
use mm_host::log::LogLevel;
use mm_host::python_env::Progress;
use mm_host::scaffold::{Id, Part, Plan, ScaffoldError};
use mm_host::supervisor::janitor;
use mm_host::{status, upstream};

/// Of the static program: with musl's own allocator large bodies take half as long again. docs/internals/performance.md has figures.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ABOUT: &str = "Hosts a Mattermost plugin written in Python.

As the executable in a plugin's bundle it is started by a Mattermost server. By hand, `mm-host new NAME` makes a plugin, \
`mm-host dev DIR` runs the one in a folder in a simulated Mattermost, with a chat in the terminal, and `mm-host bundle DIR` makes the \
file that a server takes.";

#[derive(Parser)]
#[command(name = "mm-host", version, about = ABOUT, arg_required_else_help = false)]
struct Cli {
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Makes a new plugin: a folder that runs, with tests, types, and a workflow for GitHub
    New(New),
    /// Runs a plugin in a simulated Mattermost, with a chat in the terminal
    Dev(Dev),
    /// Makes of a plugin's folder the file that an administrator uploads
    Bundle(Bundle),
    /// Says what is wrong with a plugin or a bundle, and how to mend it; runs nothing of it
    Check(Check),
    /// Says what a plugin or a bundle may do, before it is installed; runs nothing of it
    Audit(Audit),
    /// Says what the plugins on this machine are doing: their processes, calls, queues, memory; asks their hosts
    Status(Status),
}

#[derive(Args)]
struct New {
    /// The folder to make, called like the plugin: my-plugin
    #[arg(value_name = "NAME")]
    path: PathBuf,
    /// What it is to have
    #[arg(long, value_name = "PART", value_enum, value_delimiter = ',', default_value = "command")]
    with: Vec<Part>,
    /// Its id, a domain of yours backwards and its name; asked for in a terminal, com.example.NAME elsewhere
    #[arg(long, value_name = "ID")]
    id: Option<Id>,
}

#[derive(Args)]
struct Bundle {
    /// The plugin's folder, with its plugin.json
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Where the servers run: linux-amd64, linux-arm64; this machine's unless given
    #[arg(long, value_name = "TARGET", value_delimiter = ',', value_parser = Target::parse)]
    target: Vec<Target>,
    /// The mm-host of a target, in place of this program; may be given several times
    #[arg(long, value_name = "TARGET=PATH", value_parser = for_target)]
    host: Vec<(Target, PathBuf)>,
    /// Folder of a relocatable Python to put into the bundle, for servers without one; for one target only if it is named
    #[arg(long, value_name = "[TARGET=]DIR", value_parser = perhaps_for_target)]
    python: Vec<(Option<Target>, PathBuf)>,
    /// The SDK to put into the bundle: a wheel, or the folder that holds it, in place of an installed one
    #[arg(long, value_name = "[TARGET=]PATH", value_parser = perhaps_for_target, env = "MM_HOST_SDK")]
    sdk: Vec<(Option<Target>, PathBuf)>,
    /// The Python whose pip fetches the dependencies
    #[arg(long, value_name = "PATH")]
    build_python: Option<PathBuf>,
    /// The Python that the dependencies are for, such as 3.12; that of --python or --build-python unless given
    #[arg(long, value_name = "VERSION")]
    python_version: Option<String>,
    /// The file to write, or a folder for it; dist in the plugin's folder unless given
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
}

#[derive(Args)]
struct Check {
    /// A plugin's folder, a bundle, or an unpacked bundle
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Where the servers run, for the wheels of a plugin's dependencies
    #[arg(long, value_name = "TARGET", value_delimiter = ',', value_parser = Target::parse)]
    target: Vec<Target>,
    /// Do not ask the package index for wheels
    #[arg(long)]
    offline: bool,
    /// The Python whose pip asks for wheels
    #[arg(long, value_name = "PATH")]
    build_python: Option<PathBuf>,
    /// The Python that wheels are looked for, such as 3.12
    #[arg(long, value_name = "VERSION")]
    python_version: Option<String>,
}

#[derive(Args)]
struct Audit {
    /// A bundle, an unpacked bundle, or a plugin's folder
    path: PathBuf,
    /// How to say it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// For people or for programs.
#[derive(Clone, Copy, Default, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

#[derive(Args)]
struct Status {
    /// A plugin's folder or id; all plugins that run unless given
    #[arg(value_name = "DIR|ID")]
    plugin: Option<String>,
    /// How to say it
    #[arg(long, value_enum, default_value_t)]
    format: status::Format,
}

#[derive(Args)]
struct Dev {
    /// The plugin's folder, with its plugin.json
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Play this script instead of a chat: one action a line
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Let a new process take over when one of the plugin's files changes; the old one goes on if that fails
    #[arg(long)]
    watch: bool,
    /// Show every hook and API call
    #[arg(long)]
    trace: bool,
    /// Show log records from this level on: debug, info, warn, error
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: LogLevel,
    /// A setting of the plugin; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    config: Vec<(String, String)>,
    /// Settings of the plugin, as a JSON object
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// An environment variable for the plugin, which sees only a few harmless ones of yours; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    env: Vec<(String, String)>,
    /// The user who types at first
    #[arg(long = "as", value_name = "USER", default_value = "anna")]
    user: String,
    /// Serve HTTP at this address: /plugins/ID/… as on a Mattermost server; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    http: Option<SocketAddr>,
    /// Serve the plugin's metrics at this address: /plugins/ID/metrics
    #[arg(long, value_name = "ADDRESS:PORT")]
    metrics: Option<SocketAddr>,
    /// The Python interpreter; one of a virtual environment is used with its packages
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// The folder that holds the SDK, in place of an installed one
    #[arg(long, value_name = "DIR", env = "MM_HOST_SDK")]
    sdk: Option<PathBuf>,
    /// How long Python may take to start, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    start_timeout: u64,
}

fn main() -> ExitCode {
    // Before anything else: the server waits 3 s for the handshake. It gives no arguments.
    if std::env::args_os().len() <= 1 && upstream::started_by_server() {
        return upstream::executable();
    }
    match Cli::parse().task {
        Some(Task::New(task)) => run_new(task),
        Some(Task::Dev(task)) => run_dev(task),
        Some(Task::Bundle(task)) => run_bundle(task),
        Some(Task::Check(task)) => run_check(task),
        Some(Task::Audit(task)) => run_audit(&task),
        Some(Task::Status(task)) => run_status(&task),
        None => explain(),
    }
}

/// What somebody reads who starts the program without saying what for.
fn explain() -> ExitCode {
    use clap::CommandFactory;
    let bundle = std::env::current_exe().ok().and_then(|it| bundle::layout::bundle_of(&it).map(Path::to_owned));
    if let Some(bundle) = bundle {
        let bundle = bundle.display();
        anstream::eprintln!(
            "This is the executable of the plugin in {bundle}, which a Mattermost server starts. By hand, run the plugin in a \
             simulated Mattermost:\n\n  mm-host dev {bundle}\n"
        );
    }
    let help = Cli::command().render_long_help();
    anstream::eprintln!("{}", help.ansi());
    ExitCode::from(2)
}

fn run_dev(task: Dev) -> ExitCode {
    // Before there is a second thread; without one a host that is killed leaves a folder behind.
    let _ = janitor::start();
    let result = options(task).and_then(|options| {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
        let result = runtime.block_on(dev::run(options));
        // The line editor and standard input may still block a thread, which must not keep the program from ending.
        runtime.shutdown_background();
        result
    });
    janitor::end();
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => fail(&why),
    }
}

fn fail(why: &str) -> ExitCode {
    let red = anstyle::AnsiColor::Red.on_default();
    anstream::eprintln!("{red}error{red:#}: {why}");
    ExitCode::FAILURE
}

fn run_new(task: New) -> ExitCode {
    let made = Plan::new(&task.path, &task.with).and_then(|plan| {
        let (input, output) = (std::io::stdin(), anstream::stderr());
        let id = match task.id {
            Some(id) => id,
            None if input.is_terminal() && output.is_terminal() => {
                plan.ask_id(&mut input.lock(), &mut output.lock()).map_err(|error| {
                    ScaffoldError::Argument(format!("the id could not be asked for ({error}): give --id"))
                })?
            }
            None => plan.example_id(),
        };
        plan.write(id)
    });
    match made {
        Ok(made) => {
            anstream::print!("{made}");
            ExitCode::SUCCESS
        }
        Err(error @ ScaffoldError::Argument(_)) => {
            fail(&error.to_string());
            ExitCode::from(2)
        }
        Err(error) => fail(&error.to_string()),
    }
}

fn run_bundle(task: Bundle) -> ExitCode {
    let pythons = task.python.into_iter().flat_map(|(target, dir)| {
        let targets = if target.is_none() && task.target.is_empty() { here() } else { task.target.clone() };
        target.map_or(targets, |it| vec![it]).into_iter().map(move |it| (it, dir.clone()))
    });
    let options = bundle::Options {
        dir: task.dir,
        pythons: pythons.collect(),
        hosts: task.host.into_iter().collect(),
        sdks: task.sdk.into_iter().collect::<BTreeMap<_, _>>(),
        targets: task.target,
        build_python: task.build_python,
        python_version: task.python_version,
        output: task.output,
    };
    match bundle::run(&options, &mut show) {
        Ok(report) => {
            anstream::print!("{report}");
            for warning in &report.warnings {
                anstream::eprintln!("{warning}");
            }
            ExitCode::SUCCESS
        }
        Err(bundle::BundleError::Findings(findings)) => print_findings(&findings),
        Err(error) => fail(&error.to_string()),
    }
}

fn run_check(task: Check) -> ExitCode {
    let options = check::Options {
        targets: task.target,
        offline: task.offline,
        build_python: task.build_python,
        python_version: task.python_version,
    };
    // pip's talk is of no use here: it fails on purpose.
    print_findings(&check::run(&task.path, &options, &mut |_| {}))
}

/// Prints what there is to say; fails when something is wrong with the files.
fn run_audit(task: &Audit) -> ExitCode {
    let audit = match audit::run(&task.path) {
        Ok(audit) => audit,
        Err(findings) => return print_findings(&findings),
    };
    match task.format {
        Format::Text => anstream::print!("{audit}"),
        Format::Json => {
            anstream::println!("{}", serde_json::to_string_pretty(&audit).expect("texts and numbers"));
        }
    }
    if audit.findings.iter().any(|it| it.starts_with("error: ")) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Prints how plugins are; fails when there is none, or one has failed.
fn run_status(task: &Status) -> ExitCode {
    let id = match task.plugin.as_deref().map(status::id_of).transpose() {
        Ok(id) => id,
        Err(why) => return fail(&why),
    };
    let found = status::find(id.as_deref());
    for silent in &found.silent {
        anstream::eprintln!("a host does not answer: {silent}");
    }
    match status::answer(&found, id.as_deref(), task.format) {
        Ok((text, well)) => {
            anstream::print!("{text}");
            if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(why) => fail(&why),
    }
}

/// One line for each; success when none is an error.
fn print_findings(findings: &[check::Finding]) -> ExitCode {
    for finding in findings {
        anstream::eprintln!("{finding}");
    }
    if findings.iter().any(check::Finding::is_error) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn show(progress: Progress) {
    match progress {
        Progress::Installing { source } => anstream::eprintln!("fetching the dependencies in {}", source.display()),
        Progress::Installer(line) if line.starts_with("Collecting") => anstream::eprintln!("  {line}"),
        Progress::Installer(_) | Progress::CreatingVenv(_) | Progress::Done => {}
    }
}

/// This machine, if servers run on its like.
fn here() -> Vec<Target> {
    Target::here().into_iter().collect()
}

fn for_target(text: &str) -> Result<(Target, PathBuf), String> {
    let (target, path) = text.split_once('=').ok_or_else(|| format!("{text:?} is no TARGET=PATH"))?;
    Ok((Target::parse(target)?, PathBuf::from(path)))
}

fn perhaps_for_target(text: &str) -> Result<(Option<Target>, PathBuf), String> {
    match text.split_once('=') {
        Some((target, path)) if !Path::new(text).exists() => Ok((Some(Target::parse(target)?), PathBuf::from(path))),
        _ => Ok((None, PathBuf::from(text))),
    }
}

fn options(task: Dev) -> Result<dev::Options, String> {
    let mut settings = match &task.settings {
        Some(path) => settings_of(path)?,
        None => Vec::new(),
    };
    settings.extend(task.config);
    Ok(dev::Options {
        dir: task.dir,
        sdk: task.sdk,
        python: task.python,
        cache_dir: None,
        script: task.script,
        watch: task.watch,
        trace: task.trace,
        log_level: task.log_level,
        settings,
        variables: task.env,
        start_timeout: Duration::from_secs(task.start_timeout),
        user: task.user,
        http: task.http,
        metrics: task.metrics,
    })
}

/// The settings in a JSON file, as texts.
fn settings_of(path: &Path) -> Result<Vec<(String, String)>, String> {
    let refuse = |why: String| format!("{}: {why}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
    let fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&text).map_err(|error| refuse(format!("no JSON object: {error}")))?;
    let as_text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(fields.into_iter().map(|(key, value)| (key, as_text(value))).collect())
}
