//! `ServeHTTP` and `ServeMetrics`, which differ in the names of their messages only.

use futures::StreamExt as _;
use futures::stream::BoxStream;
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::serve_http_request::Part as Request;
use mm_proto::plugin::v1::serve_http_response::Part as Answer;
use mm_proto::plugin::v1::serve_metrics_request::Part as MetricsRequest;
use mm_proto::plugin::v1::serve_metrics_response::Part as MetricsAnswer;
use mm_proto::{ApiError, PluginHooks};

/// What a plugin answers, part by part; `None` for a part that is unknown here.
pub(super) type Answers = BoxStream<'static, Result<Option<Answer>, ApiError>>;

/// A hook that answers an HTTP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HttpHook {
    Http,
    Metrics,
}

impl HttpHook {
    /// The hook with this Go name.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Http, Self::Metrics].into_iter().find(|it| it.name() == name)
    }

    /// Its name in Go.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Http => "ServeHTTP",
            Self::Metrics => "ServeMetrics",
        }
    }

    /// Calls it. The requests are polled by whoever carries them.
    pub(super) async fn call(
        self,
        hooks: &dyn PluginHooks,
        requests: BoxStream<'static, Request>,
    ) -> Result<Answers, ApiError> {
        match self {
            Self::Http => {
                let requests = requests.map(|part| Ok(v1::ServeHttpRequest { part: Some(part) })).boxed();
                Ok(hooks.serve_http(requests).await?.map(|it| it.map(|it| it.part)).boxed())
            }
            Self::Metrics => {
                let requests =
                    requests.map(|part| Ok(v1::ServeMetricsRequest { part: Some(to_metrics(part)) })).boxed();
                Ok(hooks.serve_metrics(requests).await?.map(|it| it.map(|it| it.part.map(from_metrics))).boxed())
            }
        }
    }
}

fn to_metrics(part: Request) -> MetricsRequest {
    match part {
        Request::Start(v1::ServeHttpStart { context, request, response_header }) => {
            MetricsRequest::Start(v1::ServeMetricsStart { context, request, response_header })
        }
        Request::Body(it) => MetricsRequest::Body(it),
        Request::BodyEnd(it) => MetricsRequest::BodyEnd(it),
        Request::ClientGone(it) => MetricsRequest::ClientGone(it),
        Request::Flushed(it) => MetricsRequest::Flushed(it),
        Request::Hijacked(it) => MetricsRequest::Hijacked(it),
        Request::ConnectionData(it) => MetricsRequest::ConnectionData(it),
        Request::ConnectionEnd(it) => MetricsRequest::ConnectionEnd(it),
    }
}

fn from_metrics(part: MetricsAnswer) -> Answer {
    match part {
        MetricsAnswer::Head(it) => Answer::Head(it),
        MetricsAnswer::Body(it) => Answer::Body(it),
        MetricsAnswer::Flush(it) => Answer::Flush(it),
        MetricsAnswer::Trailers(it) => Answer::Trailers(it),
        MetricsAnswer::Hijack(it) => Answer::Hijack(it),
        MetricsAnswer::ConnectionData(it) => Answer::ConnectionData(it),
        MetricsAnswer::ConnectionDeadline(it) => Answer::ConnectionDeadline(it),
        MetricsAnswer::ConnectionClose(it) => Answer::ConnectionClose(it),
    }
}
