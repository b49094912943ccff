//! `PluginHTTP`, `InstallPlugin` and `UploadData`.

use futures::StreamExt as _;

use super::super::asked::{Asked, Manners};
use super::*;

async fn calling(old: bool, response: v1::HttpResponseHead) -> Asked {
    Asked::on(Site::new(None).await, Manners { old, response, ..Manners::default() }).await
}

fn ok(header: &[(&str, &str)]) -> v1::HttpResponseHead {
    v1::HttpResponseHead { status_code: 200, header: fields(header) }
}

/// A request with a body in pieces; `None` in place of its end breaks it off.
fn request(method: &str, pieces: Vec<Bytes>, end: Option<&str>) -> Parts<v1::PluginHttpRequest> {
    use v1::plugin_http_request::Part;
    let head = v1::HttpRequestHead {
        method: method.to_owned(),
        url: "/target/x?y=1".to_owned(),
        ..v1::HttpRequestHead::default()
    };
    let end = end.map(|error| Part::BodyEnd(v1::HttpBodyEnd { error: error.to_owned(), ..v1::HttpBodyEnd::default() }));
    let parts = [Part::Head(head)].into_iter().chain(pieces.into_iter().map(Part::Body)).chain(end);
    let parts: Vec<_> = parts.map(|part| Ok(v1::PluginHttpRequest { part: Some(part) })).collect();
    futures::stream::iter(parts).boxed()
}

/// Status, body, and how it ended.
async fn response(mut parts: Parts<v1::PluginHttpResponse>) -> (i32, Vec<u8>, String) {
    use v1::plugin_http_response::Part;
    let Some(Part::Head(head)) = parts.next().await.unwrap().unwrap().part else { panic!("the head is first") };
    let mut body = Vec::new();
    loop {
        match timeout(SOON, parts.next()).await.unwrap().unwrap().unwrap().part.unwrap() {
            Part::Body(piece) => body.extend_from_slice(&piece),
            Part::BodyEnd(end) => {
                assert!(parts.next().await.is_none(), "nothing follows");
                return (head.status_code, body, end.error);
            }
            Part::Head(_) => panic!("one head"),
        }
    }
}

#[tokio::test]
async fn another_plugin_is_asked_on_new_and_old_servers() {
    for (old, expected_calls) in [(false, 2), (true, 3)] {
        let server = calling(old, ok(&[])).await;
        let pieces = vec![Bytes::from(vec![1; 500_000]), Bytes::from(vec![1; 500_000])];
        let answer = response(server.api.plugin_http(request("POST", pieces, Some(""))).await.unwrap()).await;
        let expected = [b"POST /target/x?y=1 ".to_vec(), vec![1; 1_000_000]].concat();
        assert!(answer == (200, expected, String::new()), "{} {} {}", answer.0, answer.1.len(), answer.2);
        // An empty body needs no stream, and what the server cannot is not tried again.
        let answer = response(server.api.plugin_http(request("GET", vec![], Some(""))).await.unwrap()).await;
        let body = if old { "GET /target/x?y=1 " } else { "GET /target/x?y=1 none" };
        assert_eq!(answer, (200, body.as_bytes().to_vec(), String::new()));
        assert_eq!(server.calls(), expected_calls);
    }
}

#[tokio::test]
async fn no_answer_is_an_error() {
    for old in [false, true] {
        let server = calling(old, v1::HttpResponseHead::default()).await;
        let call = server.api.plugin_http(request("GET", vec![], Some("")));
        let Err(error) = timeout(SOON, call).await.unwrap() else { panic!("there is no answer") };
        assert!(error.to_string().starts_with("PluginHTTP: the server gave no answer"), "{error}");
    }
}

#[tokio::test]
async fn an_answer_shorter_than_declared_has_ended_early() {
    let server = calling(false, ok(&[("Content-Length", "1000")])).await;
    let answer = response(server.api.plugin_http(request("POST", vec!["x".into()], Some(""))).await.unwrap()).await;
    assert_eq!(answer.2, "unexpected EOF");
    // To HEAD it is no promise.
    let answer = response(server.api.plugin_http(request("HEAD", vec![], Some(""))).await.unwrap()).await;
    assert_eq!(answer.2, "");
}

