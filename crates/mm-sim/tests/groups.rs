//! Groups, their members, and what links to teams and channels make of memberships.

mod common;

use common::{api, app_error};
use mm_proto::plugin::v1;
use mm_proto::{ApiError, PluginApi};
use mm_sim::Server;

fn custom(name: &str) -> v1::Group {
    v1::Group {
        name: Some(name.into()),
        display_name: name.to_uppercase(),
        source: "custom".into(),
        allow_reference: true,
        ..Default::default()
    }
}

fn own(name: &str) -> v1::Group {
    v1::Group { source: "plugin_test".into(), remote_id: Some(format!("r-{name}")), ..custom(name) }
}

async fn create(api: &dyn PluginApi, group: v1::Group) -> Result<v1::Group, ApiError> {
    let answer = api.create_group(v1::CreateGroupRequest { group: Some(group) }).await?;
    Ok(answer.group.unwrap())
}

async fn add(api: &dyn PluginApi, server: &Server, group: &v1::Group, users: &[&str]) {
    let user_ids = users.iter().map(|name| server.user(name).unwrap().id).collect();
    api.upsert_group_members(v1::UpsertGroupMembersRequest { group_id: group.id.clone(), user_ids }).await.unwrap();
}

async fn names(api: &dyn PluginApi, options: v1::GroupSearchOpts) -> Vec<String> {
    let request = v1::GetGroupsRequest { page: 0, per_page: 10, options: Some(options), view_restrictions: None };
    api.get_groups(request).await.unwrap().groups.into_iter().map(|it| it.display_name).collect()
}

#[tokio::test]
async fn a_group_lives_from_its_making_to_its_restoration() {
    let server = Server::demo();
    let api = api(&server);
    let group = create(&*api, own("devs")).await.unwrap();
    assert_eq!((group.id.len(), group.delete_at, group.has_syncables), (26, 0, false));
    let error = create(&*api, own("devs")).await.unwrap_err();
    assert_eq!(app_error(&error), ("app.custom_group.unique_name", 400));

    let renamed = v1::Group { display_name: "Developers".into(), ..group.clone() };
    api.update_group(v1::UpdateGroupRequest { group: Some(renamed) }).await.unwrap();
    let request = v1::GetGroupByNameRequest { name: "devs".into() };
    assert_eq!(api.get_group_by_name(request).await.unwrap().group.unwrap().display_name, "Developers");
    let remote =
        |id: &str, source: &str| v1::GetGroupByRemoteIdRequest { remote_id: id.into(), group_source: source.into() };
    assert_eq!(api.get_group_by_remote_id(remote("r-devs", "plugin_test")).await.unwrap().group.unwrap().id, group.id);
    assert_eq!(app_error(&api.get_group_by_remote_id(remote("r-devs", "ldap")).await.unwrap_err()).1, 404);

    let delete = v1::DeleteGroupRequest { group_id: group.id.clone() };
    assert!(api.delete_group(delete.clone()).await.unwrap().group.unwrap().delete_at > 0);
    assert_eq!(app_error(&api.delete_group(delete).await.unwrap_err()), ("app.group.no_rows", 404));
    assert_eq!(names(&*api, v1::GroupSearchOpts::default()).await, Vec::<String>::new());
    assert_eq!(names(&*api, v1::GroupSearchOpts { filter_archived: true, ..Default::default() }).await, ["Developers"]);
    let restore = v1::RestoreGroupRequest { group_id: group.id.clone() };
    assert_eq!(api.restore_group(restore.clone()).await.unwrap().group.unwrap().delete_at, 0);
    assert_eq!(app_error(&api.restore_group(restore).await.unwrap_err()).1, 404);
}

#[tokio::test]
async fn a_group_that_breaks_the_rules_is_refused() {
    let server = Server::demo();
    let api = api(&server);
    for (group, id) in [
        (v1::Group { name: None, ..custom("a") }, "model.group.name.app_error"),
        (custom("Big"), "model.group.name.invalid_chars.app_error"),
        (custom("here"), "model.group.name.reserved_name.app_error"),
        (custom(&"x".repeat(65)), "model.group.name.invalid_length.app_error"),
        (v1::Group { display_name: String::new(), ..custom("a") }, "model.group.display_name.app_error"),
        (v1::Group { source: "elsewhere".into(), ..custom("a") }, "model.group.source.app_error"),
        (v1::Group { remote_id: None, ..own("a") }, "model.group.remote_id.app_error"),
        (v1::Group { id: "x".into(), ..custom("a") }, "app.group.id.app_error"),
    ] {
        assert_eq!(app_error(&create(&*api, group).await.unwrap_err()), (id, 400));
    }
}

