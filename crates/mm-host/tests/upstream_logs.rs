//! What a plugin logs and prints, on its way to the server.

mod common;
mod server;

use std::sync::atomic::Ordering;

use common::{AT_LAST, HEAD, TAIL, wait_until};
use server::Bundle;

#[tokio::test]
async fn records_arrive_at_their_level_with_their_key_values() {
    let body = "
    @hook(HookName.UserWillLogIn)
    def login(self, context, user):
        self.logger.debug('of no interest')
        self.logger.info('somebody comes', extra={'user': user.username, 'attempt': 3})
        self.logger.warning('a warning')
        try:
            raise KeyError('k')
        except KeyError:
            self.logger.exception('it failed')
        import sys
        print('printed')
        sys.stderr.write('Traceback (most recent call last):\\n  File \"x.py\", line 1, in f\\nValueError: no\\n')
        return ''
";
    let bundle = Bundle::with_body(body);
    let server = bundle.activate().await;
    server.user_will_log_in("anna").await.unwrap();
    assert_eq!(server.api.wait_for("of no interest").await.level, "debug");
    let info = server.api.wait_for("somebody comes").await;
    assert_eq!((info.level, info.pair("user"), info.pair("attempt")), ("info", Some("anna"), Some("3")));
    assert!(info.pair("logger").is_some_and(|it| !it.is_empty()), "{info:?}");
    assert_eq!(server.api.wait_for("a warning").await.level, "warn");
    let failed = server.api.wait_for("it failed").await;
    assert_eq!((failed.level, failed.message.as_str()), ("error", "it failed"));
    let traceback = failed.pair("traceback").unwrap();
    assert!(traceback.starts_with("Traceback") && traceback.trim_end().ends_with("KeyError: 'k'"), "{traceback}");
    let printed = server.api.wait_for("printed").await;
    assert_eq!((printed.level, printed.pair("source")), ("info", Some("plugin_stdout")));
    let written = server.api.wait_for("ValueError: no").await;
    assert_eq!((written.level, written.pair("source")), ("error", Some("plugin_stderr")));
    assert_eq!(written.message.lines().count(), 3, "a traceback is one record");
    assert_eq!(server.lines(), [], "with the API there nothing goes to standard error");
    server.quit().await;
}

#[tokio::test]
async fn what_is_printed_before_the_api_is_there_goes_to_standard_error_as_records() {
    // Each of these would end a server, or its reading, if it came through as it is.
    let source = format!(
        "import sys\n\
         print('{{\"@message\": 5, \"@level\": []}}')\n\
         print('panic: not really')\n\
         sys.stderr.write('x' * 102400 + '\\n')\n\
         sys.stdout.write('y' * 102400 + '\\n')\n\
         sys.stdout.flush()\n\
         sys.stderr.write('no newline')\n\
         {HEAD}\nclass P(Plugin):\n    pass\n{TAIL}"
    );
    let bundle = Bundle::raw(&source);
    let server = bundle.connect().await;
    server.implemented().await;
    let line = server.wait_for_line("{\"@message\": 5, \"@level\": []}").await;
    assert_eq!((&line["@level"], &line["source"]), (&"info".into(), &"plugin_stdout".into()));
    server.wait_for_line("panic: not really").await;
    server.wait_for_line("no newline").await;
    for letter in ['x', 'y'] {
        let letters =
            |it: &serde_json::Map<_, serde_json::Value>| it["@message"].as_str().unwrap().matches(letter).count();
        let sum = || server.lines().iter().filter(|it| letters(it) > 1000).map(letters).sum::<usize>();
        wait_until(AT_LAST, || sum() == 102_400).await;
        assert_eq!(sum(), 102_400, "nothing of the {letter} is lost");
    }
    server.activate().await.unwrap();
    server.quit().await;
}

#[tokio::test]
async fn large_texts_pass_and_hold_nobody_up() {
    let body = "
    @hook(HookName.UserWillLogIn)
    def login(self, context, user):
        import sys
        sys.stdout.write('o' * 102400 + '\\n')
        sys.stderr.write('e' * 102400 + '\\n')
        self.logger.info('l' * (1 << 20))
        self.logger.info('the end')
        return 'done'
";
    let bundle = Bundle::with_body(body);
    let server = bundle.activate().await;
    assert_eq!(server.user_will_log_in("x").await.unwrap(), "done");
    server.api.wait_for("the end").await;
    let count = |letter: char| -> usize {
        let logged = server.api.logged();
        logged.iter().filter(|it| it.message.len() > 1000).map(|it| it.message.matches(letter).count()).sum()
    };
    for (letter, least) in [('o', 102_400), ('e', 102_400), ('l', 200_000)] {
        wait_until(AT_LAST, || count(letter) >= least).await;
        assert!(count(letter) >= least, "{letter}: {}", count(letter));
    }
    server.quit().await;
}

#[tokio::test]
async fn a_server_that_does_not_take_records_does_not_hold_python_up() {
    let body = "
    @hook(HookName.UserWillLogIn)
    def login(self, context, user):
        for n in range(3000):
            self.logger.info('record %d', n)
            print('line', n)
        return 'done'
";
    let bundle = Bundle::with_body(body);
    let server = bundle.activate().await;
    server.api.stuck.store(true, Ordering::Relaxed);
    // Held up, they would not end: nothing is answered.
    for _ in 0..5 {
        assert_eq!(server.user_will_log_in("x").await.unwrap(), "done");
    }
    server.host.ping().await.unwrap();
    // Records that nobody takes do not keep it from ending in time either.
    server.quit().await;
}

#[tokio::test]
async fn without_the_api_records_go_to_standard_error_again() {
    let body = "
    @hook(HookName.OnDeactivate)
    def end(self):
        self.logger.warning('last words', extra={'n': 1})
";
    let bundle = Bundle::with_body(body);
    let server = bundle.activate().await;
    server.api_task.lock().unwrap().take().unwrap().abort();
    server.deactivate().await;
    let line = server.wait_for_line("last words").await;
    assert_eq!((&line["@level"], &line["n"]), (&"warn".into(), &"1".into()));
}
