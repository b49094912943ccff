//! Free values (`any` in Go) made and read, and the JSON texts that web socket events carry.

use std::collections::BTreeMap;

use mm_proto::plugin::v1;
use mm_proto::plugin::v1::value::Kind;
use serde_json::json;

pub(crate) fn value(kind: Kind) -> v1::Value {
    v1::Value { kind: Some(kind) }
}

pub(crate) fn string(text: impl Into<String>) -> v1::Value {
    value(Kind::StringValue(text.into()))
}

pub(crate) fn boolean(truth: bool) -> v1::Value {
    value(Kind::BoolValue(truth))
}

pub(crate) fn int(number: i64) -> v1::Value {
    value(Kind::IntValue(number))
}

pub(crate) fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, v1::Value)>) -> v1::Value {
    let values = entries.into_iter().map(|(key, value)| (key.into(), value)).collect();
    value(Kind::MapValue(v1::ValueMap { values }))
}

fn json_value(value: serde_json::Value) -> v1::Value {
    string(value.to_string())
}

/// The text of a value that is one.
pub(crate) fn as_text(value: &v1::Value) -> Option<&str> {
    match &value.kind {
        Some(Kind::StringValue(text)) => Some(text),
        _ => None,
    }
}

/// A value as people read it in logs.
pub(crate) fn display(value: &v1::Value) -> String {
    match as_text(value) {
        Some(text) => text.to_owned(),
        None => to_json(value).to_string(),
    }
}

/// A value as JSON, in the shape that Go's encoder gives it.
pub(crate) fn to_json(value: &v1::Value) -> serde_json::Value {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => serde_json::Value::Null,
        Some(Kind::BoolValue(truth)) => json!(truth),
        Some(Kind::IntValue(number)) => json!(number),
        Some(Kind::UintValue(number)) => json!(number),
        Some(Kind::DoubleValue(number)) => json!(number),
        Some(Kind::StringValue(text)) => json!(text),
        Some(Kind::BytesValue(bytes)) => {
            use base64::Engine as _;
            json!(base64::engine::general_purpose::STANDARD.encode(bytes))
        }
        Some(Kind::ListValue(list)) => list.values.iter().map(to_json).collect(),
        Some(Kind::MapValue(map)) => map_json(&map.values),
        Some(Kind::MessageAttachments(list)) => list.values.iter().map(attachment_json).collect(),
        Some(Kind::ErrorValue(error)) => json!(error.message),
        Some(Kind::AutocompleteTextArg(arg)) => json!({"Hint": arg.hint, "Pattern": arg.pattern}),
        Some(Kind::AutocompleteDynamicListArg(arg)) => json!({"FetchURL": arg.fetch_url}),
        Some(Kind::AutocompleteStaticListArg(arg)) => {
            let item =
                |it: &v1::AutocompleteListItem| json!({"Item": it.item, "Hint": it.hint, "HelpText": it.help_text});
            json!({"PossibleArguments": arg.possible_arguments.iter().map(item).collect::<Vec<_>>()})
        }
        // They stand in places that no event shows.
        Some(Kind::PreviewPost(_) | Kind::PropertyOptions(_)) => serde_json::Value::Null,
    }
}

pub(crate) fn map_json(map: &BTreeMap<String, v1::Value>) -> serde_json::Value {
    map.iter().map(|(key, value)| (key.clone(), to_json(value))).collect()
}

/// A value from JSON; whole numbers become integers.
pub(crate) fn from_json(json: &serde_json::Value) -> v1::Value {
    match json {
        serde_json::Value::Null => value(Kind::NullValue(0)),
        serde_json::Value::Bool(truth) => boolean(*truth),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => int(number),
            (None, Some(number)) => value(Kind::UintValue(number)),
            (None, None) => value(Kind::DoubleValue(number.as_f64().unwrap_or_default())),
        },
        serde_json::Value::String(text) => string(text),
        serde_json::Value::Array(items) => {
            value(Kind::ListValue(v1::ValueList { values: items.iter().map(from_json).collect() }))
        }
        serde_json::Value::Object(entries) => map(entries.iter().map(|(key, value)| (key, from_json(value)))),
    }
}

/// Turns typed attachments in the props into plain lists and maps, as the real server does before it stores them.
pub(crate) fn make_generic(props: &mut BTreeMap<String, v1::Value>, key: &str) {
    if let Some(value) = props.get_mut(key)
        && matches!(value.kind, Some(Kind::MessageAttachments(_)))
    {
        *value = from_json(&to_json(value));
    }
}

/// Attachments as the prop of a post.
pub(crate) fn attachments(list: &[v1::MessageAttachment]) -> v1::Value {
    from_json(&list.iter().map(attachment_json).collect())
}

fn attachment_json(it: &v1::MessageAttachment) -> serde_json::Value {
    let fields = it
        .fields
        .iter()
        .map(|field| json!({"title": field.title, "value": field.value.as_ref().map(to_json), "short": field.short}));
    let mut json = json!({
        "id": it.id, "fallback": it.fallback, "color": it.color, "pretext": it.pretext, "author_name": it.author_name,
        "author_link": it.author_link, "author_icon": it.author_icon, "title": it.title, "title_link": it.title_link,
        "text": it.text, "fields": fields.collect::<Vec<_>>(), "image_url": it.image_url, "thumb_url": it.thumb_url,
        "footer": it.footer, "footer_icon": it.footer_icon, "ts": it.timestamp.as_ref().map(to_json),
    });
    if !it.actions.is_empty() {
        json["actions"] = it.actions.iter().map(action_json).collect();
    }
    json
}

