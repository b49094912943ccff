//! Errors of calls, and errors in results.

use mm_goplugin::rpc::CallError;
use tonic::{Code, Status};

use crate::error::ApiError;
use crate::plugin::v1::{AppError, ErrorValue};

/// The id of the `AppError` of a configuration that was not sent to the server, which has settings unknown here.
pub const UNKNOWN_SETTINGS: &str = "mattermost_plugin.unknown_settings";

/// How many settings an error names.
const MOST_NAMED: usize = 5;

/// Who serves the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The API: the server's.
    Server,
    /// The hooks: the plugin's.
    Plugin,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Server => "the Mattermost server",
            Self::Plugin => "the plugin",
        }
    }

    /// What Go's servers answer for a method that they know and have no implementation of.
    fn not_implemented(self, method: &str) -> String {
        match self {
            Self::Server => format!("API {method} called but not implemented"),
            Self::Plugin => format!("hook {method} called but not implemented"),
        }
    }

    fn not_supported(self, method: &str) -> ApiError {
        match self {
            Self::Server => ApiError::not_supported_by_server(method),
            Self::Plugin => ApiError::not_supported(method),
        }
    }
}

/// Why a call to `side` has no result.
pub(super) fn failed(side: Side, method: &str, error: &CallError) -> ApiError {
    if error.is_method_missing() {
        return side.not_supported(method);
    }
    let status = match error {
        // Go writes "Hook" and "hook", with and without a full stop.
        CallError::Remote(text) if text.trim_end_matches('.').eq_ignore_ascii_case(&side.not_implemented(method)) => {
            return side.not_supported(method);
        }
        CallError::Remote(text) => Status::internal(format!("{method}: {} answered: {text}", side.name())),
        CallError::Closed(reason) => Status::unavailable(format!(
            "{method}: the connection to {} is lost ({reason}); whether the call was carried out is unknown",
            side.name()
        )),
        CallError::Encode(error) => {
            Status::invalid_argument(format!("{method}: an argument cannot be sent to {}: {error}", side.name()))
        }
        CallError::Decode(error) => {
            Status::internal(format!("{method}: the answer of {} cannot be read: {error}", side.name()))
        }
        CallError::TooManyCalls => {
            Status::resource_exhausted(format!("{method}: too many calls wait for {}", side.name()))
        }
        other => Status::internal(format!("{method}: {other}")),
    };
    ApiError::Transport(status)
}

/// The error of a call of the server's API that has no result: for methods with streams, which [`super::ApiClient`] leaves to others.
pub fn call_of_api_failed(method: &str, error: &CallError) -> ApiError {
    failed(Side::Server, method, error)
}

/// The text of a call that `side` fails: Go's own words for a method that is not there.
pub(super) fn text(side: Side, method: &str, error: &ApiError) -> String {
    if error.is_not_supported() { side.not_implemented(method) } else { format!("{method} failed: {error}") }
}

/// The error in the form that a method's last result has.
pub(super) trait GoError: Default + Send + 'static {
    /// The error that `method` failed with.
    fn from_api(method: &str, error: ApiError) -> Self;
    /// Makes it fit for a server to show.
    fn prepare(self) -> Self;
}

impl GoError for AppError {
    fn from_api(method: &str, error: ApiError) -> Self {
        let (message, status_code) = match error {
            ApiError::App(error) => return error,
            ApiError::Plain(ErrorValue { app_error: Some(error), .. }) => return *error,
            ApiError::Plain(error) => (error.message, 500),
            ApiError::Transport(status) => (status.message().to_owned(), http_status(status.code())),
        };
        Self { message, status_code, r#where: method.to_owned(), ..Self::default() }
    }

    fn prepare(self) -> Self {
        for_server(self)
    }
}

impl GoError for ErrorValue {
    fn from_api(_: &str, error: ApiError) -> Self {
        match error {
            ApiError::Plain(error) => error,
            ApiError::App(error) => {
                Self { message: error.message.clone(), app_error: Some(Box::new(error)), ..Self::default() }
            }
            ApiError::Transport(status) => Self { message: status.message().to_owned(), ..Self::default() },
        }
    }

    fn prepare(mut self) -> Self {
        self.app_error = self.app_error.map(|error| Box::new(for_server(*error)));
        self
    }
}

/// A plugin's `AppError` as a server can take it: with a status that HTTP knows, and with its message kept. The server
/// puts its translation of the id in the message's place, and has none for a plugin's id.
pub fn for_server(mut error: AppError) -> AppError {
    if !(100..=999).contains(&error.status_code) {
        error.status_code = 500;
    }
    error.skip_translation |= !error.message.is_empty();
    error
}

fn http_status(code: Code) -> i64 {
    match code {
        Code::Unavailable => 503,
        Code::DeadlineExceeded => 504,
        Code::Unimplemented => 501,
        _ => 500,
    }
}

/// Why a configuration does not go back to the server, and what to do.
pub(super) fn unknown_settings(unknown: &[String]) -> String {
    let mut named = unknown.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if unknown.len() > MOST_NAMED {
        named.push_str(&format!(" and {} more", unknown.len() - MOST_NAMED));
    }
    format!(
        "The configuration was not sent: this server has settings that are unknown here ({named}), and saving would reset \
         them. Build the plugin with a version of mattermost_plugin made for this server, or change the setting in the \
         System Console."
    )
}
