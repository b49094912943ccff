//! The links between groups and the teams and channels that their members come into.

use mm_proto::ApiError;
use mm_proto::plugin::v1;

use super::Groups;
use crate::errors::{self, BAD_REQUEST, NOT_FOUND, Result};
use crate::server::Server;
use crate::validate;
use crate::world::World;

pub(super) const TEAM: &str = "Team";
pub(super) const CHANNEL: &str = "Channel";

impl Groups {
    pub(super) fn is_linked(&self, group_id: &str, kind: &str, id: &str) -> bool {
        self.syncable(group_id, kind, id).is_some()
    }

    fn syncable(&self, group_id: &str, kind: &str, id: &str) -> Option<&v1::GroupSyncable> {
        let key = (group_id.to_owned(), kind.to_owned(), id.to_owned());
        self.syncables.get(&key).filter(|it| it.delete_at == 0)
    }

    /// The links of groups that are not deleted, of one kind.
    pub(super) fn links(&self, kind: &str) -> impl Iterator<Item = &v1::GroupSyncable> {
        let alive = |id: &String| self.groups.get(id).is_some_and(|group| group.delete_at == 0);
        self.syncables.values().filter(move |it| it.r#type == kind && it.delete_at == 0 && alive(&it.group_id))
    }
}

/// Linking.
impl Server {
    /// Makes a link, or changes the one that is there. A group that is linked to a channel is linked to its team too; where a team
    /// is group-constrained, it must be already.
    pub(crate) fn save_syncable(&self, wanted: v1::GroupSyncable) -> Result<v1::GroupSyncable> {
        let place = "UpsertGroupSyncable";
        check(&wanted)?;
        let now = self.now();
        let mut world = self.world();
        world.groups.group(place, &wanted.group_id)?;
        if wanted.r#type == TEAM {
            world.team(place, &wanted.syncable_id)?;
        } else {
            let team_id = world.channel(place, &wanted.syncable_id)?.channel.team_id.clone();
            let constrained = world.team(place, &team_id)?.group_constrained.unwrap_or_default();
            if !world.groups.is_linked(&wanted.group_id, TEAM, &team_id) {
                if constrained {
                    let message = "The group is not linked to the channel's team, which only lets in linked groups.";
                    let id = "group_not_associated_to_synced_team";
                    return Err(errors::app(place, id, BAD_REQUEST, message));
                }
                let of_team = v1::GroupSyncable { syncable_id: team_id, r#type: TEAM.to_owned(), ..wanted.clone() };
                store(&mut world, of_team, now);
            }
        }
        let saved = store(&mut world, wanted, now);
        Ok(joined(&world, &saved))
    }

    /// Changes a link that is there.
    pub(crate) fn update_syncable(&self, wanted: v1::GroupSyncable) -> Result<v1::GroupSyncable> {
        check(&wanted)?;
        let now = self.now();
        let mut world = self.world();
        if !world.groups.is_linked(&wanted.group_id, &wanted.r#type, &wanted.syncable_id) {
            return Err(no_link("UpdateGroupSyncable", &wanted.group_id, &wanted.syncable_id));
        }
        let saved = store(&mut world, wanted, now);
        Ok(joined(&world, &saved))
    }

    pub(crate) fn syncable(&self, group_id: &str, id: &str, kind: &str) -> Result<v1::GroupSyncable> {
        let world = self.world();
        let found = world.groups.syncable(group_id, kind, id);
        found.map(|it| joined(&world, it)).ok_or_else(|| no_link("GetGroupSyncable", group_id, id))
    }

    pub(crate) fn syncables(&self, group_id: &str, kind: &str) -> Result<Vec<v1::GroupSyncable>> {
        let world = self.world();
        world.groups.group("GetGroupSyncables", group_id)?;
        let of_group = world.groups.syncables.values();
        let of_group = of_group.filter(|it| it.group_id == group_id && it.r#type == kind && it.delete_at == 0);
        Ok(of_group.map(|it| joined(&world, it)).collect())
    }

    /// Removes a link. Whoever came in by it stays until `DeleteGroupConstrainedMemberships`. With its team, a group loses the
    /// team's channels.
    pub(crate) fn delete_syncable(&self, group_id: &str, id: &str, kind: &str) -> Result<v1::GroupSyncable> {
        let now = self.now();
        let mut world = self.world();
        let gone = world.groups.syncable(group_id, kind, id).cloned();
        let gone = gone.ok_or_else(|| no_link("DeleteGroupSyncable", group_id, id))?;
        let in_team = |world: &World, it: &v1::GroupSyncable| {
            it.r#type == CHANNEL && world.channels.get(&it.syncable_id).is_some_and(|entry| entry.channel.team_id == id)
        };
        let mut with = vec![gone.clone()];
        if kind == TEAM {
            let channels = world.groups.syncables.values();
            with.extend(channels.filter(|it| it.group_id == group_id && in_team(&world, it)).cloned());
        }
        for link in with {
            let key = (link.group_id, link.r#type, link.syncable_id);
            if let Some(link) = world.groups.syncables.get_mut(&key) {
                link.delete_at = now;
                link.update_at = now;
            }
        }
        Ok(v1::GroupSyncable { delete_at: now, update_at: now, ..joined(&world, &gone) })
    }
}

fn store(world: &mut World, wanted: v1::GroupSyncable, now: i64) -> v1::GroupSyncable {
    let key = (wanted.group_id.clone(), wanted.r#type.clone(), wanted.syncable_id.clone());
    let create_at = world.groups.syncables.get(&key).map_or(now, |known| known.create_at);
    let saved = v1::GroupSyncable { create_at, update_at: now, delete_at: 0, ..wanted };
    world.groups.syncables.insert(key, saved.clone());
    saved
}

/// The link with what is known of the team and the channel.
fn joined(world: &World, link: &v1::GroupSyncable) -> v1::GroupSyncable {
    let mut out = link.clone();
    if link.r#type == CHANNEL
        && let Some(entry) = world.channels.get(&link.syncable_id)
    {
        out.channel_display_name.clone_from(&entry.channel.display_name);
        out.channel_type.clone_from(&entry.channel.r#type);
        out.team_id.clone_from(&entry.channel.team_id);
    }
    let team_id = if link.r#type == TEAM { link.syncable_id.as_str() } else { out.team_id.as_str() };
    if let Some(team) = world.teams.get(team_id) {
        out.team_display_name.clone_from(&team.display_name);
        out.team_type.clone_from(&team.r#type);
    }
    out
}

fn check(link: &v1::GroupSyncable) -> Result<()> {
    for (field, holds) in [
        ("group_id", validate::is_id(&link.group_id)),
        ("syncable_id", validate::is_id(&link.syncable_id)),
        ("type", link.r#type == TEAM || link.r#type == CHANNEL),
    ] {
        if !holds {
            let id = format!("model.group_syncable.{field}.app_error");
            let message = format!("The {field} is not valid: a group is linked to a Team or a Channel, by their ids.");
            return Err(errors::app("GroupSyncable.SyncableIsValid", &id, BAD_REQUEST, message));
        }
    }
    Ok(())
}

fn no_link(place: &str, group_id: &str, id: &str) -> ApiError {
    let detail = format!("group_id={group_id}, syncable_id={id}");
    errors::app_with(place, "app.group.no_rows", NOT_FOUND, "The group is not linked to this.", detail)
}
