//! The answer of a stream whose handler must not fail without refusing: in the place of a failure comes the refusal.
//!
//! What has begun to arrive of a message is held back until all of it is there, so that the refusal never lands in the middle of one.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use http::HeaderMap;
use hyper::body::Frame;
use mm_proto::grpc::MAX_MESSAGE_BYTES;
use tonic::body::Body;
use tonic::{Code, Status};

use super::answer::{status_of, success};

/// Bytes before each message: a flag and its length.
const PREFIX: usize = 5;

/// A body that ends well, if need be with a refusal.
pub(super) struct Refusing<F> {
    body: Body,
    /// What has arrived of a message that is not complete.
    begun: BytesMut,
    /// What is passed on.
    ready: VecDeque<Frame<Bytes>>,
    /// The message that refuses.
    refusal: Bytes,
    /// Told why it refuses.
    told: Option<F>,
    over: bool,
}

impl<F: FnOnce(&str) + Send + Unpin + 'static> Refusing<F> {
    /// `body`, with the message `refusal` in the place of a failure; `told` hears what that was.
    pub(super) fn new(body: Body, refusal: Bytes, told: F) -> Self {
        let ready = VecDeque::new();
        Self { body, begun: BytesMut::new(), ready, refusal, told: Some(told), over: false }
    }

    fn take(&mut self, data: &[u8]) {
        self.begun.extend_from_slice(data);
        while self.begun.len() >= PREFIX {
            let length = (&self.begun[1..PREFIX]).get_u32() as usize;
            if length > MAX_MESSAGE_BYTES {
                // Nobody would take it, so it is not waited for.
                self.refuse(&format!("a part of its answer has {length} bytes"));
                return;
            }
            if self.begun.len() < PREFIX + length {
                return;
            }
            self.ready.push_back(Frame::data(self.begun.split_to(PREFIX + length).freeze()));
        }
    }

    fn end(&mut self, trailers: HeaderMap) {
        let status = status_of(&trailers).unwrap_or_else(|| Status::unavailable("it broke its answer off"));
        if status.code() == Code::Ok && self.begun.is_empty() {
            self.ready.push_back(Frame::trailers(trailers));
            self.over = true;
        } else {
            self.refuse(status.message());
        }
    }

    fn refuse(&mut self, why: &str) {
        self.over = true;
        self.begun.clear();
        self.ready.push_back(Frame::data(self.refusal.clone()));
        self.ready.push_back(Frame::trailers(success()));
        if let Some(told) = self.told.take() {
            told(why);
        }
    }
}

impl<F: FnOnce(&str) + Send + Unpin + 'static> hyper::body::Body for Refusing<F> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(frame)));
            }
            if self.over {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut self.body).poll_frame(context)).map(|it| it.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.take(&data),
                Some(Ok(Err(frame))) => self.end(frame.into_trailers().unwrap_or_default()),
                Some(Err(status)) => self.refuse(status.message()),
                None => self.end(HeaderMap::new()),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.over && self.ready.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures::stream;
    use http::HeaderValue;
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    const REFUSAL: &[u8] = b"\0\0\0\0\x02no";

    fn trailers(status: &'static str) -> Result<Frame<Bytes>, Status> {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static(status));
        Ok(Frame::trailers(trailers))
    }

    fn data(bytes: &'static [u8]) -> Result<Frame<Bytes>, Status> {
        Ok(Frame::data(Bytes::from_static(bytes)))
    }

    /// What a reader gets, and whether it was told of a failure.
    async fn passed(frames: Vec<Result<Frame<Bytes>, Status>>) -> (Vec<u8>, Option<String>) {
        let told = Arc::new(Mutex::new(None));
        let hears = told.clone();
        let body = Body::new(StreamBody::new(stream::iter(frames)));
        let hear = move |why: &str| *hears.lock().unwrap() = Some(why.to_owned());
        let read = Refusing::new(body, Bytes::from_static(REFUSAL), hear).collect().await.unwrap();
        assert_eq!(read.trailers().unwrap()["grpc-status"], "0");
        let told = told.lock().unwrap().take();
        (read.to_bytes().to_vec(), told)
    }

    const ONE: &[u8] = b"\0\0\0\0\x03one";

    #[tokio::test]
    async fn an_answer_that_ends_well_passes_as_it_is() {
        let pieces = vec![data(b"\0\0\0"), data(b"\0\x03on"), data(b"e\0\0\0\0\0"), trailers("0")];
        assert_eq!(passed(pieces).await, (b"\0\0\0\0\x03one\0\0\0\0\0".to_vec(), None));
    }

    #[tokio::test]
    async fn every_kind_of_failure_refuses() {
        let refused = [ONE, REFUSAL].concat();
        let cases: [Vec<Result<Frame<Bytes>, Status>>; 6] = [
            vec![data(ONE), trailers("2")],
            vec![data(ONE), Err(Status::unavailable("gone"))],
            vec![data(ONE)],
            vec![data(ONE), data(b"\0\0\0\0\x09half"), Err(Status::unavailable("gone"))],
            vec![data(ONE), data(b"\0\0\0\0\x09half"), trailers("0")],
            // More than a message may have: what follows is not waited for.
            vec![data(ONE), data(b"\0\x40\0\0\x01"), data(b"x"), trailers("0")],
        ];
        for frames in cases {
            let (bytes, told) = passed(frames).await;
            assert_eq!(bytes, refused);
            assert!(told.is_some());
        }
    }
}
