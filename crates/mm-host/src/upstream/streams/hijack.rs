//! A connection in the plugin's hands: bytes both ways, as fast as the slower side takes them.

use std::future::pending;

use futures::{FutureExt as _, StreamExt as _};
use mm_proto::grpc::STREAM_PIECE_BYTES;
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::serve_http_request::Part as Request;
use mm_proto::plugin::v1::serve_http_response::Part as Answer;

use super::hook::Answers;
use super::pieces::Pieces;
use super::requests::News;
use super::writer::{Deadline, ResponseWriter, WriteError};

/// What is asked for at first. Asking for it means sending as many bytes.
const LEAST_READ: usize = 4 * 1024;

/// How Go says that the other side has closed.
const EOF: &str = "EOF";

/// Carries bytes until the plugin ends it or can write no more, and closes the connection. The error is what the plugin did wrong.
pub(super) async fn carry(writer: &ResponseWriter, news: &News, answers: Answers) -> Result<(), String> {
    let reading = async {
        read_all(writer, news).await;
        // The plugin may go on writing.
        pending().await
    };
    let result = tokio::select! {
        result = write_all(writer, answers) => result,
        never = reading => never,
    };
    // The server leaves it open otherwise. When it fails the connection is gone already.
    let _ = writer.close_connection().await;
    result
}

/// Tells the plugin what the client sends, to the end.
async fn read_all(writer: &ResponseWriter, news: &News) {
    let mut room = LEAST_READ;
    let error = loop {
        match writer.read_connection(room).await {
            Ok(data) => {
                // Who sends much is asked for more at a time.
                room = match data.len() {
                    count if count == room => (room * 2).min(STREAM_PIECE_BYTES),
                    count if count < room / 4 => LEAST_READ,
                    _ => room,
                };
                if !data.is_empty() && news.connection.send(Request::ConnectionData(data)).await.is_err() {
                    return;
                }
            }
            Err(WriteError::Refused(text)) if text == EOF => break String::new(),
            Err(error) => break error.to_string(),
        }
    };
    // A plugin that has ended its call does not listen.
    let _ = news.connection.send(Request::ConnectionEnd(v1::HttpConnectionEnd { error })).await;
}

/// Does what the plugin says. A client that does not take any more ends it too.
async fn write_all(writer: &ResponseWriter, mut answers: Answers) -> Result<(), String> {
    let mut pieces = Pieces::default();
    loop {
        let next = if pieces.is_empty() { Some(answers.next().await) } else { answers.next().now_or_never() };
        let part = match next {
            None => None,
            Some(answer) => Some(answer.transpose().map_err(|error| error.to_string())?),
        };
        if let Some(Some(Some(Answer::ConnectionData(data)))) = part {
            if !pieces.has_room(data.len()) && flush(writer, &mut pieces).await.is_err() {
                return Ok(());
            }
            pieces.push(data);
            continue;
        }
        if flush(writer, &mut pieces).await.is_err() {
            return Ok(());
        }
        match part {
            // Nothing more is there yet.
            None => {}
            Some(None | Some(Some(Answer::ConnectionClose(_)))) => return Ok(()),
            Some(Some(Some(Answer::ConnectionDeadline(it)))) => {
                let Ok(()) = set_deadline(writer, it).await else { return Ok(()) };
            }
            Some(Some(_)) => {
                return Err("the plugin sent an answer of HTTP on a connection that it had taken over".to_owned());
            }
        }
    }
}

async fn flush(writer: &ResponseWriter, pieces: &mut Pieces) -> Result<(), WriteError> {
    let piece = pieces.take();
    if piece.is_empty() { Ok(()) } else { writer.write_connection(&piece).await }
}

async fn set_deadline(writer: &ResponseWriter, it: v1::HttpConnectionDeadline) -> Result<(), WriteError> {
    let which = match (it.read, it.write) {
        (true, true) => Deadline::Both,
        (true, false) => Deadline::Read,
        (false, true) => Deadline::Write,
        (false, false) => return Ok(()),
    };
    writer.set_deadline(which, it.deadline).await
}
