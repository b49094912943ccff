//! What travels in parts: files that plugins check, HTTP requests, uploads, lists of suggestions.

mod common;

use std::sync::Arc;

use async_trait::async_trait;
use common::{PLUGIN, anna, api, app_error};
use futures::StreamExt as _;
use mm_proto::grpc::Parts;
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::file_will_be_uploaded_request::Part as FilePart;
use mm_proto::plugin::v1::file_will_be_uploaded_response::Part as VerdictPart;
use mm_proto::plugin::v1::serve_http_request::Part as HttpPart;
use mm_proto::plugin::v1::serve_http_response::Part as AnswerPart;
use mm_proto::plugin::v1::value::Kind;
use mm_proto::{ApiError, PluginHooks};
use mm_sim::{HttpRequest, PluginRegistration, Server};

/// Turns uploads into upper case, refuses those named `bad.txt`, and echoes HTTP requests.
struct Streams;

#[async_trait]
impl PluginHooks for Streams {
    async fn file_will_be_uploaded(
        &self,
        mut requests: Parts<v1::FileWillBeUploadedRequest>,
    ) -> Result<Parts<v1::FileWillBeUploadedResponse>, ApiError> {
        let (mut name, mut content) = (String::new(), Vec::new());
        while let Some(request) = requests.next().await {
            match request?.part {
                Some(FilePart::Start(start)) => name = start.info.unwrap().name,
                Some(FilePart::Content(piece)) => content.extend_from_slice(&piece),
                _ => {}
            }
        }
        let reason = if name == "bad.txt" { "no bad files".to_owned() } else { String::new() };
        let verdict = v1::FileWillBeUploadedResult { reason, ..Default::default() };
        let parts = [VerdictPart::Replacement(content.to_ascii_uppercase().into()), VerdictPart::Result(verdict)];
        let parts = parts.map(|part| Ok(v1::FileWillBeUploadedResponse { part: Some(part) }));
        Ok(futures::stream::iter(parts).boxed())
    }

    async fn serve_http(
        &self,
        mut requests: Parts<v1::ServeHttpRequest>,
    ) -> Result<Parts<v1::ServeHttpResponse>, ApiError> {
        let (mut head, mut body) = (v1::HttpRequestHead::default(), Vec::new());
        while let Some(request) = requests.next().await {
            match request?.part {
                Some(HttpPart::Start(start)) => head = start.request.unwrap(),
                Some(HttpPart::Body(piece)) => body.extend_from_slice(&piece),
                Some(HttpPart::BodyEnd(_)) => break,
                _ => {}
            }
        }
        if head.url == "/fail" {
            return Err(ApiError::plain("broken"));
        }
        if head.url.starts_with("/list?") {
            body = br#"[{"Item": "red", "Hint": "", "HelpText": "a colour"}]"#.to_vec();
        }
        let header = |name: &str| head.header.get(name).map(|list| list.values.join(",")).unwrap_or_default();
        let text = format!("{} {} ", header("Mattermost-User-Id").len(), header("Mattermost-Plugin-Id"));
        let echoed = v1::HttpResponseHead {
            status_code: 201,
            header: [("X-Seen".to_owned(), v1::StringList { values: vec![text] })].into(),
        };
        let parts = [AnswerPart::Head(echoed), AnswerPart::Body(body.into())];
        let parts = parts.map(|part| Ok(v1::ServeHttpResponse { part: Some(part) }));
        Ok(futures::stream::iter(parts).boxed())
    }
}

async fn start() -> Server {
    let server = Server::demo();
    let manifest = v1::Manifest { id: PLUGIN.into(), ..Default::default() };
    let plugin = PluginRegistration::new(manifest, Arc::new(Streams), ["FileWillBeUploaded", "ServeHTTP"]);
    server.activate(plugin).await.unwrap();
    server
}

#[tokio::test]
async fn a_plugin_may_replace_or_refuse_a_file() {
    let server = start().await;
    let anna = anna(&server);
    let square = anna.channel("town-square").unwrap();
    // More than one piece.
    let info = anna.upload(&square.id, "good.txt", b"abc".repeat(50_000)).await.unwrap();
    assert_eq!(info.size, 150_000);
    assert_eq!(anna.download(&info.id).await.unwrap(), b"ABC".repeat(50_000));
    let error = anna.upload(&square.id, "bad.txt", b"x".to_vec()).await.unwrap_err();
    assert_eq!(app_error(&error), ("File rejected by plugin. no bad files", 400));
}

#[tokio::test]
async fn people_reach_a_plugin_by_http() {
    let server = start().await;
    let anna = anna(&server);
    let request =
        HttpRequest { method: "POST".into(), path: "/api".into(), body: b"hi".to_vec(), ..Default::default() };
    let answer = anna.http(PLUGIN, request).await;
    assert_eq!((answer.status, answer.text().as_str()), (201, "hi"));
    assert_eq!(answer.header["X-Seen"], ["26  "]);
    let fail = HttpRequest { path: "/fail".into(), ..Default::default() };
    assert_eq!(anna.http(PLUGIN, fail).await.status, 500);
    assert_eq!(anna.http("com.example.none", HttpRequest::default()).await.status, 404);
}

