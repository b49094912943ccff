//! Channels: going to them, joining, leaving, inviting, and what there is.

use mm_proto::plugin::v1;
use mm_sim::Actor;

use super::{Chat, DEFAULT_CHANNEL, Outcome, describe_user, text};
use crate::dev::command::Command;
use crate::dev::render::channel_name;

impl Chat {
    /// Does a command about channels.
    pub(super) async fn about_channels(&mut self, command: Command) -> Outcome {
        let actor = self.actor()?;
        let here = self.place().channel_id;
        match command {
            Command::Channels => Ok(self.channels(&actor)),
            Command::Go(name) => {
                let channel = match name.strip_prefix('@') {
                    Some(user) => actor.direct(&self.user(user)?.id).await.map_err(text)?,
                    None => self.channel(&actor, &name)?,
                };
                let is_member = actor.channels().iter().any(|it| it.channel.id == channel.id);
                if !is_member {
                    return Err(format!(
                        "{} is not in ~{}; :join {} joins it",
                        self.place().user,
                        channel.name,
                        channel.name
                    ));
                }
                self.go(&channel.id)
            }
            Command::Create { name, private } => {
                let team = self.server.teams().into_iter().next().ok_or("there is no team")?;
                let channel = actor.create_channel(&team.id, &name, &name, private).await.map_err(text)?;
                self.go(&channel.id)
            }
            Command::Join(name) => {
                let channel = self.channel(&actor, &name)?;
                actor.join(&channel.id).await.map_err(text)?;
                self.go(&channel.id)
            }
            Command::Leave => {
                actor.leave(&here).await.map_err(text)?;
                self.go(&actor.channel(DEFAULT_CHANNEL).map_err(text)?.id)
            }
            Command::Invite(name) => {
                let user = self.user(&name)?;
                actor.invite(&here, &user.id).await.map_err(text).map(|_| Vec::new())
            }
            Command::Remove(name) => {
                let user = self.user(&name)?;
                actor.remove(&here, &user.id).await.map_err(text).map(|()| Vec::new())
            }
            Command::Members => {
                let members = actor.members(&here).map_err(text)?;
                Ok(members.iter().map(describe_user).collect())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// A channel by name, with or without the `~` before it.
    ///
    /// # Errors
    /// When the user knows none of this name: which ones there are.
    fn channel(&self, actor: &Actor, name: &str) -> Result<v1::Channel, String> {
        let name = name.strip_prefix('~').unwrap_or(name);
        actor.channel(name).map_err(|_| {
            let mine = actor.channels().into_iter().map(|it| it.channel).filter(|it| it.r#type != "D");
            let teams = self.server.teams();
            let others = teams.iter().flat_map(|it| actor.joinable_channels(&it.id));
            let names: Vec<String> = mine.chain(others).map(|it| format!("~{}", it.name)).collect();
            format!("there is no channel ~{name}; there are {} (and @USER for direct messages)", names.join(", "))
        })
    }

    fn channels(&self, actor: &Actor) -> Vec<String> {
        let mut lines = Vec::new();
        for view in actor.channels() {
            let name = channel_name(&self.server, &view.channel.id, Some(actor.user_id()));
            let private = if view.channel.r#type == "P" { " (private)" } else { "" };
            let unread = if view.unread > 0 { format!(", {} unread", view.unread) } else { String::new() };
            lines.push(format!("{name}{private}{unread}"));
        }
        for team in self.server.teams() {
            let names =
                actor.joinable_channels(&team.id).into_iter().map(|it| format!("~{}", it.name)).collect::<Vec<_>>();
            if !names.is_empty() {
                lines.push(format!("to join: {}", names.join(", ")));
            }
        }
        lines
    }
}
