//! Files: uploading with the hook that may change or refuse them, reading, copying, listing.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::file_will_be_uploaded_request::Part as RequestPart;
use mm_proto::plugin::v1::file_will_be_uploaded_response::Part as ResponsePart;

use crate::errors::{self, BAD_REQUEST, FORBIDDEN, NOT_FOUND, NOT_IMPLEMENTED, Result};
use crate::hooks::{Caller, Listener, call_hook};
use crate::server::Server;
use crate::users::paged;
use crate::world::FileEntry;

/// What stands for the image of who has none: a PNG of one transparent pixel.
pub(crate) const PLACEHOLDER_PNG: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8,
    6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 0x0d, b'I', b'D', b'A', b'T', 0x78, 0x9c, 0x63, 0, 1, 0, 0, 5, 0, 1,
    0x0d, 0x0a, 0x2d, 0xb4, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];
/// A file is handed to plugins in pieces of this many bytes.
const PIECE: usize = 64 * 1024;
/// Media types by file name extension; others have none, as on a server without a media type table.
const MEDIA_TYPES: [(&str, &str); 18] = [
    ("csv", "text/csv; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("gif", "image/gif"),
    ("htm", "text/html; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("md", "text/markdown; charset=utf-8"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("webp", "image/webp"),
    ("xml", "text/xml; charset=utf-8"),
    ("zip", "application/zip"),
];

/// The media type that a file's name implies.
pub(crate) fn media_type(name: &str) -> Option<&'static str> {
    let extension = name.rsplit_once('.')?.1.to_lowercase();
    MEDIA_TYPES.iter().find(|(known, _)| *known == extension).map(|(_, kind)| *kind)
}

/// Whose upload it is: ids, empty when a plugin uploads.
#[derive(Default)]
pub(crate) struct Uploader<'a> {
    pub(crate) user_id: &'a str,
    pub(crate) team_id: &'a str,
}

/// Uploading.
impl Server {
    pub(crate) async fn upload_file(
        &self,
        caller: &Caller,
        by: Uploader<'_>,
        channel_id: &str,
        file_name: &str,
        data: Vec<u8>,
    ) -> Result<v1::FileInfo> {
        if !channel_id.is_empty() && !self.world().channels.contains_key(channel_id) {
            let id = "api.file.upload_file.incorrect_channelId.app_error";
            return Err(errors::app("UploadFile", id, BAD_REQUEST, "There is no channel with this id."));
        }
        let info = self.new_file_info(&by, channel_id, file_name, &data);
        let (info, data) = self.ask_file_will_be_uploaded(caller, info, data).await?;
        let entry = FileEntry { info: info.clone(), data: Arc::new(data) };
        self.world().files.insert(info.id.clone(), entry);
        Ok(info)
    }

    pub(crate) fn new_file_info(
        &self,
        by: &Uploader<'_>,
        channel_id: &str,
        file_name: &str,
        data: &[u8],
    ) -> v1::FileInfo {
        let or = |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
        let name = file_name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        let extension = name.rsplit_once('.').map(|(_, end)| end.to_lowercase()).unwrap_or_default();
        let mime_type = media_type(&name).map(str::to_owned).unwrap_or_default();
        let (id, now) = (self.new_id(), self.now());
        let creator_id = or(by.user_id, "nouser");
        let team_id = or(by.team_id, "noteam");
        let prefix = format!("files/teams/{team_id}/channels/{channel_id}/users/{creator_id}/{id}/");
        let (width, height) = image_size(data).unwrap_or_default();
        v1::FileInfo {
            path: format!("{prefix}{name}"),
            channel_id: channel_id.to_owned(),
            size: i64::try_from(data.len()).unwrap_or(i64::MAX),
            remote_id: Some(String::new()),
            has_preview_image: width > 0,
            create_at: now,
            update_at: now,
            id,
            creator_id,
            name,
            extension,
            mime_type,
            width,
            height,
            ..Default::default()
        }
    }

    pub(crate) async fn ask_file_will_be_uploaded(
        &self,
        caller: &Caller,
        mut info: v1::FileInfo,
        mut data: Vec<u8>,
    ) -> Result<(v1::FileInfo, Vec<u8>)> {
        for listener in self.listeners("FileWillBeUploaded") {
            let Some(answer) = self.call_file_will_be_uploaded(&listener, caller, &info, &data).await else { continue };
            if !answer.reason.is_empty() {
                let id = format!("File rejected by plugin. {}", answer.reason);
                return Err(errors::app("DoUploadFile", &id, BAD_REQUEST, id.clone()));
            }
            if let Some(replacement) = answer.info {
                info = v1::FileInfo {
                    // Decoded over the original: what is absent stays.
                    mini_preview: replacement.mini_preview.clone().or(info.mini_preview),
                    remote_id: replacement.remote_id.clone().or(info.remote_id),
                    ..replacement
                };
            }
            if !answer.content.is_empty() {
                info.size = i64::try_from(answer.content.len()).unwrap_or(i64::MAX);
                data = answer.content;
            }
        }
        Ok((info, data))
    }

