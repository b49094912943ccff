//! Teams, channels, members, roles and permissions.

mod common;

use common::{Answers, anna, api, app_error, start};
use mm_proto::plugin::v1;
use mm_sim::Server;

#[tokio::test]
async fn joining_a_team_brings_its_default_channels_and_says_so() {
    let records = vec!["UserHasJoinedTeam", "UserHasJoinedChannel", "UserHasBeenCreated"];
    let (server, plugin) = start(Answers { records, ..Default::default() }).await;
    let dora = server.create_user("dora").await.unwrap();
    let team = server.team("dev").unwrap();
    server.add_to_team(&team.id, &dora.id).await.unwrap();
    server.settle().await;
    let mut calls = plugin.take();
    calls.sort();
    // No UserHasJoinedChannel for default channels, as on a real server.
    assert_eq!(calls, ["UserHasBeenCreated dora", "UserHasJoinedTeam by nobody"]);
    let actor = server.act_as("dora").unwrap();
    let names: Vec<_> = actor.channels().into_iter().map(|view| view.channel.name).collect();
    assert_eq!(names, ["off-topic", "town-square"]);
    let square = actor.channel("town-square").unwrap();
    let last = actor.read(&square.id, 1).await.unwrap().remove(0);
    assert_eq!((last.r#type.as_str(), last.user_id), ("system_join_team", dora.id));
}

#[tokio::test]
async fn making_a_channel_joins_its_maker_as_administrator() {
    let (server, plugin) = start(Answers { records: vec!["ChannelHasBeenCreated"], ..Default::default() }).await;
    let anna = anna(&server);
    let team_id = server.team("dev").unwrap().id;
    let channel = anna.create_channel(&team_id, "plans", "Plans", true).await.unwrap();
    server.settle().await;
    assert_eq!(plugin.take(), ["ChannelHasBeenCreated P"]);
    let request = v1::GetChannelMemberRequest { channel_id: channel.id.clone(), user_id: anna.user_id().into() };
    let member = api(&server).get_channel_member(request).await.unwrap().channel_member.unwrap();
    assert_eq!(member.roles, "channel_user channel_admin");
    let error = anna.create_channel(&team_id, "plans", "", false).await.unwrap_err();
    assert_eq!(app_error(&error), ("store.sql_channel.save_channel.exists.app_error", 400));
    let error = anna.create_channel(&team_id, "Big Plans", "", false).await.unwrap_err();
    assert_eq!(app_error(&error), ("model.channel.is_valid.1_or_more.app_error", 400));
}

#[tokio::test]
async fn private_channels_are_for_members_only() {
    let server = Server::demo();
    let (anna, ben) = (anna(&server), server.act_as("ben").unwrap());
    let team_id = server.team("dev").unwrap().id;
    let channel = anna.create_channel(&team_id, "secret", "Secret", true).await.unwrap();
    assert_eq!(app_error(&ben.channel("secret").unwrap_err()).1, 404);
    assert_eq!(
        app_error(&ben.join(&channel.id).await.unwrap_err()).0,
        "api.channel.join_channel.permissions.app_error"
    );
    assert_eq!(app_error(&ben.read(&channel.id, 1).await.unwrap_err()).1, 403);
    assert_eq!(app_error(&ben.post(&channel.id, "x").await.unwrap_err()).1, 403);
    anna.invite(&channel.id, ben.user_id()).await.unwrap();
    ben.post(&channel.id, "x").await.unwrap();
}

#[tokio::test]
async fn who_joins_and_leaves_is_told_with_the_actor() {
    let records = vec!["UserHasJoinedChannel", "UserHasLeftChannel"];
    let (server, plugin) = start(Answers { records, ..Default::default() }).await;
    let (anna, ben) = (anna(&server), server.act_as("ben").unwrap());
    let team_id = server.team("dev").unwrap().id;
    let channel = anna.create_channel(&team_id, "club", "Club", false).await.unwrap();
    let mut steps = Vec::new();
    ben.join(&channel.id).await.unwrap();
    server.settle().await;
    steps.extend(plugin.take());
    ben.leave(&channel.id).await.unwrap();
    server.settle().await;
    steps.extend(plugin.take());
    anna.invite(&channel.id, ben.user_id()).await.unwrap();
    server.settle().await;
    steps.extend(plugin.take());
    anna.remove(&channel.id, ben.user_id()).await.unwrap();
    server.settle().await;
    steps.extend(plugin.take());
    assert_eq!(
        steps,
        [
            "UserHasJoinedChannel by nobody",
            "UserHasLeftChannel by ben",
            "UserHasJoinedChannel by anna",
            "UserHasLeftChannel by anna",
        ]
    );
    let types: Vec<_> = anna.read(&channel.id, 10).await.unwrap().into_iter().map(|post| post.r#type).collect();
    let expected = ["join", "join", "leave", "add_to", "remove_from"].map(|what| match what {
        "join" | "leave" => format!("system_{what}_channel"),
        _ => format!("system_{what}_channel"),
    });
    assert_eq!(types, expected);
}

#[tokio::test]
async fn the_default_channel_cannot_be_left_or_archived() {
    let server = Server::demo();
    let square = anna(&server).channel("town-square").unwrap();
    let error = anna(&server).leave(&square.id).await.unwrap_err();
    assert_eq!(app_error(&error), ("api.channel.remove.default.app_error", 400));
    let error = server.act_as("admin").unwrap().archive(&square.id).await.unwrap_err();
    assert_eq!(app_error(&error), ("api.channel.delete_channel.cannot.app_error", 400));
}

#[tokio::test]
async fn archived_channels_take_no_posts() {
    let server = Server::demo();
    let anna = anna(&server);
    let team_id = server.team("dev").unwrap().id;
    let channel = anna.create_channel(&team_id, "old", "Old", false).await.unwrap();
    anna.archive(&channel.id).await.unwrap();
    let error = anna.post(&channel.id, "x").await.unwrap_err();
    assert_eq!(app_error(&error), ("api.post.create_post.can_not_post_to_deleted.error", 400));
    let find =
        |include_deleted| v1::GetChannelByNameRequest { team_id: team_id.clone(), name: "old".into(), include_deleted };
    assert!(api(&server).get_channel_by_name(find(true)).await.is_ok());
    let error = api(&server).get_channel_by_name(find(false)).await.unwrap_err();
    assert_eq!(app_error(&error), ("app.channel.get_by_name.missing.app_error", 404));
}

#[tokio::test]
async fn a_plugin_may_refuse_members_and_archiving() {
    let answers = Answers {
        will_join_channel: Some(Box::new(|_| (None, "full".into()))),
        will_archive: Some(Box::new(|channel| if channel.name == "kept" { "needed".into() } else { String::new() })),
        ..Default::default()
    };
    let (server, _) = start(answers).await;
    let (anna, ben) = (anna(&server), server.act_as("ben").unwrap());
    let team_id = server.team("dev").unwrap().id;
    let channel = anna.create_channel(&team_id, "kept", "Kept", false).await.unwrap();
    let error = ben.join(&channel.id).await.unwrap_err();
    assert_eq!(app_error(&error), ("app.channel.add_user.to.channel.rejected_by_plugin", 400));
    let error = anna.archive(&channel.id).await.unwrap_err();
    assert_eq!(app_error(&error), ("app.channel.delete_channel.rejected_by_plugin", 400));
}

#[tokio::test]
async fn a_plugin_may_change_or_refuse_team_members() {
    let answers = Answers {
        will_join_team: Some(Box::new(|mut member| {
            member.scheme_admin = true;
            (Some(member), String::new())
        })),
        ..Default::default()
    };
    let (server, _) = start(answers).await;
    let dora = server.create_user("dora").await.unwrap();
    let member = server.add_to_team(&server.team("dev").unwrap().id, &dora.id).await.unwrap();
    assert_eq!(member.roles, "team_user team_admin");
}

#[tokio::test]
async fn direct_channels_are_made_once_and_named_by_both_ids() {
    let (server, plugin) = start(Answers { records: vec!["ChannelHasBeenCreated"], ..Default::default() }).await;
    let (anna, ben) = (anna(&server), server.act_as("ben").unwrap());
    let channel = anna.direct(ben.user_id()).await.unwrap();
    assert_eq!(ben.direct(anna.user_id()).await.unwrap().id, channel.id);
    server.settle().await;
    assert_eq!(plugin.take(), ["ChannelHasBeenCreated D"]);
    let mut ids = [anna.user_id(), ben.user_id()];
    ids.sort_unstable();
    assert_eq!(channel.name, ids.join("__"));
    assert_eq!(anna.channels().last().unwrap().display_name, "ben");
    assert_eq!(anna.channel("@ben").unwrap().id, channel.id);
    let error = anna.leave(&channel.id).await.unwrap_err();
    assert_eq!(app_error(&error), ("api.channel.leave.direct.app_error", 400));
}

#[tokio::test]
async fn group_channels_have_three_to_eight_members() {
    let server = Server::demo();
    let anna = anna(&server);
    let ids: Vec<_> = ["ben", "carol"].map(|name| server.user(name).unwrap().id).into();
    let channel = anna.group(&ids).await.unwrap();
    assert_eq!((channel.r#type.as_str(), channel.name.len()), ("G", 40));
    assert_eq!(channel.display_name, "anna, ben, carol");
    assert_eq!(anna.group(&ids).await.unwrap().id, channel.id);
    let error = anna.group(&ids[..1]).await.unwrap_err();
    assert_eq!(app_error(&error), ("api.channel.create_group.bad_size.app_error", 400));
}

#[tokio::test]
async fn roles_of_members_can_be_set() {
    let server = Server::demo();
    let api = api(&server);
    let (team_id, user_id) = (server.team("dev").unwrap().id, server.user("ben").unwrap().id);
    let set = |roles: &str| v1::UpdateTeamMemberRolesRequest {
        team_id: team_id.clone(),
        user_id: user_id.clone(),
        new_roles: roles.into(),
    };
    let member = api.update_team_member_roles(set("team_user team_admin")).await.unwrap().team_member.unwrap();
    assert!(member.scheme_admin);
    let may = |permission: &str| v1::HasPermissionToTeamRequest {
        user_id: user_id.clone(),
        team_id: team_id.clone(),
        permission: Some(v1::Permission { id: permission.into(), ..Default::default() }),
    };
    assert!(api.has_permission_to_team(may("manage_team")).await.unwrap().result);
    api.update_team_member_roles(set("team_user")).await.unwrap();
    assert!(!api.has_permission_to_team(may("manage_team")).await.unwrap().result);
    let error = api.update_team_member_roles(set("channel_admin")).await.unwrap_err();
    assert_eq!(app_error(&error), ("api.channel.update_team_member_roles.scheme_role.app_error", 400));
    let error = api.update_team_member_roles(set("team_guest")).await.unwrap_err();
    assert_eq!(app_error(&error), ("api.channel.update_team_member_roles.changing_guest_role.app_error", 400));
}

#[tokio::test]
async fn leaving_a_team_leaves_its_channels() {
    let (server, plugin) = start(Answers { records: vec!["UserHasLeftTeam"], ..Default::default() }).await;
    let (team_id, ben) = (server.team("dev").unwrap().id, server.act_as("ben").unwrap());
    let request = v1::DeleteTeamMemberRequest {
        team_id: team_id.clone(),
        user_id: ben.user_id().into(),
        requestor_id: anna(&server).user_id().into(),
    };
    api(&server).delete_team_member(request.clone()).await.unwrap();
    server.settle().await;
    assert_eq!(plugin.take(), ["UserHasLeftTeam by anna"]);
    assert!(ben.channels().is_empty());
    let member = v1::GetTeamMemberRequest { team_id, user_id: ben.user_id().into() };
    assert!(api(&server).get_team_member(member).await.unwrap().team_member.unwrap().delete_at > 0);
}

#[tokio::test]
async fn headers_change_with_a_message() {
    let server = Server::demo();
    let anna = anna(&server);
    let topic = anna.channel("off-topic").unwrap();
    assert_eq!(anna.set_header(&topic.id, "Fun only").await.unwrap().header, "Fun only");
    let last = anna.read(&topic.id, 1).await.unwrap().remove(0);
    assert_eq!(last.r#type, "system_header_change");
}

#[tokio::test]
async fn teams_have_unique_plain_names() {
    let server = Server::demo();
    for (name, id) in [
        ("dev", "app.team.save.existing.app_error"),
        ("a", "model.team.is_valid.characters.app_error"),
        ("admin-team", "model.team.is_valid.reserved.app_error"),
    ] {
        assert_eq!(app_error(&server.create_team(name, "X").await.unwrap_err()), (id, 400), "{name}");
    }
    let team = server.create_team("ops", "Operations").await.unwrap();
    let request = v1::GetPublicChannelsForTeamRequest { team_id: team.id, page: 0, per_page: 10 };
    let channels = api(&server).get_public_channels_for_team(request).await.unwrap().channels;
    assert_eq!(channels.iter().map(|channel| channel.name.as_str()).collect::<Vec<_>>(), ["off-topic", "town-square"]);
}
