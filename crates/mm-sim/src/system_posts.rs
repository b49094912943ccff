//! The posts that the server itself makes: joins, leaves, additions, removals, changes. They pass the hooks as all posts do.

use mm_proto::plugin::v1;

use crate::errors::{self, INTERNAL, Result};
use crate::events::LogLevel;
use crate::hooks::Caller;
use crate::server::Server;
use crate::{channels, post_types, values};

/// One message of the server: its type, author, text and props.
struct Notice<'a> {
    kind: &'a str,
    author: &'a str,
    text: String,
    props: Vec<(&'a str, String)>,
}

impl Server {
    async fn post_notice(&self, caller: &Caller, channel: &v1::Channel, notice: Notice<'_>) -> Result<()> {
        let props = notice.props.into_iter().map(|(key, value)| (key.to_owned(), values::string(value))).collect();
        let post = v1::Post {
            channel_id: channel.id.clone(),
            user_id: notice.author.to_owned(),
            r#type: notice.kind.to_owned(),
            message: notice.text,
            props,
            ..Default::default()
        };
        self.create_post(caller, post).await.map(drop)
    }

    /// Posts a notice whose failure (a plugin may reject it) changes nothing else.
    async fn post_notice_or_log(&self, caller: &Caller, channel: &v1::Channel, notice: Notice<'_>) {
        if let Err(error) = self.post_notice(caller, channel, notice).await {
            let fields = [("channel_id", channel.id.clone()), ("error", errors::text(&error))];
            self.server_log(LogLevel::Warn, "A system message could not be posted.", fields);
        }
    }

    fn name_and_guest(&self, user_id: &str) -> (String, bool) {
        let world = self.world();
        let guest = world.users.get(user_id).is_some_and(|user| user.roles.contains("system_guest"));
        (world.username(user_id), guest)
    }

    /// A user has joined a channel himself. A plugin that rejects this message makes the whole request fail, as on a real server.
    pub(crate) async fn post_joined_channel(
        &self,
        caller: &Caller,
        user_id: &str,
        channel: &v1::Channel,
    ) -> Result<()> {
        let (name, guest) = self.name_and_guest(user_id);
        let notice = Notice {
            kind: if guest { post_types::GUEST_JOIN_CHANNEL } else { post_types::JOIN_CHANNEL },
            author: user_id,
            text: if guest {
                format!("{name} has joined the channel as a guest.")
            } else {
                format!("{name} has joined the channel.")
            },
            props: vec![("username", name)],
        };
        self.post_notice(caller, channel, notice).await.map_err(|error| {
            errors::app_with(
                "postJoinChannelMessage",
                "api.channel.post_user_add_remove_message_and_forget.error",
                INTERNAL,
                "The message about joining could not be posted.",
                errors::text(&error),
            )
        })
    }

    /// A user is in a default channel now, since he joined the team or was added to it.
    pub(crate) async fn post_joined_default(
        &self,
        caller: &Caller,
        user_id: &str,
        requestor_id: &str,
        channel: &v1::Channel,
    ) -> Result<()> {
        let first = channel.name == channels::DEFAULT_CHANNEL;
        let requestor = self.world().users.get(requestor_id).cloned();
        let (name, _) = self.name_and_guest(user_id);
        let notice = match (first, requestor) {
            (true, None) => Notice {
                kind: post_types::JOIN_TEAM,
                author: user_id,
                text: format!("{name} has joined the team."),
                props: vec![("username", name)],
            },
            (false, None) => {
                self.post_joined_channel(caller, user_id, channel).await.ok();
                return Ok(());
            }
            (true, Some(actor)) => {
                let text = format!("{name} was added to the team by {}.", actor.username);
                let props = added_props(&actor, user_id, &name);
                self.post_notice_or_log(
                    caller,
                    channel,
                    Notice { kind: post_types::ADD_TO_TEAM, author: &actor.id, text, props },
                )
                .await;
                return Ok(());
            }
            (false, Some(actor)) => {
                let user = self.world().user("JoinDefaultChannels", user_id)?.clone();
                self.post_added_to_channel(caller, &actor, &user, channel).await;
                return Ok(());
            }
        };
        self.post_notice_or_log(caller, channel, notice).await;
        Ok(())
    }

