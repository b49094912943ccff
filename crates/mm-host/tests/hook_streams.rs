//! Hooks with streams through the host, with the real SDK: what `PluginHooks::serve_http` promises to whoever calls it.

mod common;

use std::time::Duration;

use common::{TestPlugin, timed};
use futures::StreamExt as _;
use futures::channel::mpsc;
use mm_host::Deadlines;
use mm_proto::ApiError;
use mm_proto::grpc::Parts;
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::serve_http_request::Part as Request;
use mm_proto::plugin::v1::serve_http_response::Part as Answer;

const BODY: &str = r#"
    @hook(HookName.ServeHTTP)
    async def serve(self, context, writer, request):
        import asyncio
        if request.path == "/forever":
            self.logger.info("waiting")
            try:
                await asyncio.sleep(60)
            finally:
                self.logger.warning("given up")
        if request.path == "/slowly":
            async for piece in request.stream():
                pass
        writer.write("begun")
        await writer.drain()
        if request.path == "/long":
            await asyncio.sleep(4)
        writer.write(" and done")
"#;

type Sender = mpsc::UnboundedSender<Result<v1::ServeHttpRequest, ApiError>>;

fn request(path: &str) -> (Sender, Parts<v1::ServeHttpRequest>) {
    let (sender, parts) = mpsc::unbounded();
    let head = v1::HttpRequestHead { method: "POST".into(), url: path.into(), ..Default::default() };
    let context = Some(v1::Context::default());
    tell(&sender, Request::Start(v1::ServeHttpStart { context, request: Some(head), ..Default::default() }));
    (sender, parts.boxed())
}

fn tell(sender: &Sender, part: Request) {
    sender.unbounded_send(Ok(v1::ServeHttpRequest { part: Some(part) })).unwrap();
}

async fn body(mut answers: Parts<v1::ServeHttpResponse>) -> Result<String, ApiError> {
    let mut text = String::new();
    while let Some(answer) = answers.next().await {
        if let Some(Answer::Body(piece)) = answer?.part {
            text += std::str::from_utf8(&piece).unwrap();
        }
    }
    Ok(text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limit_is_for_the_beginning_of_the_answer() {
    let plugin = TestPlugin::with_body(BODY);
    // So long that a handler which does begin has begun by then, on a machine that is busy too.
    let deadlines = Deadlines::default().with("ServeHTTP", Duration::from_secs(3));
    let host = plugin.builder().deadlines(deadlines).build().unwrap();
    host.start().await.unwrap();
    let hooks = host.hooks();

    // A handler that never answers is given up, and told so.
    let forever = async {
        let (_open, parts) = request("/forever");
        let (error, took) = timed(async { body(hooks.serve_http(parts).await.unwrap()).await.unwrap_err() }).await;
        assert_eq!(error.code(), tonic::Code::DeadlineExceeded, "{error}");
        assert!(error.to_string().contains("ServeHTTP did not begin to answer within 3 s"), "{error}");
        assert!(took < Duration::from_secs(8), "{took:?}");
    };

    // One that has begun has all the time that it likes.
    let long = async {
        let (_open, parts) = request("/long");
        assert_eq!(body(hooks.serve_http(parts).await.unwrap()).await.unwrap(), "begun and done");
    };

    // So has one that reads what still comes.
    let slowly = async {
        let (sender, parts) = request("/slowly");
        let upload = tokio::spawn(async move {
            for _ in 0..8 {
                tell(&sender, Request::Body("piece".into()));
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            tell(&sender, Request::BodyEnd(v1::HttpBodyEnd::default()));
        });
        assert_eq!(body(hooks.serve_http(parts).await.unwrap()).await.unwrap(), "begun and done");
        upload.await.unwrap();
    };
    tokio::join!(forever, long, slowly);
    host.stop("test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_comes_before_the_request_has_ended_and_dropping_it_cancels_the_handler() {
    let plugin = TestPlugin::with_body(BODY);
    let host = plugin.host();
    host.start().await.unwrap();
    let hooks = host.hooks();

    let (_open, parts) = request("/early");
    assert_eq!(body(hooks.serve_http(parts).await.unwrap()).await.unwrap(), "begun and done");

    let (_open, parts) = request("/forever");
    let answers = hooks.serve_http(parts).await.unwrap();
    plugin.wait_for_log("waiting").await;
    drop(answers);
    plugin.wait_for_log("given up").await;
    host.stop("test").await;
}