#[tokio::test]
async fn a_request_that_breaks_off_is_not_taken_for_whole() {
    for end in [None, Some("the file could not be read")] {
        for old in [false, true] {
            let server = calling(old, ok(&[])).await;
            let Err(_) = server.api.plugin_http(request("POST", vec!["half".into()], end)).await else {
                panic!("the other plugin got half of it for the whole: {end:?}, old: {old}")
            };
        }
    }
}

#[tokio::test]
async fn an_answer_may_be_dropped_unread() {
    let server = calling(false, ok(&[])).await;
    for _ in 0..20 {
        let parts = server.api.plugin_http(request("POST", vec![vec![1; 1_000_000].into()], Some(""))).await.unwrap();
        drop(parts);
    }
    let answer = response(server.api.plugin_http(request("GET", vec![], Some(""))).await.unwrap()).await;
    assert_eq!(answer.0, 200);
}

fn data(pieces: Vec<Result<v1::upload_data_request::Part, ApiError>>) -> Parts<v1::UploadDataRequest> {
    let parts = pieces.into_iter().map(|it| it.map(|part| v1::UploadDataRequest { part: Some(part) }));
    futures::stream::iter(parts.collect::<Vec<_>>()).boxed()
}

#[tokio::test]
async fn data_is_uploaded_whole_or_not_at_all() {
    use v1::upload_data_request::Part;
    let server = calling(false, ok(&[])).await;
    let upload_session = Some(v1::UploadSession { id: "u1".to_owned(), ..v1::UploadSession::default() });
    let start = || Ok(Part::Start(v1::UploadDataStart { upload_session: upload_session.clone() }));
    let piece = || Ok(Part::Content(vec![1; 300_000].into()));
    let uploaded = server.api.upload_data(data(vec![start(), piece(), piece()])).await.unwrap();
    assert_eq!(uploaded.file_info.unwrap().id, "u1 600000");
    let uploaded = server.api.upload_data(data(vec![start()])).await.unwrap();
    assert_eq!(uploaded.file_info.unwrap().id, "u1 0");
    let broken_off = data(vec![start(), piece(), Err(ApiError::plain("the plugin's process ended"))]);
    let error = server.api.upload_data(broken_off).await.unwrap_err();
    assert!(error.to_string().contains("connection reset"), "{error}");
    let error = server.api.upload_data(data(vec![piece()])).await.unwrap_err();
    assert!(error.to_string().contains("UploadData begins with its arguments"), "{error}");
}

fn bundle(replace: bool, end: Option<ApiError>) -> Parts<v1::InstallPluginRequest> {
    use v1::install_plugin_request::Part;
    let parts = [Part::Start(v1::InstallPluginStart { replace }), Part::Content(vec![1; 100_000].into())];
    let parts = parts.map(|part| Ok(v1::InstallPluginRequest { part: Some(part) })).into_iter();
    futures::stream::iter(parts.chain(end.map(Err)).collect::<Vec<_>>()).boxed()
}

#[tokio::test]
async fn a_plugin_is_installed_whole_or_not_at_all() {
    let server = calling(false, ok(&[])).await;
    let installed = server.api.install_plugin(bundle(false, None)).await.unwrap();
    assert_eq!(installed.manifest.unwrap().id, "100000 bytes");
    let ApiError::App(error) = server.api.install_plugin(bundle(true, None)).await.unwrap_err() else { panic!() };
    assert_eq!(error.id, "replaced");
    let broken_off = bundle(false, Some(ApiError::plain("the plugin's process ended")));
    let error = server.api.install_plugin(broken_off).await.unwrap_err();
    assert!(error.to_string().contains("connection reset"), "{error}");
}

#[tokio::test]
async fn an_upload_that_is_given_up_is_no_end() {
    let server = calling(false, ok(&[])).await;
    let start = v1::install_plugin_request::Part::Start(v1::InstallPluginStart { replace: false });
    let parts = futures::stream::iter([Ok(v1::InstallPluginRequest { part: Some(start) })]);
    let endless = parts.chain(futures::stream::pending()).boxed();
    let installing = timeout(Duration::from_millis(200), server.api.install_plugin(endless)).await;
    assert!(installing.is_err(), "the bundle is not over");
    // The server goes on with others.
    server.api.install_plugin(bundle(false, None)).await.unwrap();
}
