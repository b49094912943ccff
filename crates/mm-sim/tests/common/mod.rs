//! A plugin in Rust that records every hook call, and answers the deciding hooks as a test tells it.

#![allow(dead_code, reason = "every test file uses another part")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use mm_proto::plugin::v1;
use mm_proto::{ApiError, PluginApi, PluginHooks};
use mm_sim::{Actor, PluginRegistration, Server, SimError};

pub(crate) const PLUGIN: &str = "com.example.test";

/// How a hook answers.
type Answer<Q, R> = Option<Box<dyn Fn(Q) -> R + Send + Sync>>;
type Verdict<T> = Answer<T, (Option<T>, String)>;

/// What the plugin answers; what is not set is not implemented.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) will_post: Verdict<v1::Post>,
    pub(crate) will_update: Verdict<v1::Post>,
    pub(crate) will_read: Answer<Vec<v1::Post>, Vec<v1::Post>>,
    pub(crate) will_join_channel: Verdict<v1::ChannelMember>,
    pub(crate) will_join_team: Verdict<v1::TeamMember>,
    pub(crate) will_archive: Answer<v1::Channel, String>,
    pub(crate) will_log_in: Answer<v1::User, String>,
    pub(crate) will_save_config: Answer<v1::Config, Result<Option<v1::Config>, ApiError>>,
    pub(crate) command: Answer<v1::CommandArgs, Result<v1::CommandResponse, ApiError>>,
    pub(crate) activate: Answer<(), Result<(), ApiError>>,
    /// Go names of hooks that only record.
    pub(crate) records: Vec<&'static str>,
}

/// The plugin.
pub(crate) struct Double {
    calls: Mutex<Vec<String>>,
    answers: Answers,
}

impl Double {
    fn record(&self, call: String) {
        self.calls.lock().unwrap().push(call);
    }

