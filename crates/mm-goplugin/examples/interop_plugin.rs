//! The plugin that `tests/interop.rs` lets a Go program host: a bit of everything that crosses the border.

use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mm_gob::codec::{Bytes, Int, Str, Struct, Uint};
use mm_goplugin::io_stream::{self, RemoteReader};
use mm_goplugin::rpc::{Args, Client, Limits, Refusal, Reply, Running, Service};
use mm_goplugin::yamux::WriteHalf;
use mm_goplugin::{Broker, Cookie, Plugins, ServeConfig, SessionEnd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[derive(Default)]
struct Pair {
    a: i64,
    b: i64,
}

#[derive(Default)]
struct OnStream {
    id: u32,
    text: String,
    count: i64,
}

#[derive(Default)]
struct Tally {
    bytes: i64,
    sum: u64,
}

mm_gob::gob_struct! { Pair as "Pair" { "A" => a: Int, "B" => b: Int } }
mm_gob::gob_struct! { OnStream as "OnStream" { "ID" => id: Uint, "Text" => text: Str, "Count" => count: Int } }
mm_gob::gob_struct! { Tally as "Tally" { "Bytes" => bytes: Int, "Sum" => sum: Uint } }

/// Where text for the host goes, once the session is there.
type Output = Arc<tokio::sync::Mutex<Option<(WriteHalf, WriteHalf)>>>;

struct Interop {
    broker: Broker,
    output: Output,
}

impl Service for Interop {
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        match method {
            "Echo" => {
                let text = args.read::<Str, String>()?;
                Ok(Box::pin(async move { Ok(Reply::new::<Str, _>(text)) }))
            }
            "EchoBytes" => {
                let bytes = args.read::<Bytes, Vec<u8>>()?;
                Ok(Box::pin(async move { Ok(Reply::new::<Bytes, _>(bytes)) }))
            }
            "Sum" => {
                let pair = args.read::<Struct<Pair>, Pair>()?;
                Ok(Box::pin(async move { Ok(Reply::new::<Int, i64>(pair.a + pair.b)) }))
            }
            "Fail" => {
                let text = args.read::<Str, String>()?;
                Ok(Box::pin(async move { Err(text) }))
            }
            "Panic" => Ok(Box::pin(async { panic!("on request") })),
            "Sleep" => {
                let time = Duration::from_millis(args.read::<Uint, u64>()?);
                Ok(Box::pin(async move {
                    tokio::time::sleep(time).await;
                    Ok(Reply::empty())
                }))
            }
            "Block" => {
                let time = Duration::from_millis(args.read::<Uint, u64>()?);
                Ok(Box::pin(async move {
                    std::thread::sleep(time);
                    Ok(Reply::empty())
                }))
            }
            "Describe" => {
                let text = format!("{:?}", args.read_dynamic()?.value);
                Ok(Box::pin(async move { Ok(Reply::new::<Str, _>(text)) }))
            }
            _ => {
                let request = args.read::<Struct<OnStream>, OnStream>()?;
                self.on_stream(method, request)
            }
        }
    }
}

