//! Plugins that do not start under a server: what its administrator reads is the result of OnActivate, and always there.

mod common;
mod server;

use std::time::Duration;

use common::{HEAD, TAIL};
use server::{Bundle, assert_gone};

/// Activates it in vain; gives the error's text. The process then quits like any other.
async fn refused(bundle: &Bundle) -> String {
    let server = bundle.connect().await;
    server.implemented().await;
    let outcome = server.activate().await;
    let error =
        outcome.err().unwrap_or_else(|| panic!("it must not start: {:#?} {:#?}", server.api.logged(), server.lines()));
    server.host.ping().await.unwrap();
    // The server kills it: it asks it to quit, and calls no OnDeactivate.
    server.quit().await;
    error.message
}

#[tokio::test]
async fn a_missing_dependency() {
    let bundle = Bundle::raw(&format!("{HEAD}import not_there_at_all\n{TAIL}"));
    let server = bundle.connect().await;
    assert_eq!(server.implemented().await, Vec::<String>::new());
    let error = server.activate().await.unwrap_err().message;
    assert!(error.starts_with("ModuleNotFoundError: No module named 'not_there_at_all' (plugin.py:3)"), "{error}");
    // Before the API was there, so on standard error; one record.
    let line = server.wait_for_line("Traceback (most recent call last)").await;
    assert_eq!(line["@level"], "error");
    assert!(line["@message"].as_str().unwrap().ends_with("No module named 'not_there_at_all'"));
    server.quit().await;
}

#[tokio::test]
async fn a_syntax_error() {
    let error = refused(&Bundle::raw("import os\n\ndef f(:\n    pass\n")).await;
    assert!(error.starts_with("SyntaxError: invalid syntax (plugin.py:3): mend that line"), "{error}");
}

#[tokio::test]
async fn an_exception_in_on_activate() {
    let body = "    @hook(HookName.OnActivate)\n    def begin(self):\n        raise ValueError('no licence')\n";
    let error = refused(&Bundle::with_body(body)).await;
    assert_eq!(error, "ValueError: no licence");
}

#[tokio::test]
async fn an_error_of_the_server_in_on_activate_keeps_its_form() {
    let body = "
    @hook(HookName.OnActivate)
    def begin(self):
        from mattermost_plugin import NotFoundError
        raise NotFoundError('No such team.', id='app.team.missing', where='GetTeam')
";
    let bundle = Bundle::with_body(body);
    let server = bundle.connect().await;
    let error = server.activate().await.unwrap_err();
    let app = error.app_error.expect("an AppError");
    assert_eq!((app.id.as_str(), app.message.as_str(), app.status_code), ("app.team.missing", "No such team.", 404));
    server.quit().await;
}

#[tokio::test]
async fn an_exit_in_on_activate() {
    for (statement, expected) in [
        ("os._exit(3)", "the plugin's process ended with exit code 3"),
        (
            "import faulthandler; faulthandler._sigsegv()",
            "the plugin's process was ended by SIGSEGV (a compiled module of it is at fault)",
        ),
    ] {
        let body =
            format!("    @hook(HookName.OnActivate)\n    def begin(self):\n        import os\n        {statement}\n");
        let error = refused(&Bundle::with_body(&body)).await;
        assert!(error.starts_with(expected), "{error}");
    }
}

#[tokio::test]
async fn sys_exit_in_on_activate() {
    let body =
        "    @hook(HookName.OnActivate)\n    def begin(self):\n        import sys\n        sys.exit('no licence')\n";
    let error = refused(&Bundle::with_body(body)).await;
    assert!(error.contains("no licence"), "{error}");
}

#[tokio::test]
async fn a_failing_configuration_hook_does_not_keep_the_plugin_from_starting() {
    let body = "
    @hook(HookName.OnConfigurationChange)
    def changed(self):
        raise ValueError('no such colour')

    @hook(HookName.OnActivate)
    def begin(self):
        self.logger.info('begun all the same')
";
    let bundle = Bundle::with_body(body);
    let server = bundle.activate().await;
    let logged = server.api.wait_for("OnConfigurationChange failed: ").await;
    assert!(logged.level == "error" && logged.message.ends_with("ValueError: no such colour"), "{logged:?}");
    server.api.wait_for("begun all the same").await;
    server.quit().await;
}

#[tokio::test]
async fn no_python_that_would_do() {
    let error = refused(&Bundle::with_version("", ">=3.99")).await;
    assert!(error.contains(">=3.99") && error.contains("python"), "{error}");
}

#[tokio::test]
async fn a_missing_file() {
    let bundle = Bundle::raw("");
    std::fs::remove_file(bundle.dir.path().join("plugin.py")).unwrap();
    let error = refused(&bundle).await;
    assert!(error.ends_with("plugin.py is missing: server.python.entry of the manifest names it"), "{error}");
}

#[tokio::test]
async fn a_manifest_that_cannot_be_read() {
    let bundle = Bundle::raw("");
    std::fs::write(bundle.dir.path().join("plugin.json"), "{").unwrap();
    let error = refused(&bundle).await;
    assert!(error.contains("plugin.json:1:") && error.contains("not valid JSON"), "{error}");
}

#[tokio::test]
async fn a_start_that_fails_before_the_server_asks_waits_to_be_asked() {
    let bundle = Bundle::raw("import sys\nsys.exit('no licence')\n");
    let server = bundle.connect().await;
    server.implemented().await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    server.host.ping().await.unwrap();
    let error = server.activate().await.unwrap_err().message;
    assert!(error.contains("ended with exit code 1 before it was ready") && error.contains("no licence"), "{error}");
    let descendants = server.started.descendants();
    server.quit().await;
    assert_gone(&descendants).await;
}
