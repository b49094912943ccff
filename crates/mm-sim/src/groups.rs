//! Groups: custom ones, those of a directory and those that a plugin keeps, and who is in them.

use indexmap::IndexMap;
use mm_proto::plugin::v1;

use crate::errors::{self, BAD_REQUEST, NOT_FOUND, Result};
use crate::server::Server;
use crate::users::{paged, sanitized};
use crate::validate;
use crate::world::World;

mod memberships;
mod syncables;

/// What the source of a plugin's groups begins with.
const PLUGIN_SOURCE: &str = "plugin_";

/// All groups.
#[derive(Default)]
pub(crate) struct Groups {
    groups: IndexMap<String, v1::Group>,
    /// Members by group and user; who has left is kept with a `delete_at`.
    members: IndexMap<(String, String), v1::GroupMember>,
    /// By group, kind (`Team` or `Channel`) and the id of the team or channel; what is unlinked is kept with a `delete_at`.
    syncables: IndexMap<(String, String, String), v1::GroupSyncable>,
}

impl Groups {
    /// A group, a deleted one too, as it is handed out.
    fn group(&self, place: &str, id: &str) -> Result<v1::Group> {
        self.groups.get(id).map(|group| self.out(group)).ok_or_else(|| no_group(place, &format!("id={id}")))
    }

    /// The group with what is known from elsewhere.
    fn out(&self, group: &v1::Group) -> v1::Group {
        let linked = |it: &v1::GroupSyncable| it.group_id == group.id && it.delete_at == 0;
        v1::Group { has_syncables: self.syncables.values().any(linked), ..group.clone() }
    }

    fn is_member(&self, group_id: &str, user_id: &str) -> bool {
        let member = self.members.get(&(group_id.to_owned(), user_id.to_owned()));
        member.is_some_and(|member| member.delete_at == 0)
    }

    fn member_ids(&self, group_id: &str) -> impl Iterator<Item = &String> {
        self.members.values().filter(move |it| it.group_id == group_id && it.delete_at == 0).map(|it| &it.user_id)
    }

    fn check_name_free(&self, place: &str, group: &v1::Group) -> Result<()> {
        let taken = |other: &v1::Group| other.id != group.id && other.name.is_some() && other.name == group.name;
        if self.groups.values().any(taken) {
            let message = "Another group has this name.";
            return Err(errors::app(place, "app.custom_group.unique_name", BAD_REQUEST, message));
        }
        Ok(())
    }
}

/// Making and changing.
impl Server {
    pub(crate) fn create_group(&self, mut group: v1::Group) -> Result<v1::Group> {
        let place = "CreateGroup";
        if !group.id.is_empty() {
            let message = "A new group must not have an id.";
            return Err(errors::app(place, "app.group.id.app_error", BAD_REQUEST, message));
        }
        check(&group)?;
        group.id = self.new_id();
        group.create_at = self.now();
        group.update_at = group.create_at;
        group.delete_at = 0;
        let groups = &mut self.world().groups;
        groups.check_name_free(place, &group)?;
        groups.groups.insert(group.id.clone(), group.clone());
        Ok(group)
    }

    pub(crate) fn update_group(&self, group: v1::Group) -> Result<v1::Group> {
        let place = "UpdateGroup";
        let groups = &mut self.world().groups;
        let old = groups.group(place, &group.id)?;
        check(&group)?;
        groups.check_name_free(place, &group)?;
        // What a deletion sets stays: there are methods of their own for it.
        let group = v1::Group {
            create_at: old.create_at,
            delete_at: old.delete_at,
            update_at: self.now(),
            member_count: None,
            ..group
        };
        groups.groups.insert(group.id.clone(), group.clone());
        Ok(groups.out(&group))
    }

    /// Deletes or restores a group; the other way round it is not there.
    pub(crate) fn set_group_deleted(&self, group_id: &str, deleted: bool) -> Result<v1::Group> {
        let place = if deleted { "DeleteGroup" } else { "RestoreGroup" };
        let now = self.now();
        let groups = &mut self.world().groups;
        let known = groups.groups.get_mut(group_id).filter(|group| (group.delete_at == 0) == deleted);
        let group = known.ok_or_else(|| no_group(place, &format!("id={group_id}")))?;
        group.update_at = now;
        group.delete_at = if deleted { now } else { 0 };
        let group = group.clone();
        Ok(groups.out(&group))
    }
}

