//! What a server gets that asks for the metrics.

use std::sync::Mutex;

use super::*;
use crate::metrics::Outcome;

/// A plugin with metrics of its own.
#[derive(Default)]
struct Plugin {
    /// What it answers; it fails without, and never answers if `hangs`.
    answers: Vec<Answer>,
    hangs: bool,
    /// The request that it got.
    asked: Mutex<Option<v1::HttpRequestHead>>,
}

#[tonic::async_trait]
impl PluginHooks for Plugin {
    async fn serve_metrics(
        &self,
        mut requests: Parts<ServeMetricsRequest>,
    ) -> Result<Parts<ServeMetricsResponse>, ApiError> {
        let Some(Ask::Start(start)) = requests.next().await.unwrap()?.part else { panic!("no start") };
        *self.asked.lock().unwrap() = start.request;
        if self.hangs {
            std::future::pending::<()>().await;
        }
        if self.answers.is_empty() {
            return Err(ApiError::plain("it is broken"));
        }
        Ok(stream::iter(self.answers.clone()).map(part).boxed())
    }
}

/// What is answered to `GET url`, by a host with this plugin or one without metrics: status, header and body.
async fn get(plugin: Option<&Arc<Plugin>>, url: &str) -> (i32, BTreeMap<String, String>, String) {
    let metrics = Metrics::new("com.example.x", "1");
    metrics.hook("MessageHasBeenPosted", Outcome::Ok, Duration::ZERO);
    let (has_page, theirs) = (plugin.is_some(), plugin.cloned().unwrap_or_default());
    let page =
        Page { plugin: theirs, metrics, has_page: Arc::new(move || has_page), patience: Duration::from_millis(50) };
    let header = [
        ("Accept".to_owned(), one("application/openmetrics-text")),
        ("Accept-Encoding".to_owned(), one("gzip")),
        ("X-Other".to_owned(), one("kept")),
    ];
    let request = v1::HttpRequestHead {
        method: "GET".to_owned(),
        url: url.to_owned(),
        header: header.into(),
        ..v1::HttpRequestHead::default()
    };
    let start = v1::ServeMetricsStart { request: Some(request), ..v1::ServeMetricsStart::default() };
    let requests = stream::iter([Ok(ServeMetricsRequest { part: Some(Ask::Start(start)) })]).boxed();
    let mut parts = page.serve_metrics(requests).await.unwrap();
    let (mut status, mut header, mut body) = (0, BTreeMap::new(), Vec::new());
    while let Some(part) = parts.next().await {
        match part.unwrap().part.unwrap() {
            Answer::Head(head) => {
                status = head.status_code;
                header = head.header.into_iter().map(|(name, it)| (name, it.values.join(","))).collect();
            }
            Answer::Body(bytes) => body.extend_from_slice(&bytes),
            other => panic!("{other:?}"),
        }
    }
    (status, header, String::from_utf8(body).unwrap())
}

fn head(status_code: i32, header: &[(&str, &str)]) -> Answer {
    let header = header.iter().map(|(name, value)| ((*name).to_owned(), one(value))).collect();
    Answer::Head(HttpResponseHead { status_code, header })
}

fn body(text: &str) -> Answer {
    Answer::Body(text.to_owned().into())
}

fn plugin(answers: Vec<Answer>) -> Arc<Plugin> {
    Arc::new(Plugin { answers, ..Plugin::default() })
}

const OWN: &str = "mm_host_hook_calls_total{hook=\"MessageHasBeenPosted\",outcome=\"ok\"} 1\n";
const TEXT: (&str, &str) = ("Content-Type", "text/plain; version=1.0.0; charset=utf-8");

#[tokio::test]
async fn without_a_page_of_the_plugin_it_is_the_hosts() {
    for url in ["", "/", "/?x=1"] {
        let (status, header, text) = get(None, url).await;
        assert_eq!((status, header["Content-Type"].as_str()), (200, "text/plain; version=0.0.4"));
        assert_eq!(header["Content-Length"], text.len().to_string());
        assert!(text.contains(OWN), "{text}");
    }
    assert_eq!(get(None, "/more").await.0, 404);
}

#[tokio::test]
async fn the_plugins_part_follows_the_hosts() {
    let theirs =
        plugin(vec![head(200, &[TEXT, ("content-length", "8"), ("X-Own", "1")]), body("mine 1\n"), body("m 2\n")]);
    let (status, header, text) = get(Some(&theirs), "/").await;
    assert_eq!(status, 200);
    assert_eq!(header.keys().collect::<Vec<_>>(), ["Content-Type", "X-Own"], "the length is not theirs any more");
    assert!(text.contains(OWN) && text.ends_with("mine 1\nm 2\n"), "{text}");
    let asked = theirs.asked.lock().unwrap().take().unwrap();
    let header: Vec<_> = asked.header.iter().map(|(name, it)| (name.as_str(), it.values[0].as_str())).collect();
    assert_eq!(header, [("Accept", "text/plain; version=0.0.4"), ("X-Other", "kept")]);
    let (status, header, text) = get(Some(&plugin(vec![body("mine 1\n")])), "/").await;
    assert_eq!((status, header.len()), (200, 1), "a body without a head is one of 200");
    assert!(text.contains(OWN) && text.ends_with("mine 1\n"), "{text}");
}

#[tokio::test]
async fn a_plugin_that_fails_leaves_the_hosts_part() {
    let broken = plugin(Vec::new());
    let hanging = Arc::new(Plugin { hangs: true, ..Plugin::default() });
    let missing = plugin(vec![head(404, &[]), body("nothing here")]);
    let wrong = plugin(vec![head(500, &[]), body("oops")]);
    for theirs in [broken, hanging, missing, wrong] {
        let (status, _, text) = get(Some(&theirs), "/").await;
        assert_eq!(status, 200);
        assert!(text.contains(OWN) && !text.contains("oops") && !text.contains("nothing"), "{text}");
    }
}

#[tokio::test]
async fn other_answers_and_other_paths_are_the_plugins_alone() {
    let refused = plugin(vec![head(401, &[]), body("who are you?")]);
    assert_eq!(get(Some(&refused), "/").await, (401, BTreeMap::new(), "who are you?".to_owned()));
    let other = plugin(vec![head(200, &[("Content-Type", "application/json")]), body("{}")]);
    assert_eq!(get(Some(&other), "/").await.2, "{}");
    let packed = plugin(vec![head(200, &[TEXT, ("Content-Encoding", "gzip")]), body("packed")]);
    assert_eq!(get(Some(&packed), "/").await.2, "packed");
    let deeper = plugin(vec![head(200, &[TEXT]), body("x 1\n")]);
    assert_eq!(get(Some(&deeper), "/deeper").await.2, "x 1\n");
    assert_eq!(deeper.asked.lock().unwrap().take().unwrap().header["Accept-Encoding"].values, ["gzip"]);
}