fn action_json(it: &v1::PostAction) -> serde_json::Value {
    let options: Vec<_> = it.options.iter().map(|option| json!({"text": option.text, "value": option.value})).collect();
    let integration = it.integration.as_ref().map(|it| json!({"url": it.url, "context": map_json(&it.context)}));
    json!({
        "id": it.id, "type": it.r#type, "name": it.name, "disabled": it.disabled, "style": it.style,
        "data_source": it.data_source, "options": options, "default_option": it.default_option, "integration": integration,
    })
}

pub(crate) fn post(it: &v1::Post) -> v1::Value {
    json_value(json!({
        "id": it.id, "create_at": it.create_at, "update_at": it.update_at, "edit_at": it.edit_at, "delete_at": it.delete_at,
        "is_pinned": it.is_pinned, "user_id": it.user_id, "channel_id": it.channel_id, "root_id": it.root_id,
        "original_id": it.original_id, "message": it.message, "type": it.r#type, "props": map_json(&it.props),
        "hashtags": it.hashtags, "file_ids": it.file_ids, "pending_post_id": it.pending_post_id,
        "has_reactions": it.has_reactions, "reply_count": it.reply_count, "last_reply_at": it.last_reply_at,
    }))
}

pub(crate) fn reaction(it: &v1::Reaction) -> v1::Value {
    json_value(json!({
        "user_id": it.user_id, "post_id": it.post_id, "emoji_name": it.emoji_name, "create_at": it.create_at,
        "update_at": it.update_at, "delete_at": it.delete_at, "remote_id": it.remote_id, "channel_id": it.channel_id,
    }))
}

pub(crate) fn channel(it: &v1::Channel) -> v1::Value {
    json_value(json!({
        "id": it.id, "create_at": it.create_at, "update_at": it.update_at, "delete_at": it.delete_at, "team_id": it.team_id,
        "type": it.r#type, "display_name": it.display_name, "name": it.name, "header": it.header, "purpose": it.purpose,
        "last_post_at": it.last_post_at, "total_msg_count": it.total_msg_count, "creator_id": it.creator_id,
        "props": map_json(&it.props), "total_msg_count_root": it.total_msg_count_root,
        "last_root_post_at": it.last_root_post_at,
    }))
}

/// A user travels in events as an object, not as JSON text.
pub(crate) fn user(it: &v1::User) -> v1::Value {
    from_json(&json!({
        "id": it.id, "create_at": it.create_at, "update_at": it.update_at, "delete_at": it.delete_at,
        "username": it.username, "email": it.email, "nickname": it.nickname, "first_name": it.first_name,
        "last_name": it.last_name, "position": it.position, "roles": it.roles, "props": it.props, "locale": it.locale,
        "timezone": it.timezone, "is_bot": it.is_bot,
    }))
}

pub(crate) fn team(it: &v1::Team) -> v1::Value {
    json_value(json!({
        "id": it.id, "create_at": it.create_at, "update_at": it.update_at, "delete_at": it.delete_at,
        "display_name": it.display_name, "name": it.name, "description": it.description, "type": it.r#type,
        "allow_open_invite": it.allow_open_invite, "last_team_icon_update": it.last_team_icon_update,
    }))
}

pub(crate) fn team_member(it: &v1::TeamMember) -> v1::Value {
    json_value(json!({
        "team_id": it.team_id, "user_id": it.user_id, "roles": it.roles, "delete_at": it.delete_at,
        "scheme_guest": it.scheme_guest, "scheme_user": it.scheme_user, "scheme_admin": it.scheme_admin,
        "explicit_roles": it.explicit_roles,
    }))
}

pub(crate) fn channel_member(it: &v1::ChannelMember) -> v1::Value {
    json_value(json!({
        "channel_id": it.channel_id, "user_id": it.user_id, "roles": it.roles, "last_viewed_at": it.last_viewed_at,
        "msg_count": it.msg_count, "mention_count": it.mention_count, "notify_props": it.notify_props,
        "last_update_at": it.last_update_at, "scheme_guest": it.scheme_guest, "scheme_user": it.scheme_user,
        "scheme_admin": it.scheme_admin, "explicit_roles": it.explicit_roles,
    }))
}

pub(crate) fn preferences(list: &[v1::Preference]) -> v1::Value {
    let one = |it: &v1::Preference| json!({"user_id": it.user_id, "category": it.category, "name": it.name, "value": it.value});
    json_value(list.iter().map(one).collect())
}

pub(crate) fn emoji(it: &v1::Emoji) -> v1::Value {
    json_value(json!({
        "id": it.id, "create_at": it.create_at, "update_at": it.update_at, "delete_at": it.delete_at,
        "creator_id": it.creator_id, "name": it.name,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_comes_back_as_it_went() {
        let json = json!({"a": [1, -2, 1.5, "x", true, null], "b": {"c": u64::MAX}});
        assert_eq!(to_json(&from_json(&json)), json);
    }
}
