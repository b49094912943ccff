//! Users, bots, statuses, preferences, sessions, access tokens, permissions.

use mm_proto::plugin::v1;

use super::{Answer, Cx};
use crate::errors::{self, BAD_REQUEST};
use crate::users::sanitized;

pub(super) fn get_user(cx: &Cx, r: v1::GetUserRequest) -> Answer<v1::GetUserResponse> {
    let user = cx.server.world().user("GetUser", &r.user_id)?.clone();
    Ok(v1::GetUserResponse { user: Some(sanitized(&user)) })
}

pub(super) fn get_user_by_email(cx: &Cx, r: v1::GetUserByEmailRequest) -> Answer<v1::GetUserByEmailResponse> {
    Ok(v1::GetUserByEmailResponse { user: Some(cx.server.user_by_email(&r.email)?) })
}

pub(super) fn get_user_by_username(cx: &Cx, r: v1::GetUserByUsernameRequest) -> Answer<v1::GetUserByUsernameResponse> {
    Ok(v1::GetUserByUsernameResponse { user: Some(cx.server.user_by_username(&r.name)?) })
}

pub(super) fn get_users(cx: &Cx, r: v1::GetUsersRequest) -> Answer<v1::GetUsersResponse> {
    Ok(v1::GetUsersResponse { users: cx.server.get_users(&r.options.unwrap_or_default()) })
}

pub(super) fn get_users_by_ids(cx: &Cx, r: v1::GetUsersByIdsRequest) -> Answer<v1::GetUsersByIdsResponse> {
    let world = cx.server.world();
    let users = r.user_ids.iter().filter_map(|id| world.users.get(id)).map(|user| sanitized(user)).collect();
    Ok(v1::GetUsersByIdsResponse { users })
}

pub(super) fn get_users_by_usernames(
    cx: &Cx,
    r: v1::GetUsersByUsernamesRequest,
) -> Answer<v1::GetUsersByUsernamesResponse> {
    let world = cx.server.world();
    let mut users: Vec<_> = r.usernames.iter().filter_map(|name| world.user_by_name(name)).collect();
    users.sort_by(|a, b| a.username.cmp(&b.username));
    Ok(v1::GetUsersByUsernamesResponse { users: users.into_iter().map(|user| sanitized(user)).collect() })
}

pub(super) fn get_users_in_team(cx: &Cx, r: v1::GetUsersInTeamRequest) -> Answer<v1::GetUsersInTeamResponse> {
    let here = |world: &crate::world::World, user: &v1::User| world.is_team_member(&r.team_id, &user.id);
    Ok(v1::GetUsersInTeamResponse { users: cx.server.select_users(r.page, r.per_page, here) })
}

pub(super) fn get_users_in_channel(cx: &Cx, r: v1::GetUsersInChannelRequest) -> Answer<v1::GetUsersInChannelResponse> {
    let here = |world: &crate::world::World, user: &v1::User| world.is_channel_member(&r.channel_id, &user.id);
    match r.sort_by.as_str() {
        "username" => Ok(v1::GetUsersInChannelResponse { users: cx.server.select_users(r.page, r.per_page, here) }),
        "status" => {
            let mut users = cx.server.select_users(0, i64::MAX, here);
            let world = cx.server.world();
            let rank = |user: &v1::User| {
                let status = world.statuses.get(&user.id).map(|status| status.status.as_str());
                ["online", "away", "dnd"].iter().position(|known| Some(*known) == status).unwrap_or(3)
            };
            users.sort_by_key(rank);
            let page = crate::users::paged(&users, r.page, r.per_page).to_vec();
            Ok(v1::GetUsersInChannelResponse { users: page })
        }
        _ => Err(errors::app_with(
            "GetUsersInChannel",
            "plugin.api.get_users_in_channel",
            BAD_REQUEST,
            "Sort by username or by status.",
            format!("sort_by={:?}", r.sort_by),
        )),
    }
}

