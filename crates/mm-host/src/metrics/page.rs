//! The page of metrics: the host's behind the hook `ServeMetrics`, together with the plugin's own if it has that hook.
//!
//! | Request | Answer |
//! |---|---|
//! | `/`, the plugin has no `ServeMetrics` | the host's metrics |
//! | `/`, the plugin has it | the host's metrics, then what the plugin answers, if that is Prometheus' text too |
//! | `/`, the plugin fails, has nothing there (404) or does not begin to answer in time | the host's metrics alone |
//! | `/`, the plugin refuses (401), redirects, or answers in another format | what the plugin answers |
//! | any other path | what the plugin answers; 404 without the hook |
//!
//! All of the host's names begin with `mm_host_`, so the two parts have nothing in common. The plugin is asked for plain text without
//! compression, whatever the client takes.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream;
use http::{Request, Response};
use mm_proto::grpc::{HooksClient, HooksService, Parts};
use mm_proto::plugin::v1::serve_metrics_request::Part as Ask;
use mm_proto::plugin::v1::serve_metrics_response::Part as Answer;
use mm_proto::plugin::v1::{self, HttpResponseHead, ServeMetricsRequest, ServeMetricsResponse, StringList};
use mm_proto::{ApiError, HookName, PluginHooks};
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use super::Metrics;

/// How long the plugin may take to begin its part. Prometheus itself waits 10 s.
const PATIENCE: Duration = Duration::from_secs(5);

/// An answer on its way. What is inside has boxed it, so it is handed on as it is.
type Answered = BoxFuture<'static, Result<Response<Body>, Infallible>>;

/// Tells whether the plugin has the hook itself.
pub(crate) type HasPage = Arc<dyn Fn() -> bool + Send + Sync>;

/// Answers `ServeMetrics`, and lets all other hooks through.
#[derive(Clone)]
pub(crate) struct WithPage<S> {
    inner: S,
    page: HooksService,
}

impl<S> WithPage<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    /// `inner` carries the calls to the plugin.
    pub(crate) fn new(inner: S, metrics: Metrics, has_page: HasPage) -> Self {
        let plugin = HooksClient::over(inner.clone());
        let page = Page { plugin: Arc::new(plugin), metrics, has_page, patience: PATIENCE };
        Self { inner, page: HooksService::new(Arc::new(page)) }
    }
}

impl<S> Service<Request<Body>> for WithPage<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = Answered>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answered;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if request.uri().path().ends_with("/ServeMetrics") {
            return self.page.call(request);
        }
        self.inner.call(request)
    }
}

/// The hooks, of which this one is called only.
struct Page {
    plugin: Arc<dyn PluginHooks>,
    metrics: Metrics,
    has_page: HasPage,
    patience: Duration,
}

#[tonic::async_trait]
impl PluginHooks for Page {
    async fn serve_metrics(
        &self,
        mut requests: Parts<ServeMetricsRequest>,
    ) -> Result<Parts<ServeMetricsResponse>, ApiError> {
        let begin = requests.next().await.transpose()?.and_then(|it| it.part);
        let Some(Ask::Start(mut start)) = begin else {
            return Err(Status::invalid_argument("ServeMetrics begins with `start`").into());
        };
        let head = start.request.get_or_insert_default();
        let path = head.url.split('?').next().unwrap_or_default();
        let own = path.trim_matches('/').is_empty() && matches!(head.method.as_str(), "GET" | "HEAD" | "");
        let has_page = (self.has_page)();
        if !has_page {
            return Ok(if own { whole(self.metrics.text()) } else { not_found() });
        }
        if own {
            plain_text_only(head);
        }
        let begin = ServeMetricsRequest { part: Some(Ask::Start(start)) };
        let requests = stream::iter([Ok(begin)]).chain(requests).boxed();
        if !own {
            return self.plugin.serve_metrics(requests).await;
        }
        let theirs = tokio::time::timeout(self.patience, begun(self.plugin.serve_metrics(requests))).await;
        match theirs {
            Ok(Ok((head, rest))) => Ok(self.joined(head, rest)),
            // The call was counted among the hooks, with its error.
            Ok(Err(_)) | Err(_) => Ok(whole(self.metrics.text())),
        }
    }
}

