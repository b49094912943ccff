//! A notice board: all that this program knows of Mattermost. It has one channel, and people are whoever speaks.
//!
//! It is a [`PluginApi`]: each method is what a plugin can call. What is not written here answers 501, which a plugin in Python sees
//! as `NotSupportedByServer`.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use mm_proto::plugin::v1;
use mm_proto::{ApiError, PluginApi};

/// The one channel.
pub(crate) const CHANNEL: &str = "board";

/// The board, and what plugins have registered with it.
#[derive(Default)]
pub(crate) struct Board {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    notices: Vec<String>,
    commands: BTreeSet<String>,
}

impl Board {
    /// Puts a notice up, and shows it.
    pub(crate) fn put(&self, author: &str, message: &str) {
        let notice = format!("{author}: {message}");
        println!("{notice}");
        self.state().notices.push(notice);
    }

    /// How many notices there are.
    pub(crate) fn n_notices(&self) -> usize {
        self.state().notices.len()
    }

    /// Whether a plugin has registered this command, given without its slash.
    pub(crate) fn has_command(&self, trigger: &str) -> bool {
        self.state().commands.contains(trigger)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PluginApi for Board {
    async fn get_server_version(
        &self,
        _: v1::GetServerVersionRequest,
    ) -> Result<v1::GetServerVersionResponse, ApiError> {
        Ok(v1::GetServerVersionResponse { result: "11.6.0".to_owned() })
    }

    async fn load_plugin_configuration(
        &self,
        _: v1::LoadPluginConfigurationRequest,
    ) -> Result<v1::LoadPluginConfigurationResponse, ApiError> {
        let configuration = br#"{"blockedwords": "nuisance"}"#.to_vec().into();
        Ok(v1::LoadPluginConfigurationResponse { configuration })
    }

    async fn register_command(
        &self,
        request: v1::RegisterCommandRequest,
    ) -> Result<v1::RegisterCommandResponse, ApiError> {
        self.state().commands.insert(request.command.unwrap_or_default().trigger);
        Ok(v1::RegisterCommandResponse {})
    }

    /// Here people have no id but their name.
    async fn get_user(&self, request: v1::GetUserRequest) -> Result<v1::GetUserResponse, ApiError> {
        if request.user_id.is_empty() {
            return Err(ApiError::app("board.no_such_user", "There is nobody without a name.", 404, "GetUser"));
        }
        let username = request.user_id.clone();
        let user = v1::User { id: request.user_id, username, ..v1::User::default() };
        Ok(v1::GetUserResponse { user: Some(user) })
    }

    async fn create_post(&self, request: v1::CreatePostRequest) -> Result<v1::CreatePostResponse, ApiError> {
        let post = request.post.unwrap_or_default();
        if post.channel_id != CHANNEL {
            return Err(ApiError::app("board.no_such_channel", "There is only the board.", 404, "CreatePost"));
        }
        self.put("the board", &post.message);
        Ok(v1::CreatePostResponse { post: Some(post) })
    }
}
