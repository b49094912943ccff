//! Teams and their members.

use mm_proto::plugin::v1;

use crate::errors::{self, BAD_REQUEST, NOT_FOUND, Result};
use crate::events::{Audience, Subject};
use crate::hooks::{Caller, call_hook, notify};
use crate::server::Server;
use crate::users::sanitized;
use crate::world::roles_of;
use crate::{permissions, validate, values};

/// The channels that every team has: name and display name.
pub(crate) const DEFAULT_CHANNELS: [(&str, &str); 2] = [("town-square", "Town Square"), ("off-topic", "Off-Topic")];

/// A member with the roles that follow from the explicit ones and the scheme's.
fn with_roles(mut member: v1::TeamMember) -> v1::TeamMember {
    member.roles = roles_of(
        &member.explicit_roles,
        [(member.scheme_guest, "team_guest"), (member.scheme_user, "team_user"), (member.scheme_admin, "team_admin")],
    );
    member
}

/// Teams.
impl Server {
    /// Saves a new team and makes its default channels.
    pub(crate) fn save_new_team(&self, mut team: v1::Team) -> Result<v1::Team> {
        if !team.id.is_empty() {
            let message = "A new team must not have an id.";
            return Err(errors::app("CreateTeam", "app.team.save.existing.app_error", BAD_REQUEST, message));
        }
        team.id = self.new_id();
        team.create_at = self.now();
        team.update_at = team.create_at;
        team.invite_id = self.new_id();
        validate::team(&team)?;
        {
            let mut world = self.world();
            if world.team_by_name(&team.name).is_some() {
                let message = "There is a team with this name already.";
                return Err(errors::app("CreateTeam", "app.team.save.existing.app_error", BAD_REQUEST, message));
            }
            world.teams.insert(team.id.clone(), team.clone());
        }
        for (name, display_name) in DEFAULT_CHANNELS {
            let channel = v1::Channel {
                team_id: team.id.clone(),
                name: name.to_owned(),
                display_name: display_name.to_owned(),
                r#type: "O".to_owned(),
                ..Default::default()
            };
            self.store_channel(channel)?;
        }
        Ok(team)
    }

    /// `UpdateTeam`: what may be changed of a team; its name, type and address stay.
    pub(crate) fn update_team(&self, team: v1::Team) -> Result<v1::Team> {
        let saved = {
            let mut world = self.world();
            let old = world.team("UpdateTeam", &team.id)?;
            let new = v1::Team {
                display_name: team.display_name,
                description: team.description,
                allow_open_invite: team.allow_open_invite,
                company_name: team.company_name,
                allowed_domains: team.allowed_domains,
                last_team_icon_update: team.last_team_icon_update,
                group_constrained: team.group_constrained,
                update_at: self.now(),
                ..old.clone()
            };
            validate::team(&new)?;
            world.teams.insert(new.id.clone(), new.clone());
            new
        };
        self.announce_team("update_team", &saved);
        Ok(saved)
    }

    /// `DeleteTeam`: archives it.
    pub(crate) fn archive_team(&self, team_id: &str) -> Result<()> {
        let team = self.change_team("GetTeam", team_id, |team, now| team.delete_at = now)?;
        self.announce_team("delete_team", &team);
        Ok(())
    }

    fn change_team(&self, place: &str, team_id: &str, change: impl FnOnce(&mut v1::Team, i64)) -> Result<v1::Team> {
        let now = self.now();
        let mut world = self.world();
        let team = world.teams.get_mut(team_id).ok_or_else(|| errors::no_team(place, team_id))?;
        change(team, now);
        team.update_at = now;
        Ok(team.clone())
    }

    fn announce_team(&self, event: &str, team: &v1::Team) {
        // Everybody hears of teams that are open, members of the others only.
        let audience = if team.allow_open_invite { Audience::all() } else { Audience::team(&team.id) };
        self.publish(event, [("team", values::team(team))], audience, Subject::Other);
    }

    pub(crate) fn team_by_name(&self, name: &str) -> Result<v1::Team> {
        self.world().team_by_name(name).cloned().ok_or_else(|| {
            let id = "app.team.get_by_name.missing.app_error";
            errors::app_with("GetTeamByName", id, NOT_FOUND, "There is no team with this name.", format!("name={name}"))
        })
    }

    pub(crate) fn search_teams(&self, term: &str) -> Vec<v1::Team> {
        let term = term.trim().to_lowercase();
        let found = |team: &&v1::Team| team.name.contains(&term) || team.display_name.to_lowercase().contains(&term);
        let mut teams: Vec<_> = self.world().teams.values().filter(found).cloned().collect();
        teams.sort_by(|a, b| a.display_name.cmp(&b.display_name));
        teams
    }

