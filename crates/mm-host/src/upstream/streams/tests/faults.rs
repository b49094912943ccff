//! What goes wrong, what is slow, and what is large.

use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll};

use futures::StreamExt as _;
use tokio::io::{AsyncRead, ReadBuf};

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
