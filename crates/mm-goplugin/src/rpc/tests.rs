//! Client and server against each other, and each against bytes made by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mm_gob::codec::{Bytes, Codec, Int, Slice, Str, Struct, Uint};
use mm_gob::{Decoder, Encoder};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::wire::{Request, Response};
use super::*;
use crate::noise::noise;

/// Long enough for everything that is due at once.
const SOON: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Subject {
    release: Arc<Notify>,
    begun: AtomicUsize,
    closed: Notify,
}

impl Service for Subject {
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        match method {
            "Echo" => {
                let text = args.read::<Str, String>()?;
                self.begun.fetch_add(1, Ordering::SeqCst);
                Ok(Box::pin(async move { Ok(Reply::new::<Str, _>(text)) }))
            }
            "EchoBytes" => {
                let bytes = args.read::<Bytes, Vec<u8>>()?;
                Ok(Box::pin(async move { Ok(Reply::new::<Bytes, _>(bytes)) }))
            }
            "Wait" => {
                self.begun.fetch_add(1, Ordering::SeqCst);
                let release = self.release.clone();
                Ok(Box::pin(async move {
                    release.notified().await;
                    Ok(Reply::empty())
                }))
            }
            "Fail" => {
                let text = args.read::<Str, String>()?;
                Ok(Box::pin(async move { Err(text) }))
            }
            "Nil" => {
                Ok(Box::pin(async { Ok(Reply::new::<Slice<mm_gob::codec::Nilable<Str>>, _>(vec![None::<String>])) }))
            }
            "Panic" => Ok(Box::pin(async { panic!("inside") })),
            "PanicAtOnce" => panic!("outside"),
            "Refuse" => Err(Refusal::Other("not today".into())),
            _ => Err(Refusal::NoSuchMethod),
        }
    }

    fn closed(&self, _: &Closed) {
        self.closed.notify_one();
    }
}

/// A server, and the stream to talk to it.
fn served(limits: Limits) -> (Arc<Subject>, DuplexStream) {
    let subject = Arc::new(Subject::default());
    let (ours, theirs) = duplex(64 * 1024);
    let (read, write) = split(theirs);
    tokio::spawn(Server::new().register("Plugin", subject.clone()).limits(limits).serve(read, write));
    (subject, ours)
}

fn connected() -> (Arc<Subject>, Client) {
    let (subject, stream) = served(Limits::default());
    let (read, write) = split(stream);
    (subject, Client::new(read, write, Limits::default()))
}

async fn echo(client: &Client, text: &str) -> Result<String, CallError> {
    timeout(SOON, client.call::<Str, _, Str, String>("Plugin.Echo", &text.to_owned())).await.expect("a reply in time")
}

