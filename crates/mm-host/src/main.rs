//! The `mm-host` command line: arguments and exit codes only.
//!
//! Exit codes: 0 all went well; 1 the plugin or the script failed; 2 wrong arguments.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use mm_host::dev::{self, key_value};
use mm_host::log::LogLevel;

/// What Mattermost sets when it starts a plugin's executable, so that people who start one by hand are told what it is.
const MAGIC_COOKIE: (&str, &str) = ("MATTERMOST_PLUGIN", "Securely message teams, collaborate anywhere.");

const ABOUT: &str = "Hosts a Mattermost plugin written in Python.

As the executable in a plugin's bundle it is started by a Mattermost server. By hand, `mm-host dev DIR` runs the plugin in \
a folder in a simulated Mattermost, with a chat in the terminal.";

#[derive(Parser)]
#[command(name = "mm-host", version, about = ABOUT, arg_required_else_help = false)]
struct Cli {
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Runs a plugin in a simulated Mattermost, with a chat in the terminal
    Dev(Dev),
}

#[derive(Args)]
struct Dev {
    /// The plugin's folder, with its plugin.json
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Play this script instead of a chat: one action a line
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Start the plugin again when one of its files changes; what the server holds stays
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
    match Cli::parse().task {
        Some(Task::Dev(task)) => run_dev(task),
        None if std::env::var(MAGIC_COOKIE.0).is_ok_and(|it| it == MAGIC_COOKIE.1) => {
            eprintln!("mm-host: this version runs plugins in its own simulated Mattermost only: mm-host dev DIR");
            ExitCode::FAILURE
        }
        None => {
            use clap::CommandFactory;
            let help = Cli::command().render_long_help();
            anstream::eprintln!("{}", help.ansi());
            ExitCode::from(2)
        }
    }
}

fn run_dev(task: Dev) -> ExitCode {
    let result = options(task).and_then(|options| {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
        let result = runtime.block_on(dev::run(options));
        // The line editor and standard input may still block a thread, which must not keep the program from ending.
        runtime.shutdown_background();
        result
    });
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            let red = anstyle::AnsiColor::Red.on_default();
            anstream::eprintln!("{red}error{red:#}: {why}");
            ExitCode::FAILURE
        }
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
    })
}

/// The settings in a JSON file, as texts.
fn settings_of(path: &std::path::Path) -> Result<Vec<(String, String)>, String> {
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
