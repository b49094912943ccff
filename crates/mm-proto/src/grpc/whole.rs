//! The body of a request that consists of parts: it is over when its sender has ended it, behind a whole message, and broken otherwise.
//!
//! tonic takes a request that is reset for one that has ended, and so one whose last message breaks off behind its length or before
//! trailers (`StreamingInner::poll_frame` of tonic's `codec/decode.rs`). An upload has no other end than that of its request, so half of
//! it would be taken for the whole.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Body as HttpBody, Frame};
use prost::bytes::Bytes;
use tonic::body::Body;
use tonic::{Code, Status};

/// Bytes before each message: whether it is compressed, and its length.
const PREFIX: usize = 5;

pub(super) struct Whole {
    body: Body,
    /// Bytes of a prefix that have come, and the length as far as it has.
    prefix: usize,
    length: u32,
    /// Bytes of a message that have not come.
    missing: usize,
    over: bool,
}

impl Whole {
    pub(super) fn new(body: Body) -> Self {
        Self { body, prefix: 0, length: 0, missing: 0, over: false }
    }

    fn pass(&mut self, mut data: &[u8]) {
        while let Some((byte, rest)) = data.split_first() {
            if self.missing > 0 {
                let count = data.len().min(self.missing);
                self.missing -= count;
                data = &data[count..];
                continue;
            }
            // The first of them leaves on the left.
            self.length = (self.length << 8) | u32::from(*byte);
            self.prefix += 1;
            if self.prefix == PREFIX {
                self.missing = self.length as usize;
                self.prefix = 0;
            }
            data = rest;
        }
    }

    fn broken(&mut self, why: &str) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.over = true;
        Poll::Ready(Some(Err(Status::aborted(why))))
    }
}

impl HttpBody for Whole {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let it = self.get_mut();
        while !it.over {
            match ready!(Pin::new(&mut it.body).poll_frame(context)) {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        it.pass(data);
                        return Poll::Ready(Some(Ok(frame)));
                    }
                    // Trailers of a request say nothing.
                }
                Some(Err(status)) if status.code() == Code::Cancelled => {
                    return it.broken("the request was cancelled before its end");
                }
                None if it.prefix > 0 || it.missing > 0 => {
                    return it.broken("the request ended in the middle of a message");
                }
                end => {
                    it.over = true;
                    return Poll::Ready(end);
                }
            }
        }
        Poll::Ready(None)
    }
}