async fn fails(client: &Client, method: &str, text: &str) -> String {
    let text = text.to_owned();
    let call = client.call::<Str, String, Str, String>(method, &text);
    match timeout(SOON, call).await.unwrap() {
        Err(CallError::Remote(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn errors_have_go_s_words_and_leave_the_connection_alive() {
    let (_, client) = connected();
    assert_eq!(fails(&client, "Plugin.Nothing", "x").await, "rpc: can't find method Plugin.Nothing");
    assert_eq!(fails(&client, "Other.Echo", "x").await, "rpc: can't find service Other.Echo");
    assert_eq!(fails(&client, "Echo", "x").await, "rpc: service/method request ill-formed: Echo");
    assert_eq!(fails(&client, "Plugin.Fail", "no").await, "no");
    assert_eq!(fails(&client, "Plugin.Fail", "").await, "unknown error");
    assert_eq!(fails(&client, "Plugin.Refuse", "x").await, "not today");
    assert_eq!(fails(&client, "Plugin.Panic", "x").await, "Plugin.Panic panicked: inside");
    assert_eq!(fails(&client, "Plugin.PanicAtOnce", "x").await, "Plugin.PanicAtOnce panicked: outside");
    assert!(fails(&client, "Plugin.Nil", "x").await.starts_with("the reply cannot be sent: "));
    let missing = client.call::<Str, _, Str, String>("Plugin.Nothing", &String::new()).await.unwrap_err();
    assert!(missing.is_method_missing());
    assert_eq!(echo(&client, "still here").await.unwrap(), "still here");
}

#[tokio::test]
async fn an_argument_or_result_of_another_kind_costs_one_call() {
    let (_, client) = connected();
    let wrong = client.call::<Int, _, Str, String>("Plugin.Echo", &5_i64).await.unwrap_err();
    assert!(matches!(&wrong, CallError::Remote(text) if text.starts_with("the argument cannot be read")), "{wrong}");
    let wrong = client.call::<Str, _, Int, i64>("Plugin.Echo", &"x".to_owned()).await.unwrap_err();
    assert!(matches!(wrong, CallError::Decode(_)), "{wrong}");
    let nil =
        client.call::<Slice<mm_gob::codec::Nilable<Str>>, _, Str, String>("Plugin.Echo", &vec![None::<String>]).await;
    assert!(matches!(nil, Err(CallError::Encode(_))), "{nil:?}");
    assert_eq!(echo(&client, "still here").await.unwrap(), "still here");
}

#[tokio::test]
async fn replies_come_in_any_order() {
    let (subject, client) = connected();
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.call::<Str, _, Struct<Empty>, Empty>("Plugin.Wait", &String::new()).await }
    });
    for n in 0..100 {
        assert_eq!(echo(&client, &n.to_string()).await.unwrap(), n.to_string());
    }
    assert!(!waiting.is_finished());
    subject.release.notify_one();
    waiting.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_get_each_its_own_reply() {
    let (_, client) = connected();
    let calls = (0..500).map(|n: usize| {
        let client = client.clone();
        tokio::spawn(async move {
            let bytes = vec![n as u8; n * 97];
            let back = client.call::<Bytes, _, Bytes, Vec<u8>>("Plugin.EchoBytes", &bytes).await.unwrap();
            assert!(back == bytes);
        })
    });
    for call in calls.collect::<Vec<_>>() {
        timeout(Duration::from_secs(30), call).await.unwrap().unwrap();
    }
}

#[derive(Debug, Default, PartialEq)]
struct Pair {
    first: String,
    second: String,
}

mm_gob::gob_struct! { Pair as "Pair" { "First" => first: Str, "Second" => second: Str } }

struct Half;

impl Service for Half {
    fn call(&self, _: &str, _: &mut Args<'_>) -> Result<Running, Refusal> {
        let half = Pair { first: "new".into(), ..Pair::default() };
        Ok(Box::pin(async { Ok(Reply::new::<Struct<Pair>, _>(half)) }))
    }
}

#[tokio::test]
async fn a_result_can_be_read_over_a_value() {
    let (ours, theirs) = duplex(4096);
    let (read, write) = split(theirs);
    tokio::spawn(Server::new().register("Plugin", Arc::new(Half)).serve(read, write));
    let (read, write) = split(ours);
    let client = Client::new(read, write, Limits::default());
    let old = Pair { first: "old".into(), second: "old".into() };
    let zeros = mm_gob::Zeros::Omit;
    let call = client.call_over::<Struct<Empty>, _, Struct<Pair>, _>("Plugin.X", &Empty, &zeros, old);
    assert_eq!(call.await.unwrap(), Pair { first: "new".into(), second: "old".into() });
}

#[tokio::test]
async fn a_call_given_up_disturbs_nobody() {
    let (subject, client) = connected();
    for _ in 0..10 {
        let text = String::new();
        let call = client.call::<Str, String, Struct<Empty>, Empty>("Plugin.Wait", &text);
        timeout(Duration::from_millis(5), call).await.unwrap_err();
    }
    subject.release.notify_waiters();
    assert_eq!(echo(&client, "next").await.unwrap(), "next");
}

#[tokio::test]
async fn the_number_of_calls_is_bounded_on_both_ends() {
    let (subject, stream) = served(Limits { max_running_calls: 1, ..Limits::default() });
    let (read, write) = split(stream);
    let client = Client::new(read, write, Limits { max_pending_calls: 2, ..Limits::default() });
    let wait = |client: Client| async move {
        client.call::<Str, _, Struct<Empty>, Empty>("Plugin.Wait", &String::new()).await
    };
    let _first = tokio::spawn(wait(client.clone()));
    while subject.begun.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(fails(&client, "Plugin.Echo", "x").await, "too many calls at once");
    let (ours, _theirs) = duplex(4096);
    let (read, write) = split(ours);
    let client = Client::new(read, write, Limits { max_pending_calls: 1, ..Limits::default() });
    let _first = tokio::spawn(wait(client.clone()));
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(matches!(wait(client).await, Err(CallError::TooManyCalls)));
}

#[tokio::test]
async fn the_end_reaches_everyone() {
    let (subject, client) = connected();
    drop(client);
    timeout(SOON, subject.closed.notified()).await.expect("the service hears of it");

    let (ours, theirs) = duplex(4096);
    let (read, write) = split(ours);
    let client = Client::new(read, write, Limits::default());
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { echo(&client, "x").await }
    });
    tokio::time::sleep(Duration::from_millis(10)).await;
    drop(theirs);
    assert!(matches!(waiting.await.unwrap(), Err(CallError::Closed(_))));
    assert!(matches!(timeout(SOON, client.closed()).await.unwrap(), Closed::Eof | Closed::Io(_)));
    assert!(matches!(echo(&client, "x").await, Err(CallError::Closed(_))));
}

/// The calling side, by hand: any values in any order.
struct Caller {
    stream: DuplexStream,
    encoder: Encoder,
    decoder: Decoder,
}

impl Caller {
    fn new(stream: DuplexStream) -> Self {
        Self { stream, encoder: Encoder::new(), decoder: Decoder::new() }
    }

    fn bytes<C: Codec<T>, T>(&mut self, value: &T) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encoder.encode::<C, T>(value, &mut bytes).unwrap();
        bytes
    }

    fn header(&mut self, method: &str, seq: u64) -> Vec<u8> {
        self.bytes::<Struct<Request>, _>(&Request { service_method: method.to_owned(), seq })
    }

    async fn value<C: Codec<T>, T: Default>(&mut self) -> T {
        loop {
            if let Some(value) = self.decoder.decode::<C, T>().unwrap() {
                return value;
            }
            assert!(timeout(SOON, self.stream.read_buf(self.decoder.buffer_mut())).await.unwrap().unwrap() > 0);
        }
    }
}

