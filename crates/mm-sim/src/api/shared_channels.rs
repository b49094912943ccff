//! Shared channels.

use mm_proto::plugin::v1;

use super::{Answer, Cx};

pub(super) fn register_plugin_for_shared_channels(
    cx: &Cx,
    r: v1::RegisterPluginForSharedChannelsRequest,
) -> Answer<v1::RegisterPluginForSharedChannelsResponse> {
    let result = cx.server.register_remote(r.options.unwrap_or_default())?;
    Ok(v1::RegisterPluginForSharedChannelsResponse { result })
}

pub(super) fn unregister_plugin_for_shared_channels(
    cx: &Cx,
    r: v1::UnregisterPluginForSharedChannelsRequest,
) -> Answer<v1::UnregisterPluginForSharedChannelsResponse> {
    cx.server.unregister_remote(&r.plugin_id)?;
    Ok(v1::UnregisterPluginForSharedChannelsResponse {})
}

pub(super) fn share_channel(cx: &Cx, r: v1::ShareChannelRequest) -> Answer<v1::ShareChannelResponse> {
    let shared = cx.server.share_channel(r.shared_channel.unwrap_or_default())?;
    Ok(v1::ShareChannelResponse { shared_channel: Some(shared) })
}

pub(super) fn update_shared_channel(
    cx: &Cx,
    r: v1::UpdateSharedChannelRequest,
) -> Answer<v1::UpdateSharedChannelResponse> {
    let shared = cx.server.update_shared_channel(r.shared_channel.unwrap_or_default())?;
    Ok(v1::UpdateSharedChannelResponse { shared_channel: Some(shared) })
}

pub(super) fn unshare_channel(cx: &Cx, r: v1::UnshareChannelRequest) -> Answer<v1::UnshareChannelResponse> {
    Ok(v1::UnshareChannelResponse { result: cx.server.unshare_channel(&r.channel_id)? })
}

pub(super) fn invite_remote_to_channel(
    cx: &Cx,
    r: v1::InviteRemoteToChannelRequest,
) -> Answer<v1::InviteRemoteToChannelResponse> {
    cx.server.invite_remote(&r.channel_id, &r.remote_id, &r.user_id, r.share_if_not_shared)?;
    Ok(v1::InviteRemoteToChannelResponse {})
}

pub(super) fn uninvite_remote_from_channel(
    cx: &Cx,
    r: v1::UninviteRemoteFromChannelRequest,
) -> Answer<v1::UninviteRemoteFromChannelResponse> {
    cx.server.uninvite_remote(&r.channel_id, &r.remote_id)?;
    Ok(v1::UninviteRemoteFromChannelResponse {})
}

pub(super) fn sync_shared_channel(cx: &Cx, r: v1::SyncSharedChannelRequest) -> Answer<v1::SyncSharedChannelResponse> {
    cx.server.world().channel("SyncSharedChannel", &r.channel_id)?;
    cx.server.sync_soon(&r.channel_id);
    Ok(v1::SyncSharedChannelResponse {})
}

pub(super) fn update_shared_channel_cursor(
    cx: &Cx,
    r: v1::UpdateSharedChannelCursorRequest,
) -> Answer<v1::UpdateSharedChannelCursorResponse> {
    cx.server.set_sync_cursor(&r.channel_id, &r.remote_id, r.cursor.unwrap_or_default())?;
    Ok(v1::UpdateSharedChannelCursorResponse {})
}
