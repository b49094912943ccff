//! Mattermost's names of post types and of post props.

pub(crate) const SYSTEM_PREFIX: &str = "system_";
pub(crate) const EPHEMERAL: &str = "system_ephemeral";
pub(crate) const JOIN_CHANNEL: &str = "system_join_channel";
pub(crate) const GUEST_JOIN_CHANNEL: &str = "system_guest_join_channel";
pub(crate) const LEAVE_CHANNEL: &str = "system_leave_channel";
pub(crate) const ADD_TO_CHANNEL: &str = "system_add_to_channel";
pub(crate) const ADD_GUEST_TO_CHANNEL: &str = "system_add_guest_to_chan";
pub(crate) const REMOVE_FROM_CHANNEL: &str = "system_remove_from_channel";
pub(crate) const JOIN_TEAM: &str = "system_join_team";
pub(crate) const LEAVE_TEAM: &str = "system_leave_team";
pub(crate) const ADD_TO_TEAM: &str = "system_add_to_team";
pub(crate) const REMOVE_FROM_TEAM: &str = "system_remove_from_team";
pub(crate) const HEADER_CHANGE: &str = "system_header_change";
pub(crate) const PURPOSE_CHANGE: &str = "system_purpose_change";
pub(crate) const CHANNEL_DELETED: &str = "system_channel_deleted";
pub(crate) const ADD_BOT: &str = "add_bot_teams_channels";
pub(crate) const ME: &str = "me";

/// All types that a stored post may have, besides those that begin with `custom_`.
pub(crate) const KNOWN: [&str; 32] = [
    "",
    "system_generic",
    "system_join_leave",
    "system_auto_responder",
    "system_add_remove",
    JOIN_CHANNEL,
    GUEST_JOIN_CHANNEL,
    LEAVE_CHANNEL,
    JOIN_TEAM,
    LEAVE_TEAM,
    ADD_TO_CHANNEL,
    ADD_GUEST_TO_CHANNEL,
    REMOVE_FROM_CHANNEL,
    "system_move_channel",
    ADD_TO_TEAM,
    REMOVE_FROM_TEAM,
    "slack_attachment",
    HEADER_CHANGE,
    PURPOSE_CHANGE,
    "system_displayname_change",
    "system_convert_channel",
    CHANNEL_DELETED,
    "system_channel_restored",
    "system_change_chan_privacy",
    ADD_BOT,
    "reminder",
    ME,
    "system_wrangler",
    "system_gm_to_channel",
    "system_autotranslation",
    "burn_on_read",
    "card",
];

/// Whether the server made this post, rather than a person or a plugin.
pub(crate) fn is_system(kind: &str) -> bool {
    kind.starts_with(SYSTEM_PREFIX)
}

/// Joins and leaves: they count neither as messages of a channel nor as unread.
pub(crate) fn is_join_leave(kind: &str) -> bool {
    let kinds = [
        "system_join_leave",
        "system_add_remove",
        JOIN_CHANNEL,
        LEAVE_CHANNEL,
        JOIN_TEAM,
        LEAVE_TEAM,
        ADD_TO_CHANNEL,
        REMOVE_FROM_CHANNEL,
        ADD_TO_TEAM,
        REMOVE_FROM_TEAM,
    ];
    kinds.contains(&kind)
}