#[tokio::test]
async fn a_stale_header_is_dropped() {
    let (_, stream) = served(Limits::default());
    let mut caller = Caller::new(stream);
    // Three calls whose argument the caller could not encode, then one that it could.
    let mut bytes = Vec::new();
    for seq in 0..4 {
        bytes.extend(caller.header("Plugin.Echo", seq));
    }
    bytes.extend(caller.bytes::<Str, _>(&"fourth".to_owned()));
    caller.stream.write_all(&bytes).await.unwrap();
    let header: Response = caller.value::<Struct<Response>, _>().await;
    assert_eq!((header.service_method.as_str(), header.seq, header.error.as_str()), ("Plugin.Echo", 3, ""));
    assert_eq!(caller.value::<Str, String>().await, "fourth");
}

#[tokio::test]
async fn a_request_may_come_one_byte_at_a_time() {
    let (subject, stream) = served(Limits::default());
    let mut caller = Caller::new(stream);
    let mut bytes = caller.header("Plugin.Echo", 0);
    bytes.extend(caller.bytes::<Str, _>(&"slow".to_owned()));
    for byte in bytes {
        caller.stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    caller.value::<Struct<Response>, Response>().await;
    assert_eq!(caller.value::<Str, String>().await, "slow");
    assert_eq!(subject.begun.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_reply_that_nobody_waits_for_is_passed_over() {
    let (ours, theirs) = duplex(4096);
    let (read, write) = split(ours);
    let client = Client::new(read, write, Limits::default());
    let mut server = Caller::new(theirs);
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call::<Str, _, Uint, u32>("Plugin.X", &String::new()).await }
    });
    let request: Request = server.value::<Struct<Request>, _>().await;
    assert_eq!((request.service_method.as_str(), request.seq), ("Plugin.X", 0));
    let reply = |seq| Response { service_method: "Plugin.X".into(), seq, error: String::new() };
    let mut bytes = server.bytes::<Struct<Response>, _>(&reply(99));
    bytes.extend(server.bytes::<Str, _>(&"whatever".to_owned()));
    bytes.extend(server.bytes::<Struct<Response>, _>(&reply(0)));
    bytes.extend(server.bytes::<Uint, u32>(&7));
    server.stream.write_all(&bytes).await.unwrap();
    assert_eq!(timeout(SOON, call).await.unwrap().unwrap().unwrap(), 7);
}

#[tokio::test]
async fn noise_is_an_error_and_never_a_panic() {
    for seed in 0..400 {
        let (subject, stream) = served(Limits::default());
        let mut caller = Caller::new(stream);
        let mut bytes = Vec::new();
        for seq in 0..10 {
            bytes.extend(caller.header("Plugin.Echo", seq));
            bytes.extend(caller.bytes::<Str, _>(&"text".to_owned()));
        }
        let mut noise = noise(seed);
        for _ in 0..=seed % 5 {
            let place = usize::from(noise()) % bytes.len();
            bytes[place] = noise();
        }
        let _ = caller.stream.write_all(&bytes).await;
        let _ = caller.stream.shutdown().await;
        let mut replies = Vec::new();
        timeout(SOON, caller.stream.read_to_end(&mut replies)).await.expect("the server ends").unwrap();
        timeout(SOON, subject.closed.notified()).await.unwrap();

        // The same for the client: what the server said, spoilt.
        let (ours, mut theirs) = duplex(64 * 1024);
        let (read, write) = split(ours);
        let client = Client::new(read, write, Limits::default());
        let calls: Vec<_> = (0..3)
            .map(|_| {
                tokio::spawn({
                    let client = client.clone();
                    async move { client.call::<Str, _, Str, String>("Plugin.Echo", &String::new()).await }
                })
            })
            .collect();
        if !replies.is_empty() {
            let place = usize::from(noise()) % replies.len();
            replies[place] = noise();
        }
        tokio::task::yield_now().await;
        let _ = theirs.write_all(&replies).await;
        drop(theirs);
        for call in calls {
            let _ = timeout(SOON, call).await.expect("every call ends").unwrap();
        }
    }
}

#[tokio::test]
async fn a_caller_that_does_not_read_its_replies_is_not_asked_for_more() {
    let (_, stream) = served(Limits { write_buffer: 1024, max_running_calls: 8, ..Limits::default() });
    let mut caller = Caller::new(stream);
    let text = "x".repeat(4096);
    let flood = async {
        for seq in 0.. {
            let mut bytes = caller.header("Plugin.Echo", seq);
            bytes.extend(caller.bytes::<Str, _>(&text));
            caller.stream.write_all(&bytes).await.unwrap();
        }
    };
    // In vain: what was sent fills the pipe, and nobody takes it out.
    timeout(Duration::from_millis(300), flood).await.expect_err("the server takes no more");
}
