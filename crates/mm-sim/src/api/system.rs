//! The server itself: commands, configuration, plugins, events, logs, mail.

use mm_proto::plugin::v1;

use super::{Answer, Cx};
use crate::errors::{self, BAD_REQUEST};
use crate::events::{Audience, LogLevel, Subject};
use crate::{builtin, values};

pub(super) fn register_command(cx: &Cx, r: v1::RegisterCommandRequest) -> Answer<v1::RegisterCommandResponse> {
    cx.server.register_command(&cx.plugin_id, r.command.unwrap_or_default())?;
    Ok(v1::RegisterCommandResponse {})
}

pub(super) fn unregister_command(cx: &Cx, r: v1::UnregisterCommandRequest) -> Answer<v1::UnregisterCommandResponse> {
    cx.server.unregister_command(&r.team_id, &r.trigger);
    Ok(v1::UnregisterCommandResponse {})
}

pub(super) async fn execute_slash_command(
    cx: &Cx,
    r: v1::ExecuteSlashCommandRequest,
) -> Answer<v1::ExecuteSlashCommandResponse> {
    let args = r.command_args.unwrap_or_default();
    cx.server.world().user("GetUser", &args.user_id)?;
    let response = cx.server.execute_command(&cx.caller(), args).await?;
    Ok(v1::ExecuteSlashCommandResponse { command_response: Some(response) })
}

pub(super) fn create_command(cx: &Cx, r: v1::CreateCommandRequest) -> Answer<v1::CreateCommandResponse> {
    let command = cx.server.create_command(&cx.plugin_id, r.command.unwrap_or_default())?;
    Ok(v1::CreateCommandResponse { command: Some(command) })
}

pub(super) fn get_command(cx: &Cx, r: v1::GetCommandRequest) -> Answer<v1::GetCommandResponse> {
    Ok(v1::GetCommandResponse { command: Some(cx.server.custom_command(&r.command_id)?) })
}

pub(super) fn update_command(cx: &Cx, r: v1::UpdateCommandRequest) -> Answer<v1::UpdateCommandResponse> {
    let command = r.updated_command.unwrap_or_default();
    let command = cx.server.update_command(&cx.plugin_id, &r.command_id, command)?;
    Ok(v1::UpdateCommandResponse { command: Some(command) })
}

pub(super) fn delete_command(cx: &Cx, r: v1::DeleteCommandRequest) -> Answer<v1::DeleteCommandResponse> {
    cx.server.delete_command(&r.command_id)?;
    Ok(v1::DeleteCommandResponse {})
}

pub(super) fn list_commands(cx: &Cx, r: v1::ListCommandsRequest) -> Answer<v1::ListCommandsResponse> {
    let mut commands = cx.server.plugin_commands(&r.team_id);
    commands.extend(builtin::list());
    commands.extend(cx.server.custom_commands(&r.team_id));
    Ok(v1::ListCommandsResponse { commands })
}

pub(super) fn list_custom_commands(
    cx: &Cx,
    r: v1::ListCustomCommandsRequest,
) -> Answer<v1::ListCustomCommandsResponse> {
    Ok(v1::ListCustomCommandsResponse { commands: cx.server.custom_commands(&r.team_id) })
}

pub(super) fn list_plugin_commands(
    cx: &Cx,
    r: v1::ListPluginCommandsRequest,
) -> Answer<v1::ListPluginCommandsResponse> {
    Ok(v1::ListPluginCommandsResponse { commands: cx.server.plugin_commands(&r.team_id) })
}

pub(super) fn list_built_in_commands(
    _: &Cx,
    _: v1::ListBuiltInCommandsRequest,
) -> Answer<v1::ListBuiltInCommandsResponse> {
    Ok(v1::ListBuiltInCommandsResponse { commands: builtin::list() })
}

pub(super) fn open_interactive_dialog(
    cx: &Cx,
    r: v1::OpenInteractiveDialogRequest,
) -> Answer<v1::OpenInteractiveDialogResponse> {
    cx.server.open_dialog(&r.dialog.unwrap_or_default())?;
    Ok(v1::OpenInteractiveDialogResponse {})
}

pub(super) fn load_plugin_configuration(
    cx: &Cx,
    _: v1::LoadPluginConfigurationRequest,
) -> Answer<v1::LoadPluginConfigurationResponse> {
    let configuration = cx.server.plugin_configuration(&cx.plugin_id);
    Ok(v1::LoadPluginConfigurationResponse { configuration: configuration.into() })
}

pub(super) fn get_plugin_config(cx: &Cx, _: v1::GetPluginConfigRequest) -> Answer<v1::GetPluginConfigResponse> {
    Ok(v1::GetPluginConfigResponse { result: cx.server.plugin_settings(&cx.plugin_id) })
}

pub(super) async fn save_plugin_config(
    cx: &Cx,
    r: v1::SavePluginConfigRequest,
) -> Answer<v1::SavePluginConfigResponse> {
    cx.server.save_plugin_settings(&cx.plugin_id, r.config).await?;
    Ok(v1::SavePluginConfigResponse {})
}