impl Page {
    /// The host's part before the plugin's, if the two go together.
    fn joined(&self, mut head: HttpResponseHead, rest: Parts<ServeMetricsResponse>) -> Parts<ServeMetricsResponse> {
        if head.status_code == 404 || head.status_code >= 500 {
            return whole(self.metrics.text());
        }
        let text = self.metrics.text();
        let is_text = field(&head, "content-type").is_none_or(|it| it.starts_with("text/plain"));
        if head.status_code != 200 || !is_text || field(&head, "content-encoding").is_some() {
            return stream::iter([part(Answer::Head(head))]).chain(rest).boxed();
        }
        head.header.retain(|name, _| !name.eq_ignore_ascii_case("content-length"));
        if field(&head, "content-type").is_none() {
            head.header.insert("Content-Type".to_owned(), one(prometheus::TEXT_FORMAT));
        }
        stream::iter([part(Answer::Head(head)), part(Answer::Body(text.into()))]).chain(rest).boxed()
    }
}

/// Reads the plugin's answer up to its head, which is `200` when there is none before the body.
async fn begun(
    answer: impl Future<Output = Result<Parts<ServeMetricsResponse>, ApiError>>,
) -> Result<(HttpResponseHead, Parts<ServeMetricsResponse>), ApiError> {
    let mut parts = answer.await?;
    loop {
        match parts.next().await.transpose()?.map(|it| it.part) {
            Some(Some(Answer::Head(head))) if head.status_code < 200 => {}
            Some(Some(Answer::Head(head))) => return Ok((head, parts)),
            Some(None | Some(Answer::Flush(_))) => {}
            Some(Some(other)) => {
                return Ok((ok(BTreeMap::new()), stream::iter([part(other)]).chain(parts).boxed()));
            }
            None => return Ok((ok(BTreeMap::new()), stream::empty().boxed())),
        }
    }
}

/// Asks for what the host's part can stand before.
fn plain_text_only(head: &mut v1::HttpRequestHead) {
    head.header.retain(|name, _| !name.eq_ignore_ascii_case("accept") && !name.eq_ignore_ascii_case("accept-encoding"));
    head.header.insert("Accept".to_owned(), one(prometheus::TEXT_FORMAT));
}

/// An answer that is this text.
fn whole(text: String) -> Parts<ServeMetricsResponse> {
    let header = [
        ("Content-Type".to_owned(), one(prometheus::TEXT_FORMAT)),
        ("Content-Length".to_owned(), one(&text.len().to_string())),
    ];
    stream::iter([part(Answer::Head(ok(header.into()))), part(Answer::Body(text.into()))]).boxed()
}

fn not_found() -> Parts<ServeMetricsResponse> {
    let head = HttpResponseHead { status_code: 404, ..HttpResponseHead::default() };
    stream::iter([part(Answer::Head(head))]).boxed()
}

fn ok(header: BTreeMap<String, StringList>) -> HttpResponseHead {
    HttpResponseHead { status_code: 200, header }
}

fn part(part: Answer) -> Result<ServeMetricsResponse, ApiError> {
    Ok(ServeMetricsResponse { part: Some(part) })
}

fn one(value: &str) -> StringList {
    StringList { values: vec![value.to_owned()] }
}

/// A field of the header, by its name in lower case.
fn field<'a>(head: &'a HttpResponseHead, name: &str) -> Option<&'a str> {
    let (_, values) = head.header.iter().find(|(it, _)| it.eq_ignore_ascii_case(name))?;
    values.values.first().map(String::as_str)
}

/// Names of the hooks that the host has by itself.
pub(crate) fn hooks_of_host() -> impl Iterator<Item = &'static str> {
    [HookName::ServeMetrics.as_str()].into_iter()
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