#[tokio::test]
async fn plugins_reach_each_other_by_http() {
    use v1::plugin_http_request::Part;
    let server = start().await;
    let head = v1::HttpRequestHead { method: "POST".into(), url: format!("/{PLUGIN}/x"), ..Default::default() };
    let parts = [Part::Head(head), Part::Body("ping".into()), Part::BodyEnd(v1::HttpBodyEnd::default())];
    let parts = parts.map(|part| Ok(v1::PluginHttpRequest { part: Some(part) }));
    let other = server.api("com.example.other");
    let answers = other.plugin_http(futures::stream::iter(parts).boxed()).await.unwrap();
    let answers: Vec<_> = answers.map(|part| part.unwrap().part.unwrap()).collect().await;
    use v1::plugin_http_response::Part as Answer;
    let [Answer::Head(head), Answer::Body(body), Answer::BodyEnd(_)] = answers.as_slice() else {
        panic!("{answers:?}")
    };
    assert_eq!((head.status_code, &body[..]), (201, &b"ping"[..]));
    assert_eq!(head.header["X-Seen"].values, ["0 com.example.other "]);
}

#[tokio::test]
async fn lists_of_suggestions_come_from_the_plugin() {
    let server = start().await;
    let list = v1::AutocompleteDynamicListArg { fetch_url: "list".into() };
    let argument = v1::AutocompleteArg {
        r#type: "DynamicList".into(),
        required: true,
        data: Some(v1::Value { kind: Some(Kind::AutocompleteDynamicListArg(list.into())) }),
        ..Default::default()
    };
    let data = v1::AutocompleteData {
        trigger: "paint".into(),
        role_id: "system_user".into(),
        arguments: vec![argument],
        ..Default::default()
    };
    let command = v1::Command {
        trigger: "paint".into(),
        auto_complete: true,
        autocomplete_data: Some(data),
        ..Default::default()
    };
    api(&server).register_command(v1::RegisterCommandRequest { command: Some(command) }).await.unwrap();
    let anna = anna(&server);
    let square = anna.channel("town-square").unwrap();
    let found = anna.suggest(&square.id, "/paint r").await;
    assert_eq!((found[0].complete.as_str(), found[0].description.as_str()), ("paint red", "a colour"));
}

#[tokio::test]
async fn uploads_in_parts_become_a_file() {
    use v1::upload_data_request::Part;
    let server = start().await;
    let anna = anna(&server);
    let session = v1::UploadSession {
        id: anna.channel("off-topic").unwrap().id,
        r#type: "attachment".into(),
        user_id: anna.user_id().into(),
        channel_id: anna.channel("town-square").unwrap().id,
        filename: "notes.txt".into(),
        file_size: 5,
        ..Default::default()
    };
    let request = v1::CreateUploadSessionRequest { upload_session: Some(session) };
    let session = api(&server).create_upload_session(request).await.unwrap().upload_session.unwrap();
    let send = |content: &'static [u8]| {
        let start = v1::UploadDataStart { upload_session: Some(session.clone()) };
        let parts = [Part::Start(start), Part::Content(content.into())];
        let parts = parts.map(|part| Ok(v1::UploadDataRequest { part: Some(part) }));
        futures::stream::iter(parts).boxed()
    };
    let error = api(&server).upload_data(send(b"he")).await.unwrap_err();
    assert_eq!(app_error(&error), ("app.upload.upload_data.first_part_too_small.app_error", 400));
    let info = api(&server).upload_data(send(b"hello")).await.unwrap().file_info.unwrap();
    assert_eq!(anna.download(&info.id).await.unwrap(), b"HELLO");
    let error = api(&server).upload_data(send(b"hello")).await.unwrap_err();
    assert_eq!(app_error(&error), ("app.upload.get.app_error", 404));
}

#[tokio::test]
async fn sidebars_and_applications_are_kept() {
    let server = start().await;
    let anna = anna(&server);
    let (user_id, team_id) = (anna.user_id().to_owned(), server.team("dev").unwrap().id);
    let square = anna.channel("town-square").unwrap();
    let category = v1::SidebarCategory { display_name: "Mine".into(), ..Default::default() };
    let new = v1::SidebarCategoryWithChannels { sidebar_category: Some(category), channels: vec![square.id.clone()] };
    let (user, team) = (user_id.clone(), team_id.clone());
    let request = v1::CreateChannelSidebarCategoryRequest { user_id: user, team_id: team, new_category: Some(new) };
    api(&server).create_channel_sidebar_category(request).await.unwrap();
    let request = v1::GetChannelSidebarCategoriesRequest { user_id: user_id.clone(), team_id };
    let sidebar =
        api(&server).get_channel_sidebar_categories(request).await.unwrap().ordered_sidebar_categories.unwrap();
    let shown: Vec<_> = sidebar
        .categories
        .iter()
        .map(|it| (it.sidebar_category.as_ref().unwrap().display_name.as_str(), it.channels.len()))
        .collect();
    assert_eq!(shown, [("Favorites", 0), ("Mine", 1), ("Channels", 1), ("Direct Messages", 0)]);
    let app = v1::OAuthApp {
        creator_id: user_id,
        name: "app".into(),
        callback_urls: vec!["https://example.com/back".into()],
        homepage: "https://example.com".into(),
        ..Default::default()
    };
    let create = |app: &v1::OAuthApp| v1::CreateOAuthAppRequest { app: Some(app.clone()) };
    let made = api(&server).create_oauth_app(create(&app)).await.unwrap().oauth_app.unwrap();
    assert_eq!(made.client_secret.len(), 26);
    let error = api(&server).create_oauth_app(create(&v1::OAuthApp { name: String::new(), ..app })).await.unwrap_err();
    assert_eq!(app_error(&error), ("model.oauth.is_valid.name.app_error", 400));
}
