//! The built-in slash commands that make sense without a browser.

use futures::future::BoxFuture;
use mm_proto::plugin::v1;

use crate::errors::{self, Result};
use crate::hooks::Caller;
use crate::post_types;
use crate::server::Server;

/// A built-in command.
pub(crate) struct Builtin {
    pub(crate) trigger: &'static str,
    hint: &'static str,
    description: &'static str,
}

const fn builtin(trigger: &'static str, hint: &'static str, description: &'static str) -> Builtin {
    Builtin { trigger, hint, description }
}

/// All of them, by trigger.
const ALL: [Builtin; 17] = [
    builtin("away", "", "Sets your status to away"),
    builtin("code", "[text]", "Posts a text as a block of code"),
    builtin("dnd", "", "Sets your status to do not disturb"),
    builtin("echo", "[text]", "Posts a text in your name"),
    builtin("header", "[text]", "Changes the header of this channel"),
    builtin("help", "", "Lists the commands that you can use here"),
    builtin("invite", "@[username] ~[channel]", "Adds somebody to this channel, or to another one"),
    builtin("join", "~[channel]", "Joins a public channel"),
    builtin("kick", "@[username]", "Removes somebody from this channel"),
    builtin("leave", "", "Leaves this channel"),
    builtin("me", "[action]", "Says what you are doing"),
    builtin("msg", "@[username] [text]", "Posts a direct message"),
    builtin("offline", "", "Sets your status to offline"),
    builtin("online", "", "Sets your status to online"),
    builtin("purpose", "[text]", "Changes the purpose of this channel"),
    builtin("remove", "@[username]", "Removes somebody from this channel"),
    builtin("shrug", "[text]", "Adds a shrug to a text"),
];

pub(crate) fn find(trigger: &str) -> Option<&'static Builtin> {
    ALL.iter().find(|command| command.trigger == trigger)
}

/// The triggers of the built-in commands.
pub fn built_in_triggers() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|command| command.trigger)
}

/// The built-in commands as the API lists them.
pub(crate) fn list() -> Vec<v1::Command> {
    ALL.iter()
        .map(|command| v1::Command {
            trigger: command.trigger.to_owned(),
            auto_complete: true,
            auto_complete_hint: command.hint.to_owned(),
            auto_complete_desc: command.description.to_owned(),
            display_name: command.trigger.to_owned(),
            ..Default::default()
        })
        .collect()
}

fn says(text: impl Into<String>) -> v1::CommandResponse {
    v1::CommandResponse { response_type: "ephemeral".to_owned(), text: text.into(), ..Default::default() }
}

/// Runs a built-in command. What goes wrong is told to the user.
pub(crate) fn run<'a>(
    server: &'a Server,
    caller: &'a Caller,
    trigger: &'a str,
    message: &'a str,
    args: &'a v1::CommandArgs,
) -> BoxFuture<'a, v1::CommandResponse> {
    Box::pin(async move {
        let outcome = match trigger {
            "help" => Ok(says(help(server, &args.team_id))),
            "away" | "dnd" | "offline" | "online" => {
                server.set_status(&args.user_id, trigger).map(|_| says(format!("You are {trigger} now.")))
            }
            "header" | "purpose" => set_text(server, caller, trigger, message, args).await,
            "invite" | "join" | "kick" | "leave" | "remove" => membership(server, caller, trigger, message, args).await,
            "msg" => direct_message(server, caller, message, args).await,
            _ => post(server, caller, trigger, message, args).await,
        };
        outcome.unwrap_or_else(|error| says(format!("/{trigger} did not work: {}", errors::text(&error))))
    })
}

fn help(server: &Server, team_id: &str) -> String {
    let mut commands = server.plugin_commands(team_id);
    commands.extend(list());
    commands.sort_by(|a, b| a.trigger.cmp(&b.trigger));
    let lines = commands.iter().map(|command| {
        let hint = if command.auto_complete_hint.is_empty() { "" } else { " " };
        format!("- `/{}{hint}{}` {}", command.trigger, command.auto_complete_hint, command.auto_complete_desc)
    });
    let lines: Vec<_> = lines.collect();
    format!("You can use these commands here:\n{}", lines.join("\n"))
}