    pub(crate) fn team_stats(&self, team_id: &str) -> v1::TeamStats {
        let world = self.world();
        let users = world
            .team_members
            .values()
            .filter(|member| member.team_id == team_id && member.delete_at == 0)
            .filter_map(|member| world.users.get(&member.user_id));
        let (mut total, mut active) = (0, 0);
        for user in users {
            total += 1;
            active += i64::from(user.delete_at == 0);
        }
        v1::TeamStats { team_id: team_id.to_owned(), total_member_count: total, active_member_count: active }
    }

    pub(crate) fn team_icon(&self, team_id: &str) -> Result<Vec<u8>> {
        let world = self.world();
        world.team("GetTeam", team_id)?;
        world.team_icons.get(team_id).cloned().ok_or_else(|| {
            let id = "api.team.get_team_icon.read_file.app_error";
            errors::app("GetTeamIcon", id, NOT_FOUND, "This team has no icon.")
        })
    }

    pub(crate) fn set_team_icon(&self, team_id: &str, icon: Option<Vec<u8>>) -> Result<()> {
        self.world().team("GetTeam", team_id)?;
        if icon.as_ref().is_some_and(|data| crate::files::image_size(data).is_none()) {
            let id = "api.team.set_team_icon.decode.app_error";
            return Err(errors::app("SetTeamIcon", id, BAD_REQUEST, "This is no image that the server can read."));
        }
        let has_icon = icon.is_some();
        {
            let mut world = self.world();
            match icon {
                Some(data) => world.team_icons.insert(team_id.to_owned(), data),
                None => world.team_icons.remove(team_id),
            };
        }
        let team = self.change_team("GetTeam", team_id, |team, now| {
            team.last_team_icon_update = if has_icon { now } else { 0 };
        })?;
        self.announce_team("update_team", &team);
        Ok(())
    }
}

/// Members.
impl Server {
    /// Adds a user to a team and to its default channels.
    pub(crate) async fn add_user_to_team(
        &self,
        caller: &Caller,
        team_id: &str,
        user_id: &str,
        requestor_id: &str,
    ) -> Result<v1::TeamMember> {
        let (team, user, known) = {
            let world = self.world();
            let team = world.team("AddUserToTeam", team_id)?.clone();
            let user = world.user("AddUserToTeam", user_id)?.clone();
            (team, user, world.team_member(team_id, user_id).cloned())
        };
        if let Some(member) = known.filter(|member| member.delete_at == 0) {
            return Ok(member);
        }
        let guest = user.roles.split(' ').any(|role| role == "system_guest");
        let member = v1::TeamMember {
            team_id: team_id.to_owned(),
            user_id: user_id.to_owned(),
            scheme_guest: guest,
            scheme_user: !guest,
            scheme_admin: !team.email.is_empty() && team.email == user.email,
            create_at: self.now(),
            ..Default::default()
        };
        let member = with_roles(self.ask_team_member_will_be_added(caller, member).await?);
        let key = (team_id.to_owned(), user_id.to_owned());
        self.world().team_members.insert(key, member.clone());
        if !guest {
            self.join_default_channels(caller, &team, &user, member.scheme_admin, requestor_id).await?;
        }
        let actor = self.world().users.get(requestor_id).map(|actor| sanitized(actor));
        let request =
            v1::UserHasJoinedTeamRequest { context: caller.context(), team_member: Some(member.clone()), actor };
        let data = [("team_id", values::string(team_id)), ("user_id", values::string(user_id))];
        self.publish("added_to_team", data, Audience::user(user_id), Subject::Other);
        notify!(self, "UserHasJoinedTeam", user_has_joined_team, request);
        Ok(member)
    }

    async fn ask_team_member_will_be_added(
        &self,
        caller: &Caller,
        mut member: v1::TeamMember,
    ) -> Result<v1::TeamMember> {
        for listener in self.listeners("TeamMemberWillBeAdded") {
            let request =
                v1::TeamMemberWillBeAddedRequest { context: caller.context(), team_member: Some(member.clone()) };
            let answer = call_hook!(self, listener, "TeamMemberWillBeAdded", team_member_will_be_added, request);
            let Some(answer) = answer else { continue };
            if !answer.reason.is_empty() {
                let message = format!("The plugin does not allow it: {}", answer.reason);
                let id = "app.team.join_user_to_team.rejected_by_plugin";
                return Err(errors::app("JoinUserToTeam", id, BAD_REQUEST, message));
            }
            if let Some(changed) = answer.team_member {
                member = changed;
            }
        }
        Ok(member)
    }

