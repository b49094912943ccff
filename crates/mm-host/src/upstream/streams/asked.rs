//! A server's API made here, in the same process, for tests and fuzzing: as far as it carries streams, that is `PluginHTTP`,
//! `InstallPlugin` and `UploadData`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use mm_gob::codec::Struct;
use mm_goplugin::rpc::{Args, Client, Limits, Refusal, Reply, Running, Server, Service};
use mm_goplugin::{Broker, io_stream};
use mm_proto::PluginApi;
use mm_proto::gob::Returned;
use mm_proto::header::Header;
use mm_proto::netrpc::ApiClient;
use mm_proto::plugin::v1;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::ApiStreams;
use super::site::{SOON, Site, fields};
use super::wire::{
    DataArgs, DataReturns, HttpArgs, HttpReturns, InstallArgs, InstallReturns, WholeHttpArgs, WholeHttpReturns,
};

/// How a server answers.
#[derive(Clone, Default)]
pub(super) struct Manners {
    /// It has no `PluginHTTPStream`.
    pub(super) old: bool,
    /// What `PluginHTTP` answers; the body of the request comes back, behind this.
    pub(super) response: v1::HttpResponseHead,
    /// How much it reads of what it is lent: all unless said.
    pub(super) reads: Option<u64>,
}

/// The service.
struct Api {
    broker: Broker,
    manners: Manners,
    calls: Arc<AtomicUsize>,
    taken: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Api {
    /// Reads what the plugin lends: as much as is wanted, or why not.
    fn read(&self, id: u32) -> impl Future<Output = Result<Vec<u8>, String>> + Send + use<> {
        let (broker, reads, taken) = (self.broker.clone(), self.manners.reads, Arc::clone(&self.taken));
        async move {
            let mut content = Vec::new();
            if reads == Some(0) {
                return Ok(content);
            }
            let reader = io_stream::RemoteReader::dial(&broker, id).map_err(|error| error.to_string())?;
            let read = reader.take(reads.unwrap_or(u64::MAX)).read_to_end(&mut content).await;
            read.map_err(|error| error.to_string())?;
            if reads.is_none() {
                taken.lock().unwrap().push(content.clone());
            }
            Ok(content)
        }
    }

    fn http(&self, args: HttpArgs) -> Running {
        let (broker, response, taken) = (self.broker.clone(), self.manners.response.clone(), Arc::clone(&self.taken));
        let body = (args.request_body > 0).then(|| self.read(args.request_body));
        Box::pin(async move {
            let mut stream = broker.dial(args.response_body).await.map_err(|error| error.to_string())?;
            let body = match body {
                Some(body) => body.await?,
                None => {
                    taken.lock().unwrap().push(Vec::new());
                    b"none".to_vec()
                }
            };
            if response.status_code > 0 {
                tokio::spawn(async move {
                    let text = format!("{} {} ", args.request.method, args.request.url);
                    // Fails when the plugin does not want it.
                    let _ = stream.write_all(&[text.as_bytes(), &body].concat()).await;
                });
            } else {
                // As a server does that has no answer: the stream stays open.
                tokio::spawn(async move { stream.read_to_end(&mut Vec::new()).await });
            }
            Ok(Reply::new::<Struct<HttpReturns>, _>(response))
        })
    }
}

impl Service for Api {
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match method {
            "PluginHTTPStream" if !self.manners.old => Ok(self.http(args.read::<Struct<HttpArgs>, _>()?)),
            "PluginHTTP" => {
                let args = args.read::<Struct<WholeHttpArgs>, WholeHttpArgs>()?;
                self.taken.lock().unwrap().push(args.body.clone());
                let response = Some(self.manners.response.clone()).filter(|it| it.status_code > 0);
                let body = [format!("{} {} ", args.request.method, args.request.url).into_bytes(), args.body].concat();
                let returns = WholeHttpReturns { response, body: body.into() };
                Ok(Box::pin(async { Ok(Reply::new::<Struct<WholeHttpReturns>, _>(returns)) }))
            }
            "InstallPlugin" => {
                let args = args.read::<Struct<InstallArgs>, InstallArgs>()?;
                let bundle = self.read(args.bundle);
                Ok(Box::pin(async move {
                    let id = format!("{} bytes", bundle.await?.len());
                    let manifest = Some(v1::Manifest { id, ..v1::Manifest::default() });
                    let error =
                        args.replace.then(|| v1::AppError { id: "replaced".to_owned(), ..v1::AppError::default() });
                    let value = v1::InstallPluginResponse { manifest };
                    Ok(Reply::new::<Struct<InstallReturns>, _>(Returned { value, error }))
                }))
            }
            "UploadData" => {
                let args = args.read::<Struct<DataArgs>, DataArgs>()?;
                let data = self.read(args.content);
                Ok(Box::pin(async move {
                    let id = format!("{} {}", args.session.unwrap_or_default().id, data.await?.len());
                    let value =
                        v1::UploadDataResponse { file_info: Some(v1::FileInfo { id, ..v1::FileInfo::default() }) };
                    Ok(Reply::new::<Struct<DataReturns>, _>(Returned::<_, v1::ErrorValue> { value, error: None }))
                }))
            }
            _ => Err(Refusal::NoSuchMethod),
        }
    }
}

/// A server whose API is there.
pub(crate) struct Asked {
    pub(crate) api: Arc<dyn PluginApi>,
    client: Client,
    calls: Arc<AtomicUsize>,
    taken: Arc<Mutex<Vec<Vec<u8>>>>,
    site: Site,
}

impl Asked {
    pub(super) async fn on(site: Site, manners: Manners) -> Self {
        let (calls, taken) = (Arc::default(), Arc::default());
        let broker = site.host.broker().clone();
        let id = broker.next_id();
        let accepted = broker.accept(id);
        let service = Arc::new(Api { broker, manners, calls: Arc::clone(&calls), taken: Arc::clone(&taken) });
        tokio::spawn(async move {
            let (read, write) = accepted.await.unwrap().into_split();
            Server::new().register("Plugin", service).serve(read, write).await
        });
        let (read, write) = site.session.broker().dial(id).await.unwrap().into_split();
        let client = Client::new(read, write, Limits::default());
        let streams: Arc<dyn PluginApi> = Arc::new(ApiStreams::new(client.clone(), site.session.broker().clone()));
        let api = Arc::new(ApiClient::new(client.clone()).with_streams(streams));
        Self { api, client, calls, taken, site }
    }

    /// How often the server was called.
    #[cfg(test)]
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// What the server took for whole.
    pub(crate) fn taken(&self) -> Vec<Vec<u8>> {
        self.taken.lock().unwrap().clone()
    }

    /// Panics when a connection is not as good as before.
    pub(crate) async fn intact(&self) {
        let end = self.client.closed().now_or_never();
        assert!(end.is_none(), "the connection is over: {end:?}");
        let ping = timeout(SOON, self.site.host.ping()).await.expect("it is answered");
        ping.expect("the connection is whole");
    }
}

/// Such a server without sockets; `mood` says how it answers.
pub(crate) async fn asked(mood: u8) -> Asked {
    let status_code = if mood & 2 == 0 { 200 } else { 0 };
    let header = if mood & 4 == 0 { Header::default() } else { fields(&[("Content-Length", "1000")]) };
    let reads = match (mood >> 3) & 3 {
        2 => Some(0),
        3 => Some(3),
        _ => None,
    };
    let manners = Manners { old: mood & 1 > 0, response: v1::HttpResponseHead { status_code, header }, reads };
    Asked::on(Site::in_memory(None).await, manners).await
}
