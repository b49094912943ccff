//! Channels and their members.

use mm_proto::plugin::v1;

use super::{Answer, Cx};

pub(super) fn create_channel(cx: &Cx, r: v1::CreateChannelRequest) -> Answer<v1::CreateChannelResponse> {
    let channel = cx.server.create_channel(&cx.caller(), r.channel.unwrap_or_default())?;
    Ok(v1::CreateChannelResponse { channel: Some(channel) })
}

pub(super) async fn delete_channel(cx: &Cx, r: v1::DeleteChannelRequest) -> Answer<v1::DeleteChannelResponse> {
    cx.server.archive_channel(&cx.caller(), &r.channel_id, "").await?;
    Ok(v1::DeleteChannelResponse {})
}

pub(super) fn get_channel(cx: &Cx, r: v1::GetChannelRequest) -> Answer<v1::GetChannelResponse> {
    let channel = cx.server.world().channel("GetChannel", &r.channel_id)?.channel.clone();
    Ok(v1::GetChannelResponse { channel: Some(channel) })
}

pub(super) fn get_channel_by_name(cx: &Cx, r: v1::GetChannelByNameRequest) -> Answer<v1::GetChannelByNameResponse> {
    let channel = cx.server.channel_by_name("GetChannelByName", &r.team_id, &r.name, r.include_deleted)?;
    Ok(v1::GetChannelByNameResponse { channel: Some(channel) })
}

pub(super) fn get_channel_by_name_for_team_name(
    cx: &Cx,
    r: v1::GetChannelByNameForTeamNameRequest,
) -> Answer<v1::GetChannelByNameForTeamNameResponse> {
    let channel = cx.server.channel_by_team_name(&r.team_name, &r.channel_name, r.include_deleted)?;
    Ok(v1::GetChannelByNameForTeamNameResponse { channel: Some(channel) })
}

pub(super) fn get_channels_for_team_for_user(
    cx: &Cx,
    r: v1::GetChannelsForTeamForUserRequest,
) -> Answer<v1::GetChannelsForTeamForUserResponse> {
    let channels = cx.server.channels_for_user(&r.team_id, &r.user_id, r.include_deleted)?;
    Ok(v1::GetChannelsForTeamForUserResponse { channels })
}

pub(super) fn get_channel_stats(cx: &Cx, r: v1::GetChannelStatsRequest) -> Answer<v1::GetChannelStatsResponse> {
    Ok(v1::GetChannelStatsResponse { channel_stats: Some(cx.server.channel_stats(&r.channel_id)) })
}

pub(super) fn get_public_channels_for_team(
    cx: &Cx,
    r: v1::GetPublicChannelsForTeamRequest,
) -> Answer<v1::GetPublicChannelsForTeamResponse> {
    let channels = cx.server.public_channels(&r.team_id, r.page, r.per_page);
    Ok(v1::GetPublicChannelsForTeamResponse { channels })
}

pub(super) async fn get_direct_channel(
    cx: &Cx,
    r: v1::GetDirectChannelRequest,
) -> Answer<v1::GetDirectChannelResponse> {
    let channel = cx.server.direct_channel(&cx.caller(), &r.user_id1, &r.user_id2).await?;
    Ok(v1::GetDirectChannelResponse { channel: Some(channel) })
}

pub(super) async fn get_group_channel(cx: &Cx, r: v1::GetGroupChannelRequest) -> Answer<v1::GetGroupChannelResponse> {
    let channel = cx.server.group_channel(&cx.caller(), &r.user_ids).await?;
    Ok(v1::GetGroupChannelResponse { channel: Some(channel) })
}

pub(super) fn update_channel(cx: &Cx, r: v1::UpdateChannelRequest) -> Answer<v1::UpdateChannelResponse> {
    Ok(v1::UpdateChannelResponse { channel: Some(cx.server.update_channel(r.channel.unwrap_or_default())?) })
}

pub(super) fn search_channels(cx: &Cx, r: v1::SearchChannelsRequest) -> Answer<v1::SearchChannelsResponse> {
    Ok(v1::SearchChannelsResponse { channels: cx.server.search_channels(&r.team_id, &r.term) })
}

pub(super) async fn add_channel_member(
    cx: &Cx,
    r: v1::AddChannelMemberRequest,
) -> Answer<v1::AddChannelMemberResponse> {
    let member = cx.server.add_channel_member(&cx.caller(), &r.channel_id, &r.user_id, "").await?;
    Ok(v1::AddChannelMemberResponse { channel_member: Some(member) })
}

