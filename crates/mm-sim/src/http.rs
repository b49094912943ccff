//! HTTP requests to plugins: `ServeHTTP` for people, for other plugins and for lists of suggestions. Requests and answers travel whole;
//! connections are not handed over.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use mm_proto::grpc::Parts;
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::serve_http_request::Part as RequestPart;
use mm_proto::plugin::v1::serve_http_response::Part as ResponsePart;
use tokio::sync::mpsc;

use crate::errors::Result;
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
        let listener = self.running().iter().find(|listener| *listener.plugin_id == *plugin_id).cloned();
        let Some(listener) = listener.filter(|listener| listener.implemented.contains("ServeHTTP")) else {
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
        set_header(&mut request, "Mattermost-Plugin-ID", "com.mattermost.server");
        let answer = self.serve_http(&self.caller(), plugin_id, request).await;
        if answer.status >= 300 {
            return serde_json::Value::Null;
        }
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    /// `PluginHTTP`: a request of one plugin to another; the path begins with the other's id.
    pub(crate) async fn plugin_http(
        &self,
        from: &str,
        mut requests: Parts<v1::PluginHttpRequest>,
    ) -> Result<Parts<v1::PluginHttpResponse>> {
        use v1::plugin_http_request::Part;
        let mut head = v1::HttpRequestHead::default();
        let mut body = Vec::new();
        while let Some(part) = requests.next().await {
            match part?.part {
                Some(Part::Head(it)) => head = it,
                Some(Part::Body(piece)) => body.extend_from_slice(&piece),
                Some(Part::BodyEnd(_)) | None => break,
            }
        }
        let answer = self.inter_plugin(from, head, body).await;
        Ok(parts_of(answer))
    }

    async fn inter_plugin(&self, from: &str, head: v1::HttpRequestHead, body: Vec<u8>) -> HttpResponse {
        // An absolute address counts from its path on.
        let url = head
            .url
            .split_once("://")
            .map_or(head.url.as_str(), |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
        let Some((target, path)) = url.trim_start_matches('/').split_once('/').filter(|(target, _)| !target.is_empty())
        else {
            return HttpResponse::plain(
                400,
                "The path of the request must begin with the id of a plugin: /<plugin id>/…",
            );
        };
        let header = head.header.into_iter().map(|(key, list)| (key, list.values)).collect();
        let mut request = HttpRequest { method: head.method, path: format!("/{path}"), header, body };
        set_header(&mut request, "Mattermost-Plugin-ID", from);
        self.serve_http(&self.caller(), target, request).await
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
