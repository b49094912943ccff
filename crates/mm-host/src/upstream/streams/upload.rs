//! `FileWillBeUploaded`: the file to the plugin as it is read, the replacement to the server as it is written.
//!
//! The server waits for the end of the replacement after the call, whatever became of it, so its stream is dialled first and closed by
//! being dropped: on every path, a panic included.

use std::pin::Pin;
use std::sync::Arc;

use bytes::{BufMut as _, BytesMut};
use futures::stream::{self, StreamExt as _};
use mm_gob::Zeros;
use mm_gob::codec::Struct;
use mm_goplugin::io_stream::RemoteReader;
use mm_goplugin::rpc::Reply;
use mm_goplugin::{Broker, Stream};
use mm_proto::grpc::{Parts, STREAM_PIECE_BYTES};
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::file_will_be_uploaded_request::Part as Request;
use mm_proto::plugin::v1::file_will_be_uploaded_response::Part as Answer;
use mm_proto::{ApiError, PluginHooks};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::wire::{UploadArgs, UploadReturns};

/// What an uploader reads of a plugin that failed in the middle of the replacement. What came of it cannot be taken back.
const BROKEN_OFF: &str = "The plugin that changes this file failed. The file was not stored; please upload it again.";

/// Answers a call. Its error means to the server that the file stays as it is.
pub(super) async fn file_will_be_uploaded(
    hooks: Option<Arc<dyn PluginHooks>>,
    broker: Broker,
    args: UploadArgs,
) -> Result<Reply, String> {
    let failed = |error: String| format!("FileWillBeUploaded failed: {error}");
    let file = RemoteReader::dial(&broker, args.file);
    let replacement = broker.dial(args.replacement).await.map_err(|error| failed(error.to_string()))?;
    let mut replacement = Replacement { stream: replacement, begun: false };
    let file = file.map_err(|error| failed(error.to_string()))?;
    let hooks = hooks.ok_or_else(|| failed(super::NOT_ACTIVATED.to_owned()))?;

    let original = args.info.clone();
    let start = v1::FileWillBeUploadedStart { context: args.context, info: args.info };
    let result = async { replacement.take(hooks.file_will_be_uploaded(requests(start, file)).await?).await }.await;
    let mut result = match result {
        Ok(result) => result,
        Err(error) if !replacement.begun => return Err(failed(error.to_string())),
        Err(_) => v1::FileWillBeUploadedResult { reason: BROKEN_OFF.to_owned(), file_info: None },
    };
    // The server reads the answer over its own object: nothing where nothing was changed, and zeros where something was.
    if result.file_info == original {
        result.file_info = None;
    }
    drop(replacement);
    Ok(Reply::with_zeros::<Struct<UploadReturns>, _>(result, Zeros::Explicit))
}

/// The arguments and the file.
fn requests(start: v1::FileWillBeUploadedStart, file: RemoteReader) -> Parts<v1::FileWillBeUploadedRequest> {
    let content = stream::unfold(Some((file, BytesMut::new())), |state| async move {
        let (mut file, mut buffer) = state?;
        buffer.reserve(STREAM_PIECE_BYTES);
        let end = |error| Some((Request::ContentEnd(v1::FileContentEnd { error }), None));
        match file.read_buf(&mut (&mut buffer).limit(STREAM_PIECE_BYTES)).await {
            Ok(0) => end(String::new()),
            Ok(_) => Some((Request::Content(buffer.split().freeze()), Some((file, buffer)))),
            Err(error) => end(format!("unexpected EOF: {error}")),
        }
    });
    let parts = stream::iter([Request::Start(start)]).chain(content);
    // The plugin may answer after the file's end: the call goes on until its answer.
    let parts = parts.chain(stream::pending());
    parts.map(|part| Ok(v1::FileWillBeUploadedRequest { part: Some(part) })).boxed()
}

/// What the server stores in the file's place.
struct Replacement {
    stream: Stream,
    /// Whether the server may have got some of it.
    begun: bool,
}

impl Replacement {
    /// Sends the replacement; gives the result behind it.
    async fn take(
        &mut self,
        mut answers: Parts<v1::FileWillBeUploadedResponse>,
    ) -> Result<v1::FileWillBeUploadedResult, ApiError> {
        while let Some(answer) = answers.next().await {
            match answer?.part {
                Some(Answer::Replacement(piece)) => {
                    self.begun |= !piece.is_empty();
                    let written = Pin::new(&mut self.stream).write_all(&piece).await;
                    written.map_err(|error| ApiError::plain(format!("the server does not take it: {error}")))?;
                }
                Some(Answer::Result(result)) => return Ok(result),
                None => return Err(ApiError::plain("the plugin sent a part that is unknown here")),
            }
        }
        Err(ApiError::plain("the plugin ended the call without an answer"))
    }
}
