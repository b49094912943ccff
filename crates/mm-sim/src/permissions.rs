//! Roles and permissions: Mattermost's default roles, and what they let a user do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use crate::errors::{self, BAD_REQUEST, NOT_FOUND, Result};
use crate::world::World;

/// Ids of all permissions, one a line: what the role `system_admin` has.
const ALL: &str = include_str!("../data/permissions.txt");
/// The default roles: `[role] scheme_managed|explicit`, then its permissions, one a line; `*` is all of them.
const ROLES: &str = include_str!("../data/default_roles.txt");

struct Role {
    /// Given by a scheme (team_user, channel_admin …) rather than by hand.
    scheme_managed: bool,
    permissions: BTreeSet<&'static str>,
}

static DEFAULT_ROLES: LazyLock<BTreeMap<&'static str, Role>> = LazyLock::new(|| {
    let mut roles = BTreeMap::new();
    let mut current = "";
    for line in ROLES.lines() {
        if let Some((name, managed)) = line.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
            let role = Role { scheme_managed: managed == "scheme_managed", permissions: BTreeSet::new() };
            roles.insert(name, role);
            current = name;
        } else if let Some(role) = roles.get_mut(current) {
            if line == "*" { role.permissions.extend(ALL.lines()) } else { role.permissions.extend([line]) }
        }
    }
    roles
});

/// Whether any of the roles has the permission. Roles that do not exist have none.
pub(crate) fn roles_grant<'a>(roles: impl IntoIterator<Item = &'a str>, permission: &str) -> bool {
    roles.into_iter().any(|role| DEFAULT_ROLES.get(role).is_some_and(|role| role.permissions.contains(permission)))
}

/// Refuses a list of roles, separated by blanks, of which one does not exist.
pub(crate) fn check_roles_exist(roles: &str) -> Result<()> {
    match roles.split_whitespace().find(|role| !DEFAULT_ROLES.contains_key(role)) {
        None => Ok(()),
        Some(role) => Err(errors::app_with(
            "CheckRolesExist",
            "app.role.check_roles_exist.role_not_found",
            BAD_REQUEST,
            "There is no role with this name.",
            format!("role={role}"),
        )),
    }
}

/// The roles of a member of a team or channel, taken apart.
pub(crate) struct SplitRoles {
    pub(crate) guest: bool,
    pub(crate) user: bool,
    pub(crate) admin: bool,
    /// Those that are given by hand, separated by blanks.
    pub(crate) explicit: String,
}

/// Takes the roles of a member apart; `scope` is `team` or `channel`.
pub(crate) fn split_roles(place: &str, roles: &str, scope: &str, was_guest: bool) -> Result<SplitRoles> {
    let mut split = SplitRoles { guest: false, user: false, admin: false, explicit: String::new() };
    let mut explicit = Vec::new();
    let refuse =
        |id: String, message: &str, detail: String| Err(errors::app_with(place, &id, BAD_REQUEST, message, detail));
    for name in roles.split_whitespace() {
        let Some(role) = DEFAULT_ROLES.get(name) else {
            let missing = errors::app(
                "GetRoleByName",
                "app.role.get_by_name.app_error",
                NOT_FOUND,
                format!("There is no role named {name}."),
            );
            return Err(errors::with_status(missing, BAD_REQUEST));
        };
        match name.strip_prefix(scope) {
            _ if !role.scheme_managed => explicit.push(name),
            Some("_guest") => split.guest = true,
            Some("_user") => split.user = true,
            Some("_admin") => split.admin = true,
            _ => {
                let id = format!("api.channel.update_{scope}_member_roles.scheme_role.app_error");
                return refuse(id, "This role belongs to another kind of scheme.", format!("role_name={name}"));
            }
        }
    }
    let prefix =
        if scope == "team" { "api.team.update_team_member_roles" } else { "api.channel.update_channel_member_roles" };
    if split.guest && split.user {
        let id = format!("{prefix}.guest_and_user.app_error");
        return refuse(id, "A member is either a guest or a user.", String::new());
    }
    if split.guest != was_guest {
        let id = format!("api.channel.update_{scope}_member_roles.changing_guest_role.app_error");
        return refuse(id, "Guests stay guests, and users stay users.", String::new());
    }
    split.explicit = explicit.join(" ");
    Ok(split)
}

impl World {
    pub(crate) fn has_permission_to(&self, user_id: &str, permission: &str) -> bool {
        let user = self.users.get(user_id);
        user.is_some_and(|user| roles_grant(user.roles.split_whitespace(), permission))
    }

    pub(crate) fn has_permission_to_team(&self, user_id: &str, team_id: &str, permission: &str) -> bool {
        if team_id.is_empty() || user_id.is_empty() {
            return false;
        }
        let member = self.team_member(team_id, user_id).filter(|member| member.delete_at == 0);
        member.is_some_and(|member| roles_grant(member.roles.split_whitespace(), permission))
            || self.has_permission_to(user_id, permission)
    }

    pub(crate) fn has_permission_to_channel(&self, user_id: &str, channel_id: &str, permission: &str) -> bool {
        if channel_id.is_empty() || user_id.is_empty() {
            return false;
        }
        let member = self.channel_member(channel_id, user_id);
        if member.is_some_and(|member| roles_grant(member.roles.split_whitespace(), permission)) {
            return true;
        }
        match self.channels.get(channel_id).map(|entry| entry.channel.team_id.as_str()) {
            // Direct and group channels belong to no team; for them the user's own roles count.
            None | Some("") => self.has_permission_to(user_id, permission),
            Some(team_id) => self.has_permission_to_team(user_id, team_id, permission),
        }
    }

    /// Whether a user may read a channel: as a member, or since it is a public channel of one of his teams.
    pub(crate) fn can_read(&self, user_id: &str, channel_id: &str) -> bool {
        let Some(entry) = self.channels.get(channel_id) else { return false };
        self.has_permission_to_channel(user_id, channel_id, "read_channel_content")
            || entry.channel.r#type == "O"
                && self.has_permission_to_team(user_id, &entry.channel.team_id, "read_public_channel")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_roles_grant_what_mattermost_says() {
        let grants = |role, permission| roles_grant([role], permission);
        assert!(grants("channel_user", "create_post"));
        assert!(!grants("channel_guest", "delete_post"));
        assert!(grants("team_admin", "manage_team"));
        assert!(!grants("team_user", "manage_team"));
        assert!(grants("system_admin", "manage_system"));
        assert!(!grants("system_user", "manage_system"));
        assert!(!grants("system_admin", "no_such_permission"));
        assert!(!grants("no_such_role", "create_post"));
    }
}
