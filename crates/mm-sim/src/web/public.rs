//! `/plugins/<id>/public/…`: files of the bundle, which the server gives to anybody without asking the plugin.

use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use percent_encoding::percent_decode_str;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use super::connection::{Body, not_found, plain, whole};
use crate::files;

/// A file is read in pieces of this many bytes.
const PIECE: usize = 64 * 1024;

/// The file that a path below the plugin means.
pub(super) async fn serve(bundle: Option<&Path>, path: &str, method: &Method) -> Response<Body> {
    if method != Method::GET && method != Method::HEAD {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "405 method not allowed\n");
    }
    let Some(file) = bundle.and_then(|bundle| locate(bundle, path)) else { return not_found() };
    let Ok(file) = open(&file).await else { return not_found() };
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut response = Response::new(whole(Bytes::new()));
    let kind = files::media_type(name).unwrap_or("application/octet-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CONTENT_LENGTH, file.1.into());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if method == Method::GET {
        *response.body_mut() = content(file.0);
    }
    response
}

/// The path in the bundle, when it is below `public` and nowhere else.
fn locate(bundle: &Path, path: &str) -> Option<PathBuf> {
    let decoded = percent_decode_str(path.strip_prefix("/public/")?).decode_utf8().ok()?;
    let below = Path::new(&*decoded);
    let is_plain = below.components().all(|it| matches!(it, Component::Normal(name) if !name.is_empty()));
    (is_plain && !decoded.is_empty() && !decoded.contains('\0')).then(|| bundle.join("public").join(below))
}

async fn open(path: &Path) -> std::io::Result<(File, u64)> {
    let file = File::open(path).await?;
    let metadata = file.metadata().await?;
    if !metadata.is_file() {
        return Err(std::io::ErrorKind::NotFound.into());
    }
    Ok((file, metadata.len()))
}

fn content(file: File) -> Body {
    let pieces = stream::unfold(file, async |mut file| {
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(size) => {
                piece.truncate(size);
                Some((Ok(Frame::data(piece.into())), file))
            }
            Err(error) => Some((Err(error), file)),
        }
    });
    StreamBody::new(pieces).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_of_the_public_folder_is_reached() {
        let bundle = Path::new("/bundle");
        assert_eq!(locate(bundle, "/public/a/b%20c.png"), Some(PathBuf::from("/bundle/public/a/b c.png")));
        for path in ["/public/../plugin.json", "/public/%2e%2e/x", "/public//etc/passwd", "/public/%2fetc/passwd"] {
            assert_eq!(locate(bundle, path), None, "{path}");
        }
        assert_eq!(locate(bundle, "/public/"), None);
        assert_eq!(locate(bundle, "/public"), None);
        assert_eq!(locate(bundle, "/public/%ff"), None);
        assert_eq!(locate(bundle, "/public/%zz"), Some(PathBuf::from("/bundle/public/%zz")), "no escape");
        assert_eq!(locate(bundle, "/public/a%00"), None);
    }
}
