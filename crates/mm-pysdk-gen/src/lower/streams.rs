//! How streaming methods look in Python: a stream is bytes or a file, an exchange a request and a response.

use mm_codegen::ir::Stream;

use crate::types::Annotation;

/// The annotation of an API method's stream parameter.
pub(crate) fn annotation(stream: Stream) -> Annotation {
    match stream {
        Stream::HttpCall | Stream::HttpExchange => Annotation::imported("mattermost_plugin.http", "HttpRequest"),
        Stream::None | Stream::Upload | Stream::FileExchange => {
            Annotation::imported("mattermost_plugin.http", "Content")
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
        StreamForm { parameters: &[("request", "HttpRequest")], result: Some("HttpResult") },
        StreamForm { parameters: &[("writer", "ResponseWriter"), ("request", "HttpRequest")], result: Some("None") },
    ];
    const FILE: [StreamForm; 2] = [
        StreamForm { parameters: &[("file", "UploadedFile")], result: None },
        StreamForm { parameters: &[("file", "UploadedFile"), ("output", "ReplacementFile")], result: None },
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
    ("mattermost_plugin.files", "ReplacementFile"),
    ("mattermost_plugin.files", "UploadedFile"),
    ("mattermost_plugin.http", "HttpRequest"),
    ("mattermost_plugin.http", "HttpResult"),
    ("mattermost_plugin.http", "ResponseWriter"),
];
