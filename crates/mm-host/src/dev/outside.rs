//! `:event`: what happens to a server from outside the chat, such as a login by SAML or a job, so that a plugin's hooks for it can be
//! tried and tested.

use mm_proto::plugin::v1;
use mm_sim::{Actor, Server};

use super::chat::Outcome;
use super::command::first_word;
use super::plugin::explain;
use crate::value;

/// Something from outside.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outside {
    Help,
    /// The user logs in by SAML, with these attributes.
    Saml(Vec<(String, String)>),
    /// The user is in the directory, with these attributes.
    Ldap(Vec<(String, String)>),
    Connect,
    Disconnect,
    /// A client of the user sends this action with this data, a JSON object.
    Send(String, String),
    /// Another node of the cluster sends the plugin this event with these bytes.
    Cluster(String, String),
    /// A push notification with this text for the user.
    Push(String),
    /// The user downloads the file with this id.
    Download(String),
    /// The mails about posts so far.
    Mails,
    Ping,
    Install,
    Retention,
    Telemetry,
    /// How many messages a hosted plan keeps.
    Limits(i64),
    Support,
}

/// What can follow `:event`, with what it does and which hook it calls.
const EVENTS: &[(&str, &str)] = &[
    ("saml [NAME=VALUE …]", "log in by SAML with these attributes (OnSAMLLogin)"),
    ("ldap [NAME=VALUE …]", "be in the directory with these attributes (for get_ldap_user_attributes)"),
    ("connect", "open a web socket (OnWebSocketConnect)"),
    ("disconnect", "close the newest one (OnWebSocketDisconnect)"),
    ("send ACTION [JSON]", "send a message over it (WebSocketMessageHasBeenPosted)"),
    ("cluster ID [TEXT]", "an event from the plugin on another node (OnPluginClusterEvent)"),
    ("push TEXT", "a push notification for the user (NotificationWillBePushed)"),
    ("download FILE_ID", "download a file (FileWillBeDownloaded)"),
    ("mails", "the mails about posts so far; a mention of who is not online makes one (EmailNotificationWillBeSent)"),
    ("ping", "ask the plugins of shared channels how they are (OnSharedChannelsPing)"),
    ("install", "finish setting up the server with this plugin (OnInstall)"),
    ("retention", "run the job of data retention (RunDataRetention)"),
    ("telemetry", "send the day's report (OnSendDailyTelemetry)"),
    ("limits MESSAGES", "a hosted plan that keeps so many messages (OnCloudLimitsUpdated)"),
    ("support", "make a support packet (GenerateSupportData)"),
];

/// Understands what follows `:event`; `None` when it makes no sense.
pub(crate) fn parse(rest: &str) -> Option<Outside> {
    let (name, rest) = first_word(rest);
    let alone = |event: Outside| rest.is_empty().then_some(event);
    let word_and_rest = || {
        let (word, rest) = first_word(rest);
        (!word.is_empty()).then(|| (word.to_owned(), rest.to_owned()))
    };
    match name {
        "" | "help" => alone(Outside::Help),
        "saml" => pairs(rest).map(Outside::Saml),
        "ldap" => pairs(rest).map(Outside::Ldap),
        "connect" => alone(Outside::Connect),
        "disconnect" => alone(Outside::Disconnect),
        "send" => word_and_rest().map(|(action, data)| Outside::Send(action, data)),
        "cluster" => word_and_rest().map(|(id, data)| Outside::Cluster(id, data)),
        "push" => (!rest.is_empty()).then(|| Outside::Push(rest.to_owned())),
        "download" => word_and_rest().filter(|(_, rest)| rest.is_empty()).map(|(id, _)| Outside::Download(id)),
        "mails" => alone(Outside::Mails),
        "ping" => alone(Outside::Ping),
        "install" => alone(Outside::Install),
        "retention" => alone(Outside::Retention),
        "telemetry" => alone(Outside::Telemetry),
        "limits" => rest.parse().ok().map(Outside::Limits),
        "support" => alone(Outside::Support),
        _ => None,
    }
}

fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    text.split_whitespace()
        .map(|it| it.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect()
}

