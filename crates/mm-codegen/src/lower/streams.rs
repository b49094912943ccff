//! The messages of the streaming methods, and what they hold.
//!
//! A stream's request and response are a `oneof` of parts, so that a part costs a tag and a length. The first part of a
//! request is always `start` (or `head`). HTTP/2 gives back-pressure and cancellation; what it cannot say is said by
//! parts: that a body ended early, that the client is gone, that a connection now belongs to the plugin.

use crate::ir::{Field, Ir, Message, Method, Presence, Stream, StreamMessage, Ty, Wrapper};
use crate::names;

/// Adds the messages that the IR's streaming methods need.
pub(super) fn add(ir: &mut Ir) {
    let methods: Vec<(Method, &str)> = (ir.api.iter().map(|it| (it.clone(), "api")))
        .chain(ir.hooks.iter().map(|it| (it.clone(), "hooks")))
        .filter(|(method, _)| method.stream != Stream::None)
        .collect();
    for (method, file) in &methods {
        for message in method_messages(method, file) {
            ir.stream_messages.insert(message.message.name.camel.clone(), message);
        }
    }
    let http = methods.iter().any(|(it, _)| matches!(it.stream, Stream::HttpExchange | Stream::HttpCall));
    let file = methods.iter().any(|(it, _)| it.stream == Stream::FileExchange);
    let shared = (http.then(http_messages).into_iter().flatten()).chain(file.then(file_messages).into_iter().flatten());
    for message in shared {
        ir.stream_messages.insert(message.message.name.camel.clone(), message);
    }
    if http {
        let name = "StringList".to_owned();
        let inner = Ty::List(Box::new(Ty::String));
        ir.wrappers.entry(name.clone()).or_insert_with(|| Wrapper { name, inner, group: "list".to_owned() });
    }
}

fn method_messages(method: &Method, file: &str) -> Vec<StreamMessage> {
    let go = &method.name.go;
    let start = format!("{go}Start");
    let starts = |doc| part("start", &start, doc);
    let parts = |name: &str, doc: String, fields| message(name, file, &doc, Some("part"), fields);
    match method.stream {
        Stream::None => Vec::new(),
        Stream::HttpExchange => {
            let mut fields = method.params.clone();
            fields.push(part("request", "HttpRequestHead", "The request without its body."));
            fields.push(header_field(
                "response_header",
                "Header fields that the server has already set for the response.",
            ));
            vec![
                message(&start, file, &format!("What {go} begins with."), None, fields),
                parts(
                    &method.request,
                    format!("A part of what the server tells {go}: `start` first, and once."),
                    exchange_request(starts),
                ),
                parts(
                    &method.response,
                    format!("A part of the answer of {go}. The exchange ends when the stream does."),
                    exchange_response(),
                ),
            ]
        }
        Stream::HttpCall => vec![
            parts(
                &method.request,
                format!("A part of the request of {go}: `head` first, and once."),
                vec![
                    part("head", "HttpRequestHead", "The request without its body."),
                    bytes_part("body", "The next piece of the body."),
                    part("body_end", "HttpBodyEnd", "The body is over."),
                ],
            ),
            parts(
                &method.response,
                format!("A part of the response of {go}: `head` first, and once."),
                vec![
                    part("head", "HttpResponseHead", "The response without its body."),
                    bytes_part("body", "The next piece of the body."),
                    part("body_end", "HttpBodyEnd", "The body is over; nothing follows."),
                ],
            ),
        ],
        Stream::FileExchange => {
            let result = format!("{go}Result");
            vec![
                message(&start, file, &format!("What {go} begins with."), None, method.params.clone()),
                message(&result, file, &format!("What {go} answers."), None, method.results.clone()),
                parts(
                    &method.request,
                    format!("A part of what the server tells {go}: `start` first, and once."),
                    vec![
                        starts("The arguments."),
                        bytes_part("content", "The next piece of the file."),
                        part("content_end", "FileContentEnd", "The file is over."),
                    ],
                ),
                parts(
                    &method.response,
                    format!("A part of the answer of {go}: `result` last, and once."),
                    vec![
                        bytes_part("replacement", "The next piece of what the server stores in the file's place."),
                        part("result", &result, "The answer. Nothing follows."),
                    ],
                ),
            ]
        }
        Stream::Upload => vec![
            message(&start, file, &format!("What {go} begins with."), None, method.params.clone()),
            parts(
                &method.request,
                format!(
                    "A part of the arguments of {go}: `start` first, and once; the content is over when the stream is."
                ),
                vec![starts("The arguments."), bytes_part("content", "The next piece of the content.")],
            ),
        ],
    }
}