    /// The hook calls so far, and forgets them.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

/// A demo server with the plugin activated.
pub(crate) async fn start(answers: Answers) -> (Server, Arc<Double>) {
    let server = Server::demo();
    let double = install(&server, PLUGIN, answers).await.unwrap();
    (server, double)
}

/// Activates one more plugin.
pub(crate) async fn install(server: &Server, id: &str, answers: Answers) -> Result<Arc<Double>, SimError> {
    let mut implemented = answers.records.clone();
    for (name, set) in [
        ("MessageWillBePosted", answers.will_post.is_some()),
        ("MessageWillBeUpdated", answers.will_update.is_some()),
        ("MessagesWillBeConsumed", answers.will_read.is_some()),
        ("ChannelMemberWillBeAdded", answers.will_join_channel.is_some()),
        ("TeamMemberWillBeAdded", answers.will_join_team.is_some()),
        ("ChannelWillBeArchived", answers.will_archive.is_some()),
        ("UserWillLogIn", answers.will_log_in.is_some()),
        ("ConfigurationWillBeSaved", answers.will_save_config.is_some()),
        ("ExecuteCommand", answers.command.is_some()),
        ("OnActivate", answers.activate.is_some()),
    ] {
        if set {
            implemented.push(name);
        }
    }
    let double = Arc::new(Double { calls: Mutex::default(), answers });
    let manifest = v1::Manifest { id: id.to_owned(), ..Default::default() };
    server.activate(PluginRegistration::new(manifest, double.clone(), implemented)).await?;
    Ok(double)
}

pub(crate) fn api(server: &Server) -> Arc<dyn PluginApi> {
    server.api(PLUGIN)
}

pub(crate) fn anna(server: &Server) -> Actor {
    server.act_as("anna").unwrap()
}

/// The id and the status of an `AppError`.
pub(crate) fn app_error(error: &SimError) -> (&str, i64) {
    match error {
        ApiError::App(error) => (error.id.as_str(), error.status_code),
        other => panic!("not an AppError: {other:?}"),
    }
}

/// A text as a `Value`.
pub(crate) fn text(value: &str) -> v1::Value {
    v1::Value { kind: Some(v1::value::Kind::StringValue(value.to_owned())) }
}

/// A command's answer.
pub(crate) fn answer(text: &str, kind: &str) -> v1::CommandResponse {
    v1::CommandResponse { text: text.into(), response_type: kind.into(), ..Default::default() }
}

/// Registers a command as the plugin.
pub(crate) async fn register(server: &Server, command: v1::Command) {
    api(server).register_command(v1::RegisterCommandRequest { command: Some(command) }).await.unwrap();
}

/// A command with this trigger.
pub(crate) fn command(trigger: &str) -> v1::Command {
    v1::Command { trigger: trigger.into(), auto_complete: true, ..Default::default() }
}

macro_rules! recorded {
    ($($method:ident $request:ident $response:ident $go:literal |$r:ident| $what:expr;)*) => {
        #[async_trait]
        impl PluginHooks for Double {
            $(
                async fn $method(&self, $r: v1::$request) -> Result<v1::$response, ApiError> {
                    self.record(format!("{} {}", $go, $what).trim_end().to_owned());
                    Ok(v1::$response::default())
                }
            )*

            async fn message_will_be_posted(
                &self,
                r: v1::MessageWillBePostedRequest,
            ) -> Result<v1::MessageWillBePostedResponse, ApiError> {
                let post = r.post.unwrap();
                self.record(format!("MessageWillBePosted {}", post.message));
                let (post, reason) = (self.answers.will_post.as_ref().unwrap())(post);
                Ok(v1::MessageWillBePostedResponse { post, reason })
            }

            async fn message_will_be_updated(
                &self,
                r: v1::MessageWillBeUpdatedRequest,
            ) -> Result<v1::MessageWillBeUpdatedResponse, ApiError> {
                let (new, old) = (r.new_post.unwrap(), r.old_post.unwrap());
                self.record(format!("MessageWillBeUpdated {} -> {}", old.message, new.message));
                let (post, reason) = (self.answers.will_update.as_ref().unwrap())(new);
                Ok(v1::MessageWillBeUpdatedResponse { post, reason })
            }

            async fn messages_will_be_consumed(
                &self,
                r: v1::MessagesWillBeConsumedRequest,
            ) -> Result<v1::MessagesWillBeConsumedResponse, ApiError> {
                self.record(format!("MessagesWillBeConsumed {}", r.posts.len()));
                let posts = (self.answers.will_read.as_ref().unwrap())(r.posts);
                Ok(v1::MessagesWillBeConsumedResponse { posts })
            }

            async fn channel_member_will_be_added(
                &self,
                r: v1::ChannelMemberWillBeAddedRequest,
            ) -> Result<v1::ChannelMemberWillBeAddedResponse, ApiError> {
                let answer = (self.answers.will_join_channel.as_ref().unwrap())(r.channel_member.unwrap());
                Ok(v1::ChannelMemberWillBeAddedResponse { channel_member: answer.0, reason: answer.1 })
            }

            async fn team_member_will_be_added(
                &self,
                r: v1::TeamMemberWillBeAddedRequest,
            ) -> Result<v1::TeamMemberWillBeAddedResponse, ApiError> {
                let answer = (self.answers.will_join_team.as_ref().unwrap())(r.team_member.unwrap());
                Ok(v1::TeamMemberWillBeAddedResponse { team_member: answer.0, reason: answer.1 })
            }

            async fn channel_will_be_archived(
                &self,
                r: v1::ChannelWillBeArchivedRequest,
            ) -> Result<v1::ChannelWillBeArchivedResponse, ApiError> {
                let reason = (self.answers.will_archive.as_ref().unwrap())(r.channel.unwrap());
                Ok(v1::ChannelWillBeArchivedResponse { reason })
            }

            async fn user_will_log_in(
                &self,
                r: v1::UserWillLogInRequest,
            ) -> Result<v1::UserWillLogInResponse, ApiError> {
                let reason = (self.answers.will_log_in.as_ref().unwrap())(r.user.unwrap());
                Ok(v1::UserWillLogInResponse { reason })
            }

            async fn configuration_will_be_saved(
                &self,
                r: v1::ConfigurationWillBeSavedRequest,
            ) -> Result<v1::ConfigurationWillBeSavedResponse, ApiError> {
                let config = (self.answers.will_save_config.as_ref().unwrap())(r.new_config.unwrap())?;
                Ok(v1::ConfigurationWillBeSavedResponse { config })
            }

            async fn execute_command(
                &self,
                r: v1::ExecuteCommandRequest,
            ) -> Result<v1::ExecuteCommandResponse, ApiError> {
                let args = r.args.unwrap();
                self.record(format!("ExecuteCommand {}", args.command));
                let response = (self.answers.command.as_ref().unwrap())(args)?;
                Ok(v1::ExecuteCommandResponse { command_response: Some(response) })
            }

            async fn on_activate(&self, _: v1::OnActivateRequest) -> Result<v1::OnActivateResponse, ApiError> {
                self.record("OnActivate".to_owned());
                (self.answers.activate.as_ref().unwrap())(()).map(|()| v1::OnActivateResponse {})
            }
        }
    };
}

fn name(user: Option<v1::User>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.username)
}

