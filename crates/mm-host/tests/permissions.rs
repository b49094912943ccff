//! A plugin whose manifest lists permissions can call what they are for, and nothing else, on every way there is.

mod common;

use common::TestPlugin;
use mm_host::HostError;
use mm_host::log::LogLevel;

/// Calls of every shape, each printed with what it failed with.
const BODY: &str = r#"
    @hook(HookName.OnActivate)
    def up(self):
        import asyncio
        from mattermost_plugin import db
        from mattermost_plugin.errors import MattermostError, PermissionDeniedError
        from mattermost_plugin.http import HttpRequest
        calls = {
            "unary": lambda: self.api.create_post(channel_id="c", user_id="u", message="m"),
            "again": lambda: self.api.create_post(channel_id="c", user_id="u", message="m"),
            "other": lambda: self.api.get_user("u"),
            "always": lambda: self.api.log_info("hello"),
            "http": lambda: self.api.plugin_http(HttpRequest(url="/com.example.other/x")),
            "install": lambda: self.api.install_plugin(b"bundle", False),
            "upload": lambda: self.api.upload_data(self.upload(), b"data"),
            "sql": lambda: db.connect(),
            "async": lambda: asyncio.run(self.awaited()),
        }
        for name, call in calls.items():
            try:
                call()
                print(name, "DONE")
            except PermissionDeniedError as error:
                print(name, "DENIED", error.permission, error.status_code, error.id)
            except MattermostError as error:
                print(name, "FAILED", type(error).__name__)

    def upload(self):
        from mattermost_plugin.models import UploadSession
        return UploadSession(id="s")

    async def awaited(self):
        await self.aio.delete_post("p")
"#;

/// What the plugin printed with this list in its manifest.
async fn calls(permissions: &str) -> (TestPlugin, Vec<String>) {
    let plugin = TestPlugin::with_body(BODY);
    plugin.edit_manifest(|it| {
        if !permissions.is_empty() {
            it["permissions"] = serde_json::from_str(permissions).unwrap();
        }
    });
    let host = plugin.host();
    host.start().await.unwrap();
    host.activate().await.unwrap();
    host.drain_output(common::AT_LAST).await;
    let printed = plugin.logged().iter().filter_map(|it| it.strip_prefix("info: ").map(str::to_owned)).collect();
    host.stop("test").await;
    (plugin, printed)
}

fn denied(name: &str, permission: &str) -> String {
    format!("{name} DENIED {permission} 403 plugin_api.permission")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_list_leaves_what_is_always_allowed() {
    let (plugin, printed) = calls("[]").await;
    let expected = [
        denied("unary", "posts.write"),
        denied("again", "posts.write"),
        denied("other", "users.read"),
        // The API behind this host has no log.
        "always FAILED NotSupportedByServer".to_owned(),
        denied("http", "plugin_http.write"),
        denied("install", "plugins.write"),
        denied("upload", "files.write"),
        denied("sql", "database"),
        denied("async", "posts.write"),
    ];
    assert_eq!(printed, expected);
    let logs = plugin.logs.lock().unwrap();
    let refused: Vec<&str> = logs.iter().filter_map(|it| it.fields.get("method").map(String::as_str)).collect();
    let once = [
        "CreatePost",
        "GetUser",
        "PluginHTTP",
        "InstallPlugin",
        "UploadData",
        "mattermost.host.v1.PluginSql",
        "DeletePost",
    ];
    assert_eq!(refused, once, "each method is logged once");
    assert!(logs.iter().filter(|it| it.fields.contains_key("method")).all(|it| it.level == LogLevel::Warn));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_allows_what_it_names_and_no_list_allows_all() {
    let (_, printed) = calls(r#"["posts.write", "database", "plugin_http.write"]"#).await;
    let denied: Vec<&str> =
        printed.iter().filter(|it| it.contains("DENIED")).map(|it| &it[..it.find(' ').unwrap()]).collect();
    assert_eq!(denied, ["other", "install", "upload"], "{printed:?}");
    let (_, printed) = calls("").await;
    assert_eq!(printed.iter().filter(|it| it.contains("FAILED")).count(), 9, "{printed:?}");
}

#[tokio::test]
async fn a_name_that_there_is_not_keeps_the_plugin_from_starting() {
    let plugin = TestPlugin::with_body("    pass\n");
    let mut builder = plugin.manifest();
    builder.permissions = Some(vec!["post.write".to_owned()]);
    let Err(error) = plugin.builder_with(builder).build() else { panic!("it was built") };
    assert!(matches!(error, HostError::Permissions(_)), "{error}");
    assert!(error.to_string().contains("did you mean posts.write"), "{error}");
    plugin.edit_manifest(|it| it["permissions"] = serde_json::json!(["post.write"]));
    let error = mm_host::Manifest::load(plugin.dir.path()).unwrap_err().to_string();
    assert!(error.contains("permissions[0]: \"post.write\" is no permission: did you mean posts.write"), "{error}");
    plugin.edit_manifest(|it| it["permissions"] = serde_json::Value::Null);
    assert!(mm_host::Manifest::load(plugin.dir.path()).is_err(), "nothing in the list's place would mean everything");
}
