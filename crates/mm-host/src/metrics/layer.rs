//! Counts the calls that pass: a layer around whatever carries the hooks, and a wrapper for each API call.
//!
//! How a call ended is its gRPC status: in the header of an answer without a message, otherwise behind the message. Whoever answers in
//! the plugin's place, so that the status says nothing of how the plugin fared, puts an [`Outcome`] among the response's extensions.

use std::convert::Infallible;
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use hyper::body::{Frame, SizeHint};
use mm_proto::{HookName, MethodInfo, Shape};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;

use super::{Metrics, Outcome};

/// What a call is one of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Hook,
    Api,
}

/// Counts the calls of hooks that pass through it.
#[derive(Clone)]
pub(crate) struct Counted<S> {
    inner: S,
    metrics: Metrics,
}

impl<S> Counted<S> {
    /// `inner` carries the calls.
    pub(crate) fn new(inner: S, metrics: Metrics) -> Self {
        Self { inner, metrics }
    }
}

impl<S> Service<Request<Body>> for Counted<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let name = last_part(request.uri().path());
        let streams = HookName::from_str(name).is_ok_and(|it| it.info().shape != Shape::Unary);
        let call = Call::begin(&self.metrics, Kind::Hook, name, streams);
        let answer = self.inner.call(request);
        Box::pin(async move { Ok(call.answered(answer.await?)) })
    }
}

/// Counts a call of the API, from here to the end of its answer.
pub(crate) fn api_call(metrics: &Metrics, path: &str) -> ApiCall {
    let name = last_part(path);
    let streams = MethodInfo::find(name).is_some_and(|it| it.shape == Shape::Exchange);
    ApiCall(Call::begin(metrics, Kind::Api, name, streams))
}

/// A call of the API under way. Dropping it without an answer means that the plugin gave it up.
pub(crate) struct ApiCall(Call);

impl ApiCall {
    /// The call's answer has begun.
    pub(crate) fn answered(self, response: Response<Body>) -> Response<Body> {
        self.0.answered(response)
    }
}

/// The last part of a path: the Go name of the method.
fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// A call under way; counted when it is dropped.
struct Call {
    metrics: Metrics,
    kind: Kind,
    index: usize,
    begun: Instant,
    /// Whether the answer is a stream, so that its beginning is what is timed.
    streams: bool,
    took: Option<Duration>,
    outcome: Option<Outcome>,
}

impl Call {
    fn begin(metrics: &Metrics, kind: Kind, name: &str, streams: bool) -> Self {
        let calls = metrics.calls(kind == Kind::Hook);
        let index = calls.index(name);
        calls.begun();
        Self { metrics: metrics.clone(), kind, index, begun: Instant::now(), streams, took: None, outcome: None }
    }

    /// The answer has begun: it is over at once, or at the end of its body.
    fn answered(mut self, response: Response<Body>) -> Response<Body> {
        if self.streams {
            self.took = Some(self.begun.elapsed());
        }
        let told = response.extensions().get::<Outcome>().copied();
        // What this program answers itself begins with its status unless that is success; only a stream can fail later.
        let served = (self.kind == Kind::Api && !self.streams).then_some(Outcome::Ok);
        self.outcome = told.or_else(|| status_in(response.headers())).or(served);
        if self.outcome.is_some() {
            return response;
        }
        response.map(|body| Body::new(Watched { body, call: Some(self) }))
    }

    fn end(&mut self, outcome: Outcome) {
        self.outcome.get_or_insert(outcome);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let calls = self.metrics.calls(self.kind == Kind::Hook);
        let took = self.took.unwrap_or_else(|| self.begun.elapsed());
        calls.ended(self.index, self.outcome.unwrap_or(Outcome::Cancelled), took);
    }
}

/// What a header says of the call's end, if it says it.
fn status_in(header: &HeaderMap) -> Option<Outcome> {
    let code = header.get("grpc-status")?;
    Some(Outcome::from(Code::from_bytes(code.as_bytes())))
}

/// An answer's body that tells how the call ended.
struct Watched {
    body: Body,
    call: Option<Call>,
}