recorded! {
    message_has_been_posted MessageHasBeenPostedRequest MessageHasBeenPostedResponse "MessageHasBeenPosted"
        |r| r.post.unwrap().message;
    message_has_been_updated MessageHasBeenUpdatedRequest MessageHasBeenUpdatedResponse "MessageHasBeenUpdated"
        |r| format!("{} -> {}", r.old_post.unwrap().message, r.new_post.unwrap().message);
    message_has_been_deleted MessageHasBeenDeletedRequest MessageHasBeenDeletedResponse "MessageHasBeenDeleted"
        |r| r.post.unwrap().message;
    channel_has_been_created ChannelHasBeenCreatedRequest ChannelHasBeenCreatedResponse "ChannelHasBeenCreated"
        |r| r.channel.unwrap().r#type;
    user_has_joined_channel UserHasJoinedChannelRequest UserHasJoinedChannelResponse "UserHasJoinedChannel"
        |r| format!("by {}", name(r.actor));
    user_has_left_channel UserHasLeftChannelRequest UserHasLeftChannelResponse "UserHasLeftChannel"
        |r| format!("by {}", name(r.actor));
    user_has_joined_team UserHasJoinedTeamRequest UserHasJoinedTeamResponse "UserHasJoinedTeam"
        |r| format!("by {}", name(r.actor));
    user_has_left_team UserHasLeftTeamRequest UserHasLeftTeamResponse "UserHasLeftTeam"
        |r| format!("by {}", name(r.actor));
    user_has_been_created UserHasBeenCreatedRequest UserHasBeenCreatedResponse "UserHasBeenCreated"
        |r| name(r.user);
    user_has_been_deactivated UserHasBeenDeactivatedRequest UserHasBeenDeactivatedResponse "UserHasBeenDeactivated"
        |r| name(r.user);
    user_has_logged_in UserHasLoggedInRequest UserHasLoggedInResponse "UserHasLoggedIn"
        |r| name(r.user);
    reaction_has_been_added ReactionHasBeenAddedRequest ReactionHasBeenAddedResponse "ReactionHasBeenAdded"
        |r| r.reaction.unwrap().emoji_name;
    reaction_has_been_removed ReactionHasBeenRemovedRequest ReactionHasBeenRemovedResponse "ReactionHasBeenRemoved"
        |r| r.reaction.unwrap().emoji_name;
    preferences_have_changed PreferencesHaveChangedRequest PreferencesHaveChangedResponse "PreferencesHaveChanged"
        |r| r.preferences[0].name;
    on_configuration_change OnConfigurationChangeRequest OnConfigurationChangeResponse "OnConfigurationChange"
        |_r| "";
    on_deactivate OnDeactivateRequest OnDeactivateResponse "OnDeactivate" |_r| "";
    on_plugin_cluster_event OnPluginClusterEventRequest OnPluginClusterEventResponse "OnPluginClusterEvent"
        |r| r.event.unwrap().id;
    on_web_socket_connect OnWebSocketConnectRequest OnWebSocketConnectResponse "OnWebSocketConnect"
        |r| r.user_id.len();
    on_web_socket_disconnect OnWebSocketDisconnectRequest OnWebSocketDisconnectResponse "OnWebSocketDisconnect"
        |r| r.user_id.len();
    web_socket_message_has_been_posted WebSocketMessageHasBeenPostedRequest WebSocketMessageHasBeenPostedResponse
        "WebSocketMessageHasBeenPosted" |r| r.req.unwrap().action;
}
