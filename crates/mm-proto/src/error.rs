//! The error of both traits, and its form on the wire.
//!
//! A failed call is a gRPC status. `grpc-status-details-bin` holds a `google.rpc.Status` whose only detail is the
//! `AppError`, or the `ErrorValue` of a plain Go error, so nothing is lost between two ends of ours, and a stranger with
//! any gRPC library still sees a fitting code and a message.

use std::fmt;

use prost::Message as _;
use tonic::{Code, Status};

use crate::methods::MethodInfo;
use crate::plugin::v1::{AppError, ErrorValue};

/// What an API method or a hook can fail with.
#[derive(Debug, Clone)]
pub enum ApiError {
    /// Mattermost's own error: an id, a message for people and an HTTP status.
    App(AppError),
    /// A plain Go `error`: a text, and a code for the well-known ones.
    Plain(ErrorValue),
    /// The call did not get through, or its answer did not.
    Transport(Status),
}

/// The id of the `AppError` for a method that the other side does not have.
pub const NOT_SUPPORTED: &str = "mattermost_plugin.not_supported";

const APP_ERROR_URL: &str = "type.googleapis.com/mattermost.plugin.v1.AppError";
const ERROR_VALUE_URL: &str = "type.googleapis.com/mattermost.plugin.v1.ErrorValue";

/// HTTP/2 peers accept 16 KiB of header fields by default, the details take 4/3 of their size in base64, and a longer
/// status would lose the whole answer.
const MOST_DETAILS_BYTES: usize = 8 * 1024;
const MOST_MESSAGE_BYTES: usize = 1024;
const SHORTENED: &str = "… (shortened)";

impl ApiError {
    /// The method exists, and this side does not have it: HTTP status 501.
    pub fn not_supported(method: &str) -> Self {
        ApiError::app(NOT_SUPPORTED, format!("{method} is not supported here."), 501, method)
    }

    /// The server is older than the API method with this Go name, and the error says which version has it: HTTP status 501.
    pub fn not_supported_by_server(method: &str) -> Self {
        let message = match MethodInfo::find(method).map(|it| it.since).filter(|it| !it.is_empty()) {
            Some(since) => {
                format!("This Mattermost server does not have {method}: it needs Mattermost {since} or newer.")
            }
            None => format!("This Mattermost server does not have {method}."),
        };
        ApiError::app(NOT_SUPPORTED, message, 501, method)
    }

    /// Whether this says that the other side does not have the method.
    pub fn is_not_supported(&self) -> bool {
        matches!(self, ApiError::App(error) if error.id == NOT_SUPPORTED)
    }

    /// An `AppError` with its id, its message, its HTTP status and where it happened.
    pub fn app(
        id: impl Into<String>,
        message: impl Into<String>,
        http_status: i64,
        r#where: impl Into<String>,
    ) -> Self {
        ApiError::App(AppError {
            id: id.into(),
            message: message.into(),
            status_code: http_status,
            r#where: r#where.into(),
            ..AppError::default()
        })
    }

    /// A plain Go error of this text.
    pub fn plain(message: impl Into<String>) -> Self {
        ApiError::Plain(ErrorValue { message: message.into(), ..ErrorValue::default() })
    }

    /// The HTTP status of an `AppError`.
    pub fn http_status(&self) -> Option<i64> {
        match self {
            ApiError::App(error) => Some(error.status_code),
            ApiError::Plain(_) | ApiError::Transport(_) => None,
        }
    }

    /// The gRPC code that the error travels under.
    pub fn code(&self) -> Code {
        match self {
            ApiError::App(error) => code_of_http(error.status_code),
            ApiError::Plain(_) => Code::Unknown,
            ApiError::Transport(status) => status.code(),
        }
    }
}

/// The one table from HTTP status to gRPC code.
fn code_of_http(http_status: i64) -> Code {
    match http_status {
        400 => Code::InvalidArgument,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::NotFound,
        409 => Code::AlreadyExists,
        413 | 429 => Code::ResourceExhausted,
        501 => Code::Unimplemented,
        503 => Code::Unavailable,
        _ => Code::Internal,
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApiError::App(error) => {
                if !error.r#where.is_empty() {
                    write!(f, "{}: ", error.r#where)?;
                }
                f.write_str(&error.message)?;
                if !error.detailed_error.is_empty() {
                    write!(f, ", {}", error.detailed_error)?;
                }
                Ok(())
            }
            ApiError::Plain(error) => f.write_str(&error.message),
            ApiError::Transport(status) => write!(f, "{:?}: {}", status.code(), status.message()),
        }
    }
}

impl std::error::Error for ApiError {}

impl From<AppError> for ApiError {
    fn from(error: AppError) -> Self {
        ApiError::App(error)
    }
}

impl From<ErrorValue> for ApiError {
    fn from(error: ErrorValue) -> Self {
        ApiError::Plain(error)
    }
}

impl From<ApiError> for Status {
    fn from(error: ApiError) -> Self {
        let code = error.code();
        let (message, url, value) = match error {
            ApiError::Transport(status) => return status,
            ApiError::App(error) => {
                let error = fit_app_error(error);
                let value = error.encode_to_vec();
                (error.message, APP_ERROR_URL, value)
            }
            ApiError::Plain(error) => {
                let error = fit_error_value(error);
                let value = error.encode_to_vec();
                (error.message, ERROR_VALUE_URL, value)
            }
        };
        let message = shortened(message, MOST_MESSAGE_BYTES);
        let detail = prost_types::Any { type_url: url.to_owned(), value };
        let details = RpcStatus { code: code as i32, message: message.clone(), details: vec![detail] };
        Status::with_details(code, message, details.encode_to_vec().into())
    }
}