impl Interop {
    /// Methods that use the broker or the output.
    fn on_stream(&self, method: &str, request: OnStream) -> Result<Running, Refusal> {
        let broker = self.broker.clone();
        let output = self.output.clone();
        Ok(match method {
            "CallBack" => {
                Box::pin(async move { call_back(&broker, &request).await.map_err(|error| error.to_string()) })
            }
            "Offer" => Box::pin(async move { Ok(Reply::new::<Uint, u32>(offer(&broker))) }),
            "Fill" => Box::pin(async move { fill(&broker, &request).await.map_err(|error| error.to_string()) }),
            "Count" => {
                Box::pin(async move { count(&broker, request.id, false).await.map_err(|error| error.to_string()) })
            }
            "CountReader" => {
                Box::pin(async move { count(&broker, request.id, true).await.map_err(|error| error.to_string()) })
            }
            "OfferReader" => Box::pin(async move { Ok(Reply::new::<Uint, u32>(offer_reader(&broker, request.count))) }),
            "Print" => Box::pin(async move {
                let mut output = output.lock().await;
                let (stdout, stderr) = output.as_mut().ok_or("no output yet")?;
                let text = request.text.repeat(request.count as usize);
                stdout.write_all(text.as_bytes()).await.map_err(|error| error.to_string())?;
                stderr.write_all(b"printed\n").await.map_err(|error| error.to_string())?;
                Ok(Reply::empty())
            }),
            _ => return Err(Refusal::NoSuchMethod),
        })
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Calls a service of the host, over the broker.
async fn call_back(broker: &Broker, request: &OnStream) -> Result<Reply, Failure> {
    let (read, write) = broker.dial(request.id).await?.into_split();
    let client = Client::new(read, write, Limits::default());
    let missing = client.call::<Str, _, Str, String>("Plugin.Nothing", &request.text).await;
    if !missing.as_ref().is_err_and(mm_goplugin::rpc::CallError::is_method_missing) {
        return Err(format!("a missing method gave {missing:?}").into());
    }
    let text: String = client.call::<Str, _, Str, _>("Plugin.Greet", &request.text).await?;
    Ok(Reply::new::<Str, _>(text))
}

/// A stream that sends back what it gets.
fn offer(broker: &Broker) -> u32 {
    let id = broker.next_id();
    let stream = broker.accept(id);
    tokio::spawn(async move {
        if let Ok(stream) = stream.await {
            let (mut read, mut write) = stream.into_split();
            let _ = tokio::io::copy(&mut read, &mut write).await;
            let _ = write.shutdown().await;
        }
    });
    id
}

fn offer_reader(broker: &Broker, count: i64) -> u32 {
    let id = broker.next_id();
    let stream = broker.accept(id);
    tokio::spawn(async move {
        if let Ok(stream) = stream.await {
            let _ = io_stream::serve(tokio::io::repeat(7).take(count as u64), stream).await;
        }
    });
    id
}

/// Writes `count` bytes into a stream of the host.
async fn fill(broker: &Broker, request: &OnStream) -> Result<Reply, Failure> {
    let mut stream = broker.dial(request.id).await?;
    tokio::io::copy(&mut tokio::io::repeat(7).take(request.count as u64), &mut stream).await?;
    stream.shutdown().await?;
    Ok(Reply::empty())
}

/// Reads a stream of the host to its end.
async fn count(broker: &Broker, id: u32, reader: bool) -> Result<Reply, Failure> {
    let mut stream = broker.dial(id).await?;
    let mut bytes = Vec::new();
    if reader {
        RemoteReader::new(stream).await?.read_to_end(&mut bytes).await?;
    } else {
        stream.read_to_end(&mut bytes).await?;
    }
    let sum = bytes.iter().map(|byte| u64::from(*byte)).sum();
    Ok(Reply::new::<Struct<Tally>, _>(Tally { bytes: bytes.len() as i64, sum }))
}

struct Offered(Mutex<Output>);

impl Plugins for Offered {
    fn dispense(&self, name: &str, broker: &Broker) -> Option<Arc<dyn Service>> {
        let output = self.0.lock().expect("nothing panics under this lock").clone();
        (name == "interop").then(|| Arc::new(Interop { broker: broker.clone(), output }) as Arc<dyn Service>)
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let cookie = Cookie { key: "INTEROP_PLUGIN".into(), value: "yes".into() };
    let output = Output::default();
    let offered = Offered(Mutex::new(output.clone()));
    let mut session = match mm_goplugin::serve(ServeConfig::new(cookie, 1, Arc::new(offered))).await {
        Ok(session) => session,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    *output.lock().await = session.stdout().zip(session.stderr());
    // Would block the process if it went anywhere.
    println!("{}", "x".repeat(200_000));
    let end = session.closed().await;
    session.close().await;
    if matches!(end, SessionEnd::Quit) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
