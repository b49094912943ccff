//! What is shown, and where: the terminal with a prompt in it, or two streams when a script plays.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anstyle::AnsiColor;
use mm_sim::Event;

use super::render::{FAILURE, Renderer, WARNING, styled};

/// Prints a line above the prompt.
pub(crate) type Printer = Box<dyn FnMut(String) + Send>;

/// Where lines go.
enum Target {
    /// A script plays: the chat to standard output, which is the transcript; logs, traces and the host's own words to standard
    /// error.
    Streams,
    /// People type: all in one place, above the prompt once there is one.
    Terminal(Option<Printer>),
}

/// The screen. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Screen {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    renderer: Renderer,
    target: Target,
    /// What was shown since the last action, without colours, for expectations.
    recent: Vec<String>,
}

impl Screen {
    /// A screen for a script.
    pub(crate) fn streams(renderer: Renderer) -> Self {
        Self::new(renderer, Target::Streams)
    }

    /// A screen for people.
    pub(crate) fn terminal(renderer: Renderer) -> Self {
        Self::new(renderer, Target::Terminal(None))
    }

    fn new(renderer: Renderer, target: Target) -> Self {
        Self { inner: Arc::new(Mutex::new(Inner { renderer, target, recent: Vec::new() })) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on there is a prompt, and lines go above it.
    pub(crate) fn set_printer(&self, printer: Printer) {
        self.inner().target = Target::Terminal(Some(printer));
    }

    /// Does something with the renderer.
    pub(crate) fn with_renderer<R>(&self, action: impl FnOnce(&mut Renderer) -> R) -> R {
        action(&mut self.inner().renderer)
    }

    /// Shows an event.
    pub(crate) fn event(&self, event: &Event) {
        let mut inner = self.inner();
        let lines = inner.renderer.event(event);
        // Logs and traces are not part of a transcript: what runs in the background is logged and traced in no fixed order.
        let is_aside = !matches!(event, Event::WebSocket(_));
        for line in lines {
            inner.show(&line, is_aside);
        }
    }

    /// Shows a line of the chat.
    pub(crate) fn line(&self, line: &str) {
        self.inner().show(line, false);
    }

    /// Shows why something did not work.
    pub(crate) fn error(&self, text: &str) {
        let mut inner = self.inner();
        for (i, line) in text.lines().enumerate() {
            let mark = if i == 0 { "✗ " } else { "  " };
            inner.show(&styled(FAILURE, format!("{mark}{line}")), false);
        }
    }

    /// Shows what works and is hardly meant so.
    pub(crate) fn warning(&self, text: &str) {
        self.inner().show(&styled(WARNING, format!("warning: {text}")), true);
    }

    /// Shows the host's own words.
    pub(crate) fn note(&self, text: &str) {
        let text = styled(AnsiColor::BrightBlack.on_default(), text);
        self.inner().show(&text, true);
    }

    /// Shows a line of a script as if it had been typed; what is shown after it is what `recent` knows.
    pub(crate) fn echo(&self, prompt: &str, line: &str) {
        let mut inner = self.inner();
        inner.recent.clear();
        write_line(anstream::stdout(), &format!("{}{line}", styled(AnsiColor::BrightBlack.on_default(), prompt)));
    }

    /// Whether something shown since the last action contains this text.
    pub(crate) fn showed(&self, text: &str) -> bool {
        let inner = self.inner();
        inner.recent.iter().any(|it| it.contains(text)) || inner.recent.join("\n").contains(text)
    }
}

impl Inner {
    fn show(&mut self, line: &str, is_aside: bool) {
        match &mut self.target {
            Target::Streams => {
                self.recent.push(anstream::adapter::strip_str(line).to_string());
                if is_aside {
                    write_line(anstream::stderr(), line);
                } else {
                    write_line(anstream::stdout(), line);
                }
            }
            Target::Terminal(None) => write_line(anstream::stdout(), line),
            Target::Terminal(Some(printer)) => printer(format!("{line}\n")),
        }
    }
}

/// Writes a line. When nobody reads any more (`mm-host dev … | head`) there is nobody to tell.
fn write_line(mut stream: impl Write, line: &str) {
    let _ = writeln!(stream, "{line}");
}