impl From<Status> for ApiError {
    fn from(status: Status) -> Self {
        error_in_details(status.details()).unwrap_or(ApiError::Transport(status))
    }
}

fn error_in_details(details: &[u8]) -> Option<ApiError> {
    let detail = RpcStatus::decode(details).ok()?.details.into_iter().next()?;
    match detail.type_url.as_str() {
        APP_ERROR_URL => AppError::decode(detail.value.as_slice()).ok().map(ApiError::App),
        ERROR_VALUE_URL => ErrorValue::decode(detail.value.as_slice()).ok().map(ApiError::Plain),
        _ => None,
    }
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

/// Shortens the texts that have no bound, the least telling first, until the error fits.
fn fit_app_error(mut error: AppError) -> AppError {
    let texts: [fn(&mut AppError) -> &mut String; 4] =
        [|it| &mut it.detailed_error, |it| &mut it.message, |it| &mut it.r#where, |it| &mut it.id];
    for text in texts {
        let excess = error.encoded_len().saturating_sub(MOST_DETAILS_BYTES);
        cut(text(&mut error), excess);
    }
    error
}

fn fit_error_value(mut error: ErrorValue) -> ErrorValue {
    if let Some(app_error) = error.app_error.take() {
        error.app_error = Some(Box::new(fit_app_error(*app_error)));
    }
    let excess = error.encoded_len().saturating_sub(MOST_DETAILS_BYTES);
    cut(&mut error.message, excess);
    error
}

/// Takes `excess` bytes off the end, and the room for saying so.
fn cut(text: &mut String, excess: usize) {
    if excess > 0 {
        let keep = text.len().saturating_sub(excess + SHORTENED.len());
        *text = shortened(std::mem::take(text), keep + SHORTENED.len());
    }
}

fn shortened(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most - SHORTENED.len()));
        text.push_str(SHORTENED);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(error: ApiError) -> ApiError {
        ApiError::from(Status::from(error))
    }

    #[test]
    fn codes_follow_the_http_status() {
        for (status, code) in [
            (400, Code::InvalidArgument),
            (401, Code::Unauthenticated),
            (403, Code::PermissionDenied),
            (404, Code::NotFound),
            (409, Code::AlreadyExists),
            (413, Code::ResourceExhausted),
            (429, Code::ResourceExhausted),
            (500, Code::Internal),
            (501, Code::Unimplemented),
            (503, Code::Unavailable),
            (0, Code::Internal),
        ] {
            assert_eq!(Status::from(ApiError::app("id", "m", status, "w")).code(), code, "{status}");
        }
        assert_eq!(Status::from(ApiError::plain("m")).code(), Code::Unknown);
    }

    #[test]
    fn errors_come_back_as_they_went() {
        let app = AppError { id: "a.b".into(), message: "m".into(), status_code: 404, ..AppError::default() };
        let ApiError::App(back) = there_and_back(ApiError::App(app.clone())) else { panic!() };
        assert_eq!(back, app);
        let plain = ErrorValue { code: 1, message: "EOF".into(), app_error: Some(app.into()), ..ErrorValue::default() };
        let ApiError::Plain(back) = there_and_back(ApiError::Plain(plain.clone())) else { panic!() };
        assert_eq!(back, plain);
    }

    #[test]
    fn a_strangers_status_stays_what_it_is() {
        let ApiError::Transport(status) = ApiError::from(Status::aborted("no")) else { panic!() };
        assert_eq!((status.code(), status.message()), (Code::Aborted, "no"));
    }

    #[test]
    fn texts_without_bound_are_shortened_to_fit_a_header() {
        let long = "ü".repeat(100_000);
        let app = AppError { id: "a.b".into(), message: long.clone(), detailed_error: long, ..AppError::default() };
        let status = Status::from(ApiError::App(app));
        assert!(status.details().len() < 10 * 1024 && status.message().len() <= 1024);
        let ApiError::App(back) = ApiError::from(status) else { panic!() };
        assert_eq!(back.id, "a.b");
        assert!(back.message.ends_with(SHORTENED) && back.message.len() > 7_000);
    }

    #[test]
    fn a_method_that_the_server_lacks_is_named_with_the_version_that_has_it() {
        let error = ApiError::not_supported_by_server("SendToastMessage");
        assert!(error.is_not_supported() && error.code() == Code::Unimplemented);
        let since = MethodInfo::find("SendToastMessage").unwrap().since;
        let ApiError::App(error) = error else { panic!() };
        assert!(error.message.contains("SendToastMessage") && error.message.contains(since), "{}", error.message);
        assert_eq!((error.r#where.as_str(), error.id.as_str()), ("SendToastMessage", NOT_SUPPORTED));
    }

    #[test]
    fn display_reads_like_go() {
        let error = ApiError::app("id", "Not found.", 404, "GetUser");
        assert_eq!(error.to_string(), "GetUser: Not found.");
    }
}