pub(super) fn search_users(cx: &Cx, r: v1::SearchUsersRequest) -> Answer<v1::SearchUsersResponse> {
    Ok(v1::SearchUsersResponse { users: cx.server.search_users(&r.search.unwrap_or_default()) })
}

pub(super) async fn create_user(cx: &Cx, r: v1::CreateUserRequest) -> Answer<v1::CreateUserResponse> {
    let user = cx.server.create_user_with_password(r.user.unwrap_or_default()).await?;
    Ok(v1::CreateUserResponse { user: Some(user) })
}

pub(super) fn update_user(cx: &Cx, r: v1::UpdateUserRequest) -> Answer<v1::UpdateUserResponse> {
    Ok(v1::UpdateUserResponse { user: Some(cx.server.update_user(r.user.unwrap_or_default(), "UpdateUser")?) })
}

pub(super) fn delete_user(cx: &Cx, r: v1::DeleteUserRequest) -> Answer<v1::DeleteUserResponse> {
    cx.server.set_user_active(&r.user_id, false)?;
    Ok(v1::DeleteUserResponse {})
}

pub(super) fn update_user_active(cx: &Cx, r: v1::UpdateUserActiveRequest) -> Answer<v1::UpdateUserActiveResponse> {
    cx.server.set_user_active(&r.user_id, r.active)?;
    Ok(v1::UpdateUserActiveResponse {})
}

pub(super) fn update_user_roles(cx: &Cx, r: v1::UpdateUserRolesRequest) -> Answer<v1::UpdateUserRolesResponse> {
    Ok(v1::UpdateUserRolesResponse { user: Some(cx.server.set_user_roles(&r.user_id, &r.new_roles)?) })
}

pub(super) fn update_user_auth(cx: &Cx, r: v1::UpdateUserAuthRequest) -> Answer<v1::UpdateUserAuthResponse> {
    let auth = r.user_auth.unwrap_or_default();
    let mut world = cx.server.world();
    let user = world.user("UpdateUserAuth", &r.user_id)?.clone();
    let (auth_data, auth_service) = (auth.auth_data.clone(), auth.auth_service.clone());
    world.put_user(v1::User { auth_data, auth_service, ..(*user).clone() });
    Ok(v1::UpdateUserAuthResponse { user_auth: Some(auth) })
}

pub(super) fn get_profile_image(cx: &Cx, r: v1::GetProfileImageRequest) -> Answer<v1::GetProfileImageResponse> {
    Ok(v1::GetProfileImageResponse { result: cx.server.profile_image(&r.user_id)?.into() })
}

pub(super) fn set_profile_image(cx: &Cx, r: v1::SetProfileImageRequest) -> Answer<v1::SetProfileImageResponse> {
    cx.server.set_profile_image(&r.user_id, r.data.to_vec())?;
    Ok(v1::SetProfileImageResponse {})
}

pub(super) async fn create_bot(cx: &Cx, r: v1::CreateBotRequest) -> Answer<v1::CreateBotResponse> {
    let bot = cx.server.create_bot(&cx.plugin_id, r.bot.unwrap_or_default()).await?;
    Ok(v1::CreateBotResponse { bot: Some(bot) })
}

pub(super) async fn ensure_bot_user(cx: &Cx, r: v1::EnsureBotUserRequest) -> Answer<v1::EnsureBotUserResponse> {
    let result = cx.server.ensure_bot(&cx.plugin_id, r.bot.unwrap_or_default()).await?;
    Ok(v1::EnsureBotUserResponse { result })
}

pub(super) fn get_bot(cx: &Cx, r: v1::GetBotRequest) -> Answer<v1::GetBotResponse> {
    Ok(v1::GetBotResponse { bot: Some(cx.server.bot(&r.bot_user_id, r.include_deleted)?) })
}

pub(super) fn get_bots(cx: &Cx, r: v1::GetBotsRequest) -> Answer<v1::GetBotsResponse> {
    Ok(v1::GetBotsResponse { bots: cx.server.bots(&r.options.unwrap_or_default()) })
}

