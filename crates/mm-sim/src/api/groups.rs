//! Groups.

use mm_proto::plugin::v1;

use super::{Answer, Cx};

pub(super) fn get_group(cx: &Cx, r: v1::GetGroupRequest) -> Answer<v1::GetGroupResponse> {
    Ok(v1::GetGroupResponse { group: Some(cx.server.group(&r.group_id)?) })
}

pub(super) fn get_group_by_name(cx: &Cx, r: v1::GetGroupByNameRequest) -> Answer<v1::GetGroupByNameResponse> {
    let group = cx.server.find_group("GetGroupByName", |group| group.name.as_ref() == Some(&r.name))?;
    Ok(v1::GetGroupByNameResponse { group: Some(group) })
}

pub(super) fn get_group_by_remote_id(
    cx: &Cx,
    r: v1::GetGroupByRemoteIdRequest,
) -> Answer<v1::GetGroupByRemoteIdResponse> {
    let wanted = |group: &v1::Group| group.remote_id.as_ref() == Some(&r.remote_id) && group.source == r.group_source;
    Ok(v1::GetGroupByRemoteIdResponse { group: Some(cx.server.find_group("GetGroupByRemoteID", wanted)?) })
}

pub(super) fn get_groups(cx: &Cx, r: v1::GetGroupsRequest) -> Answer<v1::GetGroupsResponse> {
    let options = r.options.unwrap_or_default();
    let groups = cx.server.groups(r.page, r.per_page, &options, r.view_restrictions.as_ref());
    Ok(v1::GetGroupsResponse { groups })
}

pub(super) fn get_groups_by_source(cx: &Cx, r: v1::GetGroupsBySourceRequest) -> Answer<v1::GetGroupsBySourceResponse> {
    let groups = cx.server.select_groups(|_, group| group.source == r.group_source);
    Ok(v1::GetGroupsBySourceResponse { groups })
}

pub(super) fn get_groups_for_user(cx: &Cx, r: v1::GetGroupsForUserRequest) -> Answer<v1::GetGroupsForUserResponse> {
    Ok(v1::GetGroupsForUserResponse { groups: cx.server.groups_for_user(&r.user_id) })
}

pub(super) fn create_group(cx: &Cx, r: v1::CreateGroupRequest) -> Answer<v1::CreateGroupResponse> {
    Ok(v1::CreateGroupResponse { group: Some(cx.server.create_group(r.group.unwrap_or_default())?) })
}

pub(super) fn update_group(cx: &Cx, r: v1::UpdateGroupRequest) -> Answer<v1::UpdateGroupResponse> {
    Ok(v1::UpdateGroupResponse { group: Some(cx.server.update_group(r.group.unwrap_or_default())?) })
}

pub(super) fn delete_group(cx: &Cx, r: v1::DeleteGroupRequest) -> Answer<v1::DeleteGroupResponse> {
    Ok(v1::DeleteGroupResponse { group: Some(cx.server.set_group_deleted(&r.group_id, true)?) })
}

pub(super) fn restore_group(cx: &Cx, r: v1::RestoreGroupRequest) -> Answer<v1::RestoreGroupResponse> {
    Ok(v1::RestoreGroupResponse { group: Some(cx.server.set_group_deleted(&r.group_id, false)?) })
}

pub(super) fn get_group_member_users(
    cx: &Cx,
    r: v1::GetGroupMemberUsersRequest,
) -> Answer<v1::GetGroupMemberUsersResponse> {
    let users = cx.server.group_member_users(&r.group_id, r.page, r.per_page)?;
    Ok(v1::GetGroupMemberUsersResponse { users })
}

pub(super) fn upsert_group_member(cx: &Cx, r: v1::UpsertGroupMemberRequest) -> Answer<v1::UpsertGroupMemberResponse> {
    let members = cx.server.add_group_members(&r.group_id, &[r.user_id])?;
    Ok(v1::UpsertGroupMemberResponse { group_member: members.into_iter().next() })
}

pub(super) fn upsert_group_members(
    cx: &Cx,
    r: v1::UpsertGroupMembersRequest,
) -> Answer<v1::UpsertGroupMembersResponse> {
    Ok(v1::UpsertGroupMembersResponse { group_members: cx.server.add_group_members(&r.group_id, &r.user_ids)? })
}

pub(super) fn delete_group_member(cx: &Cx, r: v1::DeleteGroupMemberRequest) -> Answer<v1::DeleteGroupMemberResponse> {
    let member = cx.server.remove_group_member(&r.group_id, &r.user_id)?;
    Ok(v1::DeleteGroupMemberResponse { group_member: Some(member) })
}

pub(super) fn get_group_syncable(cx: &Cx, r: v1::GetGroupSyncableRequest) -> Answer<v1::GetGroupSyncableResponse> {
    let link = cx.server.syncable(&r.group_id, &r.syncable_id, &r.syncable_type)?;
    Ok(v1::GetGroupSyncableResponse { group_syncable: Some(link) })
}

pub(super) fn get_group_syncables(cx: &Cx, r: v1::GetGroupSyncablesRequest) -> Answer<v1::GetGroupSyncablesResponse> {
    let group_syncables = cx.server.syncables(&r.group_id, &r.syncable_type)?;
    Ok(v1::GetGroupSyncablesResponse { group_syncables })
}

pub(super) fn upsert_group_syncable(
    cx: &Cx,
    r: v1::UpsertGroupSyncableRequest,
) -> Answer<v1::UpsertGroupSyncableResponse> {
    let link = cx.server.save_syncable(r.group_syncable.unwrap_or_default())?;
    Ok(v1::UpsertGroupSyncableResponse { group_syncable: Some(link) })
}

pub(super) fn update_group_syncable(
    cx: &Cx,
    r: v1::UpdateGroupSyncableRequest,
) -> Answer<v1::UpdateGroupSyncableResponse> {
    let link = cx.server.update_syncable(r.group_syncable.unwrap_or_default())?;
    Ok(v1::UpdateGroupSyncableResponse { group_syncable: Some(link) })
}

pub(super) fn delete_group_syncable(
    cx: &Cx,
    r: v1::DeleteGroupSyncableRequest,
) -> Answer<v1::DeleteGroupSyncableResponse> {
    let link = cx.server.delete_syncable(&r.group_id, &r.syncable_id, &r.syncable_type)?;
    Ok(v1::DeleteGroupSyncableResponse { group_syncable: Some(link) })
}

pub(super) async fn create_default_syncable_memberships(
    cx: &Cx,
    r: v1::CreateDefaultSyncableMembershipsRequest,
) -> Answer<v1::CreateDefaultSyncableMembershipsResponse> {
    cx.server.create_memberships(&cx.caller(), &r.params.unwrap_or_default()).await?;
    Ok(v1::CreateDefaultSyncableMembershipsResponse {})
}

pub(super) async fn delete_group_constrained_memberships(
    cx: &Cx,
    _: v1::DeleteGroupConstrainedMembershipsRequest,
) -> Answer<v1::DeleteGroupConstrainedMembershipsResponse> {
    cx.server.delete_memberships(&cx.caller()).await?;
    Ok(v1::DeleteGroupConstrainedMembershipsResponse {})
}
