//! The line editor of the chat: history, Tab completion, lines printed above the prompt. It blocks, so it has a thread of its own.

use std::sync::mpsc as blocking;
use std::sync::{Arc, Mutex, PoisonError};

use mm_sim::{Server, Suggestion};
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, ExternalPrinter, Helper};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::chat::Place;
use super::command::COMMANDS;
use super::screen::Screen;

/// What somebody typed.
pub(crate) enum Input {
    Line(String),
    /// Ctrl-C at the prompt.
    Interrupt,
    /// Ctrl-D, or no more input.
    End,
}

/// The line editor.
pub(crate) struct Terminal {
    prompts: blocking::Sender<String>,
    inputs: mpsc::Receiver<Input>,
}

impl Terminal {
    /// Starts the editor; the screen prints above its prompt from now on.
    ///
    /// # Errors
    /// When the terminal cannot be used.
    pub(crate) fn start(server: Server, place: Arc<Mutex<Place>>, screen: &Screen) -> Result<Self, String> {
        let config = Config::builder().completion_type(CompletionType::List).auto_add_history(true).build();
        let mut editor =
            Editor::<Completion, DefaultHistory>::with_config(config).map_err(|error| error.to_string())?;
        editor.set_helper(Some(Completion { server, place, runtime: Handle::current() }));
        let mut printer = editor.create_external_printer().map_err(|error| error.to_string())?;
        screen.set_printer(Box::new(move |line| {
            // A terminal that is gone ends the program through its input.
            let _ = printer.print(painted(line));
        }));
        let (prompts, asked) = blocking::channel::<String>();
        let (typed, inputs) = mpsc::channel(1);
        std::thread::Builder::new()
            .name("mm-host-terminal".to_owned())
            .spawn(move || {
                for prompt in asked {
                    let input = match editor.readline(&prompt) {
                        Ok(line) => Input::Line(line),
                        Err(ReadlineError::Interrupted) => Input::Interrupt,
                        Err(_) => Input::End,
                    };
                    if typed.blocking_send(input).is_err() {
                        return;
                    }
                }
            })
            .map_err(|error| error.to_string())?;
        Ok(Self { prompts, inputs })
    }

    /// Shows the prompt; the next input answers it.
    pub(crate) fn ask(&self, prompt: &str) {
        // The editor's thread is gone: its input says so.
        let _ = self.prompts.send(prompt.to_owned());
    }

    /// What is typed next.
    pub(crate) async fn input(&mut self) -> Input {
        self.inputs.recv().await.unwrap_or(Input::End)
    }
}

/// The line with its colours, or without when the terminal or the user wants none.
fn painted(line: String) -> String {
    match anstream::AutoStream::choice(&std::io::stdout()) {
        anstream::ColorChoice::Never => anstream::adapter::strip_str(&line).to_string(),
        _ => line,
    }
}

/// Completes slash commands as the message box of Mattermost does, and the commands of this terminal.
struct Completion {
    server: Server,
    place: Arc<Mutex<Place>>,
    runtime: Handle,
}

impl Completion {
    fn place(&self) -> Place {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn slash(&self, typed: &str) -> Vec<Pair> {
        let place = self.place();
        let Ok(actor) = self.server.act_as(&place.user) else { return Vec::new() };
        let suggestions = self.runtime.block_on(actor.suggest(&place.channel_id, typed));
        let pair = |it: Suggestion| {
            // With a blank after it, as clients do: what comes next is an argument.
            let replacement = format!("/{} ", it.complete.trim_start_matches('/').trim_end());
            let display = [replacement.trim_end(), &it.hint, &it.description].join("  ");
            Pair { display, replacement }
        };
        suggestions.into_iter().map(pair).collect()
    }

    fn colon(&self, typed: &str) -> (usize, Vec<Pair>) {
        let Some((command, argument)) = typed.split_once(' ') else {
            let fitting = COMMANDS.iter().filter(|it| it.name.starts_with(typed));
            let pair = |it: &super::command::Row| Pair {
                display: format!(":{} {}", it.name, it.arguments),
                replacement: format!(":{} ", it.name),
            };
            return (0, fitting.map(pair).collect());
        };
        let candidates: Vec<String> = match command {
            "as" | "invite" | "remove" => self.server.users().into_iter().map(|it| it.username).collect(),
            "go" => self.channels(),
            "trace" => vec!["on".to_owned(), "off".to_owned()],
            "log" => vec!["debug".to_owned(), "info".to_owned(), "warn".to_owned(), "error".to_owned()],
            _ => Vec::new(),
        };
        let fitting = candidates.into_iter().filter(|it| it.starts_with(argument));
        let pairs = fitting.map(|it| Pair { display: it.clone(), replacement: it }).collect();
        (typed.len() - argument.len() + 1, pairs)
    }

    fn channels(&self) -> Vec<String> {
        let Ok(actor) = self.server.act_as(&self.place().user) else { return Vec::new() };
        let channels = actor.channels().into_iter().filter(|it| it.channel.r#type != "D").map(|it| it.channel.name);
        let users = self.server.users().into_iter().map(|it| format!("@{}", it.username));
        channels.chain(users).collect()
    }
}

impl Completer for Completion {
    type Candidate = Pair;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = &line[..position];
        Ok(match typed.strip_prefix(':') {
            Some(typed) => self.colon(typed),
            None if typed.starts_with('/') => (0, self.slash(typed)),
            None => (position, Vec::new()),
        })
    }
}

impl Hinter for Completion {
    type Hint = String;
}

impl Highlighter for Completion {}
impl Validator for Completion {}
impl Helper for Completion {}