pub(super) fn patch_bot(cx: &Cx, r: v1::PatchBotRequest) -> Answer<v1::PatchBotResponse> {
    let bot = cx.server.patch_bot(&r.bot_user_id, &r.bot_patch.unwrap_or_default())?;
    Ok(v1::PatchBotResponse { bot: Some(bot) })
}

pub(super) fn update_bot_active(cx: &Cx, r: v1::UpdateBotActiveRequest) -> Answer<v1::UpdateBotActiveResponse> {
    Ok(v1::UpdateBotActiveResponse { bot: Some(cx.server.set_bot_active(&r.bot_user_id, r.active)?) })
}

pub(super) fn permanent_delete_bot(
    cx: &Cx,
    r: v1::PermanentDeleteBotRequest,
) -> Answer<v1::PermanentDeleteBotResponse> {
    cx.server.delete_bot(&r.bot_user_id)?;
    Ok(v1::PermanentDeleteBotResponse {})
}

pub(super) fn get_user_status(cx: &Cx, r: v1::GetUserStatusRequest) -> Answer<v1::GetUserStatusResponse> {
    Ok(v1::GetUserStatusResponse { status: Some(cx.server.status(&r.user_id)?) })
}

pub(super) fn get_user_statuses_by_ids(
    cx: &Cx,
    r: v1::GetUserStatusesByIdsRequest,
) -> Answer<v1::GetUserStatusesByIdsResponse> {
    Ok(v1::GetUserStatusesByIdsResponse { statuses: cx.server.statuses(&r.user_ids) })
}

pub(super) fn update_user_status(cx: &Cx, r: v1::UpdateUserStatusRequest) -> Answer<v1::UpdateUserStatusResponse> {
    Ok(v1::UpdateUserStatusResponse { status: Some(cx.server.set_status(&r.user_id, &r.status)?) })
}

pub(super) fn set_user_status_timed_dnd(
    cx: &Cx,
    r: v1::SetUserStatusTimedDndRequest,
) -> Answer<v1::SetUserStatusTimedDndResponse> {
    Ok(v1::SetUserStatusTimedDndResponse { status: Some(cx.server.set_timed_dnd(&r.user_id, r.endtime)?) })
}

pub(super) fn update_user_custom_status(
    cx: &Cx,
    r: v1::UpdateUserCustomStatusRequest,
) -> Answer<v1::UpdateUserCustomStatusResponse> {
    cx.server.set_custom_status(&r.user_id, r.custom_status)?;
    Ok(v1::UpdateUserCustomStatusResponse {})
}

pub(super) fn remove_user_custom_status(
    cx: &Cx,
    r: v1::RemoveUserCustomStatusRequest,
) -> Answer<v1::RemoveUserCustomStatusResponse> {
    cx.server.remove_custom_status(&r.user_id)?;
    Ok(v1::RemoveUserCustomStatusResponse {})
}

pub(super) fn get_preference_for_user(
    cx: &Cx,
    r: v1::GetPreferenceForUserRequest,
) -> Answer<v1::GetPreferenceForUserResponse> {
    let preference = cx.server.preference(&r.user_id, &r.category, &r.name)?;
    Ok(v1::GetPreferenceForUserResponse { preference: Some(preference) })
}

pub(super) fn get_preferences_for_user(
    cx: &Cx,
    r: v1::GetPreferencesForUserRequest,
) -> Answer<v1::GetPreferencesForUserResponse> {
    Ok(v1::GetPreferencesForUserResponse { preferences: cx.server.preferences(&r.user_id) })
}

pub(super) fn update_preferences_for_user(
    cx: &Cx,
    r: v1::UpdatePreferencesForUserRequest,
) -> Answer<v1::UpdatePreferencesForUserResponse> {
    cx.server.save_preferences(&cx.caller(), &r.user_id, r.preferences)?;
    Ok(v1::UpdatePreferencesForUserResponse {})
}