/// Lets it happen. `connections` are the web sockets that are open.
pub(crate) async fn happen(
    server: &Server,
    actor: &Actor,
    plugin_id: &str,
    connections: &mut Vec<(String, String)>,
    event: Outside,
) -> Outcome {
    let user = actor.user().username;
    let done = |text: String| Ok(vec![text]);
    match event {
        Outside::Help => {
            let mut lines = vec!["What can happen, to the user whom you act as or to the server:".to_owned()];
            lines.extend(EVENTS.iter().map(|(usage, help)| format!("  :event {usage:<22} {help}")));
            Ok(lines)
        }
        Outside::Saml(attributes) => {
            server.saml_login(&user, &borrowed(&attributes)).await.map_err(text)?;
            done(format!("{user} is logged in by SAML"))
        }
        Outside::Ldap(attributes) => {
            server.set_ldap_attributes(&user, &borrowed(&attributes)).map_err(text)?;
            done(format!("{user} is in the directory"))
        }
        Outside::Connect | Outside::Disconnect | Outside::Send(..) => socket(actor, connections, event).await,
        Outside::Cluster(id, data) => {
            let event = v1::PluginClusterEvent { id, data: data.into_bytes().into() };
            server.deliver_cluster_event(plugin_id, event);
            Ok(Vec::new())
        }
        Outside::Push(message) => {
            let before = server.push_notifications().len();
            server.send_push(actor.user_id(), v1::PushNotification { message, ..Default::default() }).await;
            let sent = server.push_notifications().split_off(before);
            let shown = sent.iter().map(|(_, it)| format!("pushed to {user}: {}", it.message)).collect::<Vec<_>>();
            Ok(if shown.is_empty() { vec!["the plugin refused the notification".to_owned()] } else { shown })
        }
        Outside::Download(id) => {
            let bytes = actor.download(&id).await.map_err(text)?;
            done(format!("{} bytes", bytes.len()))
        }
        Outside::Mails => {
            let mails = server.email_notifications();
            Ok(mails
                .iter()
                .map(|it| format!("to {}: {}: {}", it.to, it.content.subject, it.content.message_text))
                .collect())
        }
        Outside::Ping => {
            let said = |(name, well): &(String, bool)| format!("{name} is {}", if *well { "well" } else { "not well" });
            Ok(server.ping_remotes().await.iter().map(said).collect())
        }
        Outside::Install | Outside::Retention | Outside::Telemetry | Outside::Limits(_) | Outside::Support => {
            operation(server, &user, plugin_id, event).await
        }
    }
}

async fn socket(actor: &Actor, connections: &mut Vec<(String, String)>, event: Outside) -> Outcome {
    let own = |connections: &[(String, String)]| connections.iter().rposition(|(owner, _)| owner == actor.user_id());
    match event {
        Outside::Connect => {
            let id = actor.connect().await;
            connections.push((actor.user_id().to_owned(), id));
            return Ok(Vec::new());
        }
        Outside::Send(action, data) => {
            let data = if data.is_empty() { "{}" } else { data.as_str() };
            let json: serde_json::Value = serde_json::from_str(data).map_err(|error| format!("{data}: {error}"))?;
            let serde_json::Value::Object(fields) = json else { return Err(format!("{data} is no JSON object")) };
            let values = fields.iter().map(|(key, it)| (key.clone(), value::from_json(it))).collect();
            let at = own(connections).ok_or("open a web socket first: :event connect")?;
            actor.websocket_message(&connections[at].1, &action, v1::ValueMap { values }).await.map_err(text)?;
        }
        _ => {
            let at = own(connections).ok_or("no web socket of this user is open")?;
            actor.disconnect(&connections.remove(at).1).await;
        }
    }
    Ok(Vec::new())
}

/// What an administrator does, and jobs.
async fn operation(server: &Server, user: &str, plugin_id: &str, event: Outside) -> Outcome {
    match event {
        Outside::Install => server.complete_onboarding(user, &[plugin_id]).await.map_err(text)?,
        Outside::Telemetry => server.send_daily_telemetry().await,
        Outside::Limits(history) => {
            let messages = Some(v1::MessagesLimits { history: Some(history) });
            server.set_cloud_limits(v1::ProductLimits { messages, ..Default::default() }).await;
        }
        Outside::Retention => {
            let deleted = server.run_data_retention().await;
            return Ok(deleted.iter().map(|(id, rows)| format!("{id} deleted {rows} rows")).collect());
        }
        _ => {
            let files = server.support_packet(&[plugin_id]).await;
            return Ok(files.iter().map(|file| shown(&file.filename, &file.body)).collect());
        }
    }
    Ok(Vec::new())
}

fn shown(name: &str, body: &[u8]) -> String {
    match std::str::from_utf8(body) {
        Ok(text) if !text.contains('\n') && text.len() <= 200 => format!("{name}: {text}"),
        _ => format!("{name}: {} bytes", body.len()),
    }
}

fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn text(error: mm_sim::SimError) -> String {
    explain(&error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_understood() {
        assert_eq!(parse(""), Some(Outside::Help));
        assert_eq!(parse("saml"), Some(Outside::Saml(vec![])));
        assert_eq!(
            parse("saml a=1 b=x=y"),
            Some(Outside::Saml(vec![("a".into(), "1".into()), ("b".into(), "x=y".into())]))
        );
        assert_eq!(parse("send wave {\"a\": 1}"), Some(Outside::Send("wave".into(), "{\"a\": 1}".into())));
        assert_eq!(parse("cluster sync"), Some(Outside::Cluster("sync".into(), String::new())));
        assert_eq!(parse("limits 100"), Some(Outside::Limits(100)));
        for wrong in
            ["saml department", "send", "cluster", "push", "download", "limits many", "retention now", "explode"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_event_in_the_help_is_understood() {
        for (usage, _) in EVENTS {
            let example = usage.replace(" [NAME=VALUE …]", " a=1").replace("MESSAGES", "3").replace(['[', ']'], "");
            assert!(parse(&example).is_some(), "{example}");
        }
    }
}
