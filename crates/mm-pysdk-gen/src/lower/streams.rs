//! How streaming methods look in Python: their stream is a parameter, in Go's place.

use mm_codegen::ir::{Method, Stream};

use crate::types::Annotation;

/// The stream parameter of an API method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamParam {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    /// Where Go has it among the parameters; `None` for last.
    position: Option<usize>,
}

const CONTENT: &str = "The content: bytes, or a file opened for reading in binary mode, which is sent piece by piece.";

/// Where Go puts the stream and what Python calls it. A method that is not listed has it last.
const PLACES: [(&str, StreamParam); 3] = [
    ("InstallPlugin", StreamParam { name: "file", doc: CONTENT, position: Some(0) }),
    ("UploadData", StreamParam { name: "data", doc: CONTENT, position: None }),
    (
        "PluginHTTP",
        StreamParam {
            name: "request",
            doc: "The request; the first part of its path is the id of the plugin that is asked.",
            position: Some(0),
        },
    ),
];

/// The stream parameter of an API method that has one.
pub(crate) fn of_api_method(method: &Method) -> Option<StreamParam> {
    if method.stream == Stream::None {
        return None;
    }
    let known = PLACES.iter().find(|(go, _)| *go == method.name.go).map(|(_, it)| *it);
    Some(known.unwrap_or(StreamParam { name: "data", doc: CONTENT, position: None }))
}

impl StreamParam {
    /// Puts `item` where the stream stands among the others.
    pub(crate) fn insert<T>(self, items: &mut Vec<T>, item: T) {
        let at = self.position.map_or(items.len(), |it| it.min(items.len()));
        items.insert(at, item);
    }
}

/// The annotation of a stream parameter and the result that belongs to it, if it is no result of the IR.
pub(crate) fn annotation(stream: Stream) -> Annotation {
    match stream {
        Stream::HttpCall | Stream::HttpExchange => Annotation::imported("mattermost_plugin.http", "HttpRequest"),
        Stream::None | Stream::Upload | Stream::FileExchange => {
            Annotation::plain("bytes").or(Annotation::imported("typing", "BinaryIO"))
        }
    }
}

/// The method of the API's base class that makes the call.
pub(crate) fn caller(stream: Stream) -> &'static str {
    match stream {
        Stream::None => "_call",
        Stream::Upload | Stream::FileExchange => "_upload",
        Stream::HttpCall | Stream::HttpExchange => "_http_call",
    }
}

/// The parameters of a handler, after the hook's own, and what a handler may be: (parameters, result).
pub(crate) fn handler_forms(stream: Stream) -> &'static [StreamForm] {
    const HTTP: [StreamForm; 2] = [
        StreamForm { parameters: &[("request", "HttpRequest")], result: Some("HttpResponse | Mapping[str, object] | None") },
        StreamForm { parameters: &[("writer", "ResponseWriter"), ("request", "HttpRequest")], result: Some("None") },
    ];
    const FILE: [StreamForm; 2] = [
        StreamForm { parameters: &[("file", "BinaryIO")], result: None },
        StreamForm { parameters: &[("file", "BinaryIO"), ("output", "BinaryIO")], result: None },
    ];
    match stream {
        Stream::None => &[StreamForm { parameters: &[], result: None }],
        Stream::HttpExchange | Stream::HttpCall => &HTTP,
        Stream::FileExchange | Stream::Upload => &FILE,
    }
}

/// One form of a handler of a streaming hook.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamForm {
    /// Parameters that follow the hook's own, with their annotations.
    pub(crate) parameters: &'static [(&'static str, &'static str)],
    /// The result's annotation, when it is not the hook's own.
    pub(crate) result: Option<&'static str>,
}

/// Where the names in `StreamForm` annotations come from.
pub(crate) const FORM_IMPORTS: [(&str, &str); 5] = [
    ("collections.abc", "Mapping"),
    ("mattermost_plugin.http", "HttpRequest"),
    ("mattermost_plugin.http", "HttpResponse"),
    ("mattermost_plugin.http", "ResponseWriter"),
    ("typing", "BinaryIO"),
];
