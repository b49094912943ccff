//! HTTP requests to plugins that come from inside: by people of a script, by other plugins, for lists of suggestions. What comes over
//! the network is in `web`.

use std::collections::{BTreeMap, VecDeque};

use futures::StreamExt as _;
use mm_proto::grpc::Parts;
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::serve_http_request::Part as RequestPart;
use mm_proto::plugin::v1::serve_http_response::Part as ResponsePart;
use tokio::sync::mpsc;

use crate::errors::{self, Result};
use crate::hooks::{Caller, Listener};
use crate::server::Server;

/// An HTTP request to a plugin.
#[derive(Clone, Debug, Default)]
pub struct HttpRequest {
    /// `GET`, `POST` …; empty is `GET`.
    pub method: String,
    /// The path below the plugin and the query, such as `/api/list?all=1`.
    pub path: String,
    pub header: BTreeMap<String, Vec<String>>,
    pub body: Vec<u8>,
}

/// What a plugin answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpResponse {
    pub status: i32,
    pub header: BTreeMap<String, Vec<String>>,
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The body as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn plain(status: i32, text: &str) -> Self {
        Self { status, header: BTreeMap::new(), body: text.as_bytes().to_vec() }
    }
}

impl Server {
    /// Serves a request by a plugin. A plugin that does not run or has no `ServeHTTP` gives 404, one that fails 500, as on a real
    /// server.
    pub(crate) async fn serve_http(&self, caller: &Caller, plugin_id: &str, request: HttpRequest) -> HttpResponse {
        let Some(listener) = self.listener_of(plugin_id, "ServeHTTP") else {
            return HttpResponse::plain(404, "404 page not found");
        };
        let start =
            v1::ServeHttpStart { context: caller.context(), request: Some(head_of(&request)), ..Default::default() };
        let name = "ServeHTTP";
        let span = self.trace_hook(&listener, name, &start);
        let result = exchange(&listener, start, request.body).await;
        self.finish_hook(&listener, name, span, result)
            .unwrap_or_else(|| HttpResponse::plain(500, "500 internal server error"))
    }

