//! A session with both ends in one process.

use std::io::Cursor;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use mm_gob::codec::{Bool, Str, Struct};
use mm_goplugin::io_stream::{self, RemoteReader};
use mm_goplugin::rpc::{Args, CallError, Closed, Empty, Refusal, Reply, Running, Service};
use mm_goplugin::testing::{DispenseError, Host, pair};
use mm_goplugin::{Broker, BrokerError, Plugins, Session, SessionEnd};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(5);

/// Repeats texts, and tells when its connection is over.
struct Echo(Arc<Notify>);

impl Service for Echo {
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        match method {
            "Echo" => {
                let text: String = args.read::<Str, String>()?;
                Ok(Box::pin(async move { Ok(Reply::new::<Str, _>(text)) }))
            }
            _ => Err(Refusal::NoSuchMethod),
        }
    }

    fn closed(&self, _: &Closed) {
        self.0.notify_one();
    }
}

struct Offered(Arc<Notify>);

impl Plugins for Offered {
    fn dispense(&self, name: &str, _: &Broker) -> Option<Arc<dyn Service>> {
        (name == "echo").then(|| Arc::new(Echo(self.0.clone())) as Arc<dyn Service>)
    }
}

/// Lends a source to the host: the task that serves it, and the host's end.
async fn lent(
    session: &Session,
    host: &Host,
    source: impl AsyncRead + Unpin + Send + 'static,
) -> (JoinHandle<std::io::Result<u64>>, RemoteReader) {
    let id = session.broker().next_id();
    let (owner, reader) = tokio::join!(session.broker().accept(id), host.broker().dial(id));
    let serving = tokio::spawn(async move { io_stream::serve(source, owner.unwrap()).await });
    (serving, RemoteReader::new(reader.unwrap()).await.unwrap())
}

async fn session() -> (Session, Host, Arc<Notify>) {
    let closed = Arc::new(Notify::new());
    let (session, host) = pair(Arc::new(Offered(closed.clone()))).await;
    (session, host, closed)
}

#[tokio::test]
async fn what_is_dispensed_answers() {
    let (_session, host, closed) = session().await;
    for _ in 0..3 {
        let echo = host.dispense("echo").await.unwrap();
        let text: String = echo.call::<Str, _, Str, _>("Plugin.Echo", &"a".to_owned()).await.unwrap();
        assert_eq!(text, "a");
        drop(echo);
        timeout(SOON, closed.notified()).await.expect("the service hears that its stream is over");
    }
    match host.dispense("other").await {
        Err(DispenseError::Call(CallError::Remote(text))) => assert_eq!(text, "unknown plugin type: other"),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("there is no such plugin"),
    }
    host.ping().await.unwrap();
    let unknown = host.control().call::<Bool, _, Struct<Empty>, Empty>("Control.Sing", &true).await.unwrap_err();
    assert!(unknown.is_method_missing());
}

#[tokio::test]
async fn quit_is_answered_before_anyone_hears_of_it() {
    let (session, host, _) = session().await;
    let ending = tokio::spawn(async move {
        let end = session.closed().await;
        session.close().await;
        end
    });
    host.quit().await.expect("the answer comes, though the plugin closes at once");
    assert!(matches!(timeout(SOON, ending).await.unwrap().unwrap(), SessionEnd::Quit));
    timeout(SOON, host.closed()).await.unwrap();
}

#[tokio::test]
async fn the_end_of_the_host_is_the_end_of_the_session() {
    let (session, host, _) = session().await;
    host.close().await;
    assert!(matches!(timeout(SOON, session.closed()).await.unwrap(), SessionEnd::Ended(_)));
    assert!(matches!(session.broker().dial(1).await, Err(BrokerError::Ended(_))));
}

#[tokio::test]
async fn streams_are_brokered_both_ways() {
    let (session, host, _) = session().await;
    for (acceptor, dialler) in [(session.broker(), host.broker()), (host.broker(), session.broker())] {
        let id = acceptor.next_id();
        let accepting = acceptor.accept(id);
        assert!(matches!(acceptor.accept(id).await, Err(BrokerError::InUse(_))));
        let (accepted, dialled) = tokio::join!(accepting, dialler.dial(id));
        let (mut accepted, mut dialled) = (accepted.unwrap(), dialled.unwrap());
        accepted.write_all(b"ping").await.unwrap();
        let mut text = [0; 4];
        dialled.read_exact(&mut text).await.unwrap();
        assert_eq!(&text, b"ping");
    }
}

