//! `mm-host dev DIR`: a plugin in a simulated Mattermost, with a chat in the terminal, or a script in its place.

mod chat;
mod command;
mod installed;
mod mask;
mod outside;
mod plugin;
mod render;
mod screen;
mod script;
mod settings;
mod terminal;
mod watch;
mod web;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use mm_sim::{Feed, Server};
use tokio::io::BufReader;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

pub use self::settings::key_value;

use self::chat::Chat;
use self::command::Line;
use self::plugin::Plugin;
use self::render::Renderer;
use self::screen::Screen;
use self::terminal::{Input, Terminal};
use crate::log::LogLevel;
use crate::python_env::Progress;

/// How long a typed action's hooks are waited for before the next prompt: what comes later is printed above it.
const BEFORE_PROMPT: Duration = Duration::from_millis(300);

/// The seed of ids in a script's server, so that what depends on them is the same each time.
const SEED: u64 = 1;

/// The installer's lines that are worth showing: what takes time.
const INSTALLER_STEPS: [&str; 3] = ["Building", "Collecting", "Installing"];

/// How a plugin is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The plugin's folder.
    pub dir: PathBuf,
    /// Folder that holds the SDK, when it is not one of the plugin's requirements.
    pub sdk: Option<PathBuf>,
    /// The interpreter, when not the one that is found.
    pub python: Option<PathBuf>,
    /// Where virtual environments are kept, when not in the user's cache folder.
    pub cache_dir: Option<PathBuf>,
    /// A script to play. Without one, and with no terminal to type in, standard input is played.
    pub script: Option<PathBuf>,
    /// Let a new process take over when a file of the plugin changes.
    pub watch: bool,
    /// Show every hook and API call.
    pub trace: bool,
    /// The least level of log records to show.
    pub log_level: LogLevel,
    /// Settings of the plugin.
    pub settings: Vec<(String, String)>,
    /// Environment variables for the plugin's process.
    pub variables: Vec<(String, String)>,
    /// How long Python may take to start.
    pub start_timeout: Duration,
    /// Who types at first.
    pub user: String,
    /// Where to serve HTTP: `/plugins/<id>/…`. Port 0 takes a free one.
    pub http: Option<SocketAddr>,
    /// Where to serve the plugin's metrics.
    pub metrics: Option<SocketAddr>,
}

/// Runs the plugin until the chat or the script ends; gives whether all went well.
///
/// # Errors
/// A text for people when the plugin cannot start, or the script cannot be read.
pub async fn run(options: Options) -> Result<bool, String> {
    let plays = options.script.is_some() || !std::io::stdin().is_terminal();
    let server = if plays {
        Server::demo_with(mm_sim::Options { seed: Some(SEED), ..mm_sim::Options::default() })
    } else {
        Server::demo()
    };
    let mut renderer = Renderer::new(server.clone(), options.log_level, plays);
    renderer.tracing = options.trace;
    server.set_tracing(options.trace);
    let screen = if plays { Screen::streams(renderer) } else { Screen::terminal(renderer) };
    let feed = server.subscribe();
    let _listeners = web::listen(&server, &screen, &options).await?;
    let options = Arc::new(options);
    let plugin = Plugin::new(options.clone(), server.clone());
    let current = plugin.current();
    let chat = Chat::new(server, plugin, screen, &options.user)?;
    let session = async { if plays { play(chat, feed, &options).await } else { talk(chat, feed, &options).await } };
    tokio::select! {
        result = session => result,
        signal = interrupted() => {
            let host = current.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(host) = host {
                host.stop("interrupted").await;
            }
            Err(format!("ended by {signal}"))
        }
    }
}

/// Waits for a request to end: Ctrl-C where no line is edited, or the end of the terminal or session.
async fn interrupted() -> &'static str {
    let wait = async |kind: SignalKind, name: &'static str| {
        match signal(kind) {
            Ok(mut signals) => signals.recv().await,
            Err(_) => std::future::pending().await,
        };
        name
    };
    tokio::select! {
        name = wait(SignalKind::interrupt(), "SIGINT") => name,
        name = wait(SignalKind::terminate(), "SIGTERM") => name,
        name = wait(SignalKind::hangup(), "SIGHUP") => name,
    }
}

/// Plays the script.
async fn play(mut chat: Chat, feed: Feed, options: &Options) -> Result<bool, String> {
    let script = match &options.script {
        Some(path) => {
            let file = tokio::fs::File::open(path).await;
            Some(file.map_err(|error| format!("cannot read {}: {error}", path.display()))?)
        }
        None => None,
    };
    let mut feed = feed;
    if let Err(why) = chat.restart().await {
        // What the plugin logged explains the error.
        feed.drain().iter().for_each(|it| chat.screen.event(it));
        return Err(why);
    }
    Ok(match script {
        Some(file) => script::play(&mut chat, feed, BufReader::new(file)).await,
        None => script::play(&mut chat, feed, BufReader::new(tokio::io::stdin())).await,
    })
}