/// Finding.
impl Server {
    pub(crate) fn group(&self, group_id: &str) -> Result<v1::Group> {
        self.world().groups.group("GetGroup", group_id)
    }

    /// The first group, a deleted one too, of which this holds.
    pub(crate) fn find_group(&self, place: &str, wanted: impl Fn(&v1::Group) -> bool) -> Result<v1::Group> {
        let world = self.world();
        let found = world.groups.groups.values().find(|group| wanted(group));
        found.map(|group| world.groups.out(group)).ok_or_else(|| no_group(place, ""))
    }

    /// The groups that are not deleted of which this holds, by their shown names.
    pub(crate) fn select_groups(&self, wanted: impl Fn(&Groups, &v1::Group) -> bool) -> Vec<v1::Group> {
        let world = self.world();
        let groups = world.groups.groups.values().filter(|it| it.delete_at == 0 && wanted(&world.groups, it));
        by_display_name(groups.map(|group| world.groups.out(group)).collect())
    }

    pub(crate) fn groups_for_user(&self, user_id: &str) -> Vec<v1::Group> {
        self.select_groups(|groups, group| groups.is_member(&group.id, user_id))
    }

    /// `GetGroups`.
    pub(crate) fn groups(
        &self,
        page: i64,
        per_page: i64,
        options: &v1::GroupSearchOpts,
        view: Option<&v1::ViewUsersRestrictions>,
    ) -> Vec<v1::Group> {
        let world = self.world();
        let found = world.groups.groups.values().filter(|group| fits(&world.groups, group, options));
        let groups = found.map(|group| {
            let mut out = world.groups.out(group);
            let ids: Vec<_> =
                world.groups.member_ids(&group.id).filter(|id| is_visible(&world, id, view)).cloned().collect();
            if options.include_member_count {
                out.member_count = Some(count(&ids));
            }
            if !options.include_channel_member_count.is_empty() {
                let channel = &options.include_channel_member_count;
                out.channel_member_count =
                    Some(ids.iter().filter(|id| world.is_channel_member(channel, id)).count() as i64);
            }
            if options.include_member_ids {
                out.member_ids = ids;
            }
            out
        });
        paged(&by_display_name(groups.collect()), page, per_page).to_vec()
    }
}

/// Members.
impl Server {
    /// Adds users; those who are in the group stay as they are. All of them must exist.
    pub(crate) fn add_group_members(&self, group_id: &str, user_ids: &[String]) -> Result<Vec<v1::GroupMember>> {
        let place = "UpsertGroupMembers";
        let now = self.now();
        let mut world = self.world();
        world.groups.group(place, group_id)?;
        for id in user_ids {
            if world.user(place, id)?.delete_at != 0 {
                return Err(errors::no_user(place, id));
            }
        }
        let mut members = Vec::new();
        for user_id in user_ids {
            let key = (group_id.to_owned(), user_id.clone());
            let fresh = || v1::GroupMember {
                group_id: group_id.to_owned(),
                user_id: user_id.clone(),
                create_at: now,
                delete_at: 0,
            };
            let member = world.groups.members.entry(key).or_insert_with(fresh);
            if member.delete_at != 0 {
                *member = fresh();
            }
            members.push(member.clone());
        }
        Ok(members)
    }

    pub(crate) fn remove_group_member(&self, group_id: &str, user_id: &str) -> Result<v1::GroupMember> {
        let now = self.now();
        let mut world = self.world();
        let member = world.groups.members.get_mut(&(group_id.to_owned(), user_id.to_owned()));
        let member = member.filter(|member| member.delete_at == 0).ok_or_else(|| {
            no_group("DeleteGroupMember", &format!("group_id={group_id}, user_id={user_id}: no such member"))
        })?;
        member.delete_at = now;
        Ok(member.clone())
    }

