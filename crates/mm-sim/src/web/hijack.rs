//! A connection in a plugin's hands: bytes both ways, as fast as the slower side takes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures::StreamExt as _;
use mm_proto::ApiError;
use mm_proto::grpc::{Parts, STREAM_PIECE_BYTES};
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::serve_http_request::Part as News;
use mm_proto::plugin::v1::serve_http_response::Part as Answer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// When reading or writing shall fail.
type Deadline = Option<Instant>;

/// A task that ends with this.
struct Reading(AbortHandle);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Carries bytes until the plugin or the client ends it.
pub(super) async fn carry(
    stream: TcpStream,
    read: Bytes,
    mut answers: Parts<v1::ServeHttpResponse>,
    news: mpsc::Sender<News>,
) -> Result<(), ApiError> {
    let (reader, mut writer) = stream.into_split();
    let (reading_ends, deadline) = watch::channel(None);
    let _reading = Reading(tokio::spawn(tell(reader, read, deadline, news)).abort_handle());
    let mut writing_ends: Deadline = None;
    while let Some(answer) = answers.next().await {
        match answer?.part {
            Some(Answer::ConnectionData(data)) => {
                if within(writing_ends, writer.write_all(&data)).await.is_err() {
                    // The client is gone: what the plugin still says reaches nobody.
                    return Ok(());
                }
            }
            Some(Answer::ConnectionDeadline(it)) => {
                let at = it.deadline.as_ref().map(moment);
                if it.read {
                    reading_ends.send_replace(at);
                }
                if it.write {
                    writing_ends = at;
                }
            }
            Some(Answer::ConnectionClose(_)) => break,
            _ => return Err(ApiError::plain("the plugin sent an answer of HTTP on a connection that it had taken")),
        }
    }
    // A client that is gone needs no goodbye.
    let _ = writer.shutdown().await;
    Ok(())
}

/// Tells the plugin what the client sends.
async fn tell(
    mut reader: OwnedReadHalf,
    read: Bytes,
    mut deadline: watch::Receiver<Deadline>,
    news: mpsc::Sender<News>,
) {
    if !read.is_empty() && news.send(News::ConnectionData(read)).await.is_err() {
        return;
    }
    let mut piece = vec![0; STREAM_PIECE_BYTES];
    let error = loop {
        let ends = *deadline.borrow_and_update();
        let result = tokio::select! {
            result = within(ends, reader.read(&mut piece)) => result,
            Ok(()) = deadline.changed() => continue,
        };
        match result {
            Ok(0) => break String::new(),
            Ok(size) => {
                if news.send(News::ConnectionData(Bytes::copy_from_slice(&piece[..size]))).await.is_err() {
                    return;
                }
            }
            Err(error) => break error.to_string(),
        }
    };
    // Nobody listens when the plugin has ended its call.
    let _ = news.send(News::ConnectionEnd(v1::HttpConnectionEnd { error })).await;
}

async fn within<T>(deadline: Deadline, work: impl Future<Output = std::io::Result<T>>) -> std::io::Result<T> {
    match deadline {
        None => work.await,
        Some(at) => tokio::time::timeout_at(at, work)
            .await
            .unwrap_or_else(|_| Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "i/o timeout"))),
    }
}

/// A time of day as a moment of the clock that timers use; what is over is now.
fn moment(time: &prost_types::Timestamp) -> Instant {
    let seconds = u64::try_from(time.seconds).unwrap_or(0);
    let at = UNIX_EPOCH + Duration::new(seconds, u32::try_from(time.nanos).unwrap_or(0));
    Instant::now() + at.duration_since(SystemTime::now()).unwrap_or_default()
}