    /// One plugin's answer; `None` when the call failed, which is logged.
    async fn call_file_will_be_uploaded(
        &self,
        listener: &Listener,
        caller: &Caller,
        info: &v1::FileInfo,
        data: &[u8],
    ) -> Option<UploadAnswer> {
        let name = "FileWillBeUploaded";
        let start = v1::FileWillBeUploadedStart { context: caller.context(), info: Some(info.clone()) };
        let span = self.trace_hook(listener, name, &start);
        let whole = Bytes::copy_from_slice(data);
        let pieces = (0..whole.len()).step_by(PIECE).map(move |at| {
            // Made when it is asked for, and without another copy.
            RequestPart::Content(whole.slice(at..whole.len().min(at + PIECE)))
        });
        let parts = std::iter::once(RequestPart::Start(start))
            .chain(pieces)
            .chain([RequestPart::ContentEnd(v1::FileContentEnd::default())])
            .map(|part| Ok(v1::FileWillBeUploadedRequest { part: Some(part) }));
        let result = collect_answer(listener, futures::stream::iter(parts).boxed()).await;
        self.finish_hook(listener, name, span, result)
    }
}

/// What a plugin answers to `FileWillBeUploaded`.
#[derive(Debug, Default)]
struct UploadAnswer {
    info: Option<v1::FileInfo>,
    reason: String,
    /// The replacement of the file; empty when it stays.
    content: Vec<u8>,
}

async fn collect_answer(
    listener: &Listener,
    requests: mm_proto::grpc::Parts<v1::FileWillBeUploadedRequest>,
) -> Result<UploadAnswer> {
    let mut responses = listener.hooks.file_will_be_uploaded(requests).await?;
    let mut answer = UploadAnswer::default();
    while let Some(response) = responses.next().await {
        match response?.part {
            Some(ResponsePart::Replacement(piece)) => answer.content.extend_from_slice(&piece),
            Some(ResponsePart::Result(result)) => {
                answer.info = result.file_info;
                answer.reason = result.reason;
            }
            None => {}
        }
    }
    Ok(answer)
}

/// Reading and changing.
impl Server {
    /// Asks the plugins whether a user may download a file.
    pub(crate) async fn ask_file_will_be_downloaded(&self, caller: &Caller, info: &v1::FileInfo) -> Result<()> {
        for listener in self.listeners("FileWillBeDownloaded") {
            let request = v1::FileWillBeDownloadedRequest {
                context: caller.context(),
                file_info: Some(info.clone()),
                user_id: caller.user_id.clone(),
                download_type: "file".to_owned(),
            };
            let answer = call_hook!(self, listener, "FileWillBeDownloaded", file_will_be_downloaded, request);
            if let Some(reason) = answer.map(|answer| answer.reason).filter(|reason| !reason.is_empty()) {
                let id = "api.file.get_file.rejected_by_plugin";
                let message = format!("The plugin does not allow it: {reason}");
                return Err(errors::app("getFile", id, FORBIDDEN, message));
            }
        }
        Ok(())
    }

    pub(crate) fn file_info(&self, file_id: &str) -> Result<v1::FileInfo> {
        let world = self.world();
        let file = world.files.get(file_id).filter(|file| file.info.delete_at == 0);
        file.map(|file| file.info.clone()).ok_or_else(|| no_file("GetFileInfo", file_id))
    }

    pub(crate) fn file(&self, file_id: &str) -> Result<Vec<u8>> {
        let world = self.world();
        let file = world.files.get(file_id).filter(|file| file.info.delete_at == 0);
        file.map(|file| file.data.to_vec()).ok_or_else(|| no_file("GetFileInfo", file_id))
    }

    /// `ReadFile`: by the path that a file info has.
    pub(crate) fn file_by_path(&self, path: &str) -> Result<Vec<u8>> {
        let world = self.world();
        let file = world.files.values().find(|file| file.info.path == path);
        file.map(|file| file.data.to_vec()).ok_or_else(|| {
            let message = "There is no file at this path.";
            errors::app_with("ReadFile", "api.file.read_file.app_error", NOT_FOUND, message, format!("path={path}"))
        })
    }

    pub(crate) fn set_file_content(&self, file_id: &str, content: String) -> Result<()> {
        let mut world = self.world();
        let file = world.files.get_mut(file_id).ok_or_else(|| no_file("GetFileInfo", file_id))?;
        file.info.content = content;
        Ok(())
    }

    /// Copies of files for another post: same content, new ids.
    pub(crate) fn copy_files(&self, user_id: &str, file_ids: &[String]) -> Result<Vec<String>> {
        let now = self.now();
        let mut world = self.world();
        let mut copies = Vec::new();
        for file_id in file_ids {
            let file = world.files.get(file_id).ok_or_else(|| no_file("CopyFileInfos", file_id))?;
            let info = v1::FileInfo {
                id: self.new_id(),
                creator_id: user_id.to_owned(),
                create_at: now,
                update_at: now,
                post_id: String::new(),
                channel_id: String::new(),
                ..file.info.clone()
            };
            let data = file.data.clone();
            copies.push(info.id.clone());
            world.files.insert(info.id.clone(), FileEntry { info, data });
        }
        Ok(copies)
    }

