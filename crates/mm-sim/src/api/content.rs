//! Files, emoji and the key-value store.

use mm_proto::plugin::v1;

use super::{Answer, Cx};
use crate::files::Uploader;

pub(super) async fn upload_file(cx: &Cx, r: v1::UploadFileRequest) -> Answer<v1::UploadFileResponse> {
    let (caller, by) = (cx.caller(), Uploader::default());
    let info = cx.server.upload_file(&caller, by, &r.channel_id, &r.filename, r.data.to_vec()).await?;
    Ok(v1::UploadFileResponse { file_info: Some(info) })
}

pub(super) fn get_file_info(cx: &Cx, r: v1::GetFileInfoRequest) -> Answer<v1::GetFileInfoResponse> {
    Ok(v1::GetFileInfoResponse { file_info: Some(cx.server.file_info(&r.file_id)?) })
}

pub(super) fn get_file_infos(cx: &Cx, r: v1::GetFileInfosRequest) -> Answer<v1::GetFileInfosResponse> {
    let file_infos = cx.server.file_infos(r.page, r.per_page, &r.options.unwrap_or_default())?;
    Ok(v1::GetFileInfosResponse { file_infos })
}

pub(super) fn get_file(cx: &Cx, r: v1::GetFileRequest) -> Answer<v1::GetFileResponse> {
    Ok(v1::GetFileResponse { result: cx.server.file(&r.file_id)?.into() })
}

pub(super) fn get_file_link(cx: &Cx, r: v1::GetFileLinkRequest) -> Answer<v1::GetFileLinkResponse> {
    Ok(v1::GetFileLinkResponse { result: cx.server.file_link(&r.file_id)? })
}

pub(super) fn read_file(cx: &Cx, r: v1::ReadFileRequest) -> Answer<v1::ReadFileResponse> {
    Ok(v1::ReadFileResponse { result: cx.server.file_by_path(&r.path)?.into() })
}

pub(super) fn copy_file_infos(cx: &Cx, r: v1::CopyFileInfosRequest) -> Answer<v1::CopyFileInfosResponse> {
    Ok(v1::CopyFileInfosResponse { result: cx.server.copy_files(&r.user_id, &r.file_ids)? })
}

pub(super) fn set_file_searchable_content(
    cx: &Cx,
    r: v1::SetFileSearchableContentRequest,
) -> Answer<v1::SetFileSearchableContentResponse> {
    cx.server.set_file_content(&r.file_id, r.content)?;
    Ok(v1::SetFileSearchableContentResponse {})
}

pub(super) fn get_emoji(cx: &Cx, r: v1::GetEmojiRequest) -> Answer<v1::GetEmojiResponse> {
    Ok(v1::GetEmojiResponse { emoji: Some(cx.server.emoji(&r.emoji_id)?) })
}

pub(super) fn get_emoji_by_name(cx: &Cx, r: v1::GetEmojiByNameRequest) -> Answer<v1::GetEmojiByNameResponse> {
    Ok(v1::GetEmojiByNameResponse { emoji: Some(cx.server.emoji_by_name(&r.name)?) })
}

pub(super) fn get_emoji_list(cx: &Cx, r: v1::GetEmojiListRequest) -> Answer<v1::GetEmojiListResponse> {
    Ok(v1::GetEmojiListResponse { emojis: cx.server.emoji_list(&r.sort_by, r.page, r.per_page) })
}

pub(super) fn get_emoji_image(cx: &Cx, r: v1::GetEmojiImageRequest) -> Answer<v1::GetEmojiImageResponse> {
    let (image, kind) = cx.server.emoji_image(&r.emoji_id)?;
    Ok(v1::GetEmojiImageResponse { image: image.into(), image_type: kind.to_owned() })
}

impl Cx {
    /// Stores a key; says whether it was stored.
    fn kv_put(&self, key: &str, value: prost::bytes::Bytes, options: &v1::PluginKvSetOptions) -> Answer<bool> {
        let now = self.server.now();
        let mut world = self.server.world();
        let kv = world.kv.entry(self.plugin_id.to_string()).or_default();
        kv.set(&self.plugin_id, key, value, options, now)
    }
}

pub(super) fn kv_set(cx: &Cx, r: v1::KvSetRequest) -> Answer<v1::KvSetResponse> {
    cx.kv_put(&r.key, r.value, &v1::PluginKvSetOptions::default())?;
    Ok(v1::KvSetResponse {})
}

pub(super) fn kv_set_with_expiry(cx: &Cx, r: v1::KvSetWithExpiryRequest) -> Answer<v1::KvSetWithExpiryResponse> {
    let options = v1::PluginKvSetOptions { expire_in_seconds: r.expire_in_seconds, ..Default::default() };
    cx.kv_put(&r.key, r.value, &options)?;
    Ok(v1::KvSetWithExpiryResponse {})
}

pub(super) fn kv_set_with_options(cx: &Cx, r: v1::KvSetWithOptionsRequest) -> Answer<v1::KvSetWithOptionsResponse> {
    let result = cx.kv_put(&r.key, r.value, &r.options.unwrap_or_default())?;
    Ok(v1::KvSetWithOptionsResponse { result })
}

pub(super) fn kv_compare_and_set(cx: &Cx, r: v1::KvCompareAndSetRequest) -> Answer<v1::KvCompareAndSetResponse> {
    let options =
        v1::PluginKvSetOptions { atomic: true, old_value: r.old_value.unwrap_or_default(), ..Default::default() };
    Ok(v1::KvCompareAndSetResponse { result: cx.kv_put(&r.key, r.new_value, &options)? })
}

pub(super) fn kv_compare_and_delete(
    cx: &Cx,
    r: v1::KvCompareAndDeleteRequest,
) -> Answer<v1::KvCompareAndDeleteResponse> {
    let now = cx.server.now();
    let mut world = cx.server.world();
    let kv = world.kv.entry(cx.plugin_id.to_string()).or_default();
    let result = kv.compare_and_delete(&cx.plugin_id, &r.key, &r.old_value, now)?;
    Ok(v1::KvCompareAndDeleteResponse { result })
}

pub(super) fn kv_get(cx: &Cx, r: v1::KvGetRequest) -> Answer<v1::KvGetResponse> {
    let now = cx.server.now();
    let world = cx.server.world();
    let value = world.kv.get(&*cx.plugin_id).and_then(|kv| kv.get(&r.key, now)).cloned();
    Ok(v1::KvGetResponse { value })
}

pub(super) fn kv_delete(cx: &Cx, r: v1::KvDeleteRequest) -> Answer<v1::KvDeleteResponse> {
    if let Some(kv) = cx.server.world().kv.get_mut(&*cx.plugin_id) {
        kv.delete(&r.key);
    }
    Ok(v1::KvDeleteResponse {})
}

pub(super) fn kv_delete_all(cx: &Cx, _: v1::KvDeleteAllRequest) -> Answer<v1::KvDeleteAllResponse> {
    if let Some(kv) = cx.server.world().kv.get_mut(&*cx.plugin_id) {
        kv.clear();
    }
    Ok(v1::KvDeleteAllResponse {})
}

pub(super) fn kv_list(cx: &Cx, r: v1::KvListRequest) -> Answer<v1::KvListResponse> {
    let now = cx.server.now();
    let world = cx.server.world();
    let result = world.kv.get(&*cx.plugin_id).map(|kv| kv.list(r.page, r.per_page, now)).unwrap_or_default();
    Ok(v1::KvListResponse { result })
}
