//! The executable under a server: Python dies or is replaced, and the server does not notice.

mod common;
mod server;

use std::time::Duration;

use common::{HEAD, TAIL};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use server::{Bundle, Server, assert_gone};

/// Dies when somebody of this name logs in, and tells that it was activated.
const MORTAL: &str = "
    @hook(HookName.OnActivate)
    def begin(self):
        self.logger.info('begun on %s', self.api.get_server_version())

    @hook(HookName.UserWillLogIn)
    def login(self, context, user):
        import os
        if user.username == 'death':
            os.kill(os.getpid(), 9)
        return 'no ' + user.username
";

/// Waits until a login is answered with this.
async fn wait_for_answer(server: &Server, name: &str, answer: &str) {
    let mut last = None;
    // Looks are counted, not time: the machine may have stood still meanwhile.
    for _ in 0..2000 {
        last = Some(server.user_will_log_in(name).await);
        if last.as_ref().is_some_and(|it| it.as_ref().is_ok_and(|it| it == answer)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{last:?} {:#?}", server.api.logged());
}

fn n_logged(server: &Server, text: &str) -> usize {
    server.api.logged().iter().filter(|it| it.message.contains(text)).count()
}

#[tokio::test]
async fn a_python_that_dies_is_followed_by_another_and_the_server_notices_nothing() {
    let bundle = Bundle::with_body(MORTAL);
    let server = bundle.activate().await;
    let before = server.started.pythons();
    server.user_will_log_in("death").await.unwrap_err();
    server.host.ping().await.unwrap();
    wait_for_answer(&server, "anna", "no anna").await;
    server.host.ping().await.unwrap();
    assert_gone(&before).await;
    assert_eq!(server.started.pythons().len(), 1);
    let died = server.api.wait_for("was out of memory). It is started again in 0.1 s").await;
    assert_eq!(died.level, "error");
    server.api.wait_for("the plugin runs again").await;
    assert_eq!(n_logged(&server, "begun on 9.8.1"), 2, "the API is the same");
    server.quit().await;
    assert_eq!(std::fs::read_dir(bundle.temporary.path()).unwrap().count(), 0, "nothing is left behind");
}

#[tokio::test]
async fn five_deaths_end_the_process_so_that_the_server_shows_the_failure() {
    let bundle = Bundle::with_body(MORTAL);
    let mut server = bundle.activate().await;
    for _ in 1..5 {
        server.user_will_log_in("death").await.unwrap_err();
        wait_for_answer(&server, "anna", "no anna").await;
    }
    server.user_will_log_in("death").await.unwrap_err();
    let status = server.started.ended(Duration::from_secs(6)).await;
    assert_eq!(status.code(), Some(1));
    let logged = server.api.wait_for("so that the server starts it again").await;
    assert_eq!(logged.level, "error");
    let said = "was out of memory), and was the 5th death within 10 minutes";
    assert!(logged.message.contains(said), "{logged:?}");
}

#[tokio::test]
async fn the_code_is_loaded_anew_on_sighup_and_stays_when_that_fails() {
    let source = |word: &str| format!("{HEAD}\nclass P(Plugin):\n{}\n{TAIL}", MORTAL.replace("'no '", word));
    let bundle = Bundle::raw(&source("'no '"));
    let server = bundle.activate().await;
    let hang_up = || kill(Pid::from_raw(server.started.pid()), Signal::SIGHUP).unwrap();
    let file = bundle.dir.path().join("plugin.py");

    std::fs::write(&file, source("'never '")).unwrap();
    hang_up();
    server.api.wait_for("the plugin was loaded anew").await;
    assert_eq!(server.user_will_log_in("anna").await.unwrap(), "never anna");
    assert_eq!(server.started.pythons().len(), 1);

    std::fs::write(&file, "import no_such_module\n").unwrap();
    hang_up();
    let logged = server.api.wait_for("the plugin goes on as it was").await;
    assert!(logged.level == "error" && logged.message.contains("No module named 'no_such_module'"), "{logged:?}");
    assert_eq!(server.user_will_log_in("anna").await.unwrap(), "never anna");
    server.host.ping().await.unwrap();
    server.quit().await;
}
