//! The plugin API: one thin method each, which hands over to the module that knows.
//!
//! To add a method, write its handler in the submodule of its area and add its line to `sync` or `async`; then
//! `UPDATE_COVERAGE=1 cargo test -p mm-sim --test coverage` and `cargo xtask regenerate --only docs`.
//!
//! A method that is in no list, such as one that a new Mattermost brings, keeps the trait's own body, which answers 501. [`COVERAGE`] is
//! made of the same lists, so it cannot say anything else than what the code does.

use std::sync::Arc;

use async_trait::async_trait;
use mm_proto::plugin::v1;
use mm_proto::{ApiError, PluginApi};

use crate::errors;
use crate::events::TraceSide;
use crate::hooks::Caller;
use crate::server::Server;

mod channels;
mod content;
mod groups;
mod integrations;
mod people;
mod posts;
mod properties;
mod shared_channels;
mod system;
mod teams;

/// What one plugin calls.
pub(crate) struct SimApi {
    cx: Cx,
}

/// The server and the plugin that calls it.
#[derive(Clone)]
pub(crate) struct Cx {
    pub(crate) server: Server,
    pub(crate) plugin_id: Arc<str>,
}

impl Cx {
    /// A caller for what this call causes.
    fn caller(&self) -> Caller {
        self.server.caller()
    }
}

impl SimApi {
    pub(crate) fn new(server: Server, plugin_id: &str) -> Self {
        Self { cx: Cx { server, plugin_id: plugin_id.into() } }
    }
}

type Answer<T> = Result<T, ApiError>;

/// Implements the trait by the handlers of the submodules, with a trace around each, and lists the Go names.
macro_rules! plugin_api {
    (
        sync { $($sync:ident $sync_go:literal $sync_request:ident $sync_response:ident $sync_module:ident;)* }
        async { $($async:ident $async_go:literal $async_request:ident $async_response:ident $async_module:ident;)* }
    ) => {
        /// Go names of the API methods that the simulator has; all others answer 501.
        pub const COVERAGE: &[&str] = &[$($sync_go,)* $($async_go,)* "InstallPlugin", "PluginHTTP", "UploadData"];

        #[async_trait]
        impl PluginApi for SimApi {
            $(
                async fn $sync(&self, request: v1::$sync_request) -> Answer<v1::$sync_response> {
                    let span = self.cx.trace($sync_go, &request);
                    let result = $sync_module::$sync(&self.cx, request);
                    self.cx.finish(span, &result);
                    result
                }
            )*
            $(
                async fn $async(&self, request: v1::$async_request) -> Answer<v1::$async_response> {
                    let span = self.cx.trace($async_go, &request);
                    let result = $async_module::$async(&self.cx, request).await;
                    self.cx.finish(span, &result);
                    result
                }
            )*

            async fn plugin_http(
                &self,
                requests: mm_proto::grpc::Parts<v1::PluginHttpRequest>,
            ) -> Answer<mm_proto::grpc::Parts<v1::PluginHttpResponse>> {
                self.cx.server.plugin_http(&self.cx.plugin_id, requests).await
            }

            async fn upload_data(
                &self,
                requests: mm_proto::grpc::Parts<v1::UploadDataRequest>,
            ) -> Answer<v1::UploadDataResponse> {
                self.cx.server.upload_data(&self.cx.caller(), requests).await
            }

            async fn install_plugin(
                &self,
                requests: mm_proto::grpc::Parts<v1::InstallPluginRequest>,
            ) -> Answer<v1::InstallPluginResponse> {
                self.cx.server.install_plugin(requests).await
            }
        }
    };
}

impl Cx {
    fn trace(&self, name: &'static str, request: &dyn std::fmt::Debug) -> Option<crate::bus::TraceSpan> {
        self.server.bus().trace_call(self.server.clock(), TraceSide::Api, &self.plugin_id, name, request)
    }