    /// The active users in a group, by username.
    pub(crate) fn group_member_users(&self, group_id: &str, page: i64, per_page: i64) -> Result<Vec<v1::User>> {
        let world = self.world();
        world.groups.group("GetGroupMemberUsersPage", group_id)?;
        let users = world.groups.member_ids(group_id).filter_map(|id| world.users.get(id));
        let mut users: Vec<_> = users.filter(|user| user.delete_at == 0).map(|user| sanitized(user)).collect();
        users.sort_by(|a, b| a.username.cmp(&b.username));
        Ok(paged(&users, page, per_page).to_vec())
    }
}

fn no_group(place: &str, detail: &str) -> mm_proto::ApiError {
    errors::app_with(place, "app.group.no_rows", NOT_FOUND, "There is no such group.", detail)
}

fn by_display_name(mut groups: Vec<v1::Group>) -> Vec<v1::Group> {
    groups.sort_by(|a, b| (&a.display_name, &a.id).cmp(&(&b.display_name, &b.id)));
    groups
}

fn count<T>(items: &[T]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}

/// Whether who asks may see a user: in one of these teams or channels.
fn is_visible(world: &World, user_id: &str, view: Option<&v1::ViewUsersRestrictions>) -> bool {
    view.is_none_or(|view| {
        view.teams.iter().any(|team| world.is_team_member(team, user_id))
            || view.channels.iter().any(|channel| world.is_channel_member(channel, user_id))
    })
}

/// Whether groups of this source can be linked to teams and channels.
fn is_syncable(source: &str) -> bool {
    source == "ldap" || source.starts_with(PLUGIN_SOURCE)
}

/// Whether a group is what `GetGroups` is asked for.
fn fits(groups: &Groups, group: &v1::Group, options: &v1::GroupSearchOpts) -> bool {
    let q = options.q.to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&q);
    let archived_fits = if options.filter_archived {
        group.delete_at != 0
    } else {
        group.delete_at == 0 || options.include_archived || options.since > 0
    };
    archived_fits
        && (q.is_empty() || has(&group.display_name) || group.name.as_deref().is_some_and(has))
        && (!options.filter_allow_reference || group.allow_reference)
        && (options.source.is_empty() || group.source == options.source)
        && (!options.only_syncable_sources || is_syncable(&group.source))
        && group.update_at >= options.since
        && (options.filter_has_member.is_empty() || groups.is_member(&group.id, &options.filter_has_member))
        && !groups.is_linked(&group.id, syncables::TEAM, &options.not_associated_to_team)
        && !groups.is_linked(&group.id, syncables::CHANNEL, &options.not_associated_to_channel)
}

/// The server's rules for a group.
fn check(group: &v1::Group) -> Result<()> {
    let place = "Group.IsValidForCreate";
    let refused = |id: &str, message: &str| Err(errors::app(place, id, BAD_REQUEST, message));
    match group.name.as_deref() {
        None if group.allow_reference => {
            return refused("model.group.name.app_error", "A group that can be mentioned needs a name.");
        }
        Some(name) if name.is_empty() || name.len() > 64 => {
            return refused("model.group.name.invalid_length.app_error", "A name has 1 to 64 characters.");
        }
        Some("all" | "channel" | "here") => {
            return refused("model.group.name.reserved_name.app_error", "This name is reserved.");
        }
        Some(name) if !validate::is_group_name(name) => {
            let message = "A name has lower-case letters, digits, dots, dashes and underscores only.";
            return refused("model.group.name.invalid_chars.app_error", message);
        }
        _ => {}
    }
    if group.display_name.is_empty() || group.display_name.len() > 128 {
        return refused("model.group.display_name.app_error", "The shown name has 1 to 128 characters.");
    }
    if group.description.len() > 1024 {
        return refused("model.group.description.app_error", "The description is longer than 1024 characters.");
    }
    if group.source != "custom" && !is_syncable(&group.source) {
        let message = "The source is ldap, custom, or begins with plugin_.";
        return refused("model.group.source.app_error", message);
    }
    let remote_id = group.remote_id.as_deref().unwrap_or_default();
    if remote_id.len() > 48 || remote_id.is_empty() && is_syncable(&group.source) {
        let message = "A group that is not custom has a remote_id of 1 to 48 characters.";
        return refused("model.group.remote_id.app_error", message);
    }
    Ok(())
}
