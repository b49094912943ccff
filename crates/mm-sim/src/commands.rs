//! Slash commands: registering, executing, and what becomes of their answers.

use mm_proto::ApiError;
use mm_proto::plugin::v1;

use crate::builtin;
use crate::errors::{self, BAD_REQUEST, FORBIDDEN, INTERNAL, NOT_FOUND, Result};
use crate::events::TraceSide;
use crate::hooks::Caller;
use crate::server::Server;
use crate::world::{PluginCommand, World};
use crate::{autocomplete, post_types, text, validate, values};

/// For how long a trigger id opens a dialog, in milliseconds: `OutgoingIntegrationRequestsTimeout`.
const TRIGGER_FOR: i64 = 30_000;

/// Registering.
impl Server {
    /// `RegisterCommand`. The same trigger again replaces the plugin's own command.
    pub(crate) fn register_command(&self, plugin_id: &str, command: v1::Command) -> Result<()> {
        if command.trigger.is_empty() {
            return Err(errors::plain("the command has no trigger"));
        }
        let mut data = command.autocomplete_data;
        match &mut data {
            Some(data) => {
                let wrong = |why| errors::plain(format!("the autocomplete data of the command is not valid: {why}"));
                autocomplete::check(data).map_err(wrong)?;
                autocomplete::make_urls_absolute(data, plugin_id);
            }
            None => {
                data = Some(v1::AutocompleteData {
                    trigger: command.trigger.clone(),
                    hint: command.auto_complete_hint.clone(),
                    help_text: command.auto_complete_desc.clone(),
                    role_id: "system_user".to_owned(),
                    ..Default::default()
                });
            }
        }
        let command = v1::Command {
            trigger: command.trigger.to_lowercase(),
            team_id: command.team_id,
            auto_complete: command.auto_complete,
            auto_complete_desc: command.auto_complete_desc,
            auto_complete_hint: command.auto_complete_hint,
            display_name: command.display_name,
            autocomplete_data: data,
            autocomplete_icon_data: command.autocomplete_icon_data,
            ..Default::default()
        };
        let mut world = self.world();
        let same = |known: &&mut PluginCommand| {
            known.plugin_id == plugin_id
                && known.command.trigger == command.trigger
                && known.command.team_id == command.team_id
        };
        match world.plugin_commands.iter_mut().find(same) {
            Some(known) => known.command = command,
            None => world.plugin_commands.push(PluginCommand { plugin_id: plugin_id.to_owned(), command }),
        }
        Ok(())
    }

    /// `UnregisterCommand`: of any plugin, as on a real server.
    pub(crate) fn unregister_command(&self, team_id: &str, trigger: &str) {
        let trigger = trigger.to_lowercase();
        let mut world = self.world();
        world.plugin_commands.retain(|it| it.command.team_id != team_id || it.command.trigger != trigger);
    }

    /// The commands of plugins in a team, each trigger once.
    pub(crate) fn plugin_commands(&self, team_id: &str) -> Vec<v1::Command> {
        let world = self.world();
        let mut commands: Vec<v1::Command> = Vec::new();
        for PluginCommand { command, .. } in &world.plugin_commands {
            let here = command.team_id.is_empty() || command.team_id == team_id;
            if here && !commands.iter().any(|known| known.trigger == command.trigger) {
                commands.push(command.clone());
            }
        }
        commands
    }

    pub(crate) fn custom_commands(&self, team_id: &str) -> Vec<v1::Command> {
        self.world().custom_commands.values().filter(|command| command.team_id == team_id).cloned().collect()
    }

    /// `CreateCommand`: one that calls a URL. The simulator keeps it but calls nothing.
    pub(crate) fn create_command(&self, plugin_id: &str, mut command: v1::Command) -> Result<v1::Command> {
        command.trigger = command.trigger.to_lowercase();
        command.creator_id.clear();
        plugin_id.clone_into(&mut command.plugin_id);
        validate::command(&command)?;
        self.check_trigger_free(&command)?;
        command.id = self.new_id();
        command.token = self.new_id();
        command.create_at = self.now();
        command.update_at = command.create_at;
        self.world().custom_commands.insert(command.id.clone(), command.clone());
        Ok(command)
    }

    fn check_trigger_free(&self, command: &v1::Command) -> Result<()> {
        let taken = self
            .custom_commands(&command.team_id)
            .iter()
            .any(|known| known.trigger == command.trigger && known.id != command.id)
            || builtin::find(&command.trigger).is_some();
        if !taken {
            return Ok(());
        }
        let id = "api.command.duplicate_trigger.app_error";
        Err(errors::app("CreateCommand", id, BAD_REQUEST, "There is a command with this trigger already."))
    }

    pub(crate) fn custom_command(&self, command_id: &str) -> Result<v1::Command> {
        let missing = || errors::plain(format!("there is no command with the id {command_id}"));
        self.world().custom_commands.get(command_id).cloned().ok_or_else(missing)
    }

