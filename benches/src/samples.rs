//! The messages that are measured: a user and a post as they are on a server that is in use, about 1 KB each when encoded.

use std::collections::BTreeMap;

use mm_proto::plugin::v1;
use mm_proto::plugin::v1::value::Kind;

/// A user with most fields set, without those that the server gives (id, times).
pub(crate) fn user() -> v1::User {
    v1::User {
        username: "marie.sklodowska".into(),
        password: "Radium-226-and-Polonium-210".into(),
        email: "marie.sklodowska@laboratory.example.com".into(),
        email_verified: true,
        nickname: "Marie".into(),
        first_name: "Maria Salomea".into(),
        last_name: "Skłodowska".into(),
        position: "Head of the laboratory for radioactive substances".into(),
        roles: "system_user".into(),
        props: texts(&[
            (
                "customStatus",
                r#"{"emoji":"microscope","text":"In the laboratory","duration":"today","expires_at":"2026-01-01T18:00:00Z"}"#,
            ),
            ("last_search_pointer", "0"),
            (
                "recentCustomStatuses",
                r#"[{"emoji":"books","text":"Reading"},{"emoji":"train2","text":"On the way to Stockholm"}]"#,
            ),
        ]),
        notify_props: texts(&[
            ("auto_responder_active", "false"),
            ("auto_responder_message", "Hello, I am out of office and unable to respond to messages."),
            ("channel", "true"),
            ("comments", "never"),
            ("desktop", "mention"),
            ("desktop_sound", "true"),
            ("desktop_threads", "all"),
            ("email", "true"),
            ("email_threads", "all"),
            ("first_name", "false"),
            ("mention_keys", "marie,@marie.sklodowska,radium,polonium"),
            ("push", "mention"),
            ("push_status", "online"),
            ("push_threads", "all"),
        ]),
        locale: "fr".into(),
        timezone: texts(&[
            ("automaticTimezone", "Europe/Paris"),
            ("manualTimezone", ""),
            ("useAutomaticTimezone", "true"),
        ]),
        ..v1::User::default()
    }
}

/// What `GetUser` answers when nobody looks it up: for the echo.
pub(crate) fn stored_user() -> v1::User {
    v1::User {
        id: "h5wsm7tykfgd5dqb8s1n9a3xqr".into(),
        create_at: 1_767_258_000_000,
        update_at: 1_767_258_000_001,
        last_password_update: 1_767_258_000_000,
        password: String::new(),
        ..user()
    }
}

/// The arguments of `MessageWillBePosted`.
pub(crate) fn message_will_be_posted() -> v1::MessageWillBePostedRequest {
    let context = v1::Context {
        session_id: "s5wsm7tykfgd5dqb8s1n9a3xqr".into(),
        request_id: "r5wsm7tykfgd5dqb8s1n9a3xqr".into(),
        ip_address: "192.0.2.17".into(),
        accept_language: "fr-FR,fr;q=0.9,en;q=0.8".into(),
        user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into(),
    };
    v1::MessageWillBePostedRequest { context: Some(context), post: Some(post()) }
}

fn post() -> v1::Post {
    let text = |it: &str| v1::Value { kind: Some(Kind::StringValue(it.to_owned())) };
    let props = [
        ("from_webhook", text("true")),
        ("override_username", text("measurements")),
        ("override_icon_url", text("https://laboratory.example.com/icons/measurements.png")),
        ("webhook_display_name", text("Measurements of the laboratory")),
        ("disable_group_highlight", v1::Value { kind: Some(Kind::BoolValue(true)) }),
        ("series", v1::Value { kind: Some(Kind::IntValue(226)) }),
    ];
    v1::Post {
        id: "p5wsm7tykfgd5dqb8s1n9a3xqr".into(),
        create_at: 1_767_258_000_000,
        update_at: 1_767_258_000_000,
        is_pinned: true,
        user_id: "h5wsm7tykfgd5dqb8s1n9a3xqr".into(),
        channel_id: "c5wsm7tykfgd5dqb8s1n9a3xqr".into(),
        root_id: "t5wsm7tykfgd5dqb8s1n9a3xqr".into(),
        message: "The first series is complete: **eight tons of ore**, three years, and a tenth of a gram to show for it. \
                  @pierre, would you check the table below before the meeting of the academy on Monday?\n\n\
                  | sample | current |\n|---|---|\n| pitchblende | 83 |\n| chalcolite | 52 |\n| autunite | 27 |\n#radium #results"
            .into(),
        r#type: "custom_measurement".into(),
        props: props.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        hashtags: "#radium #results".into(),
        file_ids: vec!["f5wsm7tykfgd5dqb8s1n9a3xqr".into(), "g5wsm7tykfgd5dqb8s1n9a3xqr".into()],
        pending_post_id: "h5wsm7tykfgd5dqb8s1n9a3xqr:1767258000000".into(),
        reply_count: 3,
        last_reply_at: 1_767_258_000_000,
        is_following: Some(true),
        ..v1::Post::default()
    }
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[test]
    fn messages_are_about_a_kilobyte() {
        for length in [stored_user().encoded_len(), message_will_be_posted().encoded_len()] {
            assert!((900..1300).contains(&length), "{length}");
        }
    }
}