pub(super) async fn add_user_to_channel(
    cx: &Cx,
    r: v1::AddUserToChannelRequest,
) -> Answer<v1::AddUserToChannelResponse> {
    let member = cx.server.add_channel_member(&cx.caller(), &r.channel_id, &r.user_id, &r.as_user_id).await?;
    Ok(v1::AddUserToChannelResponse { channel_member: Some(member) })
}

pub(super) async fn delete_channel_member(
    cx: &Cx,
    r: v1::DeleteChannelMemberRequest,
) -> Answer<v1::DeleteChannelMemberResponse> {
    cx.server.leave_channel(&cx.caller(), &r.channel_id, &r.user_id).await?;
    Ok(v1::DeleteChannelMemberResponse {})
}

pub(super) fn get_channel_member(cx: &Cx, r: v1::GetChannelMemberRequest) -> Answer<v1::GetChannelMemberResponse> {
    let member = cx.server.channel_member(&r.channel_id, &r.user_id)?;
    Ok(v1::GetChannelMemberResponse { channel_member: Some(member) })
}

pub(super) fn get_channel_members(cx: &Cx, r: v1::GetChannelMembersRequest) -> Answer<v1::GetChannelMembersResponse> {
    let channel_members = cx.server.channel_members(&r.channel_id, r.page, r.per_page);
    Ok(v1::GetChannelMembersResponse { channel_members })
}

pub(super) fn get_channel_members_by_ids(
    cx: &Cx,
    r: v1::GetChannelMembersByIdsRequest,
) -> Answer<v1::GetChannelMembersByIdsResponse> {
    let channel_members = cx.server.channel_members_by_ids(&r.channel_id, &r.user_ids);
    Ok(v1::GetChannelMembersByIdsResponse { channel_members })
}

pub(super) fn get_channel_members_for_user(
    cx: &Cx,
    r: v1::GetChannelMembersForUserRequest,
) -> Answer<v1::GetChannelMembersForUserResponse> {
    // The real server ignores the team as well.
    let channel_members = cx.server.memberships(&r.user_id, r.page, r.per_page);
    Ok(v1::GetChannelMembersForUserResponse { channel_members })
}

pub(super) fn update_channel_member_roles(
    cx: &Cx,
    r: v1::UpdateChannelMemberRolesRequest,
) -> Answer<v1::UpdateChannelMemberRolesResponse> {
    let member = cx.server.set_channel_member_roles(&r.channel_id, &r.user_id, &r.new_roles)?;
    Ok(v1::UpdateChannelMemberRolesResponse { channel_member: Some(member) })
}

pub(super) fn update_channel_member_notifications(
    cx: &Cx,
    r: v1::UpdateChannelMemberNotificationsRequest,
) -> Answer<v1::UpdateChannelMemberNotificationsResponse> {
    let member = cx.server.set_channel_member_notify(&r.channel_id, &r.user_id, &r.notifications)?;
    Ok(v1::UpdateChannelMemberNotificationsResponse { channel_member: Some(member) })
}

pub(super) fn patch_channel_members_notifications(
    cx: &Cx,
    r: v1::PatchChannelMembersNotificationsRequest,
) -> Answer<v1::PatchChannelMembersNotificationsResponse> {
    const MOST: usize = 200;
    if r.members.len() > MOST {
        return Err(crate::errors::app(
            "PatchChannelMembersNotifyProps",
            "app.channel.patch_channel_members_notify_props.too_many",
            crate::errors::BAD_REQUEST,
            format!("At most {MOST} members can be changed at once."),
        ));
    }
    for member in &r.members {
        // Who is no member is passed over, as the real server's statement does.
        if cx.server.channel_member(&member.channel_id, &member.user_id).is_ok() {
            cx.server.set_channel_member_notify(&member.channel_id, &member.user_id, &r.notify_props)?;
        }
    }
    Ok(v1::PatchChannelMembersNotificationsResponse {})
}

pub(super) fn publish_user_typing(cx: &Cx, r: v1::PublishUserTypingRequest) -> Answer<v1::PublishUserTypingResponse> {
    cx.server.publish_typing(&r.user_id, &r.channel_id, &r.parent_id);
    Ok(v1::PublishUserTypingResponse {})
}