/// Commands that post in the user's name.
async fn post(
    server: &Server,
    caller: &Caller,
    trigger: &str,
    message: &str,
    args: &v1::CommandArgs,
) -> Result<v1::CommandResponse> {
    if message.is_empty() && trigger != "shrug" {
        return Ok(says(format!("Write a text after /{trigger}.")));
    }
    let text = match trigger {
        "code" => format!("    {}", message.replace('\n', "\n    ")),
        "me" => format!("*{message}*"),
        "shrug" => format!("{message} ¯\\\\\\_(ツ)\\_/¯").trim_start().to_owned(),
        _ => message.to_owned(),
    };
    let mut post = v1::Post {
        channel_id: args.channel_id.clone(),
        user_id: args.user_id.clone(),
        root_id: args.root_id.clone(),
        message: text,
        ..Default::default()
    };
    if trigger == "me" {
        post_types::ME.clone_into(&mut post.r#type);
        post.props.insert("message".to_owned(), crate::values::string(message));
    }
    server.create_post(caller, post).await?;
    Ok(v1::CommandResponse::default())
}

async fn set_text(
    server: &Server,
    caller: &Caller,
    what: &str,
    message: &str,
    args: &v1::CommandArgs,
) -> Result<v1::CommandResponse> {
    server.change_channel_text(caller, &args.channel_id, &args.user_id, what, message).await?;
    Ok(v1::CommandResponse::default())
}

async fn membership(
    server: &Server,
    caller: &Caller,
    trigger: &str,
    message: &str,
    args: &v1::CommandArgs,
) -> Result<v1::CommandResponse> {
    let (channel_id, me) = (args.channel_id.as_str(), args.user_id.as_str());
    let mut words = message.split_whitespace();
    match trigger {
        "leave" => server.leave_channel(caller, channel_id, me).await?,
        "join" => {
            let name = words.next().unwrap_or_default().trim_start_matches('~');
            let channel = server.channel_by_name("GetChannelByName", &args.team_id, name, false)?;
            server.join_channel(caller, &channel.id, me).await?;
        }
        _ => {
            let name = words.next().unwrap_or_default().trim_start_matches('@');
            let user = server.user_by_username(name)?;
            let other = words.next().map(|name| name.trim_start_matches('~'));
            let channel_id = match other {
                Some(name) => server.channel_by_name("GetChannelByName", &args.team_id, name, false)?.id,
                None => channel_id.to_owned(),
            };
            if trigger == "invite" {
                check_may_manage(server, me, &channel_id)?;
                server.add_channel_member(caller, &channel_id, &user.id, me).await?;
            } else {
                check_may_manage(server, me, &channel_id)?;
                server.remove_from_channel(caller, &channel_id, &user.id, me).await?;
            }
        }
    }
    Ok(v1::CommandResponse::default())
}

fn check_may_manage(server: &Server, user_id: &str, channel_id: &str) -> Result<()> {
    let world = server.world();
    let open = world.channel("GetChannel", channel_id)?.channel.r#type == "O";
    let permission = if open { "manage_public_channel_members" } else { "manage_private_channel_members" };
    if world.has_permission_to_channel(user_id, channel_id, permission) {
        return Ok(());
    }
    Err(errors::no_permission(user_id, permission))
}

async fn direct_message(
    server: &Server,
    caller: &Caller,
    message: &str,
    args: &v1::CommandArgs,
) -> Result<v1::CommandResponse> {
    let (name, text) = message.split_once(' ').unwrap_or((message, ""));
    let user = server.user_by_username(name.trim_start_matches('@'))?;
    let channel = server.direct_channel(caller, &args.user_id, &user.id).await?;
    if !text.trim().is_empty() {
        let post = v1::Post {
            channel_id: channel.id,
            user_id: args.user_id.clone(),
            message: text.trim().to_owned(),
            ..Default::default()
        };
        server.create_post(caller, post).await?;
    }
    Ok(v1::CommandResponse::default())
}
