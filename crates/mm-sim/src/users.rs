//! Users: making, changing, deactivating, finding.

use std::sync::Arc;

use mm_proto::plugin::v1;

use crate::errors::{self, BAD_REQUEST, NOT_FOUND, Result};
use crate::events::{Audience, Subject};
use crate::hooks::notify;
use crate::server::Server;
use crate::world::World;
use crate::{validate, values};

/// The user as plugins and clients get it: without what is secret.
pub(crate) fn sanitized(user: &v1::User) -> v1::User {
    v1::User {
        password: String::new(),
        mfa_secret: String::new(),
        mfa_used_timestamps: Vec::new(),
        last_login: 0,
        ..user.clone()
    }
}

/// Making and changing.
impl Server {
    /// Saves a new user. The first one of a server becomes its administrator.
    pub(crate) async fn save_new_user(&self, mut user: v1::User, place: &str) -> Result<v1::User> {
        if !user.id.is_empty() {
            return Err(errors::app(
                place,
                "app.user.save.existing.app_error",
                BAD_REQUEST,
                "A new user must not have an id.",
            ));
        }
        let saved = {
            let mut world = self.world();
            let people = world.users.values().filter(|user| !user.is_bot).count();
            user.roles = if people == 0 { "system_admin system_user".to_owned() } else { "system_user".to_owned() };
            self.store_new_user(&mut world, user, place)?
        };
        self.publish("new_user", [("user_id", values::string(&saved.id))], Audience::all(), Subject::Other);
        let request = v1::UserHasBeenCreatedRequest { context: self.caller().context(), user: Some(sanitized(&saved)) };
        notify!(self, "UserHasBeenCreated", user_has_been_created, request);
        Ok(sanitized(&saved))
    }