    fn finish<T: std::fmt::Debug>(&self, span: Option<crate::bus::TraceSpan>, result: &Answer<T>) {
        if span.is_some() {
            self.server.bus().trace_return(self.server.clock(), span, result.as_ref().map_err(errors::text));
        }
    }
}

plugin_api! {
    sync {
        create_channel "CreateChannel" CreateChannelRequest CreateChannelResponse channels;
        get_channel "GetChannel" GetChannelRequest GetChannelResponse channels;
        get_channel_by_name "GetChannelByName" GetChannelByNameRequest GetChannelByNameResponse channels;
        get_channel_by_name_for_team_name "GetChannelByNameForTeamName" GetChannelByNameForTeamNameRequest GetChannelByNameForTeamNameResponse channels;
        get_channels_for_team_for_user "GetChannelsForTeamForUser" GetChannelsForTeamForUserRequest GetChannelsForTeamForUserResponse channels;
        get_channel_stats "GetChannelStats" GetChannelStatsRequest GetChannelStatsResponse channels;
        get_public_channels_for_team "GetPublicChannelsForTeam" GetPublicChannelsForTeamRequest GetPublicChannelsForTeamResponse channels;
        update_channel "UpdateChannel" UpdateChannelRequest UpdateChannelResponse channels;
        search_channels "SearchChannels" SearchChannelsRequest SearchChannelsResponse channels;
        get_channel_member "GetChannelMember" GetChannelMemberRequest GetChannelMemberResponse channels;
        get_channel_members "GetChannelMembers" GetChannelMembersRequest GetChannelMembersResponse channels;
        get_channel_members_by_ids "GetChannelMembersByIds" GetChannelMembersByIdsRequest GetChannelMembersByIdsResponse channels;
        get_channel_members_for_user "GetChannelMembersForUser" GetChannelMembersForUserRequest GetChannelMembersForUserResponse channels;
        update_channel_member_roles "UpdateChannelMemberRoles" UpdateChannelMemberRolesRequest UpdateChannelMemberRolesResponse channels;
        update_channel_member_notifications "UpdateChannelMemberNotifications" UpdateChannelMemberNotificationsRequest UpdateChannelMemberNotificationsResponse channels;
        patch_channel_members_notifications "PatchChannelMembersNotifications" PatchChannelMembersNotificationsRequest PatchChannelMembersNotificationsResponse channels;
        publish_user_typing "PublishUserTyping" PublishUserTypingRequest PublishUserTypingResponse channels;
        get_file_info "GetFileInfo" GetFileInfoRequest GetFileInfoResponse content;
        get_file_infos "GetFileInfos" GetFileInfosRequest GetFileInfosResponse content;
        get_file "GetFile" GetFileRequest GetFileResponse content;
        get_file_link "GetFileLink" GetFileLinkRequest GetFileLinkResponse content;
        read_file "ReadFile" ReadFileRequest ReadFileResponse content;
        copy_file_infos "CopyFileInfos" CopyFileInfosRequest CopyFileInfosResponse content;
        set_file_searchable_content "SetFileSearchableContent" SetFileSearchableContentRequest SetFileSearchableContentResponse content;
        get_emoji "GetEmoji" GetEmojiRequest GetEmojiResponse content;
        get_emoji_by_name "GetEmojiByName" GetEmojiByNameRequest GetEmojiByNameResponse content;
        get_emoji_list "GetEmojiList" GetEmojiListRequest GetEmojiListResponse content;
        get_emoji_image "GetEmojiImage" GetEmojiImageRequest GetEmojiImageResponse content;
        kv_set "KVSet" KvSetRequest KvSetResponse content;
        kv_set_with_expiry "KVSetWithExpiry" KvSetWithExpiryRequest KvSetWithExpiryResponse content;
        kv_set_with_options "KVSetWithOptions" KvSetWithOptionsRequest KvSetWithOptionsResponse content;
        kv_compare_and_set "KVCompareAndSet" KvCompareAndSetRequest KvCompareAndSetResponse content;
        kv_compare_and_delete "KVCompareAndDelete" KvCompareAndDeleteRequest KvCompareAndDeleteResponse content;
        kv_get "KVGet" KvGetRequest KvGetResponse content;
        kv_delete "KVDelete" KvDeleteRequest KvDeleteResponse content;
        kv_delete_all "KVDeleteAll" KvDeleteAllRequest KvDeleteAllResponse content;
        kv_list "KVList" KvListRequest KvListResponse content;
        get_channel_sidebar_categories "GetChannelSidebarCategories" GetChannelSidebarCategoriesRequest GetChannelSidebarCategoriesResponse integrations;
        create_channel_sidebar_category "CreateChannelSidebarCategory" CreateChannelSidebarCategoryRequest CreateChannelSidebarCategoryResponse integrations;
        update_channel_sidebar_categories "UpdateChannelSidebarCategories" UpdateChannelSidebarCategoriesRequest UpdateChannelSidebarCategoriesResponse integrations;
        create_oauth_app "CreateOAuthApp" CreateOAuthAppRequest CreateOAuthAppResponse integrations;
        get_oauth_app "GetOAuthApp" GetOAuthAppRequest GetOAuthAppResponse integrations;
        update_oauth_app "UpdateOAuthApp" UpdateOAuthAppRequest UpdateOAuthAppResponse integrations;
        delete_oauth_app "DeleteOAuthApp" DeleteOAuthAppRequest DeleteOAuthAppResponse integrations;
        create_upload_session "CreateUploadSession" CreateUploadSessionRequest CreateUploadSessionResponse integrations;
        get_upload_session "GetUploadSession" GetUploadSessionRequest GetUploadSessionResponse integrations;
        get_user "GetUser" GetUserRequest GetUserResponse people;
        get_user_by_email "GetUserByEmail" GetUserByEmailRequest GetUserByEmailResponse people;
        get_user_by_username "GetUserByUsername" GetUserByUsernameRequest GetUserByUsernameResponse people;
        get_users "GetUsers" GetUsersRequest GetUsersResponse people;
        get_users_by_ids "GetUsersByIds" GetUsersByIdsRequest GetUsersByIdsResponse people;
        get_users_by_usernames "GetUsersByUsernames" GetUsersByUsernamesRequest GetUsersByUsernamesResponse people;
        get_users_in_team "GetUsersInTeam" GetUsersInTeamRequest GetUsersInTeamResponse people;
        get_users_in_channel "GetUsersInChannel" GetUsersInChannelRequest GetUsersInChannelResponse people;
        search_users "SearchUsers" SearchUsersRequest SearchUsersResponse people;
        update_user "UpdateUser" UpdateUserRequest UpdateUserResponse people;
        delete_user "DeleteUser" DeleteUserRequest DeleteUserResponse people;
        update_user_active "UpdateUserActive" UpdateUserActiveRequest UpdateUserActiveResponse people;
        update_user_roles "UpdateUserRoles" UpdateUserRolesRequest UpdateUserRolesResponse people;
        update_user_auth "UpdateUserAuth" UpdateUserAuthRequest UpdateUserAuthResponse people;
        get_profile_image "GetProfileImage" GetProfileImageRequest GetProfileImageResponse people;
        set_profile_image "SetProfileImage" SetProfileImageRequest SetProfileImageResponse people;
        get_bot "GetBot" GetBotRequest GetBotResponse people;
        get_bots "GetBots" GetBotsRequest GetBotsResponse people;
        patch_bot "PatchBot" PatchBotRequest PatchBotResponse people;
        update_bot_active "UpdateBotActive" UpdateBotActiveRequest UpdateBotActiveResponse people;
        permanent_delete_bot "PermanentDeleteBot" PermanentDeleteBotRequest PermanentDeleteBotResponse people;
        get_user_status "GetUserStatus" GetUserStatusRequest GetUserStatusResponse people;
        get_user_statuses_by_ids "GetUserStatusesByIds" GetUserStatusesByIdsRequest GetUserStatusesByIdsResponse people;
        update_user_status "UpdateUserStatus" UpdateUserStatusRequest UpdateUserStatusResponse people;
        set_user_status_timed_dnd "SetUserStatusTimedDND" SetUserStatusTimedDndRequest SetUserStatusTimedDndResponse people;
        update_user_custom_status "UpdateUserCustomStatus" UpdateUserCustomStatusRequest UpdateUserCustomStatusResponse people;
        remove_user_custom_status "RemoveUserCustomStatus" RemoveUserCustomStatusRequest RemoveUserCustomStatusResponse people;
        get_preference_for_user "GetPreferenceForUser" GetPreferenceForUserRequest GetPreferenceForUserResponse people;
        get_preferences_for_user "GetPreferencesForUser" GetPreferencesForUserRequest GetPreferencesForUserResponse people;
        update_preferences_for_user "UpdatePreferencesForUser" UpdatePreferencesForUserRequest UpdatePreferencesForUserResponse people;
        delete_preferences_for_user "DeletePreferencesForUser" DeletePreferencesForUserRequest DeletePreferencesForUserResponse people;
        get_session "GetSession" GetSessionRequest GetSessionResponse people;
        create_session "CreateSession" CreateSessionRequest CreateSessionResponse people;
        extend_session_expiry "ExtendSessionExpiry" ExtendSessionExpiryRequest ExtendSessionExpiryResponse people;
        revoke_session "RevokeSession" RevokeSessionRequest RevokeSessionResponse people;
        create_user_access_token "CreateUserAccessToken" CreateUserAccessTokenRequest CreateUserAccessTokenResponse people;
        revoke_user_access_token "RevokeUserAccessToken" RevokeUserAccessTokenRequest RevokeUserAccessTokenResponse people;
        has_permission_to "HasPermissionTo" HasPermissionToRequest HasPermissionToResponse people;
        has_permission_to_team "HasPermissionToTeam" HasPermissionToTeamRequest HasPermissionToTeamResponse people;
        has_permission_to_channel "HasPermissionToChannel" HasPermissionToChannelRequest HasPermissionToChannelResponse people;
        roles_grant_permission "RolesGrantPermission" RolesGrantPermissionRequest RolesGrantPermissionResponse people;
        search_posts_in_team "SearchPostsInTeam" SearchPostsInTeamRequest SearchPostsInTeamResponse posts;
        send_ephemeral_post "SendEphemeralPost" SendEphemeralPostRequest SendEphemeralPostResponse posts;
        update_ephemeral_post "UpdateEphemeralPost" UpdateEphemeralPostRequest UpdateEphemeralPostResponse posts;
        delete_ephemeral_post "DeleteEphemeralPost" DeleteEphemeralPostRequest DeleteEphemeralPostResponse posts;
        get_reactions "GetReactions" GetReactionsRequest GetReactionsResponse posts;
        register_property_group "RegisterPropertyGroup" RegisterPropertyGroupRequest RegisterPropertyGroupResponse properties;
        get_property_group "GetPropertyGroup" GetPropertyGroupRequest GetPropertyGroupResponse properties;
        create_property_field "CreatePropertyField" CreatePropertyFieldRequest CreatePropertyFieldResponse properties;
        get_property_field "GetPropertyField" GetPropertyFieldRequest GetPropertyFieldResponse properties;
        get_property_fields "GetPropertyFields" GetPropertyFieldsRequest GetPropertyFieldsResponse properties;
        get_property_field_by_name "GetPropertyFieldByName" GetPropertyFieldByNameRequest GetPropertyFieldByNameResponse properties;
        search_property_fields "SearchPropertyFields" SearchPropertyFieldsRequest SearchPropertyFieldsResponse properties;
        update_property_field "UpdatePropertyField" UpdatePropertyFieldRequest UpdatePropertyFieldResponse properties;
        update_property_fields "UpdatePropertyFields" UpdatePropertyFieldsRequest UpdatePropertyFieldsResponse properties;
        delete_property_field "DeletePropertyField" DeletePropertyFieldRequest DeletePropertyFieldResponse properties;
        count_property_fields "CountPropertyFields" CountPropertyFieldsRequest CountPropertyFieldsResponse properties;
        count_property_fields_for_target "CountPropertyFieldsForTarget" CountPropertyFieldsForTargetRequest CountPropertyFieldsForTargetResponse properties;
        create_property_value "CreatePropertyValue" CreatePropertyValueRequest CreatePropertyValueResponse properties;
        get_property_value "GetPropertyValue" GetPropertyValueRequest GetPropertyValueResponse properties;
        get_property_values "GetPropertyValues" GetPropertyValuesRequest GetPropertyValuesResponse properties;
        search_property_values "SearchPropertyValues" SearchPropertyValuesRequest SearchPropertyValuesResponse properties;
        update_property_value "UpdatePropertyValue" UpdatePropertyValueRequest UpdatePropertyValueResponse properties;
        update_property_values "UpdatePropertyValues" UpdatePropertyValuesRequest UpdatePropertyValuesResponse properties;
        upsert_property_value "UpsertPropertyValue" UpsertPropertyValueRequest UpsertPropertyValueResponse properties;
        upsert_property_values "UpsertPropertyValues" UpsertPropertyValuesRequest UpsertPropertyValuesResponse properties;
        delete_property_value "DeletePropertyValue" DeletePropertyValueRequest DeletePropertyValueResponse properties;
        delete_property_values_for_target "DeletePropertyValuesForTarget" DeletePropertyValuesForTargetRequest DeletePropertyValuesForTargetResponse properties;
        delete_property_values_for_field "DeletePropertyValuesForField" DeletePropertyValuesForFieldRequest DeletePropertyValuesForFieldResponse properties;
        register_command "RegisterCommand" RegisterCommandRequest RegisterCommandResponse system;
        unregister_command "UnregisterCommand" UnregisterCommandRequest UnregisterCommandResponse system;
        create_command "CreateCommand" CreateCommandRequest CreateCommandResponse system;
        get_command "GetCommand" GetCommandRequest GetCommandResponse system;
        update_command "UpdateCommand" UpdateCommandRequest UpdateCommandResponse system;
        delete_command "DeleteCommand" DeleteCommandRequest DeleteCommandResponse system;
        list_commands "ListCommands" ListCommandsRequest ListCommandsResponse system;
        list_custom_commands "ListCustomCommands" ListCustomCommandsRequest ListCustomCommandsResponse system;
        list_plugin_commands "ListPluginCommands" ListPluginCommandsRequest ListPluginCommandsResponse system;
        list_built_in_commands "ListBuiltInCommands" ListBuiltInCommandsRequest ListBuiltInCommandsResponse system;
        open_interactive_dialog "OpenInteractiveDialog" OpenInteractiveDialogRequest OpenInteractiveDialogResponse system;
        load_plugin_configuration "LoadPluginConfiguration" LoadPluginConfigurationRequest LoadPluginConfigurationResponse system;
        get_plugin_config "GetPluginConfig" GetPluginConfigRequest GetPluginConfigResponse system;
        get_config "GetConfig" GetConfigRequest GetConfigResponse system;
        get_unsanitized_config "GetUnsanitizedConfig" GetUnsanitizedConfigRequest GetUnsanitizedConfigResponse system;
        get_bundle_path "GetBundlePath" GetBundlePathRequest GetBundlePathResponse system;
        get_license "GetLicense" GetLicenseRequest GetLicenseResponse system;
        is_enterprise_ready "IsEnterpriseReady" IsEnterpriseReadyRequest IsEnterpriseReadyResponse system;
        get_server_version "GetServerVersion" GetServerVersionRequest GetServerVersionResponse system;
        get_system_install_date "GetSystemInstallDate" GetSystemInstallDateRequest GetSystemInstallDateResponse system;
        get_diagnostic_id "GetDiagnosticId" GetDiagnosticIdRequest GetDiagnosticIdResponse system;
        get_telemetry_id "GetTelemetryId" GetTelemetryIdRequest GetTelemetryIdResponse system;
        get_plugin_id "GetPluginID" GetPluginIdRequest GetPluginIdResponse system;
        get_plugins "GetPlugins" GetPluginsRequest GetPluginsResponse system;
        get_plugin_status "GetPluginStatus" GetPluginStatusRequest GetPluginStatusResponse system;
        disable_plugin "DisablePlugin" DisablePluginRequest DisablePluginResponse system;
        publish_web_socket_event "PublishWebSocketEvent" PublishWebSocketEventRequest PublishWebSocketEventResponse system;
        send_toast_message "SendToastMessage" SendToastMessageRequest SendToastMessageResponse system;
        publish_plugin_cluster_event "PublishPluginClusterEvent" PublishPluginClusterEventRequest PublishPluginClusterEventResponse system;
        register_collection_and_topic "RegisterCollectionAndTopic" RegisterCollectionAndTopicRequest RegisterCollectionAndTopicResponse system;
        send_mail "SendMail" SendMailRequest SendMailResponse system;
        log_debug "LogDebug" LogDebugRequest LogDebugResponse system;
        log_info "LogInfo" LogInfoRequest LogInfoResponse system;
        log_warn "LogWarn" LogWarnRequest LogWarnResponse system;
        log_error "LogError" LogErrorRequest LogErrorResponse system;
        log_audit_rec "LogAuditRec" LogAuditRecRequest LogAuditRecResponse system;
        log_audit_rec_with_level "LogAuditRecWithLevel" LogAuditRecWithLevelRequest LogAuditRecWithLevelResponse system;
        get_cloud_limits "GetCloudLimits" GetCloudLimitsRequest GetCloudLimitsResponse system;
        remove_plugin "RemovePlugin" RemovePluginRequest RemovePluginResponse system;
        create_team "CreateTeam" CreateTeamRequest CreateTeamResponse teams;
        delete_team "DeleteTeam" DeleteTeamRequest DeleteTeamResponse teams;
        get_teams "GetTeams" GetTeamsRequest GetTeamsResponse teams;
        get_team "GetTeam" GetTeamRequest GetTeamResponse teams;
        get_team_by_name "GetTeamByName" GetTeamByNameRequest GetTeamByNameResponse teams;
        search_teams "SearchTeams" SearchTeamsRequest SearchTeamsResponse teams;
        update_team "UpdateTeam" UpdateTeamRequest UpdateTeamResponse teams;
        get_teams_for_user "GetTeamsForUser" GetTeamsForUserRequest GetTeamsForUserResponse teams;
        get_teams_unread_for_user "GetTeamsUnreadForUser" GetTeamsUnreadForUserRequest GetTeamsUnreadForUserResponse teams;
        get_team_stats "GetTeamStats" GetTeamStatsRequest GetTeamStatsResponse teams;
        get_team_icon "GetTeamIcon" GetTeamIconRequest GetTeamIconResponse teams;
        set_team_icon "SetTeamIcon" SetTeamIconRequest SetTeamIconResponse teams;
        remove_team_icon "RemoveTeamIcon" RemoveTeamIconRequest RemoveTeamIconResponse teams;
        get_team_member "GetTeamMember" GetTeamMemberRequest GetTeamMemberResponse teams;
        get_team_members "GetTeamMembers" GetTeamMembersRequest GetTeamMembersResponse teams;
        get_team_members_for_user "GetTeamMembersForUser" GetTeamMembersForUserRequest GetTeamMembersForUserResponse teams;
        update_team_member_roles "UpdateTeamMemberRoles" UpdateTeamMemberRolesRequest UpdateTeamMemberRolesResponse teams;
        create_group "CreateGroup" CreateGroupRequest CreateGroupResponse groups;
        delete_group "DeleteGroup" DeleteGroupRequest DeleteGroupResponse groups;
        delete_group_member "DeleteGroupMember" DeleteGroupMemberRequest DeleteGroupMemberResponse groups;
        delete_group_syncable "DeleteGroupSyncable" DeleteGroupSyncableRequest DeleteGroupSyncableResponse groups;
        get_group "GetGroup" GetGroupRequest GetGroupResponse groups;
        get_group_by_name "GetGroupByName" GetGroupByNameRequest GetGroupByNameResponse groups;
        get_group_by_remote_id "GetGroupByRemoteID" GetGroupByRemoteIdRequest GetGroupByRemoteIdResponse groups;
        get_group_member_users "GetGroupMemberUsers" GetGroupMemberUsersRequest GetGroupMemberUsersResponse groups;
        get_group_syncable "GetGroupSyncable" GetGroupSyncableRequest GetGroupSyncableResponse groups;
        get_group_syncables "GetGroupSyncables" GetGroupSyncablesRequest GetGroupSyncablesResponse groups;
        get_groups "GetGroups" GetGroupsRequest GetGroupsResponse groups;
        get_groups_by_source "GetGroupsBySource" GetGroupsBySourceRequest GetGroupsBySourceResponse groups;
        get_groups_for_user "GetGroupsForUser" GetGroupsForUserRequest GetGroupsForUserResponse groups;
        get_ldap_user_attributes "GetLDAPUserAttributes" GetLdapUserAttributesRequest GetLdapUserAttributesResponse people;
        invite_remote_to_channel "InviteRemoteToChannel" InviteRemoteToChannelRequest InviteRemoteToChannelResponse shared_channels;
        register_plugin_for_shared_channels "RegisterPluginForSharedChannels" RegisterPluginForSharedChannelsRequest RegisterPluginForSharedChannelsResponse shared_channels;
        request_trial_license "RequestTrialLicense" RequestTrialLicenseRequest RequestTrialLicenseResponse system;
        restore_group "RestoreGroup" RestoreGroupRequest RestoreGroupResponse groups;
        share_channel "ShareChannel" ShareChannelRequest ShareChannelResponse shared_channels;
        sync_shared_channel "SyncSharedChannel" SyncSharedChannelRequest SyncSharedChannelResponse shared_channels;
        uninvite_remote_from_channel "UninviteRemoteFromChannel" UninviteRemoteFromChannelRequest UninviteRemoteFromChannelResponse shared_channels;
        unregister_plugin_for_shared_channels "UnregisterPluginForSharedChannels" UnregisterPluginForSharedChannelsRequest UnregisterPluginForSharedChannelsResponse shared_channels;
        unshare_channel "UnshareChannel" UnshareChannelRequest UnshareChannelResponse shared_channels;
        update_group "UpdateGroup" UpdateGroupRequest UpdateGroupResponse groups;
        update_group_syncable "UpdateGroupSyncable" UpdateGroupSyncableRequest UpdateGroupSyncableResponse groups;
        update_shared_channel "UpdateSharedChannel" UpdateSharedChannelRequest UpdateSharedChannelResponse shared_channels;
        update_shared_channel_cursor "UpdateSharedChannelCursor" UpdateSharedChannelCursorRequest UpdateSharedChannelCursorResponse shared_channels;
        upsert_group_member "UpsertGroupMember" UpsertGroupMemberRequest UpsertGroupMemberResponse groups;
        upsert_group_members "UpsertGroupMembers" UpsertGroupMembersRequest UpsertGroupMembersResponse groups;
        upsert_group_syncable "UpsertGroupSyncable" UpsertGroupSyncableRequest UpsertGroupSyncableResponse groups;
    }
    async {
        delete_channel "DeleteChannel" DeleteChannelRequest DeleteChannelResponse channels;
        get_direct_channel "GetDirectChannel" GetDirectChannelRequest GetDirectChannelResponse channels;
        get_group_channel "GetGroupChannel" GetGroupChannelRequest GetGroupChannelResponse channels;
        add_channel_member "AddChannelMember" AddChannelMemberRequest AddChannelMemberResponse channels;
        add_user_to_channel "AddUserToChannel" AddUserToChannelRequest AddUserToChannelResponse channels;
        delete_channel_member "DeleteChannelMember" DeleteChannelMemberRequest DeleteChannelMemberResponse channels;
        upload_file "UploadFile" UploadFileRequest UploadFileResponse content;
        create_user "CreateUser" CreateUserRequest CreateUserResponse people;
        create_bot "CreateBot" CreateBotRequest CreateBotResponse people;
        ensure_bot_user "EnsureBotUser" EnsureBotUserRequest EnsureBotUserResponse people;
        create_post "CreatePost" CreatePostRequest CreatePostResponse posts;
        update_post "UpdatePost" UpdatePostRequest UpdatePostResponse posts;
        delete_post "DeletePost" DeletePostRequest DeletePostResponse posts;
        get_post "GetPost" GetPostRequest GetPostResponse posts;
        get_post_thread "GetPostThread" GetPostThreadRequest GetPostThreadResponse posts;
        get_posts_since "GetPostsSince" GetPostsSinceRequest GetPostsSinceResponse posts;
        get_posts_after "GetPostsAfter" GetPostsAfterRequest GetPostsAfterResponse posts;
        get_posts_before "GetPostsBefore" GetPostsBeforeRequest GetPostsBeforeResponse posts;
        get_posts_for_channel "GetPostsForChannel" GetPostsForChannelRequest GetPostsForChannelResponse posts;
        add_reaction "AddReaction" AddReactionRequest AddReactionResponse posts;
        remove_reaction "RemoveReaction" RemoveReactionRequest RemoveReactionResponse posts;
        search_posts_in_team_for_user "SearchPostsInTeamForUser" SearchPostsInTeamForUserRequest SearchPostsInTeamForUserResponse posts;
        execute_slash_command "ExecuteSlashCommand" ExecuteSlashCommandRequest ExecuteSlashCommandResponse system;
        save_plugin_config "SavePluginConfig" SavePluginConfigRequest SavePluginConfigResponse system;
        save_config "SaveConfig" SaveConfigRequest SaveConfigResponse system;
        send_push_notification "SendPushNotification" SendPushNotificationRequest SendPushNotificationResponse system;
        create_team_member "CreateTeamMember" CreateTeamMemberRequest CreateTeamMemberResponse teams;
        create_team_members "CreateTeamMembers" CreateTeamMembersRequest CreateTeamMembersResponse teams;
        create_team_members_gracefully "CreateTeamMembersGracefully" CreateTeamMembersGracefullyRequest CreateTeamMembersGracefullyResponse teams;
        delete_team_member "DeleteTeamMember" DeleteTeamMemberRequest DeleteTeamMemberResponse teams;
        create_default_syncable_memberships "CreateDefaultSyncableMemberships" CreateDefaultSyncableMembershipsRequest CreateDefaultSyncableMembershipsResponse groups;
        delete_group_constrained_memberships "DeleteGroupConstrainedMemberships" DeleteGroupConstrainedMembershipsRequest DeleteGroupConstrainedMembershipsResponse groups;
        enable_plugin "EnablePlugin" EnablePluginRequest EnablePluginResponse system;
    }
}