/// Lets people type.
async fn talk(mut chat: Chat, mut feed: Feed, options: &Options) -> Result<bool, String> {
    if let Err(why) = pumped(&chat.screen.clone(), &mut feed, chat.restart()).await {
        feed.drain().iter().for_each(|it| chat.screen.event(it));
        if !options.watch {
            return Err(why);
        }
        chat.screen.error(&why);
        chat.screen.note("waiting for a file of the plugin to change");
    }
    chat.screen.note("type a message or a slash command (Tab completes it); :help lists the commands of this terminal");
    let terminal = Terminal::start(chat.server.clone(), chat.shared_place(), &chat.screen)?;
    let changes = if options.watch { watch::watch(chat.plugin.dir()) } else { mpsc::channel(1).1 };
    Talk { chat, feed, terminal, changes, watching: options.watch }.run().await;
    Ok(true)
}

/// What wakes the chat.
enum Woken {
    Input(Input),
    Event(mm_sim::Event),
    Changed(Vec<PathBuf>),
    Crashed,
}

/// A chat with somebody at the terminal.
struct Talk {
    chat: Chat,
    feed: Feed,
    terminal: Terminal,
    changes: mpsc::Receiver<Vec<PathBuf>>,
    watching: bool,
}

impl Talk {
    async fn run(mut self) {
        self.terminal.ask(&self.chat.prompt());
        while !self.chat.quit {
            match self.wait().await {
                Woken::Event(event) => self.chat.screen.event(&event),
                Woken::Input(Input::Line(line)) => {
                    self.act(&line).await;
                    if !self.chat.quit {
                        self.terminal.ask(&self.chat.prompt());
                    }
                }
                Woken::Input(Input::Interrupt | Input::End) => self.chat.quit = true,
                Woken::Changed(files) => self.reload(&files).await,
                Woken::Crashed => {
                    if let Some(why) = self.chat.plugin.take_crash() {
                        self.chat.screen.error(&why);
                        let next = if self.chat.plugin.is_running() {
                            "the plugin is started again"
                        } else {
                            "the plugin does not run; :restart starts it again"
                        };
                        self.chat.screen.note(next);
                    }
                }
            }
        }
        let screen = self.chat.screen.clone();
        let stopping = async {
            self.chat.plugin.end("the chat is over").await;
            Ok(Vec::new())
        };
        let _ = pumped(&screen, &mut self.feed, stopping).await;
    }

    async fn wait(&mut self) -> Woken {
        let Self { chat, feed, terminal, changes, watching } = self;
        tokio::select! {
            input = terminal.input() => Woken::Input(input),
            Some(event) = feed.recv() => Woken::Event(event),
            Some(files) = changes.recv(), if *watching => Woken::Changed(files),
            () = chat.plugin.crashed() => Woken::Crashed,
        }
    }

    async fn act(&mut self, line: &str) {
        let screen = self.chat.screen.clone();
        let outcome = match command::parse(line) {
            Ok(Line::Nothing) => return,
            Ok(line) => {
                let chat = &mut self.chat;
                let action = async {
                    let outcome = chat.act(line).await;
                    chat.settle_within(BEFORE_PROMPT).await;
                    outcome
                };
                pumped(&screen, &mut self.feed, action).await
            }
            Err(why) => Err(why),
        };
        match outcome {
            Ok(lines) => lines.iter().for_each(|it| screen.line(it)),
            Err(why) => screen.error(&why),
        }
    }

    async fn reload(&mut self, files: &[PathBuf]) {
        let screen = self.chat.screen.clone();
        let names: Vec<String> = files.iter().take(3).map(|it| it.display().to_string()).collect();
        let more = if files.len() > 3 { format!(" and {} more", files.len() - 3) } else { String::new() };
        screen.note(&format!("{}{more} changed", names.join(", ")));
        if let Err(why) = pumped(&screen, &mut self.feed, self.chat.swap()).await {
            screen.error(&why);
        }
    }
}

/// Does something while events are shown as they come.
async fn pumped(screen: &Screen, feed: &mut Feed, action: impl Future<Output = chat::Outcome>) -> chat::Outcome {
    let mut action = pin!(action);
    let outcome = loop {
        tokio::select! {
            biased;
            Some(event) = feed.recv() => screen.event(&event),
            outcome = &mut action => break outcome,
        }
    };
    feed.drain().iter().for_each(|it| screen.event(it));
    outcome
}

/// Shows what is prepared.
fn progress(screen: &Screen, progress: &Progress) {
    match progress {
        Progress::CreatingVenv(path) => screen.note(&format!("preparing Python in {}", path.display())),
        Progress::Installing { source } => {
            let name =
                source.file_name().map_or_else(|| source.display().to_string(), |it| it.to_string_lossy().into_owned());
            screen.note(&format!("installing what {name} lists"));
        }
        Progress::Installer(line) if INSTALLER_STEPS.iter().any(|it| line.starts_with(it)) => {
            // Which list a package comes from was said before.
            let step = line.split(" (from ").next().unwrap_or(line);
            screen.note(&format!("  {step}"));
        }
        Progress::Installer(_) => {}
        Progress::Done => screen.note("Python is prepared"),
    }
}
