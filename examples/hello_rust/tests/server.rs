//! The plugin as a server runs it: its executable, the handshake, net/rpc. A simulated Mattermost stands behind the wire.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use mm_goplugin::rpc::Server as RpcServer;
use mm_goplugin::testing::{Host, address};
use mm_proto::netrpc::{Activation, ApiService, HooksClient};
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::value::Kind;
use mm_proto::{PluginApi, PluginHooks};
use mm_sim::{PluginRegistration, Server};

const COOKIE: (&str, &str) = ("MATTERMOST_PLUGIN", "Securely message teams, anywhere.");
const ID: &str = "org.example.hello-rust";

/// The plugin's process, killed at the latest when the test ends.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Starts it as a server does; gives the connection too.
    async fn start() -> (Self, Host) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hello_rust"));
        command.env(COOKIE.0, COOKIE.1).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = Self(command.spawn().expect("it starts"));
        let mut line = String::new();
        let stdout = process.0.stdout.as_mut().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it can be read");
        let socket = address(&line).unwrap_or_else(|| panic!("no handshake: {line:?}"));
        let host = Host::connect(socket).await.expect("it listens");
        (process, host)
    }

    async fn exit_code(mut self) -> Option<i32> {
        // Looks are counted, not time: the machine may stand still meanwhile.
        for _ in 0..500 {
            if let Some(status) = self.0.try_wait().expect("it can be waited for") {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it lives on after it was told to quit");
    }
}

/// Offers a server's API, and what stands for its SQL service, to the plugin, and activates it.
async fn activate(host: &Host, hooks: &HooksClient, api: Arc<dyn PluginApi>) {
    let streams = Activation { api: host.broker().next_id(), driver: host.broker().next_id() };
    for id in [streams.api, streams.driver] {
        let (accepted, service) = (host.broker().accept(id), Arc::new(ApiService::new(api.clone())));
        tokio::spawn(async move {
            let (read, write) = accepted.await.expect("it is dialled").into_split();
            RpcServer::new().register("Plugin", service).serve(read, write).await
        });
    }
    hooks.activate(streams).await.expect("it can be activated");
}

async fn block(server: &Server, words: &str) {
    let words = v1::Value { kind: Some(Kind::StringValue(words.to_owned())) };
    server.set_plugin_setting(ID, "BlockedWords", words).await.expect("it is a setting");
}

#[tokio::test]
async fn it_does_under_a_server_what_it_says() {
    let (process, host) = Process::start().await;
    let server = Server::demo();
    let manifest = v1::Manifest { id: ID.to_owned(), ..v1::Manifest::default() };
    server.add_plugin(manifest.clone(), None).expect("the manifest is fine");
    block(&server, "badword, worse").await;

    let hooks = HooksClient::new(host.dispense("hooks").await.expect("it has hooks"));
    let implemented: BTreeSet<String> = hooks.implemented().await.expect("it tells them").into_iter().collect();
    let expected =
        ["ExecuteCommand", "MessageWillBePosted", "OnActivate", "OnConfigurationChange", "UserHasJoinedChannel"];
    assert!(implemented.iter().eq(expected), "{implemented:?}");
    activate(&host, &hooks, server.api(ID)).await;
    let ready = |it: &Arc<mm_sim::LogRecord>| it.message.starts_with("hello_rust is ready on Mattermost ");
    assert_eq!(server.logs().iter().filter(|it| ready(it)).count(), 1);
    let hooks: Arc<dyn PluginHooks> = Arc::new(hooks);
    server.attach(PluginRegistration::new(manifest, hooks, implemented)).expect("it is activated");

    let anna = server.act_as("anna").expect("a demo user");
    let square = anna.channel("town-square").expect("a demo channel");
    for (typed, answer) in [("/hello", "Hello, anna!"), ("/hello Ben", "Hello, Ben!")] {
        let response = anna.command(&square.id, None, typed).await.expect("the command is registered");
        assert_eq!(response.text, format!("{answer} This is Rust speaking."));
    }

    let refused = anna.post(&square.id, "a WORSE thing").await.expect_err("a blocked word").to_string();
    assert!(refused.contains("Please leave out “worse”."), "{refused}");
    assert_eq!(anna.post(&square.id, "a nice thing").await.expect("no blocked word").message, "a nice thing");
    block(&server, "nice").await;
    let refused = anna.post(&square.id, "a nice thing").await.expect_err("a word blocked since").to_string();
    assert!(refused.contains("Please leave out “nice”."), "{refused}");

    let tea = anna.create_channel(&square.team_id, "tea", "", false).await.expect("anna may");
    let ben = server.act_as("ben").expect("a demo user");
    ben.join(&tea.id).await.expect("it is public");
    server.settle().await;
    let posts = ben.read(&tea.id, 10).await.expect("ben is a member");
    assert!(posts.iter().any(|it| it.message == "Welcome, @ben! Try `/hello`."), "{posts:?}");

    host.quit().await.expect("it listens");
    host.close().await;
    assert_eq!(process.exit_code().await, Some(0));
}

#[test]
fn by_hand_it_says_what_it_is() {
    let output = Command::new(env!("CARGO_BIN_EXE_hello_rust")).output().expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("executable of a Mattermost plugin"));
}
