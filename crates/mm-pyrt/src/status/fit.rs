//! Details that fit the header fields of HTTP/2: a status that is longer than the peer accepts loses the whole answer.
//!
//! The same rule as in mm-proto: the least telling texts are cut first, code, status and id are kept.

use bytes::Bytes;
use prost::Message;

/// Peers accept 16 KiB of header fields by default, and details take 4/3 of their size there.
const MOST_BYTES: usize = 7 * 1024;
const SHORTENED: &str = "… (shortened)";

/// `mattermost.plugin.v1.AppError`.
#[derive(Clone, PartialEq, Message)]
struct AppError {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(string, tag = "3")]
    detailed_error: String,
    #[prost(string, tag = "4")]
    request_id: String,
    #[prost(int64, tag = "5")]
    status_code: i64,
    #[prost(string, tag = "6")]
    r#where: String,
    #[prost(bool, tag = "7")]
    skip_translation: bool,
}

/// `mattermost.plugin.v1.ErrorValue`.
#[derive(Clone, PartialEq, Message)]
struct ErrorValue {
    #[prost(int64, tag = "1")]
    code: i64,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, optional, tag = "3")]
    app_error: Option<AppError>,
    /// A `PostgresError`, left as it is.
    #[prost(bytes = "bytes", optional, tag = "4")]
    postgres_error: Option<Bytes>,
}

/// The detail with this name, cut to what fits.
pub(super) fn fitted(name: &str, detail: Bytes) -> Bytes {
    if detail.len() <= MOST_BYTES {
        return detail;
    }
    let cut = match name {
        "AppError" => AppError::decode(detail.clone()).map(|it| fit_app_error(it, MOST_BYTES).encode_to_vec()),
        _ => ErrorValue::decode(detail.clone()).map(|it| fit_error_value(it).encode_to_vec()),
    };
    // What this codec wrote can be read again; if not, the status says it without the detail.
    cut.map(Bytes::from).unwrap_or_default()
}

fn fit_error_value(mut error: ErrorValue) -> ErrorValue {
    if error.postgres_error.as_ref().is_some_and(|it| it.len() > MOST_BYTES / 2) {
        error.postgres_error = None;
    }
    if let Some(app_error) = error.app_error.take() {
        // The text beside it says the same.
        let excess = error.message.len().saturating_sub(MOST_BYTES / 4);
        cut(&mut error.message, excess);
        let room = MOST_BYTES.saturating_sub(error.encoded_len());
        error.app_error = Some(fit_app_error(app_error, room));
    }
    let excess = error.encoded_len().saturating_sub(MOST_BYTES);
    cut(&mut error.message, excess);
    error
}

fn fit_app_error(mut error: AppError, room: usize) -> AppError {
    let texts: [fn(&mut AppError) -> &mut String; 5] = [
        |it| &mut it.detailed_error,
        |it| &mut it.message,
        |it| &mut it.r#where,
        |it| &mut it.request_id,
        |it| &mut it.id,
    ];
    for text in texts {
        let excess = error.encoded_len().saturating_sub(room);
        cut(text(&mut error), excess);
    }
    error
}

/// Takes `excess` bytes off the end, and the room for saying so.
fn cut(text: &mut String, excess: usize) {
    if excess > 0 && !text.is_empty() {
        let keep = text.len().saturating_sub(excess + SHORTENED.len());
        text.truncate(text.floor_char_boundary(keep));
        text.push_str(SHORTENED);
    }
}
