//! Answers of a process as a whole: whether one is a failure, and the one that refuses in its place.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut as _, Bytes, BytesMut};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Response};
use hyper::body::{Body as _, Frame};
use mm_proto::grpc::MAX_MESSAGE_BYTES;
use mm_proto::{ApiError, HookInfo, Refusal};
use prost::encoding::{WireType, encode_key, encode_varint};
use tonic::body::Body;
use tonic::{Code, Status};

use crate::metrics;

/// The `id` of the `AppError` that refuses for a handler that failed.
const HOOK_FAILED: &str = "mattermost_plugin.hook_failed";

/// The largest answer to a unary call: a message and what stands before it.
const MAX_ANSWER_BYTES: usize = MAX_MESSAGE_BYTES + 5;

/// What came of a call.
pub(super) enum Outcome {
    /// The handler's answer, or its error as it wants the server to have it.
    Given(Response<Body>),
    /// There is no answer of the handler's.
    Failed(Failure),
}

/// A call without an answer of the handler's.
pub(super) struct Failure {
    /// What there is in its place.
    pub(super) response: Response<Body>,
    /// What happened, for logs.
    pub(super) why: String,
    pub(super) cause: Cause,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cause {
    /// The handler failed.
    Failed,
    /// Its time was over.
    Late,
    /// The process died meanwhile.
    Died,
    /// There was no process to call.
    Absent,
}

impl Cause {
    /// What is counted.
    pub(super) fn outcome(self) -> metrics::Outcome {
        match self {
            Self::Failed => metrics::Outcome::Error,
            Self::Late => metrics::Outcome::Deadline,
            Self::Died | Self::Absent => metrics::Outcome::Unavailable,
        }
    }
}

impl Failure {
    pub(super) fn new(cause: Cause, status: Status) -> Self {
        let why = status.message().to_owned();
        Self { response: status.into_http(), why, cause }
    }
}

/// Reads the answer to a unary call to its end, and looks what it is.
pub(super) async fn judged(response: Response<Body>, info: &HookInfo) -> Outcome {
    let (head, mut body) = response.into_parts();
    if let Some(status) = status_of(&head.headers) {
        return of_status(head, Whole::default(), &status, info);
    }
    let mut whole = Whole::default();
    let mut n_bytes = 0;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) => {
                n_bytes += data.len();
                if n_bytes > MAX_ANSWER_BYTES {
                    let text = format!("the answer has more than {MAX_ANSWER_BYTES} bytes");
                    return Outcome::Failed(Failure::new(Cause::Failed, Status::resource_exhausted(text)));
                }
                whole.data.push_back(data);
            }
            Ok(Err(frame)) => whole.trailers = frame.into_trailers().ok(),
            // The process closed the connection, or died, in the middle of its answer.
            Err(status) => return Outcome::Failed(Failure::new(Cause::Died, status)),
        }
    }
    match whole.trailers.as_ref().and_then(status_of) {
        Some(status) => of_status(head, whole, &status, info),
        None => {
            Outcome::Failed(Failure::new(Cause::Died, Status::unavailable("the plugin's process broke its answer off")))
        }
    }
}

fn of_status(head: Parts, whole: Whole, status: &Status, info: &HookInfo) -> Outcome {
    let why = status.message().to_owned();
    let answered = status.code() == Code::Ok || is_on_purpose(status, info);
    let response = Response::from_parts(head, Body::new(whole));
    let cause = if status.code() == Code::DeadlineExceeded { Cause::Late } else { Cause::Failed };
    if answered { Outcome::Given(response) } else { Outcome::Failed(Failure { response, why, cause }) }
}

/// The status among these headers or trailers.
pub(super) fn status_of(headers: &HeaderMap) -> Option<Status> {
    if headers.get("grpc-status").is_some_and(|it| it == "0") {
        return Some(Status::ok(""));
    }
    Status::from_header_map(headers)
}

