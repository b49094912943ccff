//! The API's methods that carry streams: nothing is taken for whole that a process has not ended, whatever becomes of its call.

use std::time::Duration;

use super::*;
use crate::upstream::asked;

/// Their names, as gRPC has them.
const METHODS: [&str; 3] = ["PluginHTTP", "InstallPlugin", "UploadData"];

/// Longer than the server takes for what it does after the call.
const AFTERWARDS: Duration = Duration::from_secs(60);

/// A process calls one of them. The first byte tells which; the second how the server answers, and whether the process waits for it.
pub(super) async fn with_stream(bytes: &[u8]) {
    let [method, mood, rest @ ..] = bytes else { return };
    let method = METHODS[usize::from(*method) % METHODS.len()];
    let server = asked(*mood).await;
    let mut service = grpc::ApiService::new(Arc::clone(&server.api));
    let request = Request::builder().uri(format!("/mattermost.plugin.v1.PluginApi/{method}"));
    let request = request.header("content-type", "application/grpc").body(said(rest)).expect("a request");
    let response = service.call(request).await.unwrap_or_else(|never: Infallible| match never {});
    let mut answer = response.into_body();
    if mood & 32 == 0 {
        let _ = answer.collect().await;
    } else {
        let _ = answer.frame().await;
        drop(answer);
    }
    tokio::time::sleep(AFTERWARDS).await;
    let taken = server.taken();
    if !taken.is_empty() {
        let whole = whole(method, said(rest)).await;
        assert_eq!(taken, [whole.expect("it was not ended")], "{method}");
    }
    server.intact().await;
}

/// What the process has sent, if it has ended it.
async fn whole(method: &str, mut body: Body) -> Option<Vec<u8>> {
    let (mut data, mut broken) = (BytesMut::new(), false);
    while let Some(frame) = body.frame().await {
        match frame.map(Frame::into_data) {
            Ok(piece) => data.extend_from_slice(&piece.unwrap_or_default()),
            Err(_) => broken = true,
        }
    }
    let mut data = data.freeze();
    let mut messages = Vec::new();
    while data.len() >= 5 && data[0] == 0 {
        let length = u32::from_be_bytes([data[1], data[2], data[3], data[4]]) as usize;
        if data.len() - 5 < length {
            break;
        }
        messages.push(data.slice(5..5 + length));
        data = data.slice(5 + length..);
    }
    let ended = data.is_empty() && !broken;
    let mut messages = messages.into_iter();
    let mut content = Vec::new();
    match method {
        "PluginHTTP" => {
            use plugin_http_request::Part;
            let mut next = || PluginHttpRequest::decode(messages.next()?).ok()?.part;
            let Some(Part::Head(_)) = next() else { return None };
            loop {
                match next()? {
                    Part::Body(piece) => content.extend_from_slice(&piece),
                    Part::BodyEnd(end) => return end.error.is_empty().then_some(content),
                    Part::Head(_) => return None,
                }
            }
        }
        "InstallPlugin" => {
            use install_plugin_request::Part;
            let Some(Part::Start(_)) = InstallPluginRequest::decode(messages.next()?).ok()?.part else { return None };
            for message in messages {
                let Some(Part::Content(piece)) = InstallPluginRequest::decode(message).ok()?.part else { return None };
                content.extend_from_slice(&piece);
            }
            ended.then_some(content)
        }
        _ => {
            use upload_data_request::Part;
            let Some(Part::Start(_)) = UploadDataRequest::decode(messages.next()?).ok()?.part else { return None };
            for message in messages {
                let Some(Part::Content(piece)) = UploadDataRequest::decode(message).ok()?.part else { return None };
                content.extend_from_slice(&piece);
            }
            ended.then_some(content)
        }
    }
}
