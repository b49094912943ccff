//! Plays a script: one action a line, and expectations between them.
//!
//! After every action the hooks that it set off are waited for, so a script needs no sleeping and prints the same each time. An action
//! that fails fails the script, unless what it failed with is expected. The script goes on after a failure, to show all of them.

use std::time::Duration;

use mm_sim::Feed;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, Lines};
use tokio::time::Instant;

use super::chat::Chat;
use super::command::{self, Command, Line};

/// How long an expectation is waited for: what a plugin does after its hook has returned is known to nobody but the plugin.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a line of a script failed.
struct Failure {
    line: usize,
    why: String,
}

/// A script at play.
struct Player<'a> {
    chat: &'a mut Chat,
    feed: Feed,
    failures: Vec<Failure>,
    /// The error of the last action, which the next expectation may want.
    unexpected: Option<Failure>,
}

/// Plays the lines of `script`; gives whether all went as it should.
pub(crate) async fn play(chat: &mut Chat, feed: Feed, script: impl AsyncBufRead + Unpin) -> bool {
    let mut player = Player { chat, feed, failures: Vec::new(), unexpected: None };
    player.settle().await;
    player.run(script.lines()).await;
    player.chat.plugin.end("the script is over").await;
    player.show();
    player.report()
}

impl Player<'_> {
    async fn run(&mut self, mut lines: Lines<impl AsyncBufRead + Unpin>) {
        let mut number = 0;
        while !self.chat.quit {
            let text = match lines.next_line().await {
                Ok(Some(text)) => text,
                Ok(None) => break,
                Err(error) => {
                    self.fail(number + 1, format!("cannot read the script: {error}"));
                    break;
                }
            };
            number += 1;
            match command::parse_script(&text) {
                Ok(Line::Nothing) => {
                    if text.trim_start().starts_with("# ") {
                        self.chat.screen.line(text.trim());
                    }
                }
                Ok(Line::Command(Command::Expect { text, wanted })) => self.expect(number, &text, wanted).await,
                Ok(line) => self.action(number, text.trim(), line).await,
                Err(why) => {
                    self.take_unexpected();
                    self.chat.screen.echo(&self.chat.prompt(), text.trim());
                    self.chat.screen.error(&why);
                    self.fail(number, why);
                }
            }
        }
        self.take_unexpected();
    }

    async fn action(&mut self, number: usize, text: &str, line: Line) {
        self.take_unexpected();
        self.show();
        self.chat.screen.echo(&self.chat.prompt(), text);
        let outcome = self.chat.act(line).await;
        self.settle().await;
        match outcome {
            Ok(lines) => lines.iter().for_each(|it| self.chat.screen.line(it)),
            Err(why) => {
                self.chat.screen.error(&why);
                self.unexpected = Some(Failure { line: number, why });
            }
        }
        self.chat.plugin.recovered().await;
        if let Some(why) = self.chat.plugin.take_crash() {
            self.chat.screen.error(&why);
            self.unexpected = Some(Failure { line: number, why });
        }
    }

    /// Waits for the hooks, and shows what happened.
    async fn settle(&mut self) {
        self.chat.settle().await;
        self.show();
    }

    fn show(&mut self) {
        for event in self.feed.drain() {
            self.chat.screen.event(&event);
        }
    }

    async fn expect(&mut self, number: usize, text: &str, wanted: bool) {
        let shown = if wanted { self.appears(text).await } else { self.chat.screen.showed(text) };
        if self.unexpected.as_ref().is_some_and(|it| wanted && it.why.contains(text)) {
            self.unexpected = None;
        }
        if shown != wanted {
            let what = if wanted { "expected, and not shown" } else { "shown, and not expected" };
            let why = format!("{what}: {text}");
            self.chat.screen.error(&why);
            self.fail(number, why);
        }
    }

    /// Whether the text is shown, now or soon.
    async fn appears(&mut self, text: &str) -> bool {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.chat.screen.showed(text) {
                return true;
            }
            match tokio::time::timeout_at(deadline, self.feed.recv()).await {
                Ok(Some(event)) => self.chat.screen.event(&event),
                Ok(None) | Err(_) => return false,
            }
        }
    }

    fn take_unexpected(&mut self) {
        self.failures.extend(self.unexpected.take());
    }

    fn fail(&mut self, line: usize, why: String) {
        self.failures.push(Failure { line, why });
    }

    fn report(&self) -> bool {
        for failure in &self.failures {
            self.chat.screen.note(&format!("line {}: {}", failure.line, failure.why));
        }
        if !self.failures.is_empty() {
            let plural = if self.failures.len() == 1 { "" } else { "s" };
            self.chat.screen.note(&format!("{} failure{plural}", self.failures.len()));
        }
        self.failures.is_empty()
    }
}
