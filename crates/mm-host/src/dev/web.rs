//! HTTP in the simulated server: the address that `--http` asks for, and the action `:http` of a script.

use std::time::Duration;

use mm_sim::{Actor, HttpRequest, HttpResponse, Server, Web, WebService};

use super::Options;
use super::chat::Outcome;
use super::screen::Screen;

/// How long the action waits for the whole answer: a stream of events has no end.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// How much of a body is shown.
const MOST_SHOWN: usize = 4000;

/// Listens where the options say, and says where that is.
///
/// # Errors
/// A text for people when an address cannot be used.
pub(super) async fn listen(server: &Server, screen: &Screen, options: &Options) -> Result<Vec<Web>, String> {
    let mut listeners = Vec::new();
    let wanted = [(options.http, WebService::Site, "HTTP"), (options.metrics, WebService::Metrics, "metrics")];
    for (address, service, name) in wanted {
        if let Some(address) = address {
            let web = server.listen(address, service).await;
            let web = web.map_err(|error| format!("cannot serve {name} at {address}: {error}"))?;
            screen.note(&format!("serving {name} at http://{}/plugins/", web.address()));
            listeners.push(web);
        }
    }
    Ok(listeners)
}

/// Asks the plugin as a user; gives the answer as lines.
pub(super) async fn ask(actor: &Actor, plugin_id: &str, method: &str, path: &str, body: String) -> Outcome {
    let mut request = HttpRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        body: body.into_bytes(),
        ..HttpRequest::default()
    };
    if !request.body.is_empty() {
        let kind = if serde_json::from_slice::<serde_json::Value>(&request.body).is_ok() {
            "application/json"
        } else {
            "text/plain"
        };
        request.header.insert("Content-Type".to_owned(), vec![kind.to_owned()]);
        request.header.insert("Content-Length".to_owned(), vec![request.body.len().to_string()]);
    }
    let answer = tokio::time::timeout(ANSWER_LIMIT, actor.http(plugin_id, request)).await;
    let answer = answer.map_err(|_| format!("no whole answer within {} s", ANSWER_LIMIT.as_secs()))?;
    Ok(shown(&answer))
}

/// `HTTP 200 application/json`, and the body.
fn shown(answer: &HttpResponse) -> Vec<String> {
    let kind = answer.header.iter().find(|(name, _)| name.eq_ignore_ascii_case("Content-Type"));
    let kind = kind.and_then(|(_, values)| values.first()).map(|it| format!(" {it}")).unwrap_or_default();
    let mut lines = vec![format!("HTTP {}{kind}", answer.status)];
    match std::str::from_utf8(&answer.body) {
        Ok(text) if text.len() <= MOST_SHOWN => lines.extend(text.lines().map(str::to_owned)),
        _ => lines.push(format!("({} bytes)", answer.body.len())),
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_shown_with_its_status_and_kind() {
        let header = [("content-type".to_owned(), vec!["text/plain".to_owned()])].into();
        let answer = HttpResponse { status: 404, header, body: b"not\nhere".to_vec() };
        assert_eq!(shown(&answer), ["HTTP 404 text/plain", "not", "here"]);
        let answer = HttpResponse { status: 200, body: vec![0xff; 3], ..HttpResponse::default() };
        assert_eq!(shown(&answer), ["HTTP 200", "(3 bytes)"]);
    }
}