    pub(crate) fn update_command(
        &self,
        plugin_id: &str,
        command_id: &str,
        mut command: v1::Command,
    ) -> Result<v1::Command> {
        let old = self.custom_command(command_id)?;
        command.trigger = command.trigger.to_lowercase();
        command.id = old.id;
        command.token = old.token;
        command.create_at = old.create_at;
        command.delete_at = old.delete_at;
        command.update_at = self.now();
        plugin_id.clone_into(&mut command.plugin_id);
        if command.team_id.is_empty() {
            command.team_id = old.team_id;
        }
        self.check_trigger_free(&command)?;
        validate::command(&command)?;
        self.world().custom_commands.insert(command.id.clone(), command.clone());
        Ok(command)
    }

    pub(crate) fn delete_command(&self, command_id: &str) -> Result<()> {
        self.custom_command(command_id)?;
        self.world().custom_commands.shift_remove(command_id);
        Ok(())
    }
}

/// Executing.
impl Server {
    /// Executes a command: those of plugins first, then those that call a URL, then the built-in ones. Its answer is posted.
    pub(crate) async fn execute_command(
        &self,
        caller: &Caller,
        mut args: v1::CommandArgs,
    ) -> Result<v1::CommandResponse> {
        let first = args.command.split(char::is_whitespace).next().unwrap_or_default().to_lowercase();
        let Some(trigger) = first.strip_prefix('/').map(str::to_owned) else {
            let id = "api.command.execute_command.format.app_error";
            return Err(errors::app("command", id, BAD_REQUEST, "A command begins with a slash."));
        };
        args.site_url.clone_from(&self.options().site_url);
        args.trigger_id = self.new_trigger(&args.user_id);
        if let Some(response) = self.execute_plugin_command(caller, &trigger, &args).await? {
            return self.handle_response(caller, &args, response).await;
        }
        let custom = self.custom_commands(&args.team_id).into_iter().any(|command| command.trigger == trigger);
        if custom {
            return Err(errors::not_simulated("ExecuteCommand", "commands that call a URL"));
        }
        if builtin::find(&trigger).is_some() {
            let message = args.command.split_once(char::is_whitespace).map(|(_, rest)| rest.trim().to_owned());
            let response = builtin::run(self, caller, &trigger, &message.unwrap_or_default(), &args).await;
            return self.handle_response(caller, &args, response).await;
        }
        let id = "api.command.execute_command.not_found.app_error";
        let message = format!("There is no command /{trigger}. To post the text as it is, begin it with a blank.");
        Err(errors::app("command", id, NOT_FOUND, message))
    }

    /// An id with which a plugin may open a dialog for a user, for a short time.
    pub(crate) fn new_trigger(&self, user_id: &str) -> String {
        let (id, now) = (self.new_id(), self.now());
        let mut world = self.world();
        world.triggers.retain(|_, (_, since)| *since + TRIGGER_FOR > now);
        world.triggers.insert(id.clone(), (user_id.to_owned(), now));
        id
    }

    /// The user whom a trigger id belongs to.
    pub(crate) fn trigger_user(&self, trigger_id: &str) -> Result<String> {
        let now = self.now();
        let known = self.world().triggers.get(trigger_id).cloned();
        match known {
            Some((user_id, since)) if since + TRIGGER_FOR > now => Ok(user_id),
            Some(_) => {
                let id = "interactive_message.decode_trigger_id.expired";
                let message = "The trigger id has expired: dialogs must be opened within 30 seconds.";
                Err(errors::app("DecodeAndVerifyTriggerId", id, BAD_REQUEST, message))
            }
            None => {
                let id = "interactive_message.decode_trigger_id.base64_decode_failed";
                Err(errors::app("DecodeAndVerifyTriggerId", id, BAD_REQUEST, "This is no trigger id of this server."))
            }
        }
    }

    /// `None` when no plugin has the command.
    async fn execute_plugin_command(
        &self,
        caller: &Caller,
        trigger: &str,
        args: &v1::CommandArgs,
    ) -> Result<Option<v1::CommandResponse>> {
        let owner = {
            let world = self.world();
            let here = |it: &&PluginCommand| {
                it.command.trigger == trigger && (it.command.team_id.is_empty() || it.command.team_id == args.team_id)
            };
            world.plugin_commands.iter().find(here).map(|it| it.plugin_id.clone())
        };
        let Some(plugin_id) = owner else { return Ok(None) };
        let listener = self.running().iter().find(|listener| *listener.plugin_id == *plugin_id).cloned();
        let Some(listener) = listener.filter(|listener| listener.implemented.contains("ExecuteCommand")) else {
            let id = "model.plugin_command.error.app_error";
            let message = format!("The plugin that has /{trigger} does not run, or does not implement ExecuteCommand.");
            return Err(errors::app_with("ExecutePluginCommand", id, INTERNAL, message, format!("err={plugin_id}")));
        };
        let args = with_mentions(&self.world(), args);
        let request = v1::ExecuteCommandRequest { context: caller.context(), args: Some(args) };
        let name = "ExecuteCommand";
        let span = self.bus().trace_call(self.clock(), TraceSide::Hook, &plugin_id, name, &request);
        let result = listener.hooks.execute_command(request).await;
        self.bus().trace_return(self.clock(), span, result.as_ref().map_err(errors::text));
        match result {
            Ok(answer) => Ok(answer.command_response),
            Err(ApiError::App(mut error)) => {
                if !(100..1000).contains(&error.status_code) {
                    error.status_code = INTERNAL;
                }
                Err(ApiError::App(error))
            }
            Err(error) => {
                self.log_hook_failure(&plugin_id, name, &error);
                let id = "model.plugin_command_crash.error.app_error";
                let message = format!("/{trigger} made the plugin {plugin_id} fail; its log says why.");
                Err(errors::app_with("ExecutePluginCommand", id, INTERNAL, message, errors::text(&error)))
            }
        }
    }