pub(super) fn delete_preferences_for_user(
    cx: &Cx,
    r: v1::DeletePreferencesForUserRequest,
) -> Answer<v1::DeletePreferencesForUserResponse> {
    cx.server.delete_preferences(&r.user_id, &r.preferences)?;
    Ok(v1::DeletePreferencesForUserResponse {})
}

pub(super) fn get_ldap_user_attributes(
    cx: &Cx,
    r: v1::GetLdapUserAttributesRequest,
) -> Answer<v1::GetLdapUserAttributesResponse> {
    Ok(v1::GetLdapUserAttributesResponse { result: cx.server.ldap_attributes(&r.user_id, &r.attributes)? })
}

pub(super) fn get_session(cx: &Cx, r: v1::GetSessionRequest) -> Answer<v1::GetSessionResponse> {
    Ok(v1::GetSessionResponse { session: Some(cx.server.session(&r.session_id)?) })
}

pub(super) fn create_session(cx: &Cx, r: v1::CreateSessionRequest) -> Answer<v1::CreateSessionResponse> {
    Ok(v1::CreateSessionResponse { session: Some(cx.server.create_session(r.session.unwrap_or_default())?) })
}

pub(super) fn extend_session_expiry(
    cx: &Cx,
    r: v1::ExtendSessionExpiryRequest,
) -> Answer<v1::ExtendSessionExpiryResponse> {
    cx.server.extend_session(&r.session_id, r.new_expiry)?;
    Ok(v1::ExtendSessionExpiryResponse {})
}

pub(super) fn revoke_session(cx: &Cx, r: v1::RevokeSessionRequest) -> Answer<v1::RevokeSessionResponse> {
    cx.server.revoke_session(&r.session_id)?;
    Ok(v1::RevokeSessionResponse {})
}

pub(super) fn create_user_access_token(
    cx: &Cx,
    r: v1::CreateUserAccessTokenRequest,
) -> Answer<v1::CreateUserAccessTokenResponse> {
    let token = cx.server.create_access_token(r.token.unwrap_or_default())?;
    Ok(v1::CreateUserAccessTokenResponse { user_access_token: Some(token) })
}

pub(super) fn revoke_user_access_token(
    cx: &Cx,
    r: v1::RevokeUserAccessTokenRequest,
) -> Answer<v1::RevokeUserAccessTokenResponse> {
    cx.server.revoke_access_token(&r.token_id)?;
    Ok(v1::RevokeUserAccessTokenResponse {})
}

fn id_of(permission: Option<v1::Permission>) -> String {
    permission.unwrap_or_default().id
}

pub(super) fn has_permission_to(cx: &Cx, r: v1::HasPermissionToRequest) -> Answer<v1::HasPermissionToResponse> {
    let result = cx.server.world().has_permission_to(&r.user_id, &id_of(r.permission));
    Ok(v1::HasPermissionToResponse { result })
}

pub(super) fn has_permission_to_team(
    cx: &Cx,
    r: v1::HasPermissionToTeamRequest,
) -> Answer<v1::HasPermissionToTeamResponse> {
    let result = cx.server.world().has_permission_to_team(&r.user_id, &r.team_id, &id_of(r.permission));
    Ok(v1::HasPermissionToTeamResponse { result })
}

pub(super) fn has_permission_to_channel(
    cx: &Cx,
    r: v1::HasPermissionToChannelRequest,
) -> Answer<v1::HasPermissionToChannelResponse> {
    let result = cx.server.world().has_permission_to_channel(&r.user_id, &r.channel_id, &id_of(r.permission));
    Ok(v1::HasPermissionToChannelResponse { result })
}

pub(super) fn roles_grant_permission(
    _: &Cx,
    r: v1::RolesGrantPermissionRequest,
) -> Answer<v1::RolesGrantPermissionResponse> {
    let result = crate::permissions::roles_grant(r.role_names.iter().map(String::as_str), &r.permission_id);
    Ok(v1::RolesGrantPermissionResponse { result })
}
