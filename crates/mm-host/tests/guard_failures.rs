//! What becomes of a hook whose handler fails: as its `on_error` says, in its own words.

mod common;

use std::time::Duration;

use common::TestPlugin;
use futures::{StreamExt as _, stream};
use mm_host::{Limits, PluginHost};
use mm_proto::ApiError;
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::file_will_be_uploaded_request::Part as Upload;
use mm_proto::plugin::v1::file_will_be_uploaded_response::Part as Uploaded;

const TEXT: &str = "The filter is out of order; try again";

/// Handlers that refuse when they fail; how they fail is in the message. On a busy machine too they have the time not to be late.
const FILTERS: &str = r#"
    def fail(self, how):
        import os, time
        if how == "raise":
            raise ValueError("secret detail")
        if how == "late":
            time.sleep(30)
        if how == "die":
            os._exit(3)
        if how == "nonsense":
            return 42

    @hook(HookName.MessageWillBePosted, deadline=3, on_error="reject", rejection="The filter is out of order; try again")
    def post(self, context, post):
        return self.fail(post.message)

    @hook(HookName.MessageWillBeUpdated, deadline=3, on_error="reject", rejection="The filter is out of order; try again")
    async def edit(self, context, new_post, old_post):
        return self.fail(new_post.message)

    @hook(HookName.UserWillLogIn)
    def log_in(self, context, user):
        self.fail(user.username)
        return "Not today."

    @hook(HookName.ExecuteCommand, deadline=3, on_error="reject", rejection="The filter is out of order; try again")
    def run(self, context, args):
        self.fail(args.command)
        return "done"

    @hook(HookName.ConfigurationWillBeSaved, on_error="reject", rejection="The filter is out of order; try again")
    def save(self, new_config):
        raise ValueError("secret detail")

    @hook(HookName.OnSAMLLogin)
    def saml(self, context, user, assertion):
        raise ValueError("secret detail")

    @hook(HookName.FileWillBeUploaded, deadline=3, on_error="reject", rejection="The filter is out of order; try again")
    def upload(self, context, info, file, output):
        how, _, begun = info.name.partition(" ")
        if begun:
            output.write(b"x" * 100_000)
        return self.fail(how)
"#;

fn post(message: &str) -> Option<v1::Post> {
    Some(v1::Post { message: message.to_owned(), ..Default::default() })
}

async fn started(plugin: &TestPlugin) -> PluginHost {
    let limits = Limits { shutdown: Duration::from_millis(200), ..Limits::default() };
    let host = plugin.builder().limits(limits).build().unwrap();
    host.start().await.unwrap();
    host
}

async fn posted(host: &PluginHost, how: &str) -> Result<String, ApiError> {
    let request = v1::MessageWillBePostedRequest { context: None, post: post(how) };
    host.hooks().message_will_be_posted(request).await.map(|it| it.reason)
}

async fn edited(host: &PluginHost, how: &str) -> Result<v1::MessageWillBeUpdatedResponse, ApiError> {
    let request = v1::MessageWillBeUpdatedRequest { context: None, new_post: post(how), old_post: post("") };
    host.hooks().message_will_be_updated(request).await
}

async fn logged_in(host: &PluginHost, how: &str) -> Result<String, ApiError> {
    let user = Some(v1::User { username: how.to_owned(), ..Default::default() });
    host.hooks().user_will_log_in(v1::UserWillLogInRequest { context: None, user }).await.map(|it| it.reason)
}

async fn ran(host: &PluginHost, how: &str) -> Result<String, ApiError> {
    let args = Some(v1::CommandArgs { command: how.to_owned(), ..Default::default() });
    let answer = host.hooks().execute_command(v1::ExecuteCommandRequest { context: None, args }).await?;
    Ok(answer.command_response.unwrap().text)
}