    /// Fills in what a new user lacks, checks it and stores it. For people and for bots.
    pub(crate) fn store_new_user(&self, world: &mut World, mut user: v1::User, place: &str) -> Result<Arc<v1::User>> {
        user.id = self.new_id();
        user.username = user.username.to_lowercase();
        user.email = user.email.to_lowercase();
        user.create_at = self.now();
        user.update_at = user.create_at;
        user.last_password_update = user.create_at;
        if user.locale.is_empty() {
            user.locale = "en".to_owned();
        }
        if user.notify_props.is_empty() {
            user.notify_props = default_notify_props();
        }
        if user.timezone.is_empty() {
            user.timezone = [("automaticTimezone", ""), ("manualTimezone", ""), ("useAutomaticTimezone", "true")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into();
        }
        validate::user(&user)?;
        let taken = |field: &str, message: &str| {
            Err(errors::app(place, &format!("app.user.save.{field}_exists.app_error"), BAD_REQUEST, message))
        };
        if world.user_emails.contains_key(&user.email) {
            return taken("email", "There is a user with this email address already.");
        }
        if world.user_names.contains_key(&user.username) {
            return taken("username", "There is a user with this name already.");
        }
        // The simulator checks no passwords, so it keeps none.
        user.password.clear();
        Ok(world.put_user(user))
    }

    /// `CreateUser` of the API: as a person who signs up, with a password of 8 to 72 characters.
    pub(crate) async fn create_user_with_password(&self, user: v1::User) -> Result<v1::User> {
        if user.auth_service.is_empty() && !(8..=72).contains(&user.password.len()) {
            return Err(errors::app(
                "createUserOrGuest",
                "api.user.check_user_password.invalid.app_error",
                BAD_REQUEST,
                "The password must have 8 to 72 characters.",
            ));
        }
        self.save_new_user(user, "createUserOrGuest").await
    }

    /// Changes what a user may change about himself; roles, dates and secrets stay.
    pub(crate) fn update_user(&self, mut user: v1::User, place: &str) -> Result<v1::User> {
        let saved = {
            let mut world = self.world();
            let old = world.user(place, &user.id)?.clone();
            user.username = user.username.to_lowercase();
            user.email = user.email.to_lowercase();
            user.update_at = self.now();
            keep_protected(&mut user, &old);
            validate::user(&user)?;
            self.check_names_free(&world, &user, place)?;
            world.put_user(user)
        };
        Ok(self.announce_user(&saved))
    }

    pub(crate) fn check_names_free(&self, world: &World, user: &v1::User, place: &str) -> Result<()> {
        let other = |id: Option<&String>| id.is_some_and(|id| *id != user.id);
        if other(world.user_names.get(&user.username)) {
            let message = "There is a user with this name already.";
            return Err(errors::app(place, "app.user.save.username_exists.app_error", BAD_REQUEST, message));
        }
        if other(world.user_emails.get(&user.email)) {
            let message = "There is a user with this email address already.";
            return Err(errors::app(place, "app.user.save.email_exists.app_error", BAD_REQUEST, message));
        }
        Ok(())
    }

    /// Tells everybody that a user has changed.
    pub(crate) fn announce_user(&self, user: &v1::User) -> v1::User {
        let user = sanitized(user);
        self.publish("user_updated", [("user", values::user(&user))], Audience::all(), Subject::Other);
        user
    }

    pub(crate) fn set_user_roles(&self, user_id: &str, roles: &str) -> Result<v1::User> {
        // A role that exists nowhere is refused before the user is looked at; a missing user gives 400 here, not 404.
        let saved = {
            let mut world = self.world();
            let user = world.user("GetUser", user_id).map_err(|error| errors::with_status(error, BAD_REQUEST))?.clone();
            crate::permissions::check_roles_exist(roles)?;
            world.put_user(v1::User { roles: roles.to_owned(), update_at: self.now(), ..(*user).clone() })
        };
        let data = [("user_id", values::string(user_id)), ("roles", values::string(roles))];
        self.publish("user_role_updated", data, Audience::user(user_id), Subject::Other);
        Ok(sanitized(&saved))
    }

    /// Activates or deactivates; who is deactivated loses all sessions.
    pub(crate) fn set_user_active(&self, user_id: &str, active: bool) -> Result<v1::User> {
        let saved = {
            let mut world = self.world();
            let user = world.user("GetUser", user_id)?.clone();
            let now = self.now();
            let delete_at = if active { 0 } else { now };
            if !active {
                world.sessions.retain(|_, session| session.user_id != user_id);
            }
            world.put_user(v1::User { delete_at, update_at: now, ..(*user).clone() })
        };
        let user = self.announce_user(&saved);
        if !active {
            self.set_offline(user_id, false);
            let request =
                v1::UserHasBeenDeactivatedRequest { context: self.caller().context(), user: Some(user.clone()) };
            notify!(self, "UserHasBeenDeactivated", user_has_been_deactivated, request);
        }
        Ok(user)
    }

    pub(crate) fn user_by_email(&self, email: &str) -> Result<v1::User> {
        let world = self.world();
        let user = world.user_emails.get(&email.to_lowercase()).and_then(|id| world.users.get(id));
        user.map(|user| sanitized(user)).ok_or_else(|| errors::no_user("GetUserByEmail", email))
    }

    pub(crate) fn user_by_username(&self, name: &str) -> Result<v1::User> {
        let world = self.world();
        world.user_by_name(name).map(|user| sanitized(user)).ok_or_else(|| {
            let message = "There is no user with this name.";
            errors::app_with(
                "GetUserByUsername",
                "app.user.get_by_username.app_error",
                NOT_FOUND,
                message,
                format!("username={name}"),
            )
        })
    }

    pub(crate) fn profile_image(&self, user_id: &str) -> Result<Vec<u8>> {
        let world = self.world();
        world.user("GetUser", user_id)?;
        Ok(world.profile_images.get(user_id).cloned().unwrap_or_else(|| crate::files::PLACEHOLDER_PNG.to_vec()))
    }

    pub(crate) fn set_profile_image(&self, user_id: &str, data: Vec<u8>) -> Result<()> {
        let saved = {
            let mut world = self.world();
            let user = world.user("GetUser", user_id)?.clone();
            if crate::files::image_size(&data).is_none() {
                let message = "This is no image that the server can read.";
                let id = "api.user.upload_profile_user.decode.app_error";
                return Err(errors::app("SetProfileImage", id, BAD_REQUEST, message));
            }
            world.profile_images.insert(user_id.to_owned(), data);
            let now = self.now();
            world.put_user(v1::User { last_picture_update: now, update_at: now, ..(*user).clone() })
        };
        self.announce_user(&saved);
        Ok(())
    }
}

/// Finding.
impl Server {
    /// Users by the given tests, sorted by name, one page of them.
    pub(crate) fn select_users(
        &self,
        page: i64,
        per_page: i64,
        wanted: impl Fn(&World, &v1::User) -> bool,
    ) -> Vec<v1::User> {
        let world = self.world();
        let mut users: Vec<_> = world.users.values().filter(|user| wanted(&world, user)).cloned().collect();
        users.sort_by(|a, b| a.username.cmp(&b.username));
        paged(&users, page, per_page).iter().map(|user| sanitized(user)).collect()
    }

