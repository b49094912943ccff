//! A greeting command, a word filter, and a welcome for people who join a channel: `examples/hello_python`, in Rust.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::value::Kind;
use mm_proto::{ApiError, HookName, PluginApi, PluginHooks};

/// The hooks of the trait that the plugin has; a server calls no other.
pub(crate) const HOOKS: [HookName; 5] = [
    HookName::OnActivate,
    HookName::OnConfigurationChange,
    HookName::ExecuteCommand,
    HookName::MessageWillBePosted,
    HookName::UserHasJoinedChannel,
];

/// The setting that holds the words, as servers write its name: in lower case.
const BLOCKED_WORDS: &str = "blockedwords";

/// The plugin, from its activation on.
pub(crate) struct HelloPlugin {
    api: Arc<dyn PluginApi>,
    /// In lower case.
    blocked_words: Mutex<Vec<String>>,
}

impl HelloPlugin {
    /// A plugin that calls this API.
    pub(crate) fn new(api: Arc<dyn PluginApi>) -> Self {
        Self { api, blocked_words: Mutex::default() }
    }

    async fn user(&self, user_id: String) -> Result<v1::User, ApiError> {
        let response = self.api.get_user(v1::GetUserRequest { user_id }).await?;
        Ok(response.user.unwrap_or_default())
    }
}

#[async_trait]
impl PluginHooks for HelloPlugin {
    async fn on_activate(&self, _: v1::OnActivateRequest) -> Result<v1::OnActivateResponse, ApiError> {
        let command = v1::Command {
            trigger: "hello".to_owned(),
            auto_complete: true,
            auto_complete_desc: "Says hello to you, or to somebody else".to_owned(),
            auto_complete_hint: "[name]".to_owned(),
            ..v1::Command::default()
        };
        self.api.register_command(v1::RegisterCommandRequest { command: Some(command) }).await?;
        let server = self.api.get_server_version(v1::GetServerVersionRequest {}).await?.result;
        let msg = format!("hello_rust is ready on Mattermost {server}");
        self.api.log_info(v1::LogInfoRequest { msg, ..v1::LogInfoRequest::default() }).await?;
        Ok(v1::OnActivateResponse {})
    }

    /// Called before `OnActivate` too.
    async fn on_configuration_change(
        &self,
        _: v1::OnConfigurationChangeRequest,
    ) -> Result<v1::OnConfigurationChangeResponse, ApiError> {
        let loaded = self.api.load_plugin_configuration(v1::LoadPluginConfigurationRequest {}).await?;
        let words = words_of(&loaded.configuration);
        *self.blocked_words.lock().unwrap_or_else(PoisonError::into_inner) = words;
        Ok(v1::OnConfigurationChangeResponse {})
    }

    async fn execute_command(
        &self,
        request: v1::ExecuteCommandRequest,
    ) -> Result<v1::ExecuteCommandResponse, ApiError> {
        let args = request.args.unwrap_or_default();
        let mut name = args.command.trim_start_matches("/hello").trim().to_owned();
        if name.is_empty() {
            name = self.user(args.user_id).await?.username;
        }
        let response = v1::CommandResponse {
            response_type: "ephemeral".to_owned(),
            text: format!("Hello, {name}! This is Rust speaking."),
            ..v1::CommandResponse::default()
        };
        Ok(v1::ExecuteCommandResponse { command_response: Some(response) })
    }

    /// Neither a post nor a reason: the message is posted as it is.
    async fn message_will_be_posted(
        &self,
        request: v1::MessageWillBePostedRequest,
    ) -> Result<v1::MessageWillBePostedResponse, ApiError> {
        let message = request.post.unwrap_or_default().message.to_lowercase();
        let words = self.blocked_words.lock().unwrap_or_else(PoisonError::into_inner);
        let found = words.iter().find(|it| message.contains(it.as_str()));
        let reason = found.map_or_else(String::new, |it| format!("Please leave out “{it}”."));
        Ok(v1::MessageWillBePostedResponse { post: None, reason })
    }

    async fn user_has_joined_channel(
        &self,
        request: v1::UserHasJoinedChannelRequest,
    ) -> Result<v1::UserHasJoinedChannelResponse, ApiError> {
        let member = request.channel_member.unwrap_or_default();
        let user = self.user(member.user_id).await?;
        let from_plugin = v1::Value { kind: Some(Kind::StringValue("true".to_owned())) };
        let post = v1::Post {
            channel_id: member.channel_id,
            user_id: user.id,
            message: format!("Welcome, @{}! Try `/hello`.", user.username),
            props: BTreeMap::from([("from_plugin".to_owned(), from_plugin)]),
            ..v1::Post::default()
        };
        self.api.create_post(v1::CreatePostRequest { post: Some(post) }).await?;
        Ok(v1::UserHasJoinedChannelResponse {})
    }
}

/// The words in the plugin's settings (JSON), in lower case.
fn words_of(configuration: &[u8]) -> Vec<String> {
    let settings: BTreeMap<String, serde_json::Value> = serde_json::from_slice(configuration).unwrap_or_default();
    let setting = settings.iter().find(|(name, _)| name.eq_ignore_ascii_case(BLOCKED_WORDS));
    let text = setting.and_then(|(_, value)| value.as_str()).unwrap_or_default().to_lowercase();
    text.split(',').map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::words_of;

    #[test]
    fn words_are_in_lower_case_and_none_is_empty() {
        assert_eq!(words_of(br#"{"BlockedWords": " Bad, ,worse"}"#), ["bad", "worse"]);
        assert_eq!(words_of(b"null"), [""; 0]);
    }
}
