//! Sidebars, OAuth applications, upload sessions.

use mm_proto::plugin::v1;

use super::{Answer, Cx};

pub(super) fn get_channel_sidebar_categories(
    cx: &Cx,
    r: v1::GetChannelSidebarCategoriesRequest,
) -> Answer<v1::GetChannelSidebarCategoriesResponse> {
    let categories = cx.server.sidebar(&r.user_id, &r.team_id);
    Ok(v1::GetChannelSidebarCategoriesResponse { ordered_sidebar_categories: Some(categories) })
}

pub(super) fn create_channel_sidebar_category(
    cx: &Cx,
    r: v1::CreateChannelSidebarCategoryRequest,
) -> Answer<v1::CreateChannelSidebarCategoryResponse> {
    let category = r.new_category.unwrap_or_default();
    let category = cx.server.create_sidebar_category(&r.user_id, &r.team_id, category);
    Ok(v1::CreateChannelSidebarCategoryResponse { sidebar_category_with_channels: Some(category) })
}

pub(super) fn update_channel_sidebar_categories(
    cx: &Cx,
    r: v1::UpdateChannelSidebarCategoriesRequest,
) -> Answer<v1::UpdateChannelSidebarCategoriesResponse> {
    let updated = cx.server.update_sidebar_categories(&r.user_id, &r.team_id, r.categories)?;
    Ok(v1::UpdateChannelSidebarCategoriesResponse { sidebar_category_with_channels: updated })
}

pub(super) fn create_oauth_app(cx: &Cx, r: v1::CreateOAuthAppRequest) -> Answer<v1::CreateOAuthAppResponse> {
    let app = cx.server.create_oauth_app(r.app.unwrap_or_default())?;
    Ok(v1::CreateOAuthAppResponse { oauth_app: Some(app) })
}

pub(super) fn get_oauth_app(cx: &Cx, r: v1::GetOAuthAppRequest) -> Answer<v1::GetOAuthAppResponse> {
    Ok(v1::GetOAuthAppResponse { oauth_app: Some(cx.server.oauth_app(&r.app_id)?) })
}

pub(super) fn update_oauth_app(cx: &Cx, r: v1::UpdateOAuthAppRequest) -> Answer<v1::UpdateOAuthAppResponse> {
    let app = cx.server.update_oauth_app(r.app.unwrap_or_default())?;
    Ok(v1::UpdateOAuthAppResponse { oauth_app: Some(app) })
}

pub(super) fn delete_oauth_app(cx: &Cx, r: v1::DeleteOAuthAppRequest) -> Answer<v1::DeleteOAuthAppResponse> {
    cx.server.delete_oauth_app(&r.app_id);
    Ok(v1::DeleteOAuthAppResponse {})
}

pub(super) fn create_upload_session(
    cx: &Cx,
    r: v1::CreateUploadSessionRequest,
) -> Answer<v1::CreateUploadSessionResponse> {
    let upload = cx.server.create_upload(r.upload_session.unwrap_or_default())?;
    Ok(v1::CreateUploadSessionResponse { upload_session: Some(upload) })
}

pub(super) fn get_upload_session(cx: &Cx, r: v1::GetUploadSessionRequest) -> Answer<v1::GetUploadSessionResponse> {
    Ok(v1::GetUploadSessionResponse { upload_session: Some(cx.server.upload(&r.upload_id)?) })
}
