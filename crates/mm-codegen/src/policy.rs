//! What hosts and SDKs need to know of a hook when its handler fails: who waits for its answer, and how "no" is said there.
//!
//! Both follow from the shape of the hook's results, so a new hook of Mattermost needs no line here.

use crate::ir::{Ir, Method, Outcome, Stream};

/// Who waits for a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nobody: it tells what has happened, and has no results.
    Tells,
    /// Somebody whose doing it may change or refuse.
    Decides,
    /// Somebody who wants what it gives: the answer to a command, to a request, to a call of the server's own.
    Serves,
}

/// How a hook's answer refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// By a text in the response: the numbers of the fields that lead to it.
    Reason(Vec<u32>),
    /// By a Go error.
    Error,
    /// By an `AppError`.
    AppError,
}

/// Who waits for `hook`.
pub fn kind(hook: &Method) -> Kind {
    let answers_with_reason = matches!(hook.outcome, Outcome::Verdict | Outcome::Rejection);
    // Those that ask before something happens say so in their names, also where they cannot refuse it.
    if answers_with_reason || hook.refuses || hook.name.snake.split('_').any(|word| word == "will") {
        return Kind::Decides;
    }
    let silent = hook.outcome == Outcome::Value && hook.results.is_empty() && hook.stream == Stream::None;
    if silent { Kind::Tells } else { Kind::Serves }
}

/// How `hook` refuses; `None` where it cannot.
pub fn refusal(ir: &Ir, hook: &Method) -> Option<Refusal> {
    match hook.outcome {
        Outcome::Verdict | Outcome::Rejection => Some(Refusal::Reason(reason(ir, hook))),
        Outcome::ValueOrError if hook.refuses => Some(Refusal::Error),
        Outcome::ValueOrAppError => Some(Refusal::AppError),
        Outcome::ValueOrError | Outcome::Value => None,
    }
}

/// The way to the reason, which is the last result: of the response itself, or of the last part of a stream.
fn reason(ir: &Ir, hook: &Method) -> Vec<u32> {
    let last = hook.results.last().map(|it| it.number);
    let part = ir
        .stream_messages
        .get(&hook.response)
        .and_then(|it| it.message.fields.iter().find(|it| it.name.snake == "result"));
    part.map(|it| it.number).into_iter().chain(last).collect()
}
