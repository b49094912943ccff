//! What belongs to one user: statuses, custom statuses, preferences, sessions, access tokens and web socket connections.

use mm_proto::plugin::v1;
use serde_json::json;

use crate::errors::{self, BAD_REQUEST, FORBIDDEN, INTERNAL, NOT_FOUND, Result};
use crate::events::{Audience, Subject};
use crate::hooks::{Caller, call_hook, notify};
use crate::server::Server;
use crate::users::sanitized;
use crate::{reactions, validate, values};

/// The prop of a user that holds the custom status as JSON.
const CUSTOM_STATUS: &str = "customStatus";
/// How many sessions a user may have; the oldest go first.
const MOST_SESSIONS: usize = 500;

/// Statuses.
impl Server {
    pub(crate) fn status(&self, user_id: &str) -> Result<v1::Status> {
        self.end_timed_dnd(user_id);
        self.world().statuses.get(user_id).cloned().ok_or_else(|| {
            let message = "This user has no status yet.";
            errors::app("GetStatus", "app.status.get.missing.app_error", NOT_FOUND, message)
        })
    }

    /// Statuses of many users; who has none is offline.
    pub(crate) fn statuses(&self, user_ids: &[String]) -> Vec<v1::Status> {
        user_ids.iter().for_each(|id| self.end_timed_dnd(id));
        let world = self.world();
        let offline = |id: &String| v1::Status { user_id: id.clone(), status: "offline".into(), ..Default::default() };
        user_ids.iter().map(|id| world.statuses.get(id).cloned().unwrap_or_else(|| offline(id))).collect()
    }

    /// Sets a status by hand. `online` is never manual, the others are and stay until changed by hand.
    pub(crate) fn set_status(&self, user_id: &str, status: &str) -> Result<v1::Status> {
        match status {
            "online" => self.set_online(user_id, true),
            "offline" => self.set_offline(user_id, true),
            "away" | "dnd" => self.change_status(user_id, |known| {
                known.status = status.to_owned();
                known.manual = true;
                known.active_channel.clear();
            }),
            _ => {
                let id = "plugin.api.update_user_status.bad_status";
                let message = "A status is online, away, dnd or offline.";
                return Err(errors::app_with(
                    "UpdateUserStatus",
                    id,
                    BAD_REQUEST,
                    message,
                    format!("status={status:?}"),
                ));
            }
        }
        self.status(user_id)
    }

    pub(crate) fn set_online(&self, user_id: &str, by_hand: bool) {
        let now = self.now();
        let known = self.world().statuses.get(user_id).cloned();
        if known.as_ref().is_some_and(|known| known.manual && !by_hand) {
            return;
        }
        if let Some(known) = known.filter(|known| known.status == "online") {
            let status = v1::Status { last_activity_at: now, ..known };
            self.world().statuses.insert(user_id.to_owned(), status);
            return;
        }
        self.change_status(user_id, |known| {
            known.status = "online".to_owned();
            known.manual = false;
            known.last_activity_at = now;
        });
    }

    pub(crate) fn set_offline(&self, user_id: &str, by_hand: bool) {
        let now = self.now();
        if self.world().statuses.get(user_id).is_some_and(|known| known.manual && !by_hand) {
            return;
        }
        self.change_status(user_id, |known| {
            let user_id = std::mem::take(&mut known.user_id);
            *known = v1::Status { user_id, manual: by_hand, last_activity_at: now, ..Default::default() };
            known.status = "offline".to_owned();
        });
    }

    /// Do not disturb until a time in seconds since the Unix epoch.
    pub(crate) fn set_timed_dnd(&self, user_id: &str, end_time: i64) -> Result<v1::Status> {
        self.change_status(user_id, |known| {
            known.prev_status = std::mem::replace(&mut known.status, "dnd".to_owned());
            known.manual = true;
            known.dnd_end_time = end_time;
        });
        self.status(user_id)
    }

    /// A real server looks once a minute whose time is over; here it is seen when somebody asks.
    fn end_timed_dnd(&self, user_id: &str) {
        let now = self.now() / 1000;
        let over = |status: &v1::Status| status.status == "dnd" && (1..=now).contains(&status.dnd_end_time);
        if self.world().statuses.get(user_id).is_some_and(over) {
            self.change_status(user_id, |known| {
                known.status = std::mem::take(&mut known.prev_status);
                known.dnd_end_time = 0;
                known.manual = false;
            });
        }
    }