pub(super) fn get_config(cx: &Cx, _: v1::GetConfigRequest) -> Answer<v1::GetConfigResponse> {
    Ok(v1::GetConfigResponse { config: Some(cx.server.config()) })
}

pub(super) fn get_unsanitized_config(
    cx: &Cx,
    _: v1::GetUnsanitizedConfigRequest,
) -> Answer<v1::GetUnsanitizedConfigResponse> {
    Ok(v1::GetUnsanitizedConfigResponse { config: Some(cx.server.config()) })
}

pub(super) async fn save_config(cx: &Cx, r: v1::SaveConfigRequest) -> Answer<v1::SaveConfigResponse> {
    cx.server.save_config(r.config.unwrap_or_default()).await?;
    Ok(v1::SaveConfigResponse {})
}

pub(super) fn get_bundle_path(cx: &Cx, _: v1::GetBundlePathRequest) -> Answer<v1::GetBundlePathResponse> {
    Ok(v1::GetBundlePathResponse { result: cx.server.bundle_path(&cx.plugin_id) })
}

pub(super) fn get_license(cx: &Cx, _: v1::GetLicenseRequest) -> Answer<v1::GetLicenseResponse> {
    Ok(v1::GetLicenseResponse { license: cx.server.license() })
}

pub(super) fn is_enterprise_ready(cx: &Cx, _: v1::IsEnterpriseReadyRequest) -> Answer<v1::IsEnterpriseReadyResponse> {
    // A free server, unless it was given a licence.
    Ok(v1::IsEnterpriseReadyResponse { result: cx.server.license().is_some() })
}

pub(super) fn get_server_version(cx: &Cx, _: v1::GetServerVersionRequest) -> Answer<v1::GetServerVersionResponse> {
    Ok(v1::GetServerVersionResponse { result: cx.server.options().version.clone() })
}

pub(super) fn get_system_install_date(
    cx: &Cx,
    _: v1::GetSystemInstallDateRequest,
) -> Answer<v1::GetSystemInstallDateResponse> {
    Ok(v1::GetSystemInstallDateResponse { result: cx.server.world().installed_at })
}

pub(super) fn get_diagnostic_id(cx: &Cx, _: v1::GetDiagnosticIdRequest) -> Answer<v1::GetDiagnosticIdResponse> {
    Ok(v1::GetDiagnosticIdResponse { result: cx.server.world().diagnostic_id.clone() })
}

pub(super) fn get_telemetry_id(cx: &Cx, _: v1::GetTelemetryIdRequest) -> Answer<v1::GetTelemetryIdResponse> {
    Ok(v1::GetTelemetryIdResponse { result: cx.server.world().diagnostic_id.clone() })
}

pub(super) fn get_plugin_id(cx: &Cx, _: v1::GetPluginIdRequest) -> Answer<v1::GetPluginIdResponse> {
    Ok(v1::GetPluginIdResponse { result: cx.plugin_id.to_string() })
}

pub(super) fn get_plugins(cx: &Cx, _: v1::GetPluginsRequest) -> Answer<v1::GetPluginsResponse> {
    Ok(v1::GetPluginsResponse { manifests: cx.server.plugin_manifests() })
}

pub(super) fn get_plugin_status(cx: &Cx, r: v1::GetPluginStatusRequest) -> Answer<v1::GetPluginStatusResponse> {
    Ok(v1::GetPluginStatusResponse { plugin_status: Some(cx.server.plugin_status(&r.id)?) })
}

pub(super) async fn enable_plugin(cx: &Cx, r: v1::EnablePluginRequest) -> Answer<v1::EnablePluginResponse> {
    cx.server.enable_plugin(&r.id).await?;
    Ok(v1::EnablePluginResponse {})
}

pub(super) fn request_trial_license(
    cx: &Cx,
    r: v1::RequestTrialLicenseRequest,
) -> Answer<v1::RequestTrialLicenseResponse> {
    cx.server.request_trial(&r.requester_id, r.users, r.terms_accepted)?;
    Ok(v1::RequestTrialLicenseResponse {})
}

pub(super) fn disable_plugin(cx: &Cx, r: v1::DisablePluginRequest) -> Answer<v1::DisablePluginResponse> {
    cx.server.disable_plugin(&r.id)?;
    Ok(v1::DisablePluginResponse {})
}

pub(super) fn publish_web_socket_event(
    cx: &Cx,
    r: v1::PublishWebSocketEventRequest,
) -> Answer<v1::PublishWebSocketEventResponse> {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let broadcast = r.broadcast.unwrap_or_default();
    let audience = Audience {
        user_id: some(broadcast.user_id),
        channel_id: some(broadcast.channel_id),
        team_id: some(broadcast.team_id),
        connection_id: some(broadcast.connection_id),
        omit_users: broadcast.omit_users.into_iter().filter(|(_, omit)| *omit).map(|(id, _)| id).collect(),
    };
    let name = format!("custom_{}_{}", cx.plugin_id, r.event);
    cx.server.bus().publish(cx.server.now(), &name, r.payload, audience, Subject::Other);
    Ok(v1::PublishWebSocketEventResponse {})
}

