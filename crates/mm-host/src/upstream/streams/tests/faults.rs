//! What goes wrong, what is slow, and what is large.

use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll};

use futures::StreamExt as _;
use mm_proto::header::Header;
use tokio::io::{AsyncRead, AsyncWriteExt as _, ReadBuf};

use super::*;

/// Bytes without end, or up to an end, that are counted when they are taken.
struct Source {
    left: usize,
    taken: Arc<AtomicUsize>,
}

impl AsyncRead for Source {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let count = buffer.remaining().min(self.left);
        buffer.put_slice(&vec![3; count]);
        self.left -= count;
        self.taken.fetch_add(count, Ordering::SeqCst);
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_body_that_ends_early_is_told() {
    for (declared, sent, expected) in [(10, 10, ""), (10, 4, "unexpected EOF"), (10, 0, "unexpected EOF"), (0, 0, "")] {
        let (plugin, seen) = telling(|mut it, told| async move {
            it.start().await;
            let (whole, error) = it.body().await;
            told.add(format!("{} {error}", whole.len()));
        });
        let site = Site::serving(plugin).await;
        site.serve(&Writer::new(Behaviour::default()), post(declared), vec![1; sent]).await.unwrap();
        assert_eq!(seen.next().await, format!("{sent} {expected}"));
    }
}

/// What the field `Connection` is when a plugin answers although only so much of the body has come.
async fn connection_of(request: Sent, sent: usize, plugin: Arc<Serving>) -> (Option<Vec<String>>, bool) {
    let (mut client, body) = tokio::io::duplex(1 << 20);
    client.write_all(&vec![1; sent]).await.unwrap();
    let writer = Writer::new(Behaviour::default());
    let result = Site::serving(plugin).await.serve_from(&writer, request, body).await;
    assert_eq!(writer.field("X-Request-Id").unwrap(), ["r1"], "what the server has set stays");
    (writer.field("Connection"), result.is_ok())
}

#[tokio::test]
async fn the_connection_ends_when_the_server_would_wait_for_a_body_or_throw_it_away() {
    let in_chunks = || Sent { header: Header::new(), ..post(0) };
    let second = || Sent { proto_major: 2, ..post(1 << 20) };
    let close = Some(vec!["close".to_owned()]);
    for (what, request, ends) in [
        ("large", post(1 << 20), true),
        ("small", post(1000), false),
        ("in chunks", in_chunks(), true),
        ("none", get("/"), false),
        ("HTTP/2", second(), false),
    ] {
        let expected = if ends { close.clone() } else { None };
        let answered = connection_of(request.clone(), 10, Serving::answering([body("no")])).await;
        assert_eq!(answered, (expected.clone(), true), "{what}");
        let failed = connection_of(request.clone(), 10, Serving::answering([broken()])).await;
        assert_eq!(failed, (expected.clone(), false), "{what}, failed");
        let refused = connection_of(request, 10, Serving::new(|_| Err(ApiError::plain("not now")))).await;
        assert_eq!(refused, (expected, false), "{what}, not called");
    }
}

#[tokio::test]
async fn a_plugin_that_goes_on_reading_gets_the_body_whatever_its_length() {
    for (length, sent, ends) in [(1000, 10, true), (1000, 1000, false)] {
        let plugin = conversing(move |mut it| async move {
            it.start().await;
            let mut count = 0;
            while count < sent {
                let Some(Request::Body(piece)) = it.hear().await else { panic!("there is more") };
                count += piece.len();
            }
            it.say(body("begun")).await;
            it.say(flush()).await;
            it.say(body("done")).await;
        });
        let expected = ends.then(|| vec!["close".to_owned()]);
        assert_eq!(connection_of(post(length), sent, plugin).await, (expected, true), "{sent} of {length}");
    }
}

#[tokio::test]
async fn ten_thousand_pieces_go_through_in_order() {
    let pieces: Vec<String> = (0..10_000).map(|n| format!("{n},")).collect();
    let expected = pieces.concat();
    // All there at once, then one by one.
    let answers = pieces.clone().into_iter().map(body);
    let site = Site::serving(Serving::answering(answers)).await;
    let writer = Writer::new(Behaviour::default());
    site.serve(&writer, get("/"), "").await.unwrap();
    assert!(writer.body() == expected.as_bytes());
    assert_eq!(writer.methods(), ["Header", "Write"]);

    let site = Site::serving(conversing(move |it| {
        let pieces = pieces.clone();
        async move {
            for piece in pieces {
                assert!(it.say(body(piece)).await);
            }
        }
    }))
    .await;
    let writer = Writer::new(Behaviour::default());
    site.serve(&writer, get("/"), "").await.unwrap();
    assert!(writer.body() == expected.as_bytes());
}

#[tokio::test]
async fn a_plugin_that_does_not_read_holds_the_body_up() {
    let taken = Arc::new(AtomicUsize::new(0));
    let site = Site::serving(conversing(|mut it| async move {
        it.start().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        it.say(body("not read")).await;
    }))
    .await;
    let source = Source { left: usize::MAX, taken: Arc::clone(&taken) };
    let writer = Writer::new(Behaviour::default());
    site.serve_from(&writer, post(usize::MAX >> 1), source).await.unwrap();
    assert_eq!(writer.body(), b"not read");
    let taken = taken.load(Ordering::SeqCst);
    // The window, what is dropped when the plugin lets go, and what is in hand.
    assert!(taken < 2 << 20, "{taken} bytes were taken from a body that nobody reads");
}

#[tokio::test]
async fn a_client_that_does_not_take_holds_the_plugin_up() {
    let made = Arc::new(AtomicUsize::new(0));
    let making = Arc::clone(&made);
    let site = Site::serving(Serving::new(move |requests| {
        let making = Arc::clone(&making);
        let pieces = futures::stream::repeat_with(move || {
            making.fetch_add(1, Ordering::SeqCst);
            body(vec![1; 64 * 1024])
        });
        Ok(Box::pin(Held(pieces, requests)))
    }))
    .await;
    let slow = Behaviour {
        write_takes: Duration::from_millis(50),
        fails_after: Some((1, "broken pipe")),
        ..Behaviour::default()
    };
    site.serve(&Writer::new(slow), get("/"), "").await.unwrap();
    let made = made.load(Ordering::SeqCst);
    assert!(made <= 8, "{made} pieces were made for two writes");
}

#[tokio::test]
async fn a_client_that_is_gone_ends_the_plugin_s_call() {
    let (plugin, seen) = telling(|mut it, told| async move {
        it.start().await;
        while it.say(body("event")).await {}
        told.add("the answer is not wanted");
        while it.requests.next().await.is_some() {}
        told.add("the requests are over");
    });
    let site = Site::serving(plugin).await;
    let gone = Behaviour { fails_after: Some((5, "write: broken pipe")), ..Behaviour::default() };
    site.serve(&Writer::new(gone), get("/"), "").await.unwrap();
    assert_eq!([seen.next().await, seen.next().await], ["the answer is not wanted", "the requests are over"]);
}

#[tokio::test]
async fn a_plugin_that_panics_is_a_500() {
    let site = Site::serving(Serving::new(|_| panic!("oh"))).await;
    let error = site.serve(&Writer::new(Behaviour::default()), get("/"), "").await.unwrap_err();
    assert_eq!(error.to_string(), "Plugin.ServeHTTP panicked: oh");
}

#[tokio::test]
async fn many_at_once_do_not_mix() {
    let site = Site::serving(conversing(|mut it| async move {
        it.start().await;
        let (whole, _) = it.body().await;
        for piece in whole.chunks(1000) {
            it.say(body(piece.to_vec())).await;
        }
    }))
    .await;
    let site = &site;
    futures::future::join_all((0..50_u8).map(|n| async move {
        let writer = Writer::new(Behaviour::default());
        site.serve(&writer, post(100_000), vec![n; 100_000]).await.unwrap();
        assert!(writer.body() == vec![n; 100_000], "{n}");
    }))
    .await;
}

/// Numbers that look random, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// The client goes, the body breaks off or the plugin fails, at any offset; whatever it is, the call ends, and the next one goes well.
#[tokio::test]
async fn five_hundred_exchanges_that_are_broken_off() {
    const LENGTH: usize = 300_000;
    let mut numbers = Numbers(5);
    let fails_at = Arc::new(AtomicUsize::new(0));
    let at = Arc::clone(&fails_at);
    let site = Site::serving(conversing(move |mut it| {
        let fails_at = at.load(Ordering::SeqCst);
        async move {
            it.start().await;
            let mut echoed = 0;
            while let Some(request) = it.requests.next().await {
                let Request::Body(piece) = request else { break };
                echoed += piece.len();
                if echoed >= fails_at {
                    it.say(broken()).await;
                    return;
                }
                if !it.say(body(piece)).await {
                    return;
                }
            }
        }
    }))
    .await;
    for round in 0..500 {
        let offset = numbers.below(LENGTH);
        let (mut sent, mut behaviour) = (LENGTH, Behaviour::default());
        fails_at.store(usize::MAX, Ordering::SeqCst);
        match round % 3 {
            0 => sent = offset,
            1 => behaviour.fails_after = Some((offset, "write: connection reset by peer")),
            _ => fails_at.store(offset, Ordering::SeqCst),
        }
        let writer = Writer::new(behaviour);
        let result = site.serve(&writer, post(LENGTH), vec![9; sent]).await;
        assert_eq!(result.is_err(), round % 3 == 2, "round {round}, offset {offset}");
        assert!(writer.body().len() <= LENGTH);
    }
    fails_at.store(usize::MAX, Ordering::SeqCst);
    let writer = Writer::new(Behaviour::default());
    site.serve(&writer, post(LENGTH), vec![9; LENGTH]).await.unwrap();
    assert!(writer.body() == vec![9; LENGTH]);
}