/// What the uploader reads, and how much was replaced.
async fn uploaded(host: &PluginHost, how: &str) -> Result<(String, usize), ApiError> {
    let info = Some(v1::FileInfo { name: how.to_owned(), ..Default::default() });
    let start = Upload::Start(v1::FileWillBeUploadedStart { context: None, info });
    let parts = [start, Upload::ContentEnd(v1::FileContentEnd::default())];
    let parts = stream::iter(parts.map(|part| Ok(v1::FileWillBeUploadedRequest { part: Some(part) })));
    let mut answers = host.hooks().file_will_be_uploaded(parts.chain(stream::pending()).boxed()).await?;
    let mut replaced = 0;
    loop {
        match answers.next().await.expect("a result")?.part {
            Some(Uploaded::Replacement(piece)) => replaced += piece.len(),
            Some(Uploaded::Result(result)) => return Ok((result.reason, replaced)),
            None => panic!("an unknown part"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_that_fails_closed_refuses_in_its_own_words() {
    let plugin = TestPlugin::with_body(FILTERS);
    let host = started(&plugin).await;
    assert_eq!(posted(&host, "fine").await.unwrap(), "");
    for how in ["raise", "nonsense", "late"] {
        assert_eq!(posted(&host, how).await.unwrap(), TEXT, "{how}");
    }
    for how in ["raise", "nonsense"] {
        let answer = edited(&host, how).await.unwrap();
        assert_eq!((answer.post, answer.reason.as_str()), (None, TEXT), "nothing with a reason refuses an edit");
        let error = ran(&host, if how == "raise" { how } else { "late" }).await.unwrap_err();
        assert!(matches!(&error, ApiError::App(error) if error.message == TEXT), "{error:?}");
    }
    assert_eq!(ran(&host, "fine").await.unwrap(), "done");
    let error = host.hooks().configuration_will_be_saved(v1::ConfigurationWillBeSavedRequest::default()).await;
    assert!(matches!(&error, Err(ApiError::Plain(error)) if error.message == TEXT), "{error:?}");
    // The log has what nobody else sees.
    plugin
        .wait_for_log("MessageWillBePosted was refused, as its handler wants it when it fails: ValueError: secret")
        .await;
    plugin
        .wait_for_log(
            "MessageWillBePosted was refused, as its handler wants it when it fails: MessageWillBePosted did not",
        )
        .await;
    host.stop("test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_being_told_so_a_failure_refuses_nothing() {
    let plugin = TestPlugin::with_body(FILTERS);
    let host = started(&plugin).await;
    let failed = logged_in(&host, "raise").await.unwrap_err();
    assert!(matches!(&failed, ApiError::Transport(_)), "a server lets the user in: {failed:?}");
    assert_eq!(logged_in(&host, "anna").await.unwrap(), "Not today.");
    // The exception's text is no refusal either where refusing is an error.
    let failed = host.hooks().on_saml_login(v1::OnSamlLoginRequest::default()).await.unwrap_err();
    assert!(matches!(&failed, ApiError::Transport(_)), "{failed:?}");
    host.stop("test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_gone_refuses_too() {
    for how in ["die", "die begun"] {
        let plugin = TestPlugin::with_body(FILTERS);
        let host = started(&plugin).await;
        let (reason, _) = uploaded(&host, how).await.unwrap();
        assert_eq!(reason, TEXT);
        host.stop("test").await;
        // There is none at all now, and the host still knows what its handlers want.
        assert_eq!(uploaded(&host, "fine").await.unwrap().0, TEXT);
        assert_eq!(posted(&host, "fine").await.unwrap(), TEXT);
        assert!(logged_in(&host, "anna").await.is_err());
    }
    let plugin = TestPlugin::with_body(FILTERS);
    let host = started(&plugin).await;
    assert_eq!(posted(&host, "die").await.unwrap(), TEXT);
    host.stop("test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_fails_refuses_whatever_came_before() {
    let plugin = TestPlugin::with_body(FILTERS);
    let host = started(&plugin).await;
    assert_eq!(uploaded(&host, "fine").await.unwrap(), (String::new(), 0));
    assert_eq!(uploaded(&host, "fine begun").await.unwrap(), (String::new(), 100_000));
    for how in ["raise", "raise begun", "nonsense", "nonsense begun", "late"] {
        assert_eq!(uploaded(&host, how).await.unwrap().0, TEXT, "{how}");
    }
    host.stop("test").await;
}