    fn change_status(&self, user_id: &str, change: impl FnOnce(&mut v1::Status)) {
        let status = {
            let mut world = self.world();
            let known = world.statuses.entry(user_id.to_owned()).or_insert_with(|| v1::Status {
                user_id: user_id.to_owned(),
                status: "offline".to_owned(),
                ..Default::default()
            });
            change(known);
            known.status.clone()
        };
        let data = [("status", values::string(status)), ("user_id", values::string(user_id))];
        self.publish("status_change", data, Audience::user(user_id), Subject::Other);
    }

    pub(crate) fn set_custom_status(&self, user_id: &str, status: Option<v1::CustomStatus>) -> Result<()> {
        let place = "SetCustomStatus";
        let status = status.filter(|status| !(status.emoji.is_empty() && status.text.is_empty())).ok_or_else(|| {
            let id = "api.custom_status.set_custom_statuses.update.app_error";
            errors::app(place, id, BAD_REQUEST, "A custom status needs an emoji or a text.")
        })?;
        let known = status.emoji.is_empty()
            || reactions::is_system_emoji(&status.emoji)
            || self.world().emoji_exists(&status.emoji);
        if !known {
            let id = "api.custom_status.set_custom_statuses.emoji_not_found";
            return Err(errors::app(place, id, BAD_REQUEST, "There is no such emoji."));
        }
        let expires_at = status.expires_at.unwrap_or_default();
        let json = json!({
            "emoji": status.emoji,
            "text": status.text.chars().take(100).collect::<String>(),
            "duration": status.duration,
            "expires_at": expires_at.to_string(),
        });
        self.change_props(user_id, |props| drop(props.insert(CUSTOM_STATUS.to_owned(), json.to_string())))
    }

    pub(crate) fn remove_custom_status(&self, user_id: &str) -> Result<()> {
        self.change_props(user_id, |props| drop(props.insert(CUSTOM_STATUS.to_owned(), String::new())))
    }

    fn change_props(
        &self,
        user_id: &str,
        change: impl FnOnce(&mut std::collections::BTreeMap<String, String>),
    ) -> Result<()> {
        let saved = {
            let mut world = self.world();
            let mut user = (**world.user("GetUser", user_id)?).clone();
            change(&mut user.props);
            user.update_at = self.now();
            world.put_user(user)
        };
        self.announce_user(&saved);
        Ok(())
    }
}

/// Preferences.
impl Server {
    pub(crate) fn preference(&self, user_id: &str, category: &str, name: &str) -> Result<v1::Preference> {
        let key = (user_id.to_owned(), category.to_owned(), name.to_owned());
        let world = self.world();
        world.preferences.get(&key).map(|value| preference_of(&key, value)).ok_or_else(|| {
            let id = "app.preference.get.app_error";
            let message = "The user has no such preference.";
            errors::app("GetPreferenceByCategoryAndNameForUser", id, BAD_REQUEST, message)
        })
    }

    pub(crate) fn preferences(&self, user_id: &str) -> Vec<v1::Preference> {
        let world = self.world();
        let own = world.preferences.iter().filter(|((owner, _, _), _)| owner == user_id);
        own.map(|(key, value)| preference_of(key, value)).collect()
    }

    pub(crate) fn save_preferences(
        &self,
        caller: &Caller,
        user_id: &str,
        preferences: Vec<v1::Preference>,
    ) -> Result<()> {
        if let Some(other) = preferences.iter().find(|preference| preference.user_id != user_id) {
            let id = "api.preference.update_preferences.set.app_error";
            return Err(foreign_preference("savePreferences", id, user_id, &other.user_id));
        }
        preferences.iter().try_for_each(validate::preference)?;
        {
            let mut world = self.world();
            for it in &preferences {
                let key = (it.user_id.clone(), it.category.clone(), it.name.clone());
                world.preferences.insert(key, it.value.clone());
            }
        }
        self.publish("sidebar_category_updated", [], Audience::user(user_id), Subject::Other);
        let data = [("preferences", values::preferences(&preferences))];
        self.publish("preferences_changed", data, Audience::user(user_id), Subject::Other);
        let request = v1::PreferencesHaveChangedRequest { context: caller.context(), preferences };
        notify!(self, "PreferencesHaveChanged", preferences_have_changed, request);
        Ok(())
    }

