//! A plugin with one method. Its host, in Go, would dispense `greeter` and call `Plugin.Greet` with a string.
//!
//! Started by hand it says what it is: `cargo run --example greeter`.

use std::process::ExitCode;
use std::sync::Arc;

use mm_gob::codec::Str;
use mm_goplugin::rpc::{Args, Refusal, Reply, Running, Service};
use mm_goplugin::{Broker, Cookie, Plugins, ServeConfig, SessionEnd};

struct Greeter;

impl Service for Greeter {
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        match method {
            "Greet" => {
                let name: String = args.read::<Str, String>()?;
                Ok(Box::pin(async move { Ok(Reply::new::<Str, _>(format!("Hello, {name}!"))) }))
            }
            _ => Err(Refusal::NoSuchMethod),
        }
    }
}

struct Offered;

impl Plugins for Offered {
    fn dispense(&self, name: &str, _broker: &Broker) -> Option<Arc<dyn Service>> {
        (name == "greeter").then(|| Arc::new(Greeter) as Arc<dyn Service>)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let cookie = Cookie { key: "GREETER_PLUGIN".into(), value: "hello".into() };
    let session = match mm_goplugin::serve(ServeConfig::new(cookie, 1, Arc::new(Offered))).await {
        Ok(session) => session,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let end = session.closed().await;
    session.close().await;
    if matches!(end, SessionEnd::Quit) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
