//! Plugins that come as bundles, and enabling and disabling.

mod common;

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use common::{Answers, PLUGIN, api, app_error, install};
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::install_plugin_request::Part;
use mm_proto::{ApiError, PluginApi, PluginHooks};
use mm_sim::{PluginRegistration, PluginStarter, Server};

/// A bundle: files below a folder, as `.tar.gz`.
fn bundle(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

fn manifest(version: &str) -> String {
    let settings = r#"{"settings": [{"key": "Limit", "type": "number", "default": 3}]}"#;
    format!(
        r#"{{"id": "org.other", "name": "Other", "version": "{version}", "server": {{"executable": "x"}}, "settings_schema": {settings}}}"#
    )
}

async fn put(api: &dyn PluginApi, bundle: &[u8], replace: bool) -> Result<v1::Manifest, ApiError> {
    let mut parts = vec![Part::Start(v1::InstallPluginStart { replace })];
    // In pieces, as a stream brings it.
    parts.extend(bundle.chunks(100).map(|piece| Part::Content(piece.to_vec().into())));
    let parts = parts.into_iter().map(|part| Ok(v1::InstallPluginRequest { part: Some(part) }));
    let answer = api.install_plugin(Box::pin(futures::stream::iter(parts))).await?;
    Ok(answer.manifest.unwrap())
}

async fn state(api: &dyn PluginApi, id: &str) -> (i64, String) {
    let answer = api.get_plugin_status(v1::GetPluginStatusRequest { id: id.into() }).await.unwrap();
    let status = answer.plugin_status.unwrap();
    (status.state, status.error)
}

struct Quiet;
impl PluginHooks for Quiet {}

/// Starts nothing real, and notes what it was asked for.
#[derive(Default)]
struct Starter(Mutex<Vec<String>>);

#[async_trait]
impl PluginStarter for Starter {
    async fn start(&self, manifest: v1::Manifest, folder: &Path) -> Result<PluginRegistration, String> {
        let file = std::fs::read_to_string(folder.join("x")).map_err(|error| error.to_string())?;
        self.0.lock().unwrap().push(format!("start {} {file}", manifest.version));
        if file == "broken" {
            return Err("it is broken".to_owned());
        }
        let mut plugin = PluginRegistration::new(manifest, Arc::new(Quiet), Vec::<String>::new());
        plugin.bundle_path = Some(folder.display().to_string());
        Ok(plugin)
    }

    async fn stopped(&self, plugin_id: &str) {
        self.0.lock().unwrap().push(format!("stopped {plugin_id}"));
    }
}

#[tokio::test]
async fn a_bundle_is_installed_started_replaced_and_removed() {
    let server = Server::demo();
    let starter = Arc::new(Starter::default());
    server.set_plugin_starter(starter.clone());
    let api = api(&server);
    let happened = || std::mem::take(&mut *starter.0.lock().unwrap());
    let first = bundle(&[("org.other/plugin.json", &manifest("1.0.0")), ("org.other/x", "one")]);
    let installed = put(&*api, &first, false).await.unwrap();
    assert_eq!((installed.id.as_str(), installed.version.as_str()), ("org.other", "1.0.0"));
    let setting = &installed.settings_schema.unwrap().settings[0];
    assert_eq!((setting.key.as_str(), setting.r#type.as_str(), setting.default.is_some()), ("Limit", "number", true));
    assert_eq!(state(&*api, "org.other").await.0, 0, "it is not started by itself");
    assert_eq!(app_error(&put(&*api, &first, false).await.unwrap_err()), ("app.plugin.install_id.app_error", 400));

    let enable = v1::EnablePluginRequest { id: "org.other".into() };
    api.enable_plugin(enable.clone()).await.unwrap();
    assert_eq!((state(&*api, "org.other").await.0, happened()), (2, vec!["start 1.0.0 one".to_owned()]));
    api.enable_plugin(enable).await.unwrap();
    assert_eq!(happened(), Vec::<String>::new(), "it runs already");

    let second = bundle(&[("plugin.json", &manifest("2.0.0")), ("x", "two")]);
    put(&*api, &second, true).await.unwrap();
    assert_eq!(happened(), ["stopped org.other", "start 2.0.0 two"]);
    let broken = bundle(&[("plugin.json", &manifest("3.0.0")), ("x", "broken")]);
    put(&*api, &broken, true).await.unwrap();
    assert_eq!(state(&*api, "org.other").await, (3, "it is broken".to_owned()));

    put(&*api, &second, true).await.unwrap();
    api.enable_plugin(v1::EnablePluginRequest { id: "org.other".into() }).await.unwrap();
    happened();
    api.remove_plugin(v1::RemovePluginRequest { id: "org.other".into() }).await.unwrap();
    server.settle().await;
    assert_eq!(happened(), ["stopped org.other"]);
    let gone = api.get_plugin_status(v1::GetPluginStatusRequest { id: "org.other".into() }).await.unwrap_err();
    assert_eq!(app_error(&gone).1, 404);
}

#[tokio::test]
async fn what_is_no_bundle_is_refused() {
    let server = Server::demo();
    let api = api(&server);
    for (file, id) in [
        (b"no archive".to_vec(), "app.plugin.extract.app_error"),
        (bundle(&[("readme", "hello")]), "app.plugin.manifest.app_error"),
        (bundle(&[("plugin.json", "{")]), "app.plugin.manifest.app_error"),
        (bundle(&[("plugin.json", r#"{"id": "a b"}"#)]), "app.plugin.invalid_id.app_error"),
    ] {
        assert_eq!(app_error(&put(&*api, &file, false).await.unwrap_err()), (id, 400));
    }
    let mut config = api.get_config(v1::GetConfigRequest {}).await.unwrap().config.unwrap();
    config.plugin_settings.get_or_insert_default().enable_uploads = Some(false);
    api.save_config(v1::SaveConfigRequest { config: Some(config) }).await.unwrap();
    let error = put(&*api, &bundle(&[("plugin.json", &manifest("1.0.0"))]), false).await.unwrap_err();
    assert_eq!(app_error(&error), ("app.plugin.upload_disabled.app_error", 501));
}

#[tokio::test]
async fn a_plugin_that_was_active_can_be_enabled_again_and_one_that_nothing_can_start_says_so() {
    let server = Server::demo();
    let answers = Answers { records: vec!["OnConfigurationChange", "OnDeactivate"], ..Default::default() };
    let plugin = install(&server, PLUGIN, answers).await.unwrap();
    let api = api(&server);
    api.disable_plugin(v1::DisablePluginRequest { id: PLUGIN.into() }).await.unwrap();
    server.settle().await;
    assert_eq!(state(&*api, PLUGIN).await.0, 0);
    api.enable_plugin(v1::EnablePluginRequest { id: PLUGIN.into() }).await.unwrap();
    assert_eq!(state(&*api, PLUGIN).await.0, 2);
    assert_eq!(plugin.take(), ["OnConfigurationChange", "OnDeactivate", "OnConfigurationChange"]);

    put(&*api, &bundle(&[("plugin.json", &manifest("1.0.0"))]), false).await.unwrap();
    api.enable_plugin(v1::EnablePluginRequest { id: "org.other".into() }).await.unwrap();
    let (failed, why) = state(&*api, "org.other").await;
    assert_eq!((failed, why.contains("nothing here can start it")), (3, true), "{why}");
    let nobody = v1::EnablePluginRequest { id: "org.nobody".into() };
    assert_eq!(app_error(&api.enable_plugin(nobody).await.unwrap_err()), ("app.plugin.not_installed.app_error", 404));
}