    /// Posts what a command answered, ephemeral or for all, and further answers after it.
    async fn handle_response(
        &self,
        caller: &Caller,
        args: &v1::CommandArgs,
        mut response: v1::CommandResponse,
    ) -> Result<v1::CommandResponse> {
        response.trigger_id.clone_from(&args.trigger_id);
        let mut failed = None;
        for part in std::iter::once(&response).chain(&response.extra_responses) {
            if let Err(error) = self.post_response(caller, args, part).await {
                failed = Some(error);
            }
        }
        match failed {
            None => Ok(response),
            Some(error) => {
                let id = "api.command.execute_command.create_post_failed.app_error";
                let message = format!("The answer of {} could not be posted.", args.command);
                Err(errors::app_with("command", id, INTERNAL, message, errors::text(&error)))
            }
        }
    }

    async fn post_response(
        &self,
        caller: &Caller,
        args: &v1::CommandArgs,
        response: &v1::CommandResponse,
    ) -> Result<()> {
        let mut post = v1::Post {
            channel_id: args.channel_id.clone(),
            root_id: args.root_id.clone(),
            user_id: args.user_id.clone(),
            r#type: response.r#type.clone(),
            props: response.props.clone(),
            message: response.text.clone(),
            ..Default::default()
        };
        if !response.channel_id.is_empty() {
            if !self.world().is_channel_member(&response.channel_id, &args.user_id) {
                let id = "api.command.command_post.forbidden.app_error";
                let message = "The answer names a channel that the user is not in.";
                return Err(errors::app("HandleCommandResponsePost", id, FORBIDDEN, message));
            }
            post.channel_id.clone_from(&response.channel_id);
        }
        if post_types::is_system(&post.r#type) {
            return Err(errors::bad_param("CreateCommandPost", "post.type"));
        }
        let empty = response.text.is_empty() && response.attachments.is_empty();
        if !response.attachments.is_empty() {
            post.props.insert("attachments".to_owned(), values::attachments(&response.attachments));
            if post.r#type.is_empty() {
                "slack_attachment".clone_into(&mut post.r#type);
            }
        }
        let settings = |pick: fn(&v1::ServiceSettings) -> Option<bool>| {
            self.config_flag(|config| config.service_settings.as_ref().and_then(pick))
        };
        let mut overridden = false;
        if settings(|it| it.enable_post_username_override) && !response.username.is_empty() {
            post.props.insert("override_username".to_owned(), values::string(&response.username));
            overridden = true;
        }
        if settings(|it| it.enable_post_icon_override) && !response.icon_url.is_empty() {
            post.props.insert("override_icon_url".to_owned(), values::string(&response.icon_url));
            overridden = true;
        }
        if overridden {
            post.props.insert("from_webhook".to_owned(), values::string("true"));
        }
        match response.response_type.as_str() {
            "in_channel" => self.create_post(caller, post).await.map(drop),
            "" | "ephemeral" if !empty => {
                self.send_ephemeral(&args.user_id, post);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// `OpenInteractiveDialog`: the client of the user is told to show it.
    pub(crate) fn open_dialog(&self, request: &v1::OpenDialogRequest) -> Result<()> {
        let user_id = self.trigger_user(&request.trigger_id)?;
        let title = request.dialog.as_ref().map(|dialog| dialog.title.clone()).unwrap_or_default();
        let dialog = serde_json::json!({
            "trigger_id": request.trigger_id, "url": request.url, "dialog": {"title": title},
        });
        let data = [("dialog", values::string(dialog.to_string()))];
        self.publish("open_dialog", data, crate::Audience::user(&user_id), crate::Subject::Other);
        Ok(())
    }
}

/// The arguments with the users and public channels that the command names.
fn with_mentions(world: &World, args: &v1::CommandArgs) -> v1::CommandArgs {
    let mut args = args.clone();
    for mention in text::user_mentions(&args.command) {
        let known = text::username_candidates(&mention).find_map(|name| Some((name, world.user_by_name(name)?)));
        if let Some((name, user)) = known
            && world.is_team_member(&args.team_id, &user.id)
        {
            args.user_mentions.insert(name.to_owned(), user.id.clone());
        }
    }
    for name in text::channel_mentions(&args.command) {
        let entry = world.channel_by_name(&args.team_id, &name);
        if let Some(entry) = entry.filter(|it| it.channel.r#type == "O" && it.channel.delete_at == 0) {
            args.channel_mentions.insert(name, entry.channel.id.clone());
        }
    }
    args
}