/// Whether a failed call is what the plugin wants the server to have: an error of a hook that has one among its results.
pub(super) fn is_on_purpose(status: &Status, info: &HookInfo) -> bool {
    !status.details().is_empty() && !matches!(info.refusal, Some(Refusal::Reason(_)))
}

/// The answer that refuses with this text; `None` for a hook that cannot.
pub(super) fn refusal(info: &HookInfo, text: &str) -> Option<Response<Body>> {
    Some(match info.refusal? {
        Refusal::Reason(path) => message(framed_reason(path, text)),
        Refusal::Error => Status::from(ApiError::plain(text)).into_http(),
        Refusal::AppError => Status::from(ApiError::app(HOOK_FAILED, text, 500, info.go)).into_http(),
    })
}

/// The answer of a hook without results.
pub(super) fn nothing() -> Response<Body> {
    message(Bytes::from_static(&[0; 5]))
}

/// An answer of one message.
fn message(framed: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::new(Whole { data: VecDeque::from([framed]), trailers: Some(success()) }));
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// The trailers of a call that succeeded.
pub(super) fn success() -> HeaderMap {
    HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))])
}

/// The message with this text at the end of this way, as it travels.
pub(super) fn framed_reason(path: &[u32], text: &str) -> Bytes {
    let mut inner = text.as_bytes().to_vec();
    for number in path.iter().rev() {
        let mut outer = Vec::with_capacity(inner.len() + 16);
        encode_key(*number, WireType::LengthDelimited, &mut outer);
        encode_varint(inner.len() as u64, &mut outer);
        outer.append(&mut inner);
        inner = outer;
    }
    let mut framed = BytesMut::with_capacity(inner.len() + 5);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(inner.len()).expect("a text is shorter"));
    framed.put_slice(&inner);
    framed.freeze()
}

/// A body that is all there.
#[derive(Default)]
pub(super) struct Whole {
    pub(super) data: VecDeque<Bytes>,
    pub(super) trailers: Option<HeaderMap>,
}

