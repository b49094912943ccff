//! The structs of net/rpc for calls with streams, and header fields.

use mm_gob::codec::{BinaryMarshaled, Bool, Bytes, Int, Map, Nilable, Ptr, Slice, Str, Struct, Uint};
use mm_gob::gob_struct;
use mm_proto::gob::{InterfaceField, Model, Returned, Wrapped};
use mm_proto::plugin::v1;
use mm_proto::plugin::v1::HttpRequestHead;
use percent_encoding::{AsciiSet, percent_encode};

/// The codec of Go's `http.Header`.
pub(super) type HeaderCodec = Map<Str, Wrapped<Slice<Str>>>;

/// A request from the server without its body. Older servers (9.8) send `http.Request` itself, of which the rest is passed over.
#[derive(Debug, Default)]
pub(super) struct RequestHead {
    head: HttpRequestHead,
    /// As the client sent it, maybe not in UTF-8.
    url: Vec<u8>,
}

gob_struct! {
    RequestHead as "HTTPRequestSubset" {
        "Method" => head.method: Str,
        "URL" => url: BinaryMarshaled,
        "Proto" => head.proto: Str,
        "ProtoMajor" => head.proto_major: Int,
        "ProtoMinor" => head.proto_minor: Int,
        "Header" => head.header: HeaderCodec,
        "Host" => head.host: Str,
        "RemoteAddr" => head.remote_addr: Str,
        "RequestURI" => head.request_uri: Str,
    }
}

impl From<RequestHead> for HttpRequestHead {
    fn from(it: RequestHead) -> Self {
        Self { url: escaped(&it.url), ..it.head }
    }
}

/// A URL in ASCII: the bytes that are none, escaped, mean the same.
fn escaped(url: &[u8]) -> String {
    percent_encode(url, &AsciiSet::EMPTY).to_string()
}

/// A request to the server without its body.
#[derive(Debug)]
pub(super) struct RequestOut;

gob_struct! {
    RequestOut => HttpRequestHead as "HTTPRequestSubset" {
        "Method" => method: Str,
        "URL" => url: BinaryMarshaled,
        "Proto" => proto: Str,
        "ProtoMajor" => proto_major: Int,
        "ProtoMinor" => proto_minor: Int,
        "Header" => header: HeaderCodec,
        "Host" => host: Str,
        "RemoteAddr" => remote_addr: Str,
        "RequestURI" => request_uri: Str,
    }
}

/// What `ServeHTTP` and `ServeMetrics` are called with.
#[derive(Debug, Default)]
pub(super) struct ServeArgs {
    pub(super) context: Option<v1::Context>,
    pub(super) response_writer: u32,
    pub(super) request: Option<RequestHead>,
    /// 0: there is none.
    pub(super) request_body: u32,
}

gob_struct! {
    ServeArgs as "Z_ServeHTTPArgs" {
        "ResponseWriterStream" => response_writer: Uint,
        "Request" => request: Ptr<Struct<RequestHead>>,
        "Context" => context: Ptr<Model<v1::Context>>,
        "RequestBodyStream" => request_body: Uint,
    }
}

/// What `FileWillBeUploaded` is called with.
#[derive(Debug, Default)]
pub(super) struct UploadArgs {
    pub(super) context: Option<v1::Context>,
    pub(super) info: Option<v1::FileInfo>,
    pub(super) file: u32,
    pub(super) replacement: u32,
}

gob_struct! {
    UploadArgs as "Z_FileWillBeUploadedArgs" {
        "A" => context: Ptr<Model<v1::Context>>,
        "B" => info: Ptr<Model<v1::FileInfo>>,
        "UploadedFileStream" => file: Uint,
        "ReplacementFileStream" => replacement: Uint,
    }
}

/// What `FileWillBeUploaded` returns.
#[derive(Debug)]
pub(super) struct UploadReturns;

gob_struct! {
    UploadReturns => v1::FileWillBeUploadedResult as "Z_FileWillBeUploadedReturns" {
        "A" => file_info: Nilable<Model<v1::FileInfo>>,
        "B" => reason: Str,
    }
}

/// What `PluginHTTPStream` is called with.
#[derive(Debug, Default)]
pub(super) struct HttpArgs {
    pub(super) response_body: u32,
    pub(super) request: HttpRequestHead,
    /// 0: there is none.
    pub(super) request_body: u32,
}

gob_struct! {
    HttpArgs as "Z_PluginHTTPStreamArgs" {
        "ResponseBodyStream" => response_body: Uint,
        "Request" => request: Struct<RequestOut>,
        "RequestBodyStream" => request_body: Uint,
    }
}

/// What `PluginHTTPStream` returns. It is also what of an `http.Response` matters.
#[derive(Debug)]
pub(super) struct HttpReturns;

gob_struct! {
    HttpReturns => v1::HttpResponseHead as "Z_PluginHTTPStreamReturns" {
        "StatusCode" => status_code: Int,
        "Header" => header: HeaderCodec,
    }
}

/// What `PluginHTTP` is called with.
#[derive(Debug, Default)]
pub(super) struct WholeHttpArgs {
    pub(super) request: HttpRequestHead,
    pub(super) body: Vec<u8>,
}

gob_struct! {
    WholeHttpArgs as "Z_PluginHTTPArgs" {
        "Request" => request: Struct<RequestOut>,
        "RequestBody" => body: Bytes,
    }
}

/// What `PluginHTTP` returns.
#[derive(Debug, Default)]
pub(super) struct WholeHttpReturns {
    pub(super) response: Option<v1::HttpResponseHead>,
    pub(super) body: bytes::Bytes,
}

gob_struct! {
    WholeHttpReturns as "Z_PluginHTTPReturns" {
        "Response" => response: Ptr<Struct<HttpReturns>>,
        "ResponseBody" => body: Bytes,
    }
}

/// What `InstallPlugin` is called with.
#[derive(Debug, Default)]
pub(super) struct InstallArgs {
    pub(super) bundle: u32,
    pub(super) replace: bool,
}

gob_struct! {
    InstallArgs as "Z_InstallPluginArgs" {
        "PluginStreamID" => bundle: Uint,
        "B" => replace: Bool,
    }
}

/// What `InstallPlugin` returns.
#[derive(Debug)]
pub(super) struct InstallReturns;

gob_struct! {
    InstallReturns => Returned<v1::InstallPluginResponse, v1::AppError> as "Z_InstallPluginReturns" {
        "A" => value.manifest: Nilable<Model<v1::Manifest>>,
        "B" => error: Nilable<Model<v1::AppError>>,
    }
}

/// What `UploadData` is called with.
#[derive(Debug, Default)]
pub(super) struct DataArgs {
    pub(super) session: Option<v1::UploadSession>,
    pub(super) content: u32,
}

gob_struct! {
    DataArgs as "Z_UploadDataArgs" {
        "A" => session: Nilable<Model<v1::UploadSession>>,
        "PluginStreamID" => content: Uint,
    }
}

/// What `UploadData` returns.
#[derive(Debug)]
pub(super) struct DataReturns;

gob_struct! {
    DataReturns => Returned<v1::UploadDataResponse, v1::ErrorValue> as "Z_UploadDataReturns" {
        "A" => value.file_info: Nilable<Model<v1::FileInfo>>,
        "B" => error: InterfaceField,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_other_bytes_is_escaped() {
        assert_eq!(escaped(b"/a%20b?q=\xff\xc3\xa4&x"), "/a%20b?q=%FF%C3%A4&x");
    }
}