pub(super) fn send_toast_message(cx: &Cx, r: v1::SendToastMessageRequest) -> Answer<v1::SendToastMessageResponse> {
    for (text, field) in [(&r.user_id, "user_id"), (&r.message, "message")] {
        if text.is_empty() {
            let id = format!("app.toast.send_toast_message.{field}.app_error");
            return Err(errors::app("SendToastMessage", &id, BAD_REQUEST, format!("The {field} is missing.")));
        }
    }
    let position = r.options.unwrap_or_default().position;
    let data = [("message", values::string(r.message)), ("position", values::string(position))];
    let connection_id = Some(r.connection_id).filter(|id| !id.is_empty());
    let audience = Audience { connection_id, ..Audience::user(&r.user_id) };
    cx.server.publish("show_toast", data, audience, Subject::Other);
    Ok(v1::SendToastMessageResponse {})
}

pub(super) fn publish_plugin_cluster_event(
    cx: &Cx,
    r: v1::PublishPluginClusterEventRequest,
) -> Answer<v1::PublishPluginClusterEventResponse> {
    cx.server.deliver_cluster_event(&cx.plugin_id, r.event.unwrap_or_default());
    Ok(v1::PublishPluginClusterEventResponse {})
}

pub(super) fn register_collection_and_topic(
    _: &Cx,
    _: v1::RegisterCollectionAndTopicRequest,
) -> Answer<v1::RegisterCollectionAndTopicResponse> {
    // Real servers have long done nothing here either.
    Ok(v1::RegisterCollectionAndTopicResponse {})
}

pub(super) fn send_mail(cx: &Cx, r: v1::SendMailRequest) -> Answer<v1::SendMailResponse> {
    for (text, field) in [(&r.to, "to"), (&r.subject, "subject"), (&r.html_body, "htmlbody")] {
        if text.is_empty() {
            let id = format!("plugin_api.send_mail.missing_{field}");
            return Err(errors::app("SendMail", &id, BAD_REQUEST, format!("The {field} of the mail is missing.")));
        }
    }
    cx.server.world().mails.push((r.to, r.subject, r.html_body));
    Ok(v1::SendMailResponse {})
}

pub(super) fn log_debug(cx: &Cx, r: v1::LogDebugRequest) -> Answer<v1::LogDebugResponse> {
    cx.server.plugin_log(&cx.plugin_id, LogLevel::Debug, r.msg, &r.key_value_pairs);
    Ok(v1::LogDebugResponse {})
}

pub(super) fn log_info(cx: &Cx, r: v1::LogInfoRequest) -> Answer<v1::LogInfoResponse> {
    cx.server.plugin_log(&cx.plugin_id, LogLevel::Info, r.msg, &r.key_value_pairs);
    Ok(v1::LogInfoResponse {})
}

pub(super) fn log_warn(cx: &Cx, r: v1::LogWarnRequest) -> Answer<v1::LogWarnResponse> {
    cx.server.plugin_log(&cx.plugin_id, LogLevel::Warn, r.msg, &r.key_value_pairs);
    Ok(v1::LogWarnResponse {})
}

pub(super) fn log_error(cx: &Cx, r: v1::LogErrorRequest) -> Answer<v1::LogErrorResponse> {
    cx.server.plugin_log(&cx.plugin_id, LogLevel::Error, r.msg, &r.key_value_pairs);
    Ok(v1::LogErrorResponse {})
}

pub(super) fn log_audit_rec(cx: &Cx, r: v1::LogAuditRecRequest) -> Answer<v1::LogAuditRecResponse> {
    cx.server.audit(&cx.plugin_id, r.record);
    Ok(v1::LogAuditRecResponse {})
}

pub(super) fn log_audit_rec_with_level(
    cx: &Cx,
    r: v1::LogAuditRecWithLevelRequest,
) -> Answer<v1::LogAuditRecWithLevelResponse> {
    cx.server.audit(&cx.plugin_id, r.record);
    Ok(v1::LogAuditRecWithLevelResponse {})
}

pub(super) fn get_cloud_limits(cx: &Cx, _: v1::GetCloudLimitsRequest) -> Answer<v1::GetCloudLimitsResponse> {
    Ok(v1::GetCloudLimitsResponse { product_limits: Some(cx.server.world().outside.limits) })
}

pub(super) fn remove_plugin(cx: &Cx, r: v1::RemovePluginRequest) -> Answer<v1::RemovePluginResponse> {
    cx.server.disable_plugin(&r.id)?;
    let gone = {
        let mut world = cx.server.world();
        world.plugins.shift_remove(&r.id);
        world.installs.forget(&r.id)
    };
    // Its files are deleted without holding the world.
    drop(gone);
    Ok(v1::RemovePluginResponse {})
}

pub(super) async fn send_push_notification(
    cx: &Cx,
    r: v1::SendPushNotificationRequest,
) -> Answer<v1::SendPushNotificationResponse> {
    cx.server.send_push(&r.user_id, r.notification.unwrap_or_default()).await;
    Ok(v1::SendPushNotificationResponse {})
}