impl hyper::body::Body for Whole {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let data = self.data.pop_front().map(Frame::data);
        Poll::Ready(data.or_else(|| self.trailers.take().map(Frame::trailers)).map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.trailers.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;
    use mm_proto::HookName;
    use mm_proto::plugin::v1;
    use mm_proto::plugin::v1::file_will_be_uploaded_response::Part;
    use prost::Message;

    const TEXT: &str = "The filter is out of order; please try again later. ß";

    async fn read(response: Response<Body>) -> (Bytes, HeaderMap) {
        let body = response.into_body().collect().await.unwrap();
        let trailers = body.trailers().cloned().unwrap_or_default();
        (body.to_bytes().split_off(5), trailers)
    }

    fn decoded<M: Message + Default>(hook: HookName) -> M {
        let Some(Refusal::Reason(path)) = hook.info().refusal else { panic!("{hook} has no reason") };
        let framed = framed_reason(path, TEXT);
        assert_eq!(framed[0], 0);
        assert_eq!(u32::from_be_bytes(framed[1..5].try_into().unwrap()) as usize, framed.len() - 5);
        M::decode(&framed[5..]).unwrap()
    }

    #[test]
    fn a_refusal_is_what_the_hook_s_message_makes_of_it() {
        assert_eq!(
            decoded::<v1::MessageWillBePostedResponse>(HookName::MessageWillBePosted),
            v1::MessageWillBePostedResponse { post: None, reason: TEXT.to_owned() }
        );
        assert_eq!(
            decoded::<v1::UserWillLogInResponse>(HookName::UserWillLogIn),
            v1::UserWillLogInResponse { reason: TEXT.to_owned() }
        );
        let part = decoded::<v1::FileWillBeUploadedResponse>(HookName::FileWillBeUploaded).part;
        let result = v1::FileWillBeUploadedResult { file_info: None, reason: TEXT.to_owned() };
        assert_eq!(part, Some(Part::Result(result)));
    }

    /// Every hook that can refuse does so in a way that its client understands as a refusal.
    #[tokio::test]
    async fn every_hook_that_can_refuse_does() {
        for info in mm_proto::HOOKS {
            let answer = refusal(info, TEXT);
            assert_eq!(answer.is_some(), info.refusal.is_some(), "{}", info.go);
            let Some(answer) = answer else { continue };
            let failed = status_of(answer.headers());
            match info.refusal {
                Some(Refusal::Reason(_)) => {
                    assert!(failed.is_none());
                    let (bytes, trailers) = read(answer).await;
                    assert!(bytes.windows(TEXT.len()).any(|it| it == TEXT.as_bytes()), "{}", info.go);
                    assert_eq!(trailers["grpc-status"], "0");
                }
                _ => {
                    let error = ApiError::from(failed.expect("a failed call"));
                    let told = match &error {
                        ApiError::App(error) => error.message.as_str(),
                        ApiError::Plain(error) => error.message.as_str(),
                        ApiError::Transport(_) => panic!("{}: a failure without detail is no refusal", info.go),
                    };
                    assert_eq!(told, TEXT, "{}", info.go);
                }
            }
        }
    }

    #[tokio::test]
    async fn an_error_counts_as_the_handler_s_only_where_it_is_a_result() {
        let on_purpose = || Status::from(ApiError::plain("no")).into_http();
        let failed = || Status::unknown("ValueError: no").into_http();
        for (hook, purposeful) in [
            (HookName::MessageWillBePosted, false),
            (HookName::ConfigurationWillBeSaved, true),
            (HookName::ExecuteCommand, true),
            (HookName::OnActivate, true),
        ] {
            let outcome = judged(on_purpose(), hook.info()).await;
            assert_eq!(matches!(outcome, Outcome::Given(_)), purposeful, "{hook}");
            let Outcome::Failed(failure) = judged(failed(), hook.info()).await else { panic!("{hook}") };
            assert_eq!((failure.why.as_str(), failure.cause), ("ValueError: no", Cause::Failed));
        }
    }

    #[tokio::test]
    async fn a_process_may_be_the_first_to_say_that_the_time_is_over() {
        let late = Status::deadline_exceeded("no answer within the time limit").into_http();
        let Outcome::Failed(failure) = judged(late, HookName::UserWillLogIn.info()).await else { panic!("late") };
        assert_eq!(failure.cause, Cause::Late);
    }

    #[tokio::test]
    async fn an_answer_without_end_is_not_kept() {
        let info = HookName::UserWillLogIn.info();
        let piece = Bytes::from(vec![0; 1 << 20]);
        let endless = |n| Whole { data: VecDeque::from(vec![piece.clone(); n]), trailers: Some(success()) };
        let response = |n| Response::new(Body::new(endless(n)));
        assert!(matches!(judged(response(MAX_MESSAGE_BYTES >> 20), info).await, Outcome::Given(_)));
        let Outcome::Failed(failure) = judged(response((MAX_MESSAGE_BYTES >> 20) + 1), info).await else {
            panic!("too much")
        };
        assert_eq!((failure.why.as_str(), failure.cause), ("the answer has more than 1073741829 bytes", Cause::Failed));
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_is_none() {
        let info = HookName::UserWillLogIn.info();
        let cut = Whole { data: VecDeque::from([Bytes::from_static(&[0; 5])]), trailers: None };
        let Outcome::Failed(failure) = judged(Response::new(Body::new(cut)), info).await else { panic!("no end") };
        assert_eq!(failure.cause, Cause::Died);
        let Outcome::Given(response) = judged(nothing(), info).await else { panic!("it is an answer") };
        let (bytes, trailers) = read(response).await;
        assert!(bytes.is_empty() && trailers["grpc-status"] == "0");
    }
}
