//! Teams and their members.

use mm_proto::plugin::v1;

use super::{Answer, Cx};
use crate::users::paged;

pub(super) fn create_team(cx: &Cx, r: v1::CreateTeamRequest) -> Answer<v1::CreateTeamResponse> {
    Ok(v1::CreateTeamResponse { team: Some(cx.server.save_new_team(r.team.unwrap_or_default())?) })
}

pub(super) fn delete_team(cx: &Cx, r: v1::DeleteTeamRequest) -> Answer<v1::DeleteTeamResponse> {
    cx.server.archive_team(&r.team_id)?;
    Ok(v1::DeleteTeamResponse {})
}

pub(super) fn get_teams(cx: &Cx, _: v1::GetTeamsRequest) -> Answer<v1::GetTeamsResponse> {
    Ok(v1::GetTeamsResponse { teams: cx.server.search_teams("") })
}

pub(super) fn get_team(cx: &Cx, r: v1::GetTeamRequest) -> Answer<v1::GetTeamResponse> {
    Ok(v1::GetTeamResponse { team: Some(cx.server.world().team("GetTeam", &r.team_id)?.clone()) })
}

pub(super) fn get_team_by_name(cx: &Cx, r: v1::GetTeamByNameRequest) -> Answer<v1::GetTeamByNameResponse> {
    Ok(v1::GetTeamByNameResponse { team: Some(cx.server.team_by_name(&r.name)?) })
}

pub(super) fn search_teams(cx: &Cx, r: v1::SearchTeamsRequest) -> Answer<v1::SearchTeamsResponse> {
    Ok(v1::SearchTeamsResponse { teams: cx.server.search_teams(&r.term) })
}

pub(super) fn update_team(cx: &Cx, r: v1::UpdateTeamRequest) -> Answer<v1::UpdateTeamResponse> {
    Ok(v1::UpdateTeamResponse { team: Some(cx.server.update_team(r.team.unwrap_or_default())?) })
}

pub(super) fn get_teams_for_user(cx: &Cx, r: v1::GetTeamsForUserRequest) -> Answer<v1::GetTeamsForUserResponse> {
    let world = cx.server.world();
    Ok(v1::GetTeamsForUserResponse { teams: world.teams_of(&r.user_id).into_iter().cloned().collect() })
}

pub(super) fn get_teams_unread_for_user(
    cx: &Cx,
    r: v1::GetTeamsUnreadForUserRequest,
) -> Answer<v1::GetTeamsUnreadForUserResponse> {
    Ok(v1::GetTeamsUnreadForUserResponse { team_unreads: cx.server.team_unreads(&r.user_id) })
}

pub(super) fn get_team_stats(cx: &Cx, r: v1::GetTeamStatsRequest) -> Answer<v1::GetTeamStatsResponse> {
    Ok(v1::GetTeamStatsResponse { team_stats: Some(cx.server.team_stats(&r.team_id)) })
}

pub(super) fn get_team_icon(cx: &Cx, r: v1::GetTeamIconRequest) -> Answer<v1::GetTeamIconResponse> {
    Ok(v1::GetTeamIconResponse { result: cx.server.team_icon(&r.team_id)?.into() })
}

pub(super) fn set_team_icon(cx: &Cx, r: v1::SetTeamIconRequest) -> Answer<v1::SetTeamIconResponse> {
    cx.server.set_team_icon(&r.team_id, Some(r.data.to_vec()))?;
    Ok(v1::SetTeamIconResponse {})
}

pub(super) fn remove_team_icon(cx: &Cx, r: v1::RemoveTeamIconRequest) -> Answer<v1::RemoveTeamIconResponse> {
    cx.server.set_team_icon(&r.team_id, None)?;
    Ok(v1::RemoveTeamIconResponse {})
}

pub(super) async fn create_team_member(
    cx: &Cx,
    r: v1::CreateTeamMemberRequest,
) -> Answer<v1::CreateTeamMemberResponse> {
    let member = cx.server.add_user_to_team(&cx.caller(), &r.team_id, &r.user_id, "").await?;
    Ok(v1::CreateTeamMemberResponse { team_member: Some(member) })
}

pub(super) async fn create_team_members(
    cx: &Cx,
    r: v1::CreateTeamMembersRequest,
) -> Answer<v1::CreateTeamMembersResponse> {
    let added = cx.server.add_users_to_team(&r.team_id, &r.user_ids, &r.requestor_id, false).await?;
    Ok(v1::CreateTeamMembersResponse { team_members: added.into_iter().filter_map(|one| one.member).collect() })
}

pub(super) async fn create_team_members_gracefully(
    cx: &Cx,
    r: v1::CreateTeamMembersGracefullyRequest,
) -> Answer<v1::CreateTeamMembersGracefullyResponse> {
    let added = cx.server.add_users_to_team(&r.team_id, &r.user_ids, &r.requestor_id, true).await?;
    Ok(v1::CreateTeamMembersGracefullyResponse { team_member_with_errors: added })
}

pub(super) async fn delete_team_member(
    cx: &Cx,
    r: v1::DeleteTeamMemberRequest,
) -> Answer<v1::DeleteTeamMemberResponse> {
    cx.server.remove_user_from_team(&r.team_id, &r.user_id, &r.requestor_id).await?;
    Ok(v1::DeleteTeamMemberResponse {})
}

pub(super) fn get_team_member(cx: &Cx, r: v1::GetTeamMemberRequest) -> Answer<v1::GetTeamMemberResponse> {
    Ok(v1::GetTeamMemberResponse { team_member: Some(cx.server.team_member(&r.team_id, &r.user_id)?) })
}

pub(super) fn get_team_members(cx: &Cx, r: v1::GetTeamMembersRequest) -> Answer<v1::GetTeamMembersResponse> {
    let members = cx.server.team_members(|member| member.team_id == r.team_id);
    Ok(v1::GetTeamMembersResponse { team_members: paged(&members, r.page, r.per_page).to_vec() })
}

pub(super) fn get_team_members_for_user(
    cx: &Cx,
    r: v1::GetTeamMembersForUserRequest,
) -> Answer<v1::GetTeamMembersForUserResponse> {
    let members = cx.server.team_members(|member| member.user_id == r.user_id);
    Ok(v1::GetTeamMembersForUserResponse { team_members: paged(&members, r.page, r.per_page).to_vec() })
}

pub(super) fn update_team_member_roles(
    cx: &Cx,
    r: v1::UpdateTeamMemberRolesRequest,
) -> Answer<v1::UpdateTeamMemberRolesResponse> {
    let member = cx.server.set_team_member_roles(&r.team_id, &r.user_id, &r.new_roles)?;
    Ok(v1::UpdateTeamMemberRolesResponse { team_member: Some(member) })
}