    pub(crate) async fn add_users_to_team(
        &self,
        team_id: &str,
        user_ids: &[String],
        requestor_id: &str,
        graceful: bool,
    ) -> Result<Vec<v1::TeamMemberWithError>> {
        let mut added = Vec::new();
        for user_id in user_ids {
            let outcome = self.add_user_to_team(&self.caller(), team_id, user_id, requestor_id).await;
            let (member, error) = match outcome {
                Ok(member) => (Some(member), None),
                Err(mm_proto::ApiError::App(error)) if graceful => (None, Some(error)),
                Err(error) => return Err(error),
            };
            added.push(v1::TeamMemberWithError { user_id: user_id.clone(), member, error });
        }
        Ok(added)
    }

    /// Takes a user out of a team and of all its channels.
    pub(crate) async fn remove_user_from_team(&self, team_id: &str, user_id: &str, requestor_id: &str) -> Result<()> {
        let place = "RemoveUserFromTeam";
        let member = {
            let mut world = self.world();
            if !world.teams.contains_key(team_id) {
                let id = "app.team.get_by_invite_id.finding.app_error";
                return Err(errors::app(place, id, NOT_FOUND, "There is no team with this id."));
            }
            world.user(place, user_id)?;
            let Some(member) = world.team_members.get_mut(&(team_id.to_owned(), user_id.to_owned())) else {
                let id = "api.team.remove_user_from_team.missing.app_error";
                return Err(errors::app("LeaveTeam", id, BAD_REQUEST, "This user is no member of the team."));
            };
            member.delete_at = self.now();
            member.roles.clear();
            let member = member.clone();
            for entry in world.channels.values_mut().filter(|entry| entry.channel.team_id == team_id) {
                entry.members.shift_remove(user_id);
            }
            member
        };
        self.post_left_team(team_id, user_id, requestor_id).await;
        let actor = self.world().users.get(requestor_id).map(|actor| sanitized(actor));
        let request = v1::UserHasLeftTeamRequest { context: self.caller().context(), team_member: Some(member), actor };
        for audience in [Audience::team(team_id), Audience::user(user_id)] {
            let data = [("user_id", values::string(user_id)), ("team_id", values::string(team_id))];
            self.publish("leave_team", data, audience, Subject::Other);
        }
        notify!(self, "UserHasLeftTeam", user_has_left_team, request);
        Ok(())
    }

    pub(crate) fn team_member(&self, team_id: &str, user_id: &str) -> Result<v1::TeamMember> {
        self.world().team_member(team_id, user_id).cloned().ok_or_else(|| no_member("GetTeamMember"))
    }

    pub(crate) fn team_members(&self, wanted: impl Fn(&v1::TeamMember) -> bool) -> Vec<v1::TeamMember> {
        let world = self.world();
        world.team_members.values().filter(|member| member.delete_at == 0 && wanted(member)).cloned().collect()
    }

    pub(crate) fn set_team_member_roles(&self, team_id: &str, user_id: &str, roles: &str) -> Result<v1::TeamMember> {
        let place = "UpdateTeamMemberRoles";
        let saved = {
            let mut world = self.world();
            let key = (team_id.to_owned(), user_id.to_owned());
            let member = world.team_members.get_mut(&key).ok_or_else(|| no_member(place))?;
            let split = permissions::split_roles(place, roles, "team", member.scheme_guest)?;
            member.scheme_guest = split.guest;
            member.scheme_user = split.user;
            member.scheme_admin = split.admin;
            member.explicit_roles = split.explicit;
            *member = with_roles(std::mem::take(member));
            member.clone()
        };
        let data = [("member", values::team_member(&saved))];
        self.publish("memberrole_updated", data, Audience::user(user_id), Subject::Other);
        Ok(saved)
    }
}

fn no_member(place: &str) -> mm_proto::ApiError {
    let message = "This user is no member of this team.";
    errors::app(place, "app.team.get_member.missing.app_error", NOT_FOUND, message)
}

/// Unread messages.
impl Server {
    /// What a user has not read, team by team; channels that show mentions only count with those.
    pub(crate) fn team_unreads(&self, user_id: &str) -> Vec<v1::TeamUnread> {
        let world = self.world();
        let mut unreads: Vec<v1::TeamUnread> = Vec::new();
        for (entry, member) in world.channels_of(user_id) {
            let channel = &entry.channel;
            if channel.delete_at != 0 || !world.is_team_member(&channel.team_id, user_id) {
                continue;
            }
            let at = unreads.iter().position(|unread| unread.team_id == channel.team_id).unwrap_or_else(|| {
                unreads.push(v1::TeamUnread { team_id: channel.team_id.clone(), ..Default::default() });
                unreads.len() - 1
            });
            let unread = &mut unreads[at];
            unread.mention_count += member.mention_count;
            unread.mention_count_root += member.mention_count_root;
            if member.notify_props.get("mark_unread").is_none_or(|level| level != "mention") {
                unread.msg_count += channel.total_msg_count - member.msg_count;
                unread.msg_count_root += channel.total_msg_count_root - member.msg_count_root;
            }
        }
        unreads
    }
}
