//! All names of the checked-in surface in all languages: a change of the word list shows here what else it changes.

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use mm_codegen::ir::{Field, Ir, Name};
use mm_codegen::{Inputs, names};

fn ir() -> Ir {
    let surface = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../surface");
    let read = |file: &str| fs::read_to_string(surface.join(file)).unwrap();
    mm_codegen::load(&Inputs {
        surface: read("surface.json"),
        older: vec![read("versions/9.8.json")],
        overrides: read("overrides.toml"),
        docs: read("docs.toml"),
        wire_lock: read("wire.lock"),
        allow_missing_docs: false,
    })
    .unwrap_or_else(|it| panic!("{}", common::report(&it)))
}

#[test]
fn every_name_is_as_expected() {
    let ir = ir();
    let mut table = BTreeMap::new();
    let mut add = |name: &Name| {
        let line = format!("{:<44} {:<44} {:<44} {}", name.go, name.snake, name.python, name.rust);
        table.insert(format!("{} {}", name.go, name.snake), line);
    };
    for method in ir.api.iter().chain(&ir.hooks) {
        add(&method.name);
        method.params.iter().chain(&method.results).for_each(|it| add(&it.name));
    }
    ir.messages.values().flat_map(|it| &it.fields).for_each(|it| add(&it.name));
    let mut text = format!("{:<44} {:<44} {:<44} {}\n", "Go", "proto", "Python", "Rust");
    table.values().for_each(|line| writeln!(text, "{line}").unwrap());
    text.push('\n');
    for name in ir.messages.keys().chain(ir.enums.keys()) {
        writeln!(text, "{:<44} {}", name, names::rust_type(name)).unwrap();
    }
    text.push('\n');
    for it in ir.enums.values() {
        for member in &it.members {
            writeln!(text, "{:<60} {}.{}", member.go, it.name.camel, member.name).unwrap();
        }
    }
    let mut failures = Vec::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/names.txt");
    common::compare(&path, Some(&text), &mut failures);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Where Mattermost's JSON keys are words joined by `_`, they say how upstream splits its names. These are the fields where
/// we differ: JSON says something else there, or runs words together.
const DIFFER_FROM_JSON: &[&str] = &[
    "model.AuditEventData.result_state resulting_state",
    "model.AuditEventError.code status_code",
    "model.AuditRecord.event_data event",
    "model.Channel.auto_translation autotranslation",
    "model.ChannelMember.auto_translation_disabled autotranslation_disabled",
    "model.ChannelStats.pinned_post_count pinnedpost_count",
    "model.DialogElement.sub_type subtype",
    "model.DialogElement.multi_select multiselect",
    "model.DialogElement.date_time_config datetime_config",
    "model.EmailNotificationContent.sub_title subtitle",
    "model.Features.elasticsearch elastic_search",
    "model.Features.id_loaded_push_notifications id_loaded",
    "model.FileInfo.creator_id user_id",
    "model.LicenseLimits.call_duration_seconds call_duration",
    "model.MessageAttachment.timestamp ts",
    "model.PushNotification.content_available cont_ava",
    "model.SearchParams.is_hashtag ishashtag",
    "model.SearchParams.time_zone_offset timezone_offset",
    "model.SharedChannel.channel_id id",
    "model.SharedChannel.read_only readonly",
    "model.SharedChannel.share_name name",
    "model.SharedChannel.share_display_name display_name",
    "model.SharedChannel.share_purpose purpose",
    "model.SharedChannel.share_header header",
    "model.SidebarCategoryWithChannels.channels channel_ids",
];

#[test]
fn words_agree_with_the_json_keys() {
    let ir = ir();
    let fields = ir.messages.values().flat_map(|message| message.fields.iter().map(move |it| (message, it)));
    let differs = |field: &Field| {
        let json = field.json.as_deref().unwrap_or_default();
        !json.is_empty() && json.to_lowercase() == json && json != field.name.snake
    };
    let found: Vec<String> = fields
        .filter(|(_, field)| differs(field))
        .map(|(message, field)| format!("{}.{} {}", message.go_type, field.name.snake, field.json.as_deref().unwrap()))
        .collect();
    assert_eq!(found, DIFFER_FROM_JSON);
}
