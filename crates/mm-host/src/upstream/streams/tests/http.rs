//! Requests and answers that go as they should, and plugins that answer what cannot be sent.

use super::*;

/// Serves one request without a body by a plugin that answers this.
async fn served(behaviour: Behaviour, answers: Vec<Result<Answer, ApiError>>) -> (Arc<Writer>, Result<(), CallError>) {
    let writer = Writer::new(behaviour);
    let site = Site::serving(Serving::answering(answers)).await;
    let result = site.serve(&writer, get("/"), "").await;
    (writer, result)
}

#[tokio::test]
async fn an_answer_takes_as_few_calls_as_possible() {
    let (writer, result) =
        served(Behaviour::default(), vec![head(200, &[("X-A", "1")]), body("one "), body("two")]).await;
    result.unwrap();
    assert_eq!(writer.calls(), ["Header", "SyncHeader", "Write 7"]);
    assert_eq!(writer.body(), b"one two");
    assert_eq!(writer.field("X-A").unwrap(), ["1"]);
    assert_eq!(writer.field("X-Request-Id"), None, "the plugin's header is the whole header");
}

#[tokio::test]
async fn a_status_is_sent_before_the_body() {
    let (writer, result) = served(Behaviour::default(), vec![head(404, &[]), body("no")]).await;
    result.unwrap();
    assert_eq!(writer.calls(), ["Header", "SyncHeader", "WriteHeader 404", "Write 2"]);
}

#[tokio::test]
async fn an_answer_may_be_a_head_a_body_or_nothing() {
    let (writer, result) = served(Behaviour::default(), vec![]).await;
    result.unwrap();
    assert_eq!(writer.calls(), ["Header"]);
    let (writer, result) = served(Behaviour::default(), vec![head(204, &[])]).await;
    result.unwrap();
    assert_eq!(writer.calls(), ["Header", "SyncHeader", "WriteHeader 204"]);
    let (writer, result) = served(Behaviour::default(), vec![body("x")]).await;
    result.unwrap();
    assert_eq!(writer.calls(), ["Header", "Write 1"]);
    assert_eq!(writer.field("X-Request-Id").unwrap(), ["r1"], "the server's own header");
}

#[tokio::test]
async fn what_the_server_has_set_is_told_and_so_is_the_request() {
    let (plugin, seen) = telling(|mut it, told| async move {
        let start = it.start().await;
        assert_eq!(start.response_header, fields(&[("X-Request-Id", "r1")]));
        assert_eq!(start.context.unwrap().session_id, "s1");
        let request = start.request.unwrap();
        assert_eq!((request.method.as_str(), request.url.as_str()), ("GET", "/a%20b?q=%FF&c"));
        assert_eq!(request.header, fields(&[("X-Many", "values")]));
        told.add("start");
        assert_eq!(it.body().await, (Vec::new(), String::new()));
        told.add("end");
    });
    let site = Site::serving(plugin).await;
    let request = Sent { header: fields(&[("X-Many", "values")]), ..get("") };
    let request = Sent { url: b"/a%20b?q=\xff&c".to_vec(), ..request };
    site.serve(&Writer::new(Behaviour::default()), request, "").await.unwrap();
    assert_eq!([seen.next().await, seen.next().await], ["start", "end"]);
}

#[tokio::test]
async fn names_are_sent_as_go_spells_them() {
    let fields = [("content-type", "text/plain"), ("transfer-encoding", "gzip"), ("x-a", "\u{e4} 1")];
    let (writer, result) = served(Behaviour::default(), vec![head(200, &fields), body("x")]).await;
    result.unwrap();
    assert_eq!(writer.field("Content-Type").unwrap(), ["text/plain"]);
    assert_eq!(writer.field("X-A").unwrap(), ["\u{e4} 1"]);
    assert_eq!(writer.header.lock().unwrap().len(), 2, "how the body travels is not the plugin's to say");
}

#[tokio::test]
async fn large_headers_go_both_ways() {
    let large = "v".repeat(64 * 1024);
    let names: Vec<String> = (0..2000).map(|n| format!("X-Field-{n}")).collect();
    let mut many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "value")).collect();
    many.push(("X-Large", &large));
    let expected = fields(&many);
    let answer = head(200, &many);
    let site = Site::serving(conversing(move |mut it| {
        let answer = answer.clone();
        async move {
            let header = it.start().await.request.unwrap().header;
            it.say(answer).await;
            it.say(body(format!("{} {}", header.len(), header["X-Large"].values[0].len()))).await;
        }
    }))
    .await;
    let writer = Writer::new(Behaviour::default());
    site.serve(&writer, Sent { header: expected.clone(), ..get("/") }, "").await.unwrap();
    assert_eq!(*writer.header.lock().unwrap(), expected);
    assert_eq!(writer.body(), b"2001 65536");
}