    /// `GetUsers`: whom the options name.
    pub(crate) fn get_users(&self, options: &v1::UserGetOptions) -> Vec<v1::User> {
        self.select_users(options.page, options.per_page, |world, user| {
            matches_place(&options.in_team_id, |id| world.is_team_member(id, &user.id))
                && matches_place(&options.not_in_team_id, |id| !world.is_team_member(id, &user.id))
                && matches_place(&options.in_channel_id, |id| world.is_channel_member(id, &user.id))
                && matches_place(&options.not_in_channel_id, |id| !world.is_channel_member(id, &user.id))
                && (!options.without_team || world.teams_of(&user.id).is_empty())
                && (options.role.is_empty() || user.roles.contains(&options.role))
                && (options.roles.is_empty() || has_any_role(user, &options.roles))
                && if options.inactive { user.delete_at != 0 } else { !options.active || user.delete_at == 0 }
                && user.update_at > options.updated_after - i64::from(options.updated_after == 0)
        })
    }

    pub(crate) fn search_users(&self, search: &v1::UserSearch) -> Vec<v1::User> {
        let limit = if search.limit <= 0 { 100 } else { search.limit };
        let terms: Vec<_> = search.term.to_lowercase().split_whitespace().map(str::to_owned).collect();
        self.select_users(0, limit, |world, user| {
            (search.allow_inactive || user.delete_at == 0)
                && (!search.without_team || world.teams_of(&user.id).is_empty())
                && matches_place(&search.team_id, |id| world.is_team_member(id, &user.id))
                && matches_place(&search.not_in_team_id, |id| !world.is_team_member(id, &user.id))
                && matches_place(&search.in_channel_id, |id| world.is_channel_member(id, &user.id))
                && matches_place(&search.not_in_channel_id, |id| !world.is_channel_member(id, &user.id))
                && (search.role.is_empty() || user.roles.contains(&search.role))
                && (search.roles.is_empty() || has_any_role(user, &search.roles))
                && terms.iter().all(|term| {
                    let term = term.trim_start_matches('@');
                    [&user.username, &user.nickname].iter().any(|field| field.to_lowercase().starts_with(term))
                })
        })
    }
}

fn matches_place(id: &str, test: impl Fn(&str) -> bool) -> bool {
    id.is_empty() || test(id)
}

fn has_any_role(user: &v1::User, roles: &[String]) -> bool {
    user.roles.split_whitespace().any(|role| roles.iter().any(|wanted| wanted == role))
}

/// One page of a list. Without a page size it is empty, as the real server's queries with a limit of 0 are.
pub(crate) fn paged<T>(items: &[T], page: i64, per_page: i64) -> &[T] {
    let len = items.len();
    let start = usize::try_from(page.saturating_mul(per_page)).unwrap_or(0).min(len);
    let end = start.saturating_add(usize::try_from(per_page).unwrap_or(0)).min(len);
    &items[start..end]
}

/// What an update by the user or a plugin never changes.
fn keep_protected(user: &mut v1::User, old: &v1::User) {
    user.create_at = old.create_at;
    user.delete_at = old.delete_at;
    user.roles.clone_from(&old.roles);
    user.auth_data.clone_from(&old.auth_data);
    user.auth_service.clone_from(&old.auth_service);
    user.password.clone_from(&old.password);
    user.last_password_update = old.last_password_update;
    user.last_picture_update = old.last_picture_update;
    user.email_verified = old.email_verified && user.email == old.email;
    user.failed_attempts = old.failed_attempts;
    user.mfa_active = old.mfa_active;
    user.mfa_secret.clone_from(&old.mfa_secret);
    user.last_login = old.last_login;
    user.is_bot = old.is_bot;
    user.bot_description.clone_from(&old.bot_description);
    user.bot_last_icon_update = old.bot_last_icon_update;
    if user.notify_props.is_empty() {
        user.notify_props = default_notify_props();
    }
}

fn default_notify_props<M: FromIterator<(String, String)>>() -> M {
    [
        ("email", "true"),
        ("push", "mention"),
        ("desktop", "mention"),
        ("desktop_sound", "true"),
        ("mention_keys", ""),
        ("channel", "true"),
        ("push_status", "online"),
        ("comments", "never"),
        ("first_name", "false"),
        ("desktop_threads", "all"),
        ("email_threads", "all"),
        ("push_threads", "all"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect()
}