#[tokio::test]
async fn members_come_and_go() {
    let server = Server::demo();
    let api = api(&server);
    let (devs, all) = (create(&*api, own("devs")).await.unwrap(), create(&*api, custom("everyone")).await.unwrap());
    add(&*api, &server, &devs, &["ben", "anna", "ben"]).await;
    add(&*api, &server, &all, &["anna"]).await;
    let anna = server.user("anna").unwrap();
    let users = async || {
        let request = v1::GetGroupMemberUsersRequest { group_id: devs.id.clone(), page: 0, per_page: 10 };
        let users = api.get_group_member_users(request).await.unwrap().users;
        users.into_iter().map(|it| it.username).collect::<Vec<_>>()
    };
    assert_eq!(users().await, ["anna", "ben"]);
    let groups = async || {
        let request = v1::GetGroupsForUserRequest { user_id: anna.id.clone() };
        api.get_groups_for_user(request).await.unwrap().groups.into_iter().map(|it| it.display_name).collect::<Vec<_>>()
    };
    assert_eq!(groups().await, ["DEVS", "EVERYONE"]);
    let counted = v1::GroupSearchOpts { include_member_count: true, q: "dev".into(), ..Default::default() };
    let request = v1::GetGroupsRequest { page: 0, per_page: 10, options: Some(counted), view_restrictions: None };
    assert_eq!(api.get_groups(request).await.unwrap().groups[0].member_count, Some(2));
    let has_member = v1::GroupSearchOpts { filter_has_member: server.user("ben").unwrap().id, ..Default::default() };
    assert_eq!(names(&*api, has_member).await, ["DEVS"]);

    let leave = v1::DeleteGroupMemberRequest { group_id: devs.id.clone(), user_id: anna.id.clone() };
    assert!(api.delete_group_member(leave.clone()).await.unwrap().group_member.unwrap().delete_at > 0);
    assert_eq!(app_error(&api.delete_group_member(leave).await.unwrap_err()).1, 404);
    assert_eq!(users().await, ["ben"]);
    assert_eq!(groups().await, ["EVERYONE"]);
    let nobody = v1::UpsertGroupMemberRequest { group_id: devs.id.clone(), user_id: "nobody".into() };
    assert_eq!(app_error(&api.upsert_group_member(nobody).await.unwrap_err()).1, 404);
}

fn link(group: &v1::Group, kind: &str, id: &str) -> v1::GroupSyncable {
    v1::GroupSyncable {
        group_id: group.id.clone(),
        syncable_id: id.into(),
        auto_add: true,
        r#type: kind.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn links_bring_members_into_teams_and_channels_and_constraints_throw_others_out() {
    let server = Server::demo();
    let api = api(&server);
    let team = server.create_team("ops", "Operations").await.unwrap();
    let channel = v1::Channel {
        team_id: team.id.clone(),
        name: "alerts".into(),
        display_name: "Alerts".into(),
        r#type: "P".into(),
        ..Default::default()
    };
    let channel =
        api.create_channel(v1::CreateChannelRequest { channel: Some(channel) }).await.unwrap().channel.unwrap();
    let group = create(&*api, own("ops")).await.unwrap();
    add(&*api, &server, &group, &["anna", "ben"]).await;

    let save = v1::UpsertGroupSyncableRequest { group_syncable: Some(link(&group, "Channel", &channel.id)) };
    let saved = api.upsert_group_syncable(save).await.unwrap().group_syncable.unwrap();
    assert_eq!((saved.channel_display_name.as_str(), saved.team_display_name.as_str()), ("Alerts", "Operations"));
    let of_team = v1::GetGroupSyncablesRequest { group_id: group.id.clone(), syncable_type: "Team".into() };
    assert_eq!(api.get_group_syncables(of_team).await.unwrap().group_syncables[0].syncable_id, team.id, "its team too");

    let (anna, ben, carol) = ("anna", "ben", "carol");
    let id = |name: &str| server.user(name).unwrap().id;
    let member = |name: &'static str| {
        let (api, request) =
            (api.clone(), v1::GetChannelMemberRequest { channel_id: channel.id.clone(), user_id: id(name) });
        async move { api.get_channel_member(request).await.is_ok() }
    };
    let params = v1::CreateDefaultMembershipParams::default();
    let create_all = v1::CreateDefaultSyncableMembershipsRequest { params: Some(params.clone()) };
    api.create_default_syncable_memberships(create_all.clone()).await.unwrap();
    assert!(member(anna).await && member(ben).await);
    assert!(!member(carol).await);

    // Who has left stays away unless he is to come back.
    server.act_as("ben").unwrap().leave(&channel.id).await.unwrap();
    api.create_default_syncable_memberships(create_all).await.unwrap();
    assert!(!member(ben).await);
    let again = v1::CreateDefaultMembershipParams { re_add_removed_members: true, ..params };
    let again = v1::CreateDefaultSyncableMembershipsRequest { params: Some(again) };
    api.create_default_syncable_memberships(again).await.unwrap();
    assert!(member(ben).await);

    // A constrained channel keeps members of its groups only.
    let constrained = v1::Channel { group_constrained: Some(true), ..server.channel(&channel.id).unwrap() };
    api.update_channel(v1::UpdateChannelRequest { channel: Some(constrained) }).await.unwrap();
    let leave = v1::DeleteGroupMemberRequest { group_id: group.id.clone(), user_id: id(anna) };
    api.delete_group_member(leave).await.unwrap();
    let clean = v1::DeleteGroupConstrainedMembershipsRequest {};
    api.delete_group_constrained_memberships(clean).await.unwrap();
    assert!(member(ben).await && !member(anna).await);

    let unlink = v1::DeleteGroupSyncableRequest {
        group_id: group.id.clone(),
        syncable_id: team.id.clone(),
        syncable_type: "Team".into(),
    };
    api.delete_group_syncable(unlink.clone()).await.unwrap();
    assert_eq!(app_error(&api.delete_group_syncable(unlink).await.unwrap_err()).1, 404);
    let gone = v1::GetGroupSyncableRequest {
        group_id: group.id.clone(),
        syncable_id: channel.id.clone(),
        syncable_type: "Channel".into(),
    };
    assert_eq!(app_error(&api.get_group_syncable(gone).await.unwrap_err()).1, 404, "with its team");
    let update = v1::UpdateGroupSyncableRequest { group_syncable: Some(link(&group, "Team", &team.id)) };
    assert_eq!(app_error(&api.update_group_syncable(update).await.unwrap_err()).1, 404);
}