    /// The JSON that a plugin gives for a dynamic list of suggestions; null when it gives none.
    pub(crate) async fn ask_for_list(
        &self,
        plugin_id: &str,
        path: &str,
        query: &[(&str, &str)],
        user_id: &str,
    ) -> serde_json::Value {
        let query: Vec<_> = query.iter().map(|(key, value)| format!("{key}={}", escaped(value))).collect();
        let mut request = HttpRequest { path: format!("/{path}?{}", query.join("&")), ..Default::default() };
        set_header(&mut request, "Mattermost-User-Id", user_id);
        set_header(&mut request, "Mattermost-Plugin-Id", "com.mattermost.server");
        let answer = self.serve_http(&self.caller(), plugin_id, request).await;
        if answer.status >= 300 {
            return serde_json::Value::Null;
        }
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    /// `PluginHTTP`: a request of one plugin to another, as it comes; the path begins with the other's id.
    pub(crate) async fn plugin_http(
        &self,
        from: &str,
        mut requests: Parts<v1::PluginHttpRequest>,
    ) -> Result<Parts<v1::PluginHttpResponse>> {
        let head = loop {
            match requests.next().await.transpose()?.map(|it| it.part) {
                Some(Some(v1::plugin_http_request::Part::Head(head))) => break head,
                Some(_) => {}
                None => return Err(errors::plain("the request of PluginHTTP ended before it began")),
            }
        };
        let Some((target, path)) = target_of(&head.url) else {
            let text = "The path of the request must begin with the id of a plugin: /<plugin id>/…";
            return Ok(parts_of(HttpResponse::plain(400, text)));
        };
        let Some(listener) = self.listener_of(target, "ServeHTTP") else {
            return Ok(parts_of(HttpResponse::plain(404, "404 page not found")));
        };
        let caller = self.caller();
        let mut request = v1::HttpRequestHead { url: path, ..head };
        // What tells who asks is the server's to say.
        request.header.retain(|name, _| {
            !name.eq_ignore_ascii_case("Mattermost-User-Id") && !name.eq_ignore_ascii_case("Mattermost-Plugin-ID")
        });
        request.header.insert("Mattermost-Plugin-Id".to_owned(), v1::StringList { values: vec![from.to_owned()] });
        let start = v1::ServeHttpStart { context: caller.context(), request: Some(request), ..Default::default() };
        let span = self.trace_hook(&listener, "ServeHTTP", &start);
        let (news, receiver) = mpsc::channel(1);
        let answers = listener.hooks.serve_http(forwarded(start, requests, receiver)).await;
        let (answers, result) = match answers {
            Ok(answers) => (answers, Ok(())),
            Err(error) => (futures::stream::iter([Err(error.clone())]).boxed(), Err(error)),
        };
        self.finish_hook(&listener, "ServeHTTP", span, result);
        Ok(Answering { answers, news, head_sent: false, is_over: false, ready: VecDeque::new() }.into_parts())
    }
}

/// The plugin that an address means, and the rest of it; an absolute address counts from its path on.
fn target_of(url: &str) -> Option<(&str, String)> {
    let url = url.split_once("://").map_or(url, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
    let rest = url.trim_start_matches('/');
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (target, path) = rest.split_at(end);
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    (!target.is_empty()).then_some((target, path))
}

/// What the other plugin is told: the request as it comes; what is news goes before the rest of the body.
fn forwarded(
    start: v1::ServeHttpStart,
    requests: Parts<v1::PluginHttpRequest>,
    news: mpsc::Receiver<RequestPart>,
) -> Parts<v1::ServeHttpRequest> {
    use v1::plugin_http_request::Part;
    let body = requests.filter_map(async |request| match request.map(|it| it.part) {
        Ok(Some(Part::Body(piece))) => Some(Ok(RequestPart::Body(piece))),
        Ok(Some(Part::BodyEnd(end))) => Some(Ok(RequestPart::BodyEnd(end))),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    });
    let news = tokio_stream::wrappers::ReceiverStream::new(news).map(Ok);
    let rest =
        futures::stream::select_with_strategy(news, Box::pin(body), |_: &mut ()| futures::stream::PollNext::Left);
    let parts = futures::stream::iter([Ok(RequestPart::Start(start))]).chain(rest);
    parts.map(|part| part.map(|part| v1::ServeHttpRequest { part: Some(part) })).boxed()
}

/// The answer of one plugin on its way to another.
struct Answering {
    answers: Parts<v1::ServeHttpResponse>,
    news: mpsc::Sender<RequestPart>,
    head_sent: bool,
    is_over: bool,
    ready: VecDeque<v1::plugin_http_response::Part>,
}

impl Answering {
    fn into_parts(self) -> Parts<v1::PluginHttpResponse> {
        let parts = futures::stream::unfold(self, async |mut answering| {
            let part = answering.next().await?;
            Some((Ok(v1::PluginHttpResponse { part: Some(part) }), answering))
        });
        parts.boxed()
    }

    async fn next(&mut self) -> Option<v1::plugin_http_response::Part> {
        while self.ready.is_empty() && !self.is_over {
            match self.answers.next().await {
                Some(Ok(answer)) => self.take(answer.part).await,
                Some(Err(error)) => self.fail(&error),
                None => self.end(String::new()),
            }
        }
        self.ready.pop_front()
    }

    async fn take(&mut self, part: Option<ResponsePart>) {
        use v1::plugin_http_response::Part;
        match part {
            Some(ResponsePart::Head(head)) => {
                self.head_sent |= head.status_code >= 200;
                self.ready.push_back(Part::Head(head));
            }
            Some(ResponsePart::Body(piece)) => {
                self.begin(200);
                self.ready.push_back(Part::Body(piece));
            }
            Some(ResponsePart::Hijack(_)) => {
                let error = "there is no connection between plugins".to_owned();
                let hijacked = RequestPart::Hijacked(v1::HttpHijacked { error });
                // A plugin that has ended its call does not wait for it.
                let _ = self.news.send(hijacked).await;
            }
            _ => {}
        }
    }

    fn begin(&mut self, status_code: i32) {
        if !std::mem::replace(&mut self.head_sent, true) {
            let head = v1::HttpResponseHead { status_code, ..Default::default() };
            self.ready.push_back(v1::plugin_http_response::Part::Head(head));
        }
    }

    fn fail(&mut self, error: &mm_proto::ApiError) {
        if self.head_sent {
            return self.end(errors::text(error));
        }
        self.begin(500);
        let text = "500 internal server error".as_bytes();
        self.ready.push_back(v1::plugin_http_response::Part::Body(text.into()));
        self.end(String::new());
    }

    fn end(&mut self, error: String) {
        self.begin(200);
        let end = v1::HttpBodyEnd { error, ..Default::default() };
        self.ready.push_back(v1::plugin_http_response::Part::BodyEnd(end));
        self.is_over = true;
    }
}

/// A header field, replacing what was there.
pub(crate) fn set_header(request: &mut HttpRequest, name: &str, value: &str) {
    request.header.retain(|known, _| !known.eq_ignore_ascii_case(name));
    request.header.insert(name.to_owned(), vec![value.to_owned()]);
}

fn head_of(request: &HttpRequest) -> v1::HttpRequestHead {
    let header = request.header.iter().map(|(key, values)| (key.clone(), v1::StringList { values: values.clone() }));
    v1::HttpRequestHead {
        method: if request.method.is_empty() { "GET".to_owned() } else { request.method.clone() },
        url: request.path.clone(),
        proto: "HTTP/1.1".to_owned(),
        proto_major: 1,
        proto_minor: 1,
        header: header.collect(),
        host: "localhost:8065".to_owned(),
        remote_addr: "127.0.0.1:0".to_owned(),
        request_uri: request.path.clone(),
    }
}

/// One exchange with the hook: the request goes out whole, the answer is collected, flushes are confirmed.
async fn exchange(listener: &Listener, start: v1::ServeHttpStart, body: Vec<u8>) -> Result<HttpResponse> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let send = |part| sender.send(Ok(v1::ServeHttpRequest { part: Some(part) })).is_ok();
    send(RequestPart::Start(start));
    if !body.is_empty() {
        send(RequestPart::Body(body.into()));
    }
    send(RequestPart::BodyEnd(v1::HttpBodyEnd::default()));
    let requests = tokio_stream::wrappers::UnboundedReceiverStream::new(receiver).boxed();
    let mut responses = listener.hooks.serve_http(requests).await?;
    let mut answer = HttpResponse { status: 200, ..Default::default() };
    while let Some(response) = responses.next().await {
        match response?.part {
            Some(ResponsePart::Head(head)) => {
                answer.status = head.status_code;
                answer.header = head.header.into_iter().map(|(key, list)| (key, list.values)).collect();
            }
            Some(ResponsePart::Body(piece)) => answer.body.extend_from_slice(&piece),
            Some(ResponsePart::Flush(_)) => drop(send(RequestPart::Flushed(v1::HttpFlushed::default()))),
            Some(ResponsePart::Hijack(_)) => {
                let error = "the simulator hands over no connections".to_owned();
                send(RequestPart::Hijacked(v1::HttpHijacked { error }));
            }
            _ => {}
        }
    }
    Ok(answer)
}

fn parts_of(answer: HttpResponse) -> Parts<v1::PluginHttpResponse> {
    use v1::plugin_http_response::Part;
    let header = answer.header.into_iter().map(|(key, values)| (key, v1::StringList { values })).collect();
    let head = v1::HttpResponseHead { status_code: answer.status, header };
    let parts = [Part::Head(head), Part::Body(answer.body.into()), Part::BodyEnd(v1::HttpBodyEnd::default())];
    futures::stream::iter(parts.map(|part| Ok(v1::PluginHttpResponse { part: Some(part) }))).boxed()
}

/// Percent-encodes a value of a query.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
