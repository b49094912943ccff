//! Connections that the plugin takes over.

use super::*;

fn hijack() -> Result<Answer, ApiError> {
    Ok(Answer::Hijack(v1::HttpHijack {}))
}

fn data(piece: impl Into<Bytes>) -> Result<Answer, ApiError> {
    Ok(Answer::ConnectionData(piece.into()))
}

/// A writer whose client sends what comes from the sender.
async fn client() -> (Arc<Writer>, mpsc::UnboundedSender<Bytes>) {
    let writer = Writer::new(Behaviour::default());
    let (sender, receiver) = mpsc::unbounded_channel();
    *writer.incoming.lock().await = Some(receiver);
    (writer, sender)
}

impl Conversation {
    /// Takes the connection over; gives the refusal.
    async fn take_over(&mut self) -> String {
        self.say(hijack()).await;
        loop {
            match self.hear().await {
                Some(Request::Hijacked(it)) => return it.error,
                Some(Request::Start(_) | Request::Body(_) | Request::BodyEnd(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn bytes_go_both_ways_until_the_plugin_closes() {
    let site = Site::serving(conversing(|mut it| async move {
        assert_eq!(it.take_over().await, "");
        it.say(data("HTTP/1.1 101 Switching Protocols\r\n\r\n")).await;
        loop {
            match it.hear().await {
                Some(Request::ConnectionData(piece)) if piece == "bye" => break,
                Some(Request::ConnectionData(piece)) => drop(it.say(data(piece)).await),
                other => panic!("{other:?}"),
            }
        }
        it.say(Ok(Answer::ConnectionClose(v1::HttpConnectionClose {}))).await;
    }))
    .await;
    let (writer, sender) = client().await;
    for piece in ["one ", "two ", "bye"] {
        sender.send(piece.into()).unwrap();
    }
    site.serve(&writer, get("/ws"), "").await.unwrap();
    assert_eq!(writer.body(), b"HTTP/1.1 101 Switching Protocols\r\n\r\none two ");
    let methods = writer.methods();
    assert_eq!((methods[1].as_str(), methods.last().unwrap().as_str()), ("HijackResponse", "HjConnClose"));
}

#[tokio::test]
async fn the_connection_is_closed_however_the_plugin_ends() {
    for (last, error) in [
        (None, None),
        (Some(broken()), Some("ServeHTTP failed: the handler raised")),
        (
            Some(body("x")),
            Some("ServeHTTP failed: the plugin sent an answer of HTTP on a connection that it had taken over"),
        ),
    ] {
        let site = Site::serving(conversing(move |mut it| {
            let last = last.clone();
            async move {
                assert_eq!(it.take_over().await, "");
                if let Some(last) = last {
                    it.say(last).await;
                }
            }
        }))
        .await;
        let (writer, _sender) = client().await;
        let result = site.serve(&writer, get("/ws"), "").await;
        assert_eq!(result.err().map(|it| it.to_string()).as_deref(), error);
        assert_eq!(writer.methods(), ["Header", "HijackResponse", "HjConnClose"]);
    }
}

#[tokio::test]
async fn the_client_s_end_is_told_and_writing_goes_on() {
    let site = Site::serving(conversing(|mut it| async move {
        assert_eq!(it.take_over().await, "");
        let Some(Request::ConnectionEnd(end)) = it.hear().await else { panic!("its end") };
        assert_eq!(end.error, "");
        it.say(data("last words")).await;
    }))
    .await;
    let (writer, sender) = client().await;
    drop(sender);
    site.serve(&writer, get("/ws"), "").await.unwrap();
    assert_eq!(writer.body(), b"last words");
}

#[tokio::test]
async fn a_client_that_takes_nothing_more_ends_the_call() {
    let seen = Seen::default();
    let told = seen.clone();
    let site = Site::serving(conversing(move |mut it| {
        let told = told.clone();
        async move {
            assert_eq!(it.take_over().await, "");
            while it.say(data("x")).await {}
            told.add("gone");
        }
    }))
    .await;
    let writer = Writer::new(Behaviour { fails_after: Some((10, "broken pipe")), ..Behaviour::default() });
    site.serve(&writer, get("/ws"), "").await.unwrap();
    assert_eq!(seen.next().await, "gone");
    assert_eq!(writer.methods().last().unwrap(), "HjConnClose");
}

#[tokio::test]
async fn who_is_refused_may_still_answer() {
    let site = Site::serving(conversing(|mut it| async move {
        assert_eq!(it.take_over().await, "response cannot be hijacked");
        it.say(head(426, &[])).await;
        // Now it is too late as well.
        it.say(body("x")).await;
        assert_eq!(it.take_over().await, "the answer has begun");
    }))
    .await;
    let writer = Writer::new(Behaviour { no_hijack: true, ..Behaviour::default() });
    site.serve(&writer, get("/ws"), "").await.unwrap();
    assert_eq!(writer.calls(), ["Header", "HijackResponse", "SyncHeader", "WriteHeader 426", "Write 1"]);
}

#[tokio::test]
async fn who_asks_again_and_again_is_ended() {
    let answers = (0..1000).map(|_| hijack());
    let site = Site::serving(Serving::answering(answers)).await;
    let writer = Writer::new(Behaviour { no_hijack: true, ..Behaviour::default() });
    let error = site.serve(&writer, get("/ws"), "").await.unwrap_err().to_string();
    assert!(error.ends_with("the plugin asks again and again for a connection that it cannot have"), "{error}");
    assert!(writer.calls().len() < 20);
}

#[tokio::test]
async fn deadlines_are_set() {
    let site = Site::serving(conversing(|mut it| async move {
        assert_eq!(it.take_over().await, "");
        for (read, write, at) in
            [(true, true, Some(5)), (true, false, Some(6)), (false, true, None), (false, false, None)]
        {
            let deadline = at.map(|seconds| Timestamp { seconds, nanos: 0 });
            it.say(Ok(Answer::ConnectionDeadline(v1::HttpConnectionDeadline { read, write, deadline }))).await;
        }
    }))
    .await;
    let (writer, _sender) = client().await;
    site.serve(&writer, get("/ws"), "").await.unwrap();
    assert_eq!(
        writer.calls()[2..],
        ["HjConnSetDeadline 5", "HjConnSetReadDeadline 6", "HjConnSetWriteDeadline -1", "HjConnClose"]
    );
}

#[tokio::test]
async fn what_is_left_of_the_body_is_not_told_any_more() {
    let site = Site::serving(conversing(|mut it| async move {
        assert_eq!(it.take_over().await, "");
        let Some(Request::ConnectionData(piece)) = it.hear().await else { panic!("no body") };
        assert_eq!(piece, "frame");
    }))
    .await;
    let (writer, sender) = client().await;
    sender.send("frame".into()).unwrap();
    site.serve(&writer, post(10_000_000), vec![0; 10_000_000]).await.unwrap();
}

/// Much, both ways: asked for in larger steps, and a plugin that does not read holds the client up.
#[tokio::test]
async fn much_goes_through() {
    const PIECES: usize = 200;
    let site = Site::serving(conversing(|mut it| async move {
        assert_eq!(it.take_over().await, "");
        let mut received = 0;
        while received < PIECES * 4096 {
            let Some(Request::ConnectionData(piece)) = it.hear().await else { panic!("more") };
            received += piece.len();
            assert!(it.say(data(vec![7; piece.len()])).await);
        }
    }))
    .await;
    let (writer, sender) = client().await;
    for _ in 0..PIECES {
        sender.send(vec![1; 4096].into()).unwrap();
    }
    site.serve(&writer, get("/ws"), "").await.unwrap();
    assert!(writer.body() == vec![7; PIECES * 4096]);
}
