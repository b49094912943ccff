//! One unary call on an HTTP/2 stream, in gRPC's terms.
//!
//! What tonic's client does for any message and any transport, this does for bytes in one piece: request, message and end leave the
//! process together, in one system call.

use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream};
use http::header::{CONTENT_TYPE, TE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, Version, uri};
use tonic::{Code, Status};

use super::connection::clarified;
use super::guarded;
use crate::raw::MAX_MESSAGE;

/// Before each message: a byte for compression, and its length.
const PREFIX: usize = 5;

/// Larger messages are not copied to put them behind their prefix.
const COPIED: usize = 64 * 1024;

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
    let mut framed = BytesMut::with_capacity(PREFIX + if message.len() <= COPIED { message.len() } else { 0 });
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).map_err(|_| Reason::INTERNAL_ERROR)?);
    if message.len() <= COPIED {
        framed.put(message);
        stream.send_data(framed.freeze(), true)?;
    } else {
        stream.send_data(framed.freeze(), false)?;
        stream.send_data(message, true)?;
    }
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
    let data = read(&mut body).await?;
    let trailers = body.trailers().await.map_err(broken)?;
    let status = trailers.as_ref().or(Some(&head.headers)).and_then(Status::from_header_map);
    match status {
        Some(status) if status.code() == Code::Ok => message(data),
        Some(status) => Err(status),
        None => Err(without_status(head.status)),
    }
}

/// The whole body, which is one message.
async fn read(body: &mut RecvStream) -> Result<Bytes, Status> {
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(piece) = body.data().await {
        let piece = piece.map_err(broken)?;
        body.flow_control().release_capacity(piece.len()).map_err(broken)?;
        if first.len() + whole.len() + piece.len() > PREFIX + MAX_MESSAGE {
            return Err(Status::out_of_range(format!("the answer has more than the limit of {MAX_MESSAGE} bytes")));
        }
        if first.is_empty() && whole.is_empty() {
            first = piece;
            continue;
        }
        if whole.is_empty() {
            whole.reserve(expected(&first) + PREFIX);
            whole.put(std::mem::take(&mut first));
        }
        whole.put(piece);
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

/// How long the message says it is, no more than is reasonable to reserve on somebody's word.
fn expected(first: &Bytes) -> usize {
    let length = first.get(1..PREFIX).and_then(|it| it.try_into().ok()).map_or(0, u32::from_be_bytes);
    (length as usize).min(16 << 20)
}

/// The message without its prefix.
fn message(mut data: Bytes) -> Result<Bytes, Status> {
    if data.len() < PREFIX {
        return Err(Status::internal("the answer has no message"));
    }
    let prefix = data.split_to(PREFIX);
    if prefix[0] != 0 {
        return Err(Status::internal("the answer is compressed, which was not asked for"));
    }
    let length = expected_exactly(&prefix);
    if length > MAX_MESSAGE {
        return Err(Status::out_of_range(format!(
            "the answer has {length} bytes, more than the limit of {MAX_MESSAGE}"
        )));
    }
    if data.len() != length {
        return Err(Status::internal(format!("the answer says it has {length} bytes and has {}", data.len())));
    }
    Ok(data)
}

fn expected_exactly(prefix: &Bytes) -> usize {
    u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize
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
