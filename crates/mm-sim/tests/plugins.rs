//! Plugins: activation, their settings, and what they store.

mod common;

use std::sync::Arc;

use common::{Answers, PLUGIN, anna, api, app_error, command, install, register, start, text};
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::value::Kind;
use mm_proto::{ApiError, PluginHooks};
use mm_sim::{Options, PluginRegistration, Server};

#[tokio::test]
async fn a_plugin_is_activated_and_deactivated_with_its_hooks() {
    let answers = Answers {
        activate: Some(Box::new(|()| Ok(()))),
        records: vec!["OnConfigurationChange", "OnDeactivate", "MessageHasBeenPosted"],
        ..Default::default()
    };
    let (server, plugin) = start(answers).await;
    assert_eq!(plugin.take(), ["OnConfigurationChange", "OnActivate"]);
    register(&server, command("mine")).await;
    server.deactivate(PLUGIN).await.unwrap();
    let anna = anna(&server);
    let square = anna.channel("town-square").unwrap();
    anna.post(&square.id, "unheard").await.unwrap();
    server.settle().await;
    assert_eq!(plugin.take(), ["OnDeactivate"]);
    assert_eq!(app_error(&anna.send(&square.id, None, "/mine").await.unwrap_err()).1, 404);
    assert_eq!(app_error(&server.deactivate(PLUGIN).await.unwrap_err()).1, 404);
}

#[tokio::test]
async fn a_plugin_that_fails_to_activate_is_not_called() {
    let answers = Answers {
        activate: Some(Box::new(|()| Err(ApiError::plain("no database")))),
        records: vec!["MessageHasBeenPosted"],
        ..Default::default()
    };
    let server = Server::demo();
    let Err(error) = install(&server, PLUGIN, answers).await else { panic!("activated") };
    assert_eq!(error.to_string(), "no database");
    let request = v1::GetPluginStatusRequest { id: PLUGIN.into() };
    let status = api(&server).get_plugin_status(request).await.unwrap().plugin_status.unwrap();
    assert_eq!((status.state, status.error.as_str()), (3, "no database"));
}

struct Nothing;
impl PluginHooks for Nothing {}

#[tokio::test]
async fn a_plugin_for_a_newer_server_is_refused() {
    let server = Server::new(Options { version: "9.5.0".into(), ..Default::default() });
    let manifest = |id: &str, version: &str| v1::Manifest {
        id: id.into(),
        min_server_version: version.into(),
        ..Default::default()
    };
    let activate =
        |manifest| server.activate(PluginRegistration::new(manifest, Arc::new(Nothing), Vec::<String>::new()));
    let error = activate(manifest("com.example.new", "10.0.0")).await.unwrap_err();
    assert_eq!(error.to_string(), "plugin com.example.new needs Mattermost 10.0.0 or later; this server is 9.5.0");
    activate(manifest("com.example.old", "9.5.0")).await.unwrap();
    assert_eq!(app_error(&activate(manifest("a b", "")).await.unwrap_err()).0, "app.plugin.invalid_id.app_error");
}

#[tokio::test]
async fn settings_are_the_manifests_defaults_and_over_them_what_is_saved() {
    let server = Server::demo();
    let setting =
        |key: &str, default| v1::PluginSetting { key: key.into(), default: Some(default), ..Default::default() };
    let schema = v1::PluginSettingsSchema {
        settings: vec![
            setting("Greeting", text("hello")),
            setting("MaxItems", v1::Value { kind: Some(Kind::IntValue(5)) }),
        ],
        ..Default::default()
    };
    let manifest = v1::Manifest { id: PLUGIN.into(), settings_schema: Some(schema), ..Default::default() };
    server.add_plugin(manifest, Some("/bundle".into())).unwrap();
    server.set_plugin_setting(PLUGIN, "Greeting", text("hi")).await.unwrap();
    let loaded = api(&server).load_plugin_configuration(v1::LoadPluginConfigurationRequest {}).await.unwrap();
    assert_eq!(&loaded.configuration[..], br#"{"greeting":"hi","maxitems":5}"#);
    let saved = api(&server).get_plugin_config(v1::GetPluginConfigRequest {}).await.unwrap();
    assert_eq!(saved.result.keys().collect::<Vec<_>>(), ["greeting"]);
    let path = api(&server).get_bundle_path(v1::GetBundlePathRequest {}).await.unwrap().result;
    assert_eq!(path, "/bundle");
}

#[tokio::test]
async fn plugins_may_change_or_refuse_a_configuration() {
    let answers = Answers {
        will_save_config: Some(Box::new(|mut config| {
            let settings = config.plugin_settings.as_mut().unwrap();
            let own = settings.plugins.get_mut(PLUGIN).unwrap();
            if own.values.contains_key("wrong") {
                return Err(ApiError::plain("not that"));
            }
            own.values.insert("added".into(), text("yes"));
            Ok(Some(config))
        })),
        records: vec!["OnConfigurationChange"],
        ..Default::default()
    };
    let (server, plugin) = start(answers).await;
    plugin.take();
    server.set_plugin_setting(PLUGIN, "key", text("value")).await.unwrap();
    assert_eq!(plugin.take(), ["OnConfigurationChange"]);
    assert_eq!(server.plugin_settings(PLUGIN).keys().collect::<Vec<_>>(), ["added", "key"]);
    let error = server.set_plugin_setting(PLUGIN, "wrong", text("x")).await.unwrap_err();
    assert_eq!(app_error(&error), ("app.save_config.plugin_hook_error", 400));
    assert!(plugin.take().is_empty());
}

#[tokio::test]
async fn key_value_stores_belong_to_one_plugin_and_outlive_it() {
    let (server, _) = start(Answers::default()).await;
    let set = v1::KvSetRequest { key: "k".into(), value: "v".into() };
    api(&server).kv_set(set).await.unwrap();
    server.deactivate(PLUGIN).await.unwrap();
    install(&server, PLUGIN, Answers::default()).await.unwrap();
    let get = || v1::KvGetRequest { key: "k".into() };
    assert_eq!(api(&server).kv_get(get()).await.unwrap().value.as_deref(), Some(&b"v"[..]));
    assert_eq!(server.api("com.example.other").kv_get(get()).await.unwrap().value, None);
    // An empty value deletes.
    api(&server).kv_set(v1::KvSetRequest { key: "k".into(), ..Default::default() }).await.unwrap();
    assert_eq!(api(&server).kv_get(get()).await.unwrap().value, None);
}

#[tokio::test]
async fn keys_expire_with_the_servers_clock() {
    let server = Server::demo();
    let set = v1::KvSetWithExpiryRequest { key: "k".into(), value: "v".into(), expire_in_seconds: 60 };
    api(&server).kv_set_with_expiry(set).await.unwrap();
    let keys = || async { api(&server).kv_list(v1::KvListRequest { page: 0, per_page: 10 }).await.unwrap().result };
    assert_eq!(keys().await, ["k"]);
    server.advance(61_000);
    assert!(keys().await.is_empty());
    let wrong = v1::PluginKvSetOptions { old_value: "x".into(), ..Default::default() };
    let set = v1::KvSetWithOptionsRequest { key: "k".into(), value: "v".into(), options: Some(wrong) };
    let error = api(&server).kv_set_with_options(set).await.unwrap_err();
    assert_eq!(app_error(&error), ("model.plugin_kvset_options.is_valid.old_value.app_error", 400));
}