    pub(crate) fn delete_preferences(&self, user_id: &str, preferences: &[v1::Preference]) -> Result<()> {
        if let Some(other) = preferences.iter().find(|preference| preference.user_id != user_id) {
            let id = "api.preference.delete_preferences.delete.app_error";
            return Err(foreign_preference("DeletePreferences", id, user_id, &other.user_id));
        }
        {
            let mut world = self.world();
            for it in preferences {
                world.preferences.remove(&(user_id.to_owned(), it.category.clone(), it.name.clone()));
            }
        }
        self.publish("sidebar_category_updated", [], Audience::user(user_id), Subject::Other);
        let data = [("preferences", values::preferences(preferences))];
        self.publish("preferences_deleted", data, Audience::user(user_id), Subject::Other);
        Ok(())
    }
}

/// Sessions.
impl Server {
    pub(crate) fn session(&self, session_id: &str) -> Result<v1::Session> {
        self.world().sessions.get(session_id).cloned().ok_or_else(|| {
            let message = "There is no session with this id.";
            errors::app_with(
                "GetSessionById",
                "app.session.get.app_error",
                BAD_REQUEST,
                message,
                format!("id={session_id}"),
            )
        })
    }

    /// The session that a token gives: its own, or that of a personal access token.
    pub(crate) fn session_of_token(&self, token: &str) -> Option<v1::Session> {
        if token.is_empty() {
            return None;
        }
        let now = self.now();
        let world = self.world();
        let is_live = |it: &&v1::Session| it.expires_at == 0 || it.expires_at > now;
        world.sessions.values().filter(is_live).find(|it| it.token == token).cloned()
    }

    pub(crate) fn create_session(&self, mut session: v1::Session) -> Result<v1::Session> {
        let place = "CreateSession";
        if !session.id.is_empty() {
            let message = "A new session must not have an id.";
            return Err(errors::app(place, "app.session.save.existing.app_error", BAD_REQUEST, message));
        }
        if !validate::is_id(&session.user_id) {
            let id = "model.session.is_valid.user_id.app_error";
            let message = "The id of the user is not valid.";
            return Err(errors::app("Session.IsValid", id, BAD_REQUEST, message));
        }
        session.id = self.new_id();
        if session.token.is_empty() {
            session.token = self.new_id();
        }
        session.create_at = self.now();
        session.last_activity_at = session.create_at;
        let mut world = self.world();
        session.team_members = {
            let own = |member: &&v1::TeamMember| member.user_id == session.user_id && member.delete_at == 0;
            world.team_members.values().filter(own).cloned().collect()
        };
        let own: Vec<_> =
            world.sessions.values().filter(|it| it.user_id == session.user_id).map(|it| it.id.clone()).collect();
        for id in own.iter().take((own.len() + 1).saturating_sub(MOST_SESSIONS)) {
            world.sessions.shift_remove(id);
        }
        world.sessions.insert(session.id.clone(), session.clone());
        Ok(session)
    }

    pub(crate) fn extend_session(&self, session_id: &str, expires_at: i64) -> Result<()> {
        let mut world = self.world();
        let session = world.sessions.get_mut(session_id).ok_or_else(|| {
            let message = "There is no session with this id.";
            errors::app("extendSessionExpiry", "app.session.get_sessions.app_error", INTERNAL, message)
        })?;
        session.expires_at = expires_at;
        Ok(())
    }

    pub(crate) fn revoke_session(&self, session_id: &str) -> Result<()> {
        let removed = self.world().sessions.shift_remove(session_id);
        removed.map(drop).ok_or_else(|| {
            let message = "There is no session with this id.";
            errors::app("RevokeSessionById", "app.session.get.app_error", BAD_REQUEST, message)
        })
    }

    /// Logs a user in: plugins may refuse.
    pub(crate) async fn log_in(&self, user_id: &str) -> Result<v1::Session> {
        let user = sanitized(self.world().user("DoLogin", user_id)?);
        let caller = self.caller();
        for listener in self.listeners("UserWillLogIn") {
            let request = v1::UserWillLogInRequest { context: caller.context(), user: Some(user.clone()) };
            let answer = call_hook!(self, listener, "UserWillLogIn", user_will_log_in, request);
            if let Some(reason) = answer.map(|answer| answer.reason).filter(|reason| !reason.is_empty()) {
                // The reason is a part of the id, and the text of the error is its id.
                let id = format!("Login rejected by plugin: {reason}");
                return Err(errors::app("DoLogin", &id, BAD_REQUEST, id.clone()));
            }
        }
        let props = [("platform", "mm-sim"), ("os", ""), ("browser", "mm-sim"), ("isMobile", "false")];
        let session = self.create_session(v1::Session {
            user_id: user.id.clone(),
            roles: user.roles.clone(),
            props: props.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            ..Default::default()
        })?;
        let request = v1::UserHasLoggedInRequest { context: caller.context(), user: Some(user) };
        notify!(self, "UserHasLoggedIn", user_has_logged_in, request);
        Ok(session)
    }

