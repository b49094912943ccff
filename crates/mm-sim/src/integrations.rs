//! OAuth applications and upload sessions.

use std::sync::Arc;

use futures::StreamExt as _;
use mm_proto::grpc::Parts;
use mm_proto::plugin::v1;

use crate::errors::{self, BAD_REQUEST, NOT_FOUND, Result};
use crate::files::Uploader;
use crate::hooks::Caller;
use crate::server::Server;
use crate::validate;
use crate::world::FileEntry;

/// The first part of an upload must have this many bytes, unless it is all of the file.
const LEAST_FIRST_PART: usize = 5 * 1024 * 1024;

fn is_http(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

fn check_app(app: &v1::OAuthApp) -> Result<()> {
    let field = if !validate::is_id(&app.creator_id) {
        "creator_id"
    } else if app.name.is_empty() || app.name.len() > 64 {
        "name"
    } else if app.callback_urls.is_empty() || !app.callback_urls.iter().all(|url| is_http(url)) {
        "callback"
    } else if app.homepage.len() > 256 || !is_http(&app.homepage) {
        "homepage"
    } else if app.description.chars().count() > 512 {
        "description"
    } else if !app.icon_url.is_empty() && (app.icon_url.len() > 512 || !is_http(&app.icon_url)) {
        "icon_url"
    } else {
        return Ok(());
    };
    let id = format!("model.oauth.is_valid.{field}.app_error");
    let message = "A field of the application is not valid.";
    Err(errors::app_with("OAuthApp.IsValid", &id, BAD_REQUEST, message, format!("app_id={}", app.id)))
}

/// OAuth applications.
impl Server {
    pub(crate) fn create_oauth_app(&self, mut app: v1::OAuthApp) -> Result<v1::OAuthApp> {
        if !app.id.is_empty() {
            let message = "A new application must not have an id.";
            return Err(errors::app("CreateOAuthApp", "app.oauth.save_app.existing.app_error", BAD_REQUEST, message));
        }
        app.id = self.new_id();
        app.client_secret = self.new_id();
        app.create_at = self.now();
        app.update_at = app.create_at;
        check_app(&app)?;
        self.world().oauth_apps.insert(app.id.clone(), app.clone());
        Ok(app)
    }

    pub(crate) fn oauth_app(&self, app_id: &str) -> Result<v1::OAuthApp> {
        self.world().oauth_apps.get(app_id).cloned().ok_or_else(|| {
            let message = "There is no application with this id.";
            errors::app("GetOAuthApp", "app.oauth.get_app.find.app_error", NOT_FOUND, message)
        })
    }

    pub(crate) fn update_oauth_app(&self, app: v1::OAuthApp) -> Result<v1::OAuthApp> {
        let old = self.oauth_app(&app.id)?;
        let app = v1::OAuthApp {
            creator_id: old.creator_id,
            create_at: old.create_at,
            client_secret: old.client_secret,
            is_dynamically_registered: old.is_dynamically_registered,
            update_at: self.now(),
            ..app
        };
        check_app(&app)?;
        self.world().oauth_apps.insert(app.id.clone(), app.clone());
        Ok(app)
    }

    pub(crate) fn delete_oauth_app(&self, app_id: &str) {
        self.world().oauth_apps.shift_remove(app_id);
    }
}

/// Uploads in parts.
impl Server {
    pub(crate) fn create_upload(&self, mut upload: v1::UploadSession) -> Result<v1::UploadSession> {
        upload.file_offset = 0;
        upload.create_at = self.now();
        let name = upload.filename.rsplit(['/', '\\']).next().unwrap_or_default();
        upload.path = format!("uploads/{}/{name}", upload.id);
        check_upload(&upload)?;
        let mut world = self.world();
        let channel = world.channels.get(&upload.channel_id).map(|entry| &entry.channel);
        let refused = match channel {
            None => Some("incorrect_channel_id"),
            Some(channel) if channel.delete_at != 0 => Some("cannot_upload_to_deleted_channel"),
            Some(_) => None,
        };
        if let Some(why) = refused {
            let id = format!("app.upload.create.{why}.app_error");
            let message = "The channel does not exist, or is archived.";
            return Err(errors::app("CreateUploadSession", &id, BAD_REQUEST, message));
        }
        world.uploads.insert(upload.id.clone(), (upload.clone(), Vec::new()));
        Ok(upload)
    }

    pub(crate) fn upload(&self, upload_id: &str) -> Result<v1::UploadSession> {
        self.world().uploads.get(upload_id).map(|(upload, _)| upload.clone()).ok_or_else(|| {
            let message = "There is no upload with this id.";
            errors::app("GetUpload", "app.upload.get.app_error", NOT_FOUND, message)
        })
    }

    /// `UploadData`: adds what the stream brings; the file is there once all of it has come.
    pub(crate) async fn upload_data(
        &self,
        caller: &Caller,
        mut requests: Parts<v1::UploadDataRequest>,
    ) -> Result<v1::UploadDataResponse> {
        use v1::upload_data_request::Part;
        let mut upload = v1::UploadSession::default();
        let mut content = Vec::new();
        while let Some(part) = requests.next().await {
            match part?.part {
                Some(Part::Start(start)) => upload = start.upload_session.unwrap_or_default(),
                Some(Part::Content(piece)) => content.extend_from_slice(&piece),
                None => {}
            }
        }
        let Some((upload, data)) = self.append(&upload, content)? else {
            return Ok(v1::UploadDataResponse { file_info: None });
        };
        let by = Uploader { user_id: &upload.user_id, team_id: "" };
        let info = self.new_file_info(&by, &upload.channel_id, &upload.filename, &data);
        let info = v1::FileInfo {
            path: upload.path.clone(),
            remote_id: Some(upload.remote_id.clone()),
            id: if upload.req_file_id.is_empty() { info.id.clone() } else { upload.req_file_id.clone() },
            ..info
        };
        let (info, data) = self.ask_file_will_be_uploaded(caller, info, data).await?;
        let mut world = self.world();
        world.files.insert(info.id.clone(), FileEntry { info: info.clone(), data: Arc::new(data) });
        world.uploads.shift_remove(&upload.id);
        Ok(v1::UploadDataResponse { file_info: Some(info) })
    }

    /// Adds bytes to an upload; gives all of them when it is complete.
    fn append(&self, upload: &v1::UploadSession, mut content: Vec<u8>) -> Result<Option<(v1::UploadSession, Vec<u8>)>> {
        let place = "UploadData";
        let known = self.upload(&upload.id)?;
        if known.file_offset != upload.file_offset {
            let id = "app.upload.upload_data.concurrent.app_error";
            let message = "The upload has gone on elsewhere; fetch it again.";
            return Err(errors::app_with(place, id, BAD_REQUEST, message, "FileOffset mismatch"));
        }
        content.truncate(usize::try_from(known.file_size - known.file_offset).unwrap_or(0));
        let added = i64::try_from(content.len()).unwrap_or(i64::MAX);
        if known.file_offset == 0 && content.len() < LEAST_FIRST_PART && added != known.file_size {
            let id = "app.upload.upload_data.first_part_too_small.app_error";
            let message = format!("The first part must have {LEAST_FIRST_PART} bytes or be the whole file.");
            return Err(errors::app(place, id, BAD_REQUEST, message));
        }
        let mut world = self.world();
        let Some((stored, data)) = world.uploads.get_mut(&upload.id) else { return Ok(None) };
        data.extend_from_slice(&content);
        stored.file_offset += added;
        let complete = stored.file_offset == stored.file_size;
        Ok(complete.then(|| (stored.clone(), std::mem::take(data))))
    }
}

fn check_upload(upload: &v1::UploadSession) -> Result<()> {
    let field = if !validate::is_id(&upload.id) {
        "id"
    } else if upload.r#type != "attachment" {
        if upload.r#type == "import" {
            return Err(errors::not_simulated("CreateUploadSession", "uploads of imports"));
        }
        "type"
    } else if !validate::is_id(&upload.user_id) && upload.user_id != "nouser" {
        "user_id"
    } else if !validate::is_id(&upload.channel_id) {
        "channel_id"
    } else if upload.filename.is_empty() {
        "filename"
    } else if upload.file_size <= 0 {
        "file_size"
    } else {
        return Ok(());
    };
    let id = format!("model.upload_session.is_valid.{field}.app_error");
    let message = "A field of the upload is not valid.";
    Err(errors::app_with("UploadSession.IsValid", &id, BAD_REQUEST, message, format!("id={}", upload.id)))
}
