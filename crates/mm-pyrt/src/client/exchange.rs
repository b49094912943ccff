//! One unary call on an HTTP/2 stream, in gRPC's terms.
//!
//! What tonic's client does for any message and any transport, this does for bytes in one piece: request, message and end leave the
//! process together, in one system call.

use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use http::header::{CONTENT_TYPE, TE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, Version, uri};
use tonic::{Code, Status};

use super::connection::clarified;
use super::guarded;
use crate::framing;

/// Adds to a call's metadata what every gRPC request has.
pub(super) fn headers(mut metadata: HeaderMap) -> HeaderMap {
    metadata.insert(TE, HeaderValue::from_static("trailers"));
    metadata.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    metadata
}

/// The request of a call, without its message.
pub(super) fn request(path: PathAndQuery, mut headers: HeaderMap, timeout: Option<Duration>) -> Request<()> {
    if let Some(timeout) = timeout {
        headers.insert("grpc-timeout", timeout_header(timeout));
    }
    let mut parts = uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    // A Unix socket has no host name, and some peers refuse an empty authority.
    parts.authority = Some(Authority::from_static("localhost"));
    parts.path_and_query = Some(path);
    let mut request = Request::new(());
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = Uri::from_parts(parts).expect("all parts of a URI are there");
    *request.headers_mut() = headers;
    request
}

/// A duration as gRPC writes it: at most eight digits and a unit, never longer than it is.
fn timeout_header(timeout: Duration) -> HeaderValue {
    const MOST: u128 = 99_999_999;
    let (number, unit) = match timeout.as_micros() {
        micros if micros <= MOST => (micros, 'u'),
        micros if micros / 1000 <= MOST => (micros / 1000, 'm'),
        micros => ((micros / 1_000_000).min(MOST), 'S'),
    };
    HeaderValue::try_from(format!("{number}{unit}")).expect("digits and a letter")
}

/// Sends a request with its message; the frames go out when the connection is polled next.
pub(super) fn send(
    sender: &mut SendRequest<Bytes>,
    request: Request<()>,
    message: Bytes,
) -> Result<ResponseFuture, h2::Error> {
    let (response, mut stream) = sender.send_request(request, false)?;
    framing::send(&mut stream, message, true)?;
    Ok(response)
}

/// Waits for the response's message, or the status in its place.
pub(super) async fn receive(response: ResponseFuture) -> Result<Bytes, Status> {
    guarded(receive_unguarded(response)).await
}

async fn receive_unguarded(response: ResponseFuture) -> Result<Bytes, Status> {
    let (head, mut body) = response.await.map_err(broken)?.into_parts();
    // A failed call may be headers alone.
    if let Some(status) = Status::from_header_map(&head.headers)
        && status.code() != Code::Ok
    {
        return Err(status);
    }
    let (message, trailers) = framing::receive("the answer", &mut body).await.map_err(broken)?;
    let status = trailers.as_ref().or(Some(&head.headers)).and_then(Status::from_header_map);
    match status {
        Some(status) if status.code() == Code::Ok => message,
        Some(status) => Err(status),
        None if trailers.is_none() && message.as_ref().is_err_and(|it| it.code() == Code::OutOfRange) => message,
        None => Err(without_status(head.status)),
    }
}

/// What an answer of plain HTTP means, by gRPC's table.
fn without_status(http: StatusCode) -> Status {
    let code = match http.as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502..=504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    Status::new(code, format!("the answer has no gRPC status (HTTP status {http})"))
}

/// An error of the connection or the stream as a status.
pub(super) fn broken(error: h2::Error) -> Status {
    clarified(Status::from_error(Box::new(error)))
}