impl Watched {
    fn end(&mut self, outcome: Outcome) {
        if let Some(mut call) = self.call.take() {
            call.end(outcome);
        }
    }
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.end(status_in(trailers).unwrap_or(Outcome::Error));
                }
            }
            // The connection broke, or the body ended without a word on how the call did.
            Some(Err(_)) => self.end(Outcome::Unavailable),
            None => self.end(Outcome::Error),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use futures::StreamExt as _;
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    /// Answers with this body, once; an error of a frame is the end of the process.
    fn answer(frames: Vec<Result<Frame<Bytes>, Status>>) -> Response<Body> {
        let frames: VecDeque<_> = frames.into();
        Response::new(Body::new(StreamBody::new(futures::stream::iter(frames).boxed())))
    }

    fn data() -> Result<Frame<Bytes>, Status> {
        Ok(Frame::data(Bytes::from_static(b"x")))
    }

    fn trailers(code: &'static str) -> Result<Frame<Bytes>, Status> {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", code.parse().unwrap());
        Ok(Frame::trailers(trailers))
    }

    /// Makes a call of `name` that is answered with `response`, reads the answer if `read`, and gives the lines about calls.
    async fn after(name: &str, response: Response<Body>, read: bool) -> Vec<String> {
        let metrics = Metrics::new("x", "1");
        let mut response = Some(response);
        let inner = tower::service_fn(move |_| std::future::ready(Ok::<_, Infallible>(response.take().unwrap())));
        let mut counted = Counted::new(inner, metrics.clone());
        let request = Request::builder().uri(format!("/x/{name}")).body(Body::empty()).unwrap();
        let answer = counted.call(request).await.unwrap();
        if read {
            let _ = answer.into_body().collect().await;
        } else {
            assert!(metrics.text().contains("mm_host_hook_calls_in_flight 1"), "{}", metrics.text());
            drop(answer);
        }
        let text = metrics.text();
        assert!(text.contains("mm_host_hook_calls_in_flight 0"), "{text}");
        text.lines().filter(|it| it.starts_with("mm_host_hook_calls_total")).map(str::to_owned).collect()
    }

    fn counted(name: &str, outcome: &str) -> Vec<String> {
        vec![format!("mm_host_hook_calls_total{{hook=\"{name}\",outcome=\"{outcome}\"}} 1")]
    }

    #[tokio::test]
    async fn the_status_behind_the_message_counts() {
        const POSTED: &str = "MessageHasBeenPosted";
        assert_eq!(after(POSTED, answer(vec![data(), trailers("0")]), true).await, counted(POSTED, "ok"));
        assert_eq!(after(POSTED, answer(vec![data(), trailers("2")]), true).await, counted(POSTED, "error"));
        let broken = answer(vec![data(), Err(Status::unavailable("gone"))]);
        assert_eq!(after(POSTED, broken, true).await, counted(POSTED, "unavailable"));
        assert_eq!(after(POSTED, answer(vec![data()]), true).await, counted(POSTED, "error"), "it just ended");
        assert_eq!(after(POSTED, answer(vec![data()]), false).await, counted(POSTED, "cancelled"), "nobody read it");
    }

    #[tokio::test]
    async fn an_answer_without_a_message_counts_at_once() {
        let late = Status::deadline_exceeded("x").into_http();
        assert_eq!(after("OnActivate", late, true).await, counted("OnActivate", "deadline"));
    }

    #[tokio::test]
    async fn what_was_answered_in_the_plugins_place_is_told_apart() {
        let mut response = answer(vec![data(), trailers("0")]);
        response.extensions_mut().insert(Outcome::Unavailable);
        assert_eq!(after("ExecuteCommand", response, true).await, counted("ExecuteCommand", "unavailable"));
    }

    #[tokio::test]
    async fn an_api_call_is_counted_under_its_name() {
        let metrics = Metrics::new("x", "1");
        let call = api_call(&metrics, "/mattermost.plugin.v1.PluginApi/GetUser");
        drop(call.answered(Status::not_found("x").into_http()));
        drop(api_call(&metrics, "/mattermost.plugin.v1.PluginApi/GetUser"));
        let text = metrics.text();
        for outcome in ["error", "cancelled"] {
            let line = format!("mm_host_api_calls_total{{method=\"GetUser\",outcome=\"{outcome}\"}} 1");
            assert!(text.contains(&line), "{text}");
        }
    }
}
