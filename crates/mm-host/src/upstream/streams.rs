//! The hooks with streams: `ServeHTTP`, `ServeMetrics`, `FileWillBeUploaded`.
//!
//! Every stream that the server names must be dialled, whatever becomes of the call: it waits 5 s for one that is not, and for ever for
//! the end of a file's replacement that nobody closes.

use std::sync::Arc;

use mm_gob::codec::{Bytes, Int, Map, Slice, Str, Struct, Uint};
use mm_goplugin::Broker;
use mm_goplugin::rpc::{Args, ArgsError, CallError, Client, Empty, Limits, Refusal, Reply, Running};
use mm_proto::PluginHooks;

/// HTTP's "Not Implemented".
const NOT_IMPLEMENTED: i64 = 501;

/// What `ServeHTTP` and `ServeMetrics` are called with, as far as it is looked at.
#[derive(Debug, Default)]
struct ServeArgs {
    response_writer: u32,
    request_body: u32,
}

mm_gob::gob_struct! {
    ServeArgs as "Z_ServeHTTPArgs" {
        "ResponseWriterStream" => response_writer: Uint,
        "RequestBodyStream" => request_body: Uint,
    }
}

/// What `FileWillBeUploaded` is called with, as far as it is looked at.
#[derive(Debug, Default)]
struct UploadArgs {
    file: u32,
    replacement: u32,
}

mm_gob::gob_struct! {
    UploadArgs as "Z_FileWillBeUploadedArgs" {
        "UploadedFileStream" => file: Uint,
        "ReplacementFileStream" => replacement: Uint,
    }
}

/// Begins a call of a hook with streams; `None` when `method` is another hook. Without `hooks` the plugin is not activated.
pub(super) fn call(
    hooks: Option<&Arc<dyn PluginHooks>>,
    broker: &Broker,
    method: &str,
    args: &mut Args<'_>,
) -> Option<Result<Running, Refusal>> {
    let broker = broker.clone();
    // To whom the streams will go.
    let _ = hooks;
    let begun: Result<Running, ArgsError> = match method {
        "ServeHTTP" | "ServeMetrics" => {
            let method = method.to_owned();
            args.read::<Struct<ServeArgs>, ServeArgs>()
                .map(|args| Box::pin(async move { serve_http(&broker, &method, &args).await }) as Running)
        }
        "FileWillBeUploaded" => args
            .read::<Struct<UploadArgs>, UploadArgs>()
            .map(|args| Box::pin(async move { file_will_be_uploaded(&broker, &args).await }) as Running),
        _ => return None,
    };
    Some(begun.map_err(Refusal::from))
}

/// Answers 501.
async fn serve_http(broker: &Broker, method: &str, args: &ServeArgs) -> Result<Reply, String> {
    let (writer, body) = tokio::join!(broker.dial(args.response_writer), async {
        if args.request_body == 0 { None } else { broker.dial(args.request_body).await.ok() }
    });
    let (read, write) = writer.map_err(|error| format!("the response's stream: {error}"))?.into_split();
    let writer = Client::new(read, write, Limits::default());
    refuse(&writer, method).await.map_err(|error| error.to_string())?;
    // Held open until the answer is complete.
    drop(body);
    Ok(Reply::empty())
}

/// Writes the response, one call after the other: the server runs them side by side.
async fn refuse(writer: &Client, method: &str) -> Result<(), CallError> {
    type Header = std::collections::BTreeMap<String, Vec<String>>;
    type HeaderCodec = Map<Str, Slice<Str>>;
    let mut header: Header = writer.call::<Struct<Empty>, _, HeaderCodec, _>("Plugin.Header", &Empty).await?;
    header.insert("Content-Type".to_owned(), vec!["text/plain; charset=utf-8".to_owned()]);
    writer.call::<HeaderCodec, _, Struct<Empty>, Empty>("Plugin.SyncHeader", &header).await?;
    writer.call::<Int, _, Struct<Empty>, Empty>("Plugin.WriteHeader", &NOT_IMPLEMENTED).await?;
    let text = format!("{method} of plugins in Python is not supported on a server yet.\n").into_bytes();
    writer.call::<Bytes, _, Struct<Empty>, Empty>("Plugin.Write", &text).await?;
    Ok(())
}

/// What `FileWillBeUploaded` returns when nothing changes: neither a file's description nor a reason.
async fn file_will_be_uploaded(broker: &Broker, args: &UploadArgs) -> Result<Reply, String> {
    let (replacement, file) = tokio::join!(broker.dial(args.replacement), broker.dial(args.file));
    // Dropping a stream closes it. An empty replacement replaces nothing.
    drop((replacement, file));
    Ok(Reply::empty())
}