    /// The session in which a user acts: his newest one, or a new one made without logging in.
    pub(crate) fn acting_session(&self, user_id: &str) -> String {
        let known = {
            let world = self.world();
            world.sessions.values().rev().find(|session| session.user_id == user_id).map(|session| session.id.clone())
        };
        known.unwrap_or_else(|| {
            let roles = self.world().users.get(user_id).map(|user| user.roles.clone()).unwrap_or_default();
            let session = v1::Session { user_id: user_id.to_owned(), roles, ..Default::default() };
            self.create_session(session).map(|session| session.id).unwrap_or_default()
        })
    }

    pub(crate) fn create_access_token(&self, mut token: v1::UserAccessToken) -> Result<v1::UserAccessToken> {
        let user = self.world().user("CreateUserAccessToken", &token.user_id)?.clone();
        if token.description.chars().count() > 255 {
            let id = "model.user_access_token.is_valid.description.app_error";
            let message = "The description is longer than 255 characters.";
            return Err(errors::app("UserAccessToken.IsValid", id, BAD_REQUEST, message));
        }
        token.id = self.new_id();
        token.token = self.new_id();
        token.user_id.clone_from(&user.id);
        token.is_active = true;
        self.world().access_tokens.insert(token.id.clone(), token.clone());
        Ok(token)
    }

    pub(crate) fn revoke_access_token(&self, token_id: &str) -> Result<()> {
        let removed = self.world().access_tokens.shift_remove(token_id);
        removed.map(drop).ok_or_else(|| {
            let id = "app.user_access_token.get_by_user.app_error";
            errors::app("GetUserAccessToken", id, NOT_FOUND, "There is no access token with this id.")
        })
    }
}

/// Web socket connections.
impl Server {
    /// A client connects; he is online then.
    pub(crate) async fn connect(&self, user_id: &str) -> String {
        let id = self.new_id();
        self.world().connections.insert(id.clone(), user_id.to_owned());
        self.set_online(user_id, false);
        let request = v1::OnWebSocketConnectRequest { web_conn_id: id.clone(), user_id: user_id.to_owned() };
        notify!(self, "OnWebSocketConnect", on_web_socket_connect, request);
        id
    }

    /// A client disconnects; with his last connection he is offline.
    pub(crate) async fn disconnect(&self, connection_id: &str) {
        let (user_id, last) = {
            let mut world = self.world();
            let Some(user_id) = world.connections.shift_remove(connection_id) else { return };
            let last = !world.connections.values().any(|owner| *owner == user_id);
            (user_id, last)
        };
        if last {
            self.set_offline(&user_id, false);
        }
        let request = v1::OnWebSocketDisconnectRequest { web_conn_id: connection_id.to_owned(), user_id };
        notify!(self, "OnWebSocketDisconnect", on_web_socket_disconnect, request);
    }

    /// A client sends a message, such as a plugin's web part does.
    pub(crate) async fn websocket_message(
        &self,
        connection_id: &str,
        session_id: &str,
        action: &str,
        data: v1::ValueMap,
    ) -> Result<()> {
        let user_id = self.world().connections.get(connection_id).cloned().ok_or_else(|| {
            let message = "There is no such connection; connect first.";
            errors::app("WebSocket", "api.web_socket.connect.upgrade.app_error", BAD_REQUEST, message)
        })?;
        let session = self.session(session_id).ok();
        let req = v1::WebSocketRequest {
            seq: 1,
            action: action.to_owned(),
            data: data.values,
            session,
            ..Default::default()
        };
        let request =
            v1::WebSocketMessageHasBeenPostedRequest { web_conn_id: connection_id.to_owned(), user_id, req: Some(req) };
        notify!(self, "WebSocketMessageHasBeenPosted", web_socket_message_has_been_posted, request);
        Ok(())
    }
}

fn preference_of((user_id, category, name): &(String, String, String), value: &str) -> v1::Preference {
    v1::Preference { user_id: user_id.clone(), category: category.clone(), name: name.clone(), value: value.to_owned() }
}

fn foreign_preference(place: &str, id: &str, user_id: &str, other: &str) -> mm_proto::ApiError {
    let message = "Preferences of another user cannot be changed here.";
    errors::app_with(place, id, FORBIDDEN, message, format!("userId={user_id}, preference.UserId={other}"))
}