#[tokio::test]
async fn a_flush_follows_what_it_is_for() {
    let answers = vec![head(200, &[]), flush(), body("a"), flush(), body("b"), flush()];
    let (writer, result) = served(Behaviour::default(), answers).await;
    result.unwrap();
    assert_eq!(writer.calls(), ["Header", "SyncHeader", "Write 2"], "the end of the call flushes");

    let (plugin, seen) = telling(|it, waiting| async move {
        it.say(head(200, &[])).await;
        it.say(flush()).await;
        waiting.next().await;
        it.say(body("event")).await;
        it.say(flush()).await;
        waiting.next().await;
    });
    let site = Site::serving(plugin).await;
    let writer = Writer::new(Behaviour::default());
    let watching = Arc::clone(&writer);
    let watch = tokio::spawn(async move {
        for expected in [vec!["Header", "SyncHeader", "Flush"], vec!["Header", "SyncHeader", "Flush", "Write", "Flush"]]
        {
            while watching.methods() != expected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            seen.add("go on");
        }
    });
    site.serve(&writer, get("/"), "").await.unwrap();
    timeout(SOON, watch).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_that_cannot_flush_is_told_of_once() {
    let (plugin, seen) = telling(|mut it, told| async move {
        it.start().await;
        it.body().await;
        for piece in ["a", "b"] {
            it.say(body(piece)).await;
            it.say(flush()).await;
            if piece == "a" {
                let Some(Request::Flushed(flushed)) = it.hear().await else { panic!("it is told") };
                told.add(flushed.error);
            }
        }
        drop(it.answers);
        use futures::StreamExt as _;
        assert_eq!(timeout(SOON, it.requests.next()).await.unwrap(), None, "once, and then the end");
        told.add("over");
    });
    let site = Site::serving(plugin).await;
    let writer = Writer::new(Behaviour { no_flush: true, ..Behaviour::default() });
    site.serve(&writer, get("/"), "").await.unwrap();
    assert_eq!(seen.next().await, "this version of the server cannot do it");
    assert_eq!(seen.next().await, "over");
    assert_eq!(writer.body(), b"ab");
}

fn trailers(header: &[(&str, &str)]) -> Result<Answer, ApiError> {
    Ok(Answer::Trailers(v1::HttpTrailers { header: fields(header) }))
}

#[tokio::test]
async fn trailers_follow_the_body() {
    let answers = vec![head(200, &[("X-A", "1")]), body("x"), trailers(&[("x-sum", "2")])];
    let (writer, result) = served(Behaviour::default(), answers).await;
    result.unwrap();
    assert_eq!(writer.methods(), ["Header", "SyncHeader", "Write", "Flush", "SyncHeader"]);
    assert_eq!(*writer.header.lock().unwrap(), fields(&[("X-A", "1"), ("Trailer:X-Sum", "2")]));

    // Declared ones need no flush to be sent.
    let answers = vec![head(200, &[("Trailer", "X-Sum")]), body("x"), trailers(&[("X-Sum", "2")])];
    let (writer, _) = served(Behaviour::default(), answers).await;
    assert_eq!(writer.methods(), ["Header", "SyncHeader", "Write", "SyncHeader"]);

    let (writer, result) = served(Behaviour::default(), vec![trailers(&[("X-Sum", "2")]), body("x")]).await;
    assert_eq!(result.unwrap_err().to_string(), "ServeHTTP failed: the plugin sent more after the end of its answer");
    assert_eq!(writer.methods().last().unwrap(), "HjConnClose");
}

#[tokio::test]
async fn informational_heads_go_before_the_final_one() {
    let answers = vec![head(103, &[("Link", "</a.css>")]), head(201, &[("X-A", "1")]), body("x")];
    let (writer, result) = served(Behaviour::default(), answers).await;
    result.unwrap();
    let expected = ["Header", "SyncHeader", "WriteHeader 103", "SyncHeader", "WriteHeader 201", "Write 1"];
    assert_eq!(writer.calls(), expected);
    assert_eq!(*writer.header.lock().unwrap(), fields(&[("X-A", "1")]));
}

#[tokio::test]
async fn what_cannot_be_sent_is_a_500() {
    let hijack_data = Ok(Answer::ConnectionData("x".into()));
    for (answers, why) in [
        (vec![head(99, &[])], "the plugin sent the status 99"),
        (vec![head(1000, &[])], "the plugin sent the status 1000"),
        (vec![head(101, &[])], "the plugin sent the status 101"),
        (vec![head(200, &[]), head(200, &[])], "the plugin sent a second status"),
        (vec![head(200, &[("X-A", "1\r\nX-B: 2")])], "the plugin sent the header field \"X-A\", which cannot be sent"),
        (vec![head(200, &[("X A", "1")])], "the plugin sent the header field \"X A\", which cannot be sent"),
        (vec![hijack_data], "the plugin used a connection that it has not taken over"),
        (vec![broken()], "the handler raised"),
        (vec![head(200, &[]), body("x"), broken()], "the handler raised"),
    ] {
        let (writer, result) = served(Behaviour::default(), answers).await;
        assert_eq!(result.unwrap_err().to_string(), format!("ServeHTTP failed: {why}"));
        assert_eq!(writer.calls(), ["Header"], "{why}: nothing is sent, so the server can send its 500");
    }
}

#[tokio::test]
async fn a_plugin_that_fails_at_once_is_a_500() {
    let site = Site::serving(Serving::new(|_| Err(ApiError::plain("no")))).await;
    let writer = Writer::new(Behaviour::default());
    let error = site.serve(&writer, get("/"), "").await.unwrap_err();
    assert_eq!(error.to_string(), "ServeHTTP failed: no");
}

#[tokio::test]
async fn a_plugin_that_is_not_active_is_a_500_and_holds_nothing_up() {
    let site = Site::new(None).await;
    let writer = Writer::new(Behaviour::default());
    let error = site.serve(&writer, post(5), "12345").await.unwrap_err();
    assert_eq!(error.to_string(), "ServeHTTP failed: the plugin is not activated");
}

#[tokio::test]
async fn a_failure_in_the_middle_breaks_the_connection() {
    for (behaviour, last, fails) in [
        (Behaviour::default(), ["Write", "HijackResponse", "HjConnClose"], true),
        // Then a clean end, since the server's 500 would be appended to what was sent.
        (Behaviour { no_hijack: true, ..Behaviour::default() }, ["SyncHeader", "Write", "HijackResponse"], false),
    ] {
        let writer = Writer::new(behaviour);
        let watching = Arc::clone(&writer);
        let site = Site::serving(conversing(move |it| {
            let watching = Arc::clone(&watching);
            async move {
                it.say(head(200, &[])).await;
                it.say(body("half of ")).await;
                while watching.body().is_empty() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                it.say(broken()).await;
            }
        }))
        .await;
        assert_eq!(site.serve(&writer, get("/"), "").await.is_err(), fails);
        let methods = writer.methods();
        assert_eq!(methods[methods.len() - 3..], last);
    }
}

#[tokio::test]
async fn a_body_where_there_is_none_is_passed_over() {
    let text = "http: request method or response status code does not allow body";
    let behaviour = Behaviour { fails_after: Some((0, text)), ..Behaviour::default() };
    let (writer, result) =
        served(behaviour, vec![head(304, &[]), body(vec![1; 200_000]), body(vec![1; 200_000])]).await;
    result.unwrap();
    assert_eq!(writer.calls(), ["Header", "SyncHeader", "WriteHeader 304", "Write 200000"]);
}

#[tokio::test]
async fn a_body_longer_than_declared_breaks_the_connection() {
    let behaviour = Behaviour {
        fails_after: Some((5, "http: wrote more than the declared Content-Length")),
        ..Behaviour::default()
    };
    let answers = vec![head(200, &[("Content-Length", "5")]), body("12345"), body(vec![0; 200_000])];
    let (writer, result) = served(behaviour, answers).await;
    assert_eq!(result.unwrap_err().to_string(), "ServeHTTP failed: the body is longer than its Content-Length");
    assert_eq!(writer.methods().last().unwrap(), "HjConnClose");
}

/// The same exchange under the other name.
struct Metrics;

#[async_trait]
impl PluginHooks for Metrics {
    async fn serve_metrics(
        &self,
        mut requests: Parts<v1::ServeMetricsRequest>,
    ) -> Result<Parts<v1::ServeMetricsResponse>, ApiError> {
        use futures::StreamExt as _;
        use v1::serve_metrics_response::Part;
        let Some(v1::serve_metrics_request::Part::Start(start)) = requests.next().await.unwrap()?.part else {
            panic!()
        };
        let url = start.request.unwrap().url;
        let answers =
            [Part::Head(v1::HttpResponseHead { status_code: 200, header: fields(&[]) }), Part::Body(url.into())];
        Ok(futures::stream::iter(answers).map(|part| Ok(v1::ServeMetricsResponse { part: Some(part) })).boxed())
    }
}

#[tokio::test]
async fn metrics_are_served_likewise() {
    let site = Site::new(Some(Arc::new(Metrics))).await;
    let broker = site.host.broker();
    let call = ServeCall { writer: broker.next_id(), request: Some(get("/x")), ..ServeCall::default() };
    let stream = broker.accept(call.writer);
    let writer = Writer::new(Behaviour::default());
    let service = Arc::new(Written(Arc::clone(&writer)));
    tokio::spawn(async move {
        let (read, write) = stream.await.unwrap().into_split();
        Server::new().register("Plugin", service).serve(read, write).await
    });
    site.hooks.call::<Struct<ServeCall>, _, Struct<Empty>, Empty>("Plugin.ServeMetrics", &call).await.unwrap();
    assert_eq!(writer.body(), b"/x");
}