    pub(crate) fn file_infos(
        &self,
        page: i64,
        per_page: i64,
        options: &v1::GetFileInfosOptions,
    ) -> Result<Vec<v1::FileInfo>> {
        let by_size = match options.sort_by.as_str() {
            "" | "CreateAt" => Some(false),
            "Size" => Some(true),
            _ => None,
        };
        let Some(by_size) = by_size.filter(|_| page >= 0 && per_page >= 0) else {
            let id = "app.file_info.get_with_options.app_error";
            let message = "Pages cannot be negative, and files are sorted by CreateAt or Size.";
            return Err(errors::app("GetFileInfos", id, BAD_REQUEST, message));
        };
        let any = |wanted: &[String], id: &String| wanted.is_empty() || wanted.contains(id);
        let mut infos: Vec<_> = self
            .world()
            .files
            .values()
            .map(|file| file.info.clone())
            .filter(|info| options.include_deleted || info.delete_at == 0)
            .filter(|info| any(&options.user_ids, &info.creator_id) && any(&options.channel_ids, &info.channel_id))
            .filter(|info| info.create_at >= options.since)
            .collect();
        let key = |info: &v1::FileInfo| if by_size { info.size } else { info.create_at };
        infos.sort_by(|a, b| {
            let order = key(a).cmp(&key(b));
            let order = if options.sort_descending { order.reverse() } else { order };
            order.then_with(|| a.id.cmp(&b.id))
        });
        Ok(paged(&infos, page, per_page).to_vec())
    }

    pub(crate) fn file_link(&self, file_id: &str) -> Result<String> {
        let place = "GetFileLink";
        if !self.config_flag(|config| config.file_settings.as_ref()?.enable_public_link) {
            let id = "plugin_api.get_file_link.disabled.app_error";
            let message = "Public links are disabled: FileSettings.EnablePublicLink allows them.";
            return Err(errors::app(place, id, NOT_IMPLEMENTED, message));
        }
        let info = self.file_info(file_id)?;
        if info.post_id.is_empty() {
            let id = "plugin_api.get_file_link.no_post.app_error";
            let message = "The file belongs to no post yet.";
            return Err(errors::app_with(place, id, BAD_REQUEST, message, format!("file_id={file_id}")));
        }
        Ok(format!("{}/files/{file_id}/public?h={}", self.options().site_url, info.id))
    }
}

fn no_file(place: &str, file_id: &str) -> mm_proto::ApiError {
    let message = "There is no file with this id.";
    errors::app_with(place, "app.file_info.get.app_error", NOT_FOUND, message, format!("id={file_id}"))
}

/// The kind of an image that the server can read.
pub(crate) fn image_kind(data: &[u8]) -> Option<&'static str> {
    match data {
        [0x89, b'P', b'N', b'G', ..] => Some("png"),
        [b'G', b'I', b'F', b'8', ..] => Some("gif"),
        [0xff, 0xd8, 0xff, ..] => Some("jpeg"),
        _ => None,
    }
}

/// Width and height of an image; `None` for what is no image that the server can read.
pub(crate) fn image_size(data: &[u8]) -> Option<(i64, i64)> {
    let number = |bytes: &[u8]| bytes.iter().fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte));
    match image_kind(data)? {
        "png" => Some((number(data.get(16..20)?), number(data.get(20..24)?))),
        "gif" => Some((
            i64::from(u16::from_le_bytes([*data.get(6)?, *data.get(7)?])),
            i64::from(u16::from_le_bytes([*data.get(8)?, *data.get(9)?])),
        )),
        _ => jpeg_size(data),
    }
}

/// Walks the segments of a JPEG to the frame header, which holds the size.
fn jpeg_size(data: &[u8]) -> Option<(i64, i64)> {
    let mut at = 2;
    loop {
        let marker = *data.get(at + 1)?;
        let length = usize::from(u16::from_be_bytes([*data.get(at + 2)?, *data.get(at + 3)?]));
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            let half = |at: usize| Some(i64::from(u16::from_be_bytes([*data.get(at)?, *data.get(at + 1)?])));
            return Some((half(at + 7)?, half(at + 5)?));
        }
        at += 2 + length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_images_are_read_from_their_headers() {
        assert_eq!(image_size(PLACEHOLDER_PNG), Some((1, 1)));
        assert_eq!(image_size(b"GIF89a\x03\x00\x02\x01"), Some((3, 258)));
        let jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x0b\x08\x00\x05\x00\x07";
        assert_eq!(image_size(jpeg), Some((7, 5)));
        assert_eq!(image_size(b"text"), None);
        assert_eq!(image_size(b"\xff\xd8\xff"), None);
    }
}
