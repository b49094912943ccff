//! What links between groups and teams and channels make of memberships.

use std::collections::BTreeSet;

use mm_proto::plugin::v1;

use super::syncables::{CHANNEL, TEAM};
use crate::errors::{self, Result};
use crate::events::LogLevel;
use crate::hooks::Caller;
use crate::server::Server;
use crate::world::World;

/// The team or channel, and the user.
type Pair = (String, String);

impl Server {
    /// Adds the members of linked groups to the teams and channels where the link says so. Who has left stays away unless
    /// `re_add_removed_members` is set.
    pub(crate) async fn create_memberships(
        &self,
        caller: &Caller,
        params: &v1::CreateDefaultMembershipParams,
    ) -> Result<()> {
        // To teams first: nobody comes into a channel without being in its team. With a scope of one kind the other is left alone.
        if params.scoped_channel_id.is_none() {
            let pairs = missing(&self.world(), TEAM, params, params.scoped_team_id.as_deref());
            for (team_id, user_id) in pairs {
                let added = self.add_user_to_team(caller, &team_id, &user_id, "").await;
                self.note_failure(added.err(), &team_id, &user_id);
            }
        }
        if params.scoped_team_id.is_none() {
            let pairs = missing(&self.world(), CHANNEL, params, params.scoped_channel_id.as_deref());
            for (channel_id, user_id) in pairs {
                let team_id = self.channel(&channel_id)?.team_id;
                if !self.world().is_team_member(&team_id, &user_id) {
                    let added = self.add_user_to_team(caller, &team_id, &user_id, "").await;
                    self.note_failure(added.err(), &team_id, &user_id);
                }
                let added = self.add_channel_member(caller, &channel_id, &user_id, "").await;
                self.note_failure(added.err(), &channel_id, &user_id);
            }
        }
        Ok(())
    }

    /// Removes from group-constrained teams and channels who is in none of their groups.
    pub(crate) async fn delete_memberships(&self, caller: &Caller) -> Result<()> {
        let (teams, channels) = {
            let world = self.world();
            (surplus_in_teams(&world), surplus_in_channels(&world))
        };
        for (channel_id, user_id) in channels {
            self.remove_from_channel(caller, &channel_id, &user_id, "").await?;
        }
        for (team_id, user_id) in teams {
            self.remove_user_from_team(&team_id, &user_id, "").await?;
        }
        Ok(())
    }

    /// One member that cannot come in (a plugin may refuse) does not keep the others out.
    fn note_failure(&self, error: Option<mm_proto::ApiError>, id: &str, user_id: &str) {
        if let Some(error) = error {
            let fields = [("id", id.to_owned()), ("user_id", user_id.to_owned()), ("error", errors::text(&error))];
            self.server_log(LogLevel::Warn, "A member of a group could not be added.", fields);
        }
    }
}

/// Who should be in the teams or channels that groups are linked to, and is not.
fn missing(world: &World, kind: &str, params: &v1::CreateDefaultMembershipParams, scope: Option<&str>) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for link in world.groups.links(kind).filter(|link| link.auto_add) {
        if scope.is_some_and(|id| id != link.syncable_id) {
            continue;
        }
        let members = world.groups.members.values().filter(|it| it.group_id == link.group_id && it.delete_at == 0);
        for member in members {
            let id = &member.user_id;
            let recent = member.create_at >= params.since || link.update_at >= params.since;
            let active = world.users.get(id).is_some_and(|user| user.delete_at == 0);
            let in_scope = params.scoped_user_id.as_ref().is_none_or(|only| only == id);
            if recent && active && in_scope && is_absent(world, kind, &link.syncable_id, id, params) {
                pairs.push((link.syncable_id.clone(), id.clone()));
            }
        }
    }
    let mut seen = BTreeSet::new();
    pairs.retain(|pair| seen.insert(pair.clone()));
    pairs
}

fn is_absent(world: &World, kind: &str, id: &str, user_id: &str, params: &v1::CreateDefaultMembershipParams) -> bool {
    let key = (id.to_owned(), user_id.to_owned());
    let (is_member, has_left) = if kind == TEAM {
        (world.is_team_member(id, user_id), world.team_members.contains_key(&key))
    } else {
        (world.is_channel_member(id, user_id), world.left_channels.contains(&key))
    };
    !is_member && (params.re_add_removed_members || !has_left)
}

fn allowed(world: &World, kind: &str, id: &str, user_id: &str) -> bool {
    let bot = world.users.get(user_id).is_some_and(|user| user.is_bot);
    let mut links = world.groups.links(kind).filter(|link| link.syncable_id == id);
    bot || links.any(|link| world.groups.is_member(&link.group_id, user_id))
}

fn surplus_in_teams(world: &World) -> Vec<Pair> {
    let constrained = |id: &String| world.teams.get(id).is_some_and(|team| team.group_constrained.unwrap_or_default());
    let members = world.team_members.values().filter(|it| it.delete_at == 0 && constrained(&it.team_id));
    let surplus = members.filter(|it| !allowed(world, TEAM, &it.team_id, &it.user_id));
    surplus.map(|it| (it.team_id.clone(), it.user_id.clone())).collect()
}

fn surplus_in_channels(world: &World) -> Vec<Pair> {
    let constrained = world.channels.values().filter(|it| it.channel.group_constrained.unwrap_or_default());
    let members =
        constrained.flat_map(|entry| entry.members.keys().map(|user| (entry.channel.id.clone(), user.clone())));
    members.filter(|(channel, user)| !allowed(world, CHANNEL, channel, user)).collect()
}