#[tokio::test]
async fn a_stream_may_come_before_its_acceptor() {
    let (session, host, _) = session().await;
    let id = session.broker().next_id();
    let dialling = tokio::spawn({
        let broker = host.broker().clone();
        async move { broker.dial(id).await.map(drop) }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    session.broker().accept(id).await.unwrap();
    dialling.await.unwrap().unwrap();
}

#[tokio::test]
async fn whoever_waits_in_vain_is_told_after_five_seconds() {
    let (session, host, _) = session().await;
    let begun = Instant::now();
    assert!(matches!(session.broker().accept(9).await, Err(BrokerError::Timeout(9))));
    assert!(begun.elapsed() >= Duration::from_secs(5), "{:?}", begun.elapsed());
    // The number is free again.
    drop(session.broker().accept(9));
    let (accepted, dialled) = tokio::join!(session.broker().accept(9), host.broker().dial(9));
    accepted.unwrap();
    dialled.unwrap();
}

#[tokio::test]
async fn a_stream_without_a_number_holds_nobody_up() {
    let (session, host, _) = session().await;
    // The number 0 is never accepted; its stream waits while others come and go.
    let waiting = tokio::spawn({
        let broker = host.broker().clone();
        async move { broker.dial(0).await.map(drop) }
    });
    for _ in 0..10 {
        let id = session.broker().next_id();
        let (accepted, dialled) = tokio::join!(session.broker().accept(id), host.broker().dial(id));
        accepted.unwrap();
        dialled.unwrap();
    }
    // Held up, the first of them would have waited for its end.
    assert!(!waiting.is_finished());
    waiting.abort();
}

#[tokio::test]
async fn output_reaches_the_host_and_may_wait_for_it() {
    let (mut session, mut host, _) = session().await;
    let (mut stdout, mut stderr) = (session.stdout().unwrap(), session.stderr().unwrap());
    assert!(session.stdout().is_none());
    stderr.write_all(b"to stderr").await.unwrap();
    // More than a window: the writer waits for the host to read, and nobody else does.
    let writing = tokio::spawn(async move { stdout.write_all(&vec![b'x'; 1_000_000]).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!writing.is_finished());
    timeout(SOON, host.ping()).await.unwrap().unwrap();
    let mut text = [0; 9];
    host.stderr.as_mut().unwrap().read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"to stderr");
    let mut text = Vec::new();
    timeout(SOON, host.stdout.as_mut().unwrap().read_to_end(&mut text)).await.unwrap().unwrap();
    assert_eq!(text.len(), 1_000_000);
    writing.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_reader_is_read_from_the_other_side() {
    let (session, host, _) = session().await;
    let data: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let (serving, mut reader) = lent(&session, &host, Cursor::new(data.clone())).await;
    let mut got = Vec::new();
    timeout(SOON, reader.read_to_end(&mut got)).await.unwrap().unwrap();
    assert!(got == data);
    assert_eq!(serving.await.unwrap().unwrap(), 1_000_000);
}

#[tokio::test]
async fn a_reader_that_is_dropped_stops_its_owner() {
    let (session, host, _) = session().await;
    let (serving, mut reader) = lent(&session, &host, tokio::io::repeat(1)).await;
    reader.read_exact(&mut [0; 1000]).await.unwrap();
    drop(reader);
    assert!(timeout(SOON, serving).await.expect("the endless source is given up").unwrap().unwrap() >= 1000);
}

#[tokio::test]
async fn who_dials_ahead_need_not_wait_for_the_confirmation() {
    let (session, host, _) = session().await;
    let id = host.broker().next_id();
    let (mut read, mut write) = session.broker().dial_ahead(id, b"early ").unwrap();
    write.write_all(b"bird").await.unwrap();
    // Only now is the number accepted.
    let mut accepted = host.broker().accept(id).await.unwrap();
    let mut got = [0; 10];
    timeout(SOON, accepted.read_exact(&mut got)).await.unwrap().unwrap();
    assert_eq!(&got, b"early bird");
    accepted.write_all(b"worm").await.unwrap();
    drop(accepted);
    let mut got = Vec::new();
    timeout(SOON, read.read_to_end(&mut got)).await.unwrap().unwrap();
    assert_eq!(got, b"worm");
}

#[tokio::test]
async fn who_dials_ahead_hears_of_the_refusal_when_reading() {
    let (session, host, _) = session().await;
    let (mut read, _write) = session.broker().dial_ahead(host.broker().next_id(), b"in vain").unwrap();
    let error = timeout(2 * SOON, read.read(&mut [0])).await.unwrap().unwrap_err();
    assert!(error.to_string().starts_with("the other side does not accept stream 1"), "{error}");
}

#[tokio::test]
async fn a_reader_that_is_dialled_ahead_is_read() {
    let (session, host, _) = session().await;
    let id = host.broker().next_id();
    let mut reader = RemoteReader::dial(session.broker(), id).unwrap();
    let owner = host.broker().accept(id).await.unwrap();
    let serving = tokio::spawn(async move { io_stream::serve(&[7; 300_000][..], owner).await });
    let mut got = Vec::new();
    timeout(SOON, reader.read_to_end(&mut got)).await.unwrap().unwrap();
    assert!(got == [7; 300_000]);
    assert_eq!(serving.await.unwrap().unwrap(), 300_000);
}

/// What fails when it is read.
struct Broken;

impl AsyncRead for Broken {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Err(std::io::Error::other("the source broke")))
    }
}

#[tokio::test]
async fn a_source_that_fails_is_no_end_for_the_reader() {
    let (session, host, _) = session().await;
    let (serving, mut reader) = lent(&session, &host, (&[1; 1000][..]).chain(Broken)).await;
    let error = timeout(SOON, reader.read_to_end(&mut Vec::new())).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(serving.await.unwrap().unwrap_err().to_string(), "the source broke");
}

#[tokio::test]
async fn a_source_that_is_given_up_is_no_end_for_the_reader() {
    let (session, host, _) = session().await;
    let (serving, mut reader) = lent(&session, &host, tokio::io::repeat(1)).await;
    reader.read_exact(&mut [0; 1000]).await.unwrap();
    serving.abort();
    let error = timeout(SOON, reader.read_to_end(&mut Vec::new())).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}
