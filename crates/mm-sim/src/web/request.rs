//! What the server does to a request before a plugin sees it: whose session it is, what is taken out, what is put in.

use std::net::SocketAddr;

use http::request::Parts;
use http::{HeaderMap, Method};
use mm_proto::header::{Header, canonical};
use mm_proto::plugin::v1;

use super::WebService;
use crate::hooks::Caller;
use crate::server::Server;

/// The cookie with a session's token.
const SESSION_COOKIE: &str = "MMAUTHTOKEN";

/// The cookie whose value a form sends again, to show that it comes from this site.
const CSRF_COOKIE: &str = "MMCSRF";

/// The query's parameter with a session's token.
const TOKEN_PARAMETER: &str = "access_token";

/// Fields that only the server may set, that tell too much, or that HTTP has a place of its own for.
const REMOVED: [&str; 6] =
    ["mattermost-user-id", "mattermost-plugin-id", "referer", "host", "transfer-encoding", "cookie"];

/// The plugin and the path below it that a path means; `None` when it is no plugin's.
pub(super) fn target(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix("/plugins/")?;
    let end = rest.find('/').unwrap_or(rest.len());
    let (id, path) = rest.split_at(end);
    (!id.is_empty()).then_some((id, if path.is_empty() { "/" } else { path }))
}

/// What the hook is told.
pub(super) fn start(
    server: &Server,
    head: &Parts,
    path: &str,
    peer: SocketAddr,
    service: WebService,
) -> v1::ServeHttpStart {
    let found = match service {
        WebService::Site => find_session(server, head),
        WebService::Metrics => Found::default(),
    };
    let mut header = fields(&head.headers, &found);
    if let Some(session) = &found.session {
        set(&mut header, "Mattermost-User-Id", &session.user_id);
    }
    let text = |name: &str| head.headers.get(name).map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
    let caller = Caller {
        user_id: found.session.as_ref().map(|it| it.user_id.clone()).unwrap_or_default(),
        session_id: found.session.map(|it| it.id).unwrap_or_default(),
        request_id: server.new_id(),
    };
    let mut context = caller.context().unwrap_or_default();
    if service == WebService::Site {
        context.ip_address = peer.ip().to_string();
        context.accept_language = text("accept-language").unwrap_or_default();
        context.user_agent = text("user-agent").unwrap_or_default();
    } else {
        context = v1::Context::default();
    }
    let query = head.uri.query().map(without_token).filter(|it| !it.is_empty());
    let request = v1::HttpRequestHead {
        method: head.method.to_string(),
        url: query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")),
        proto: "HTTP/1.1".to_owned(),
        proto_major: 1,
        proto_minor: i32::from(head.version != http::Version::HTTP_10),
        header,
        host: text("host").unwrap_or_default(),
        remote_addr: peer.to_string(),
        request_uri: head.uri.to_string(),
    };
    v1::ServeHttpStart { context: Some(context), request: Some(request), ..Default::default() }
}

/// The session of a request, and where its token was.
#[derive(Default)]
struct Found {
    session: Option<v1::Session>,
    /// The token came in `Authorization`, which the plugin then does not see.
    in_header: bool,
}

fn find_session(server: &Server, head: &Parts) -> Found {
    let authorization = head.headers.get("authorization").and_then(|it| it.to_str().ok()).unwrap_or_default();
    let bearer = authorization
        .split_once(' ')
        .filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer") || kind.eq_ignore_ascii_case("token"));
    if let Some((_, token)) = bearer {
        let session = server.session_of_token(token.trim());
        return Found { in_header: session.is_some(), session };
    }
    if let Some(token) = cookie(&head.headers, SESSION_COOKIE) {
        // A browser sends its cookies whoever made it ask; what changes something needs more.
        let session = server.session_of_token(&token).filter(|_| head.method == Method::GET || is_own_site(head));
        return Found { session, in_header: false };
    }
    let token = head
        .uri
        .query()
        .and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix(TOKEN_PARAMETER)?.strip_prefix('=')));
    Found { session: token.and_then(|token| server.session_of_token(token)), in_header: false }
}

/// Whether the request shows that a page of this site made it.
fn is_own_site(head: &Parts) -> bool {
    let header = |name: &str| head.headers.get(name).and_then(|it| it.to_str().ok());
    header("x-requested-with") == Some("XMLHttpRequest")
        || header("x-csrf-token")
            .is_some_and(|it| !it.is_empty() && cookie(&head.headers, CSRF_COOKIE).as_deref() == Some(it))
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (String, String)> {
    headers.get_all("cookie").iter().flat_map(|line| {
        let line = String::from_utf8_lossy(line.as_bytes()).into_owned();
        let pairs = line.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
    })
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    cookies(headers).find(|(known, _)| known == name).map(|(_, value)| value)
}

/// The header fields that the plugin sees.
fn fields(headers: &HeaderMap, found: &Found) -> Header {
    let mut fields = Header::new();
    for (name, value) in headers {
        let is_hidden = REMOVED.contains(&name.as_str()) || (found.in_header && name == "authorization");
        if !is_hidden {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            fields.entry(canonical(name.as_str()).into_owned()).or_default().values.push(value);
        }
    }
    let others: Vec<_> = cookies(headers)
        .filter(|(name, _)| name != SESSION_COOKIE)
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if !others.is_empty() {
        set(&mut fields, "Cookie", &others.join("; "));
    }
    fields
}

/// Fields that followed a body.
pub(super) fn trailers(headers: &HeaderMap) -> Header {
    fields(headers, &Found::default())
}

fn set(fields: &mut Header, name: &str, value: &str) {
    fields.insert(name.to_owned(), v1::StringList { values: vec![value.to_owned()] });
}

fn without_token(query: &str) -> String {
    let is_token = |pair: &str| pair.split('=').next() == Some(TOKEN_PARAMETER);
    query.split('&').filter(|pair| !is_token(pair)).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_below_the_plugin_is_what_it_sees() {
        assert_eq!(target("/plugins/com.x/a/b%20c"), Some(("com.x", "/a/b%20c")));
        assert_eq!(target("/plugins/com.x"), Some(("com.x", "/")));
        assert_eq!(target("/plugins/com.x/"), Some(("com.x", "/")));
        assert_eq!(target("/plugins/"), None);
        assert_eq!(target("/api/v4/users"), None);
    }

    #[test]
    fn only_the_token_leaves_the_query() {
        assert_eq!(without_token("a=1&access_token=x&b=%20&access_tokens=y"), "a=1&b=%20&access_tokens=y");
        assert_eq!(without_token("access_token=x"), "");
    }
}
