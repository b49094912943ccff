//! A program of its own that runs Mattermost plugins written in Python: `embed_host PLUGIN_FOLDER`, then a line of input each.
//!
//! `mm-host` is used as a library: it starts and supervises the plugin's process. What the plugin calls reaches a [`board::Board`]; what
//! happens on the board reaches the plugin's hooks.

mod board;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use mm_host::{EnvRequest, Manifest, PluginHost, prepare};
use mm_proto::plugin::v1;
use mm_proto::{ApiError, PluginHooks};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::board::{Board, CHANNEL};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: embed_host PLUGIN_FOLDER; MM_HOST_SDK is the folder of the SDK, unless that is installed");
        return ExitCode::from(2);
    };
    match run(&folder).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the plugin until the input ends.
async fn run(folder: &Path) -> Result<(), Failure> {
    let board = Arc::new(Board::default());
    let host = start(folder, board.clone()).await?;
    let played = play(&host, &board).await;
    host.stop("the input has ended").await;
    played
}

/// Starts and activates the plugin in the folder.
async fn start(folder: &Path, board: Arc<Board>) -> Result<PluginHost, Failure> {
    let (manifest, _) = Manifest::load(folder)?;
    let sdk = std::env::var_os("MM_HOST_SDK").map(PathBuf::from);
    let (bundle, for_env) = (folder.to_owned(), manifest.clone());
    // It may install dependencies, which takes long and blocks.
    let env = tokio::task::spawn_blocking(move || {
        let request =
            EnvRequest { bundle: &bundle, manifest: &for_env, python: None, sdk: sdk.as_deref(), cache_dir: None };
        prepare(&request, &mut |progress| eprintln!("{progress:?}"))
    });
    let name = manifest.name.clone();
    let host = PluginHost::builder(folder, manifest, env.await??)
        .api(board)
        .log(Arc::new(|record| eprintln!("{}: {}", record.level.as_str(), record.message)))
        .build()?;
    let hello = host.start().await?;
    host.activate().await?;
    let hooks: Vec<&str> = hello.hooks.iter().map(String::as_str).collect();
    println!("{name} runs, with {}", hooks.join(", "));
    Ok(host)
}

/// `NAME: TEXT` puts a notice up, `NAME: /COMMAND` executes a command, `NAME joins` lets somebody in.
async fn play(host: &PluginHost, board: &Board) -> Result<(), Failure> {
    let (hooks, implemented) = (host.hooks(), host.implemented());
    let has = |hook: &str| implemented.contains(hook);
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        // A plugin that fails at one line is no reason to end: say so, and go on.
        let done = match line.split_once(": ") {
            Some((name, text)) if text.starts_with('/') && has("ExecuteCommand") => {
                command(&*hooks, board, name, text).await
            }
            Some((name, text)) if has("MessageWillBePosted") => notice(&*hooks, board, name, text).await,
            Some((name, text)) => {
                board.put(name, text);
                Ok(())
            }
            None => match line.strip_suffix(" joins") {
                Some(name) if has("UserHasJoinedChannel") => joined(&*hooks, name).await,
                _ => {
                    println!("what is {line:?}? Write NAME: TEXT, NAME: /COMMAND or NAME joins");
                    Ok(())
                }
            },
        };
        if let Err(error) = done {
            println!("the plugin failed: {error}");
        }
    }
    println!("notices: {}", board.n_notices());
    Ok(())
}

/// Asks the plugin before a notice is put up.
async fn notice(hooks: &dyn PluginHooks, board: &Board, name: &str, text: &str) -> Result<(), ApiError> {
    let post = v1::Post {
        channel_id: CHANNEL.to_owned(),
        user_id: name.to_owned(),
        message: text.to_owned(),
        ..v1::Post::default()
    };
    let request = v1::MessageWillBePostedRequest { context: Some(v1::Context::default()), post: Some(post) };
    let answer = hooks.message_will_be_posted(request).await?;
    if answer.reason.is_empty() {
        // The plugin may have put another notice in its place.
        board.put(name, answer.post.as_ref().map_or(text, |it| it.message.as_str()));
    } else {
        println!("({name}) {}", answer.reason);
    }
    Ok(())
}

async fn command(hooks: &dyn PluginHooks, board: &Board, name: &str, text: &str) -> Result<(), ApiError> {
    let trigger = text.trim_start_matches('/').split(' ').next().unwrap_or_default();
    if !board.has_command(trigger) {
        println!("({name}) there is no /{trigger}");
        return Ok(());
    }
    let args = v1::CommandArgs {
        command: text.to_owned(),
        user_id: name.to_owned(),
        channel_id: CHANNEL.to_owned(),
        ..v1::CommandArgs::default()
    };
    let request = v1::ExecuteCommandRequest { context: Some(v1::Context::default()), args: Some(args) };
    let response = hooks.execute_command(request).await?.command_response.unwrap_or_default();
    println!("({name}) {}", response.text);
    Ok(())
}

async fn joined(hooks: &dyn PluginHooks, name: &str) -> Result<(), ApiError> {
    let member =
        v1::ChannelMember { channel_id: CHANNEL.to_owned(), user_id: name.to_owned(), ..v1::ChannelMember::default() };
    let request = v1::UserHasJoinedChannelRequest {
        context: Some(v1::Context::default()),
        channel_member: Some(member),
        actor: None,
    };
    hooks.user_has_joined_channel(request).await?;
    Ok(())
}