fn exchange_request(starts: impl Fn(&'static str) -> Field) -> Vec<Field> {
    vec![
        starts("The request without its body, and who asks."),
        bytes_part(
            "body",
            "The next piece of the body. How much travels ahead of a slow reader is bounded by the stream's window.",
        ),
        part("body_end", "HttpBodyEnd", "The body is over."),
        part("client_gone", "HttpClientGone", "The client has gone: what is written from here on reaches nobody."),
        part("flushed", "HttpFlushed", "Answers `flush`."),
        part("hijacked", "HttpHijacked", "Answers `hijack`."),
        bytes_part("connection_data", "After a successful `hijack`: the next bytes from the client."),
        part("connection_end", "HttpConnectionEnd", "After a successful `hijack`: the client sends no more."),
    ]
}

fn exchange_response() -> Vec<Field> {
    vec![
        part(
            "head",
            "HttpResponseHead",
            "Status and header. May come before the request's body is over. Informational ones (1xx) may precede the final one; a body without a head means status 200.",
        ),
        bytes_part("body", "The next piece of the body."),
        part("flush", "HttpFlush", "Asks that all that was written reaches the client now; `flushed` answers."),
        part("trailers", "HttpTrailers", "Header fields that follow the body."),
        part(
            "hijack",
            "HttpHijack",
            "Asks for the connection itself, as a WebSocket needs it; `hijacked` answers. No head may have been sent.",
        ),
        bytes_part("connection_data", "After a successful `hijack`: the next bytes for the client."),
        part(
            "connection_deadline",
            "HttpConnectionDeadline",
            "After a successful `hijack`: when reading and writing shall fail.",
        ),
        part("connection_close", "HttpConnectionClose", "After a successful `hijack`: closes the connection."),
    ]
}

fn http_messages() -> Vec<StreamMessage> {
    let shared = |name: &str, doc: &str, fields| message(name, "http", doc, None, fields);
    let error = |doc| scalar("error", Ty::String, doc);
    vec![
        shared(
            "HttpRequestHead",
            "An HTTP request without its body.",
            vec![
                scalar("method", Ty::String, "`GET`, `POST`, …"),
                scalar(
                    "url",
                    Ty::String,
                    "Path and query. For a request to a plugin the path begins after `/plugins/<id>`; for one from a plugin it begins with `/<id of the other plugin>`.",
                ),
                scalar("proto", Ty::String, "`HTTP/1.1`"),
                scalar("proto_major", Ty::Int32, "The 1 of `HTTP/1.1`."),
                scalar("proto_minor", Ty::Int32, "The other 1."),
                header_field("header", "Header fields by canonical name (`Content-Type`), each with all its values."),
                scalar("host", Ty::String, "The host that the request was sent to."),
                scalar("remote_addr", Ty::String, "Address and port of the peer."),
                scalar("request_uri", Ty::String, "The request's target as the client sent it."),
            ],
        ),
        shared(
            "HttpResponseHead",
            "Status and header of an HTTP response.",
            vec![
                scalar("status_code", Ty::Int32, "100 to 999."),
                header_field(
                    "header",
                    "The whole header: a field that is not there is not sent, even if the server had set it.",
                ),
            ],
        ),
        shared(
            "HttpBodyEnd",
            "The end of a body.",
            vec![
                header_field("trailers", "Header fields that followed the body."),
                error("Why the body ended early; \"\" when it is complete."),
            ],
        ),
        shared("HttpTrailers", "Header fields that follow a body.", vec![header_field("header", "By canonical name.")]),
        shared("HttpClientGone", "The client closed its connection before the response was complete.", vec![]),
        shared("HttpFlush", "Asks that all that was written reaches the client now.", vec![]),
        shared(
            "HttpFlushed",
            "All that was written before the flush is on its way.",
            vec![error("Why it could not be flushed (servers before 10.0 cannot); \"\" when it was.")],
        ),
        shared("HttpHijack", "Asks for the connection itself.", vec![]),
        shared(
            "HttpHijacked",
            "The connection belongs to the plugin, or cannot.",
            vec![error("Why the connection stays with the server; \"\" when it is the plugin's.")],
        ),
        shared(
            "HttpConnectionEnd",
            "No more bytes come from the client.",
            vec![error("Why, when it is not that the client closed its side.")],
        ),
        shared(
            "HttpConnectionDeadline",
            "When reading from a connection and writing to it shall fail.",
            vec![
                scalar("read", Ty::Bool, "Whether this is about reading."),
                scalar("write", Ty::Bool, "Whether this is about writing."),
                Field { presence: Presence::Optional, ..scalar("deadline", Ty::Timestamp, "Absent: never.") },
            ],
        ),
        shared("HttpConnectionClose", "Closes a connection.", vec![]),
    ]
}

fn file_messages() -> Vec<StreamMessage> {
    let error = scalar("error", Ty::String, "Why the content ended early; \"\" when it is complete.");
    vec![message("FileContentEnd", "http", "The end of a file's content.", None, vec![error])]
}

fn message(name: &str, file: &str, doc: &str, oneof: Option<&str>, fields: Vec<Field>) -> StreamMessage {
    let message = Message {
        name: names::message_name(name),
        go_type: String::new(),
        group: file.to_owned(),
        fields,
        doc: doc.to_owned(),
        recursive: false,
        never_nil: false,
    };
    StreamMessage { message, oneof: oneof.map(ToOwned::to_owned) }
}

fn part(name: &str, message: &str, doc: &str) -> Field {
    Field { presence: Presence::Optional, ..scalar(name, Ty::Message(message.to_owned()), doc) }
}

fn bytes_part(name: &str, doc: &str) -> Field {
    Field { presence: Presence::Optional, ..scalar(name, Ty::Bytes, doc) }
}

fn header_field(name: &str, doc: &str) -> Field {
    let values = Ty::Wrapped("StringList".to_owned());
    scalar(name, Ty::Map(Box::new(Ty::String), Box::new(values)), doc)
}

fn scalar(name: &str, ty: Ty, doc: &str) -> Field {
    Field {
        name: names::renamed("", name),
        number: 0,
        ty,
        presence: Presence::Implicit,
        nullable: false,
        go_type: String::new(),
        json: None,
        doc: doc.to_owned(),
    }
}