    pub(crate) async fn post_added_to_channel(
        &self,
        caller: &Caller,
        actor: &v1::User,
        user: &v1::User,
        channel: &v1::Channel,
    ) {
        let guest = user.roles.contains("system_guest");
        let notice = Notice {
            kind: if guest { post_types::ADD_GUEST_TO_CHANNEL } else { post_types::ADD_TO_CHANNEL },
            author: &actor.id,
            text: format!("{} was added to the channel by {}.", user.username, actor.username),
            props: added_props(actor, &user.id, &user.username),
        };
        self.post_notice_or_log(caller, channel, notice).await;
    }

    pub(crate) async fn post_left_channel(&self, caller: &Caller, user_id: &str, channel: &v1::Channel) {
        let (name, _) = self.name_and_guest(user_id);
        let notice = Notice {
            kind: post_types::LEAVE_CHANNEL,
            author: user_id,
            text: format!("@{name} has left the channel."),
            props: vec![("username", name)],
        };
        self.post_notice_or_log(caller, channel, notice).await;
    }

    pub(crate) async fn post_removed_from_channel(
        &self,
        caller: &Caller,
        remover_id: &str,
        user_id: &str,
        channel: &v1::Channel,
    ) {
        let author = match remover_id {
            "" => self.system_bot(),
            id => Some(id.to_owned()),
        };
        let Some(author) = author else { return };
        let (name, _) = self.name_and_guest(user_id);
        let notice = Notice {
            kind: post_types::REMOVE_FROM_CHANNEL,
            author: &author,
            text: format!("@{name} was removed from the channel."),
            props: vec![("removedUserId", user_id.to_owned()), ("removedUsername", name)],
        };
        self.post_notice_or_log(caller, channel, notice).await;
    }

    pub(crate) async fn post_left_team(&self, team_id: &str, user_id: &str, requestor_id: &str) {
        let channel = {
            let world = self.world();
            world.channel_by_name(team_id, channels::DEFAULT_CHANNEL).map(|entry| entry.channel.clone())
        };
        let Some(channel) = channel else { return };
        let (name, _) = self.name_and_guest(user_id);
        let left = requestor_id == user_id;
        let notice = Notice {
            kind: if left { post_types::LEAVE_TEAM } else { post_types::REMOVE_FROM_TEAM },
            author: user_id,
            text: if left {
                format!("{name} has left the team.")
            } else {
                format!("{name} was removed from the team.")
            },
            props: vec![("username", name)],
        };
        self.post_notice_or_log(&self.caller(), &channel, notice).await;
    }

    /// The channel is about to be archived, by a user or, with an empty id, by the server.
    pub(crate) async fn post_archived(&self, caller: &Caller, user_id: &str, channel: &v1::Channel) {
        let author = match user_id {
            "" => self.system_bot(),
            id => Some(id.to_owned()),
        };
        let Some(author) = author else { return };
        let (name, _) = self.name_and_guest(&author);
        let notice = Notice {
            kind: post_types::CHANNEL_DELETED,
            author: &author,
            text: format!("{name} has archived the channel."),
            props: vec![("username", name)],
        };
        self.post_notice_or_log(caller, channel, notice).await;
    }

    /// A user has changed the header or the purpose of a channel.
    pub(crate) async fn post_text_changed(
        &self,
        caller: &Caller,
        user_id: &str,
        channel: &v1::Channel,
        what: &str,
        (old, new): (&str, &str),
    ) {
        let (name, _) = self.name_and_guest(user_id);
        let text = match (old, new) {
            ("", new) => format!("{name} has set the channel's {what}: {new}"),
            (old, "") => format!("{name} has removed the channel's {what}, which was: {old}"),
            (old, new) => format!("{name} has changed the channel's {what} from: {old} to: {new}"),
        };
        let header = what == "header";
        let (old_key, new_key) = if header { ("old_header", "new_header") } else { ("old_purpose", "new_purpose") };
        let notice = Notice {
            kind: if header { post_types::HEADER_CHANGE } else { post_types::PURPOSE_CHANGE },
            author: user_id,
            text,
            props: vec![("username", name), (old_key, old.to_owned()), (new_key, new.to_owned())],
        };
        self.post_notice_or_log(caller, channel, notice).await;
    }
}

fn added_props<'a>(actor: &v1::User, user_id: &str, name: &str) -> Vec<(&'a str, String)> {
    vec![
        ("userId", actor.id.clone()),
        ("username", actor.username.clone()),
        ("addedUserId", user_id.to_owned()),
        ("addedUsername", name.to_owned()),
    ]
}
