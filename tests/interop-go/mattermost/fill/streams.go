package fill

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
)

// stream fills what is not sent as a value: readers, writers, requests and responses. It tells whether v is one.
func (f *filler) stream(v reflect.Value) bool {
	var it any
	switch v.Type() {
	case reflect.TypeFor[io.Reader]():
		it = bytes.NewReader(f.content())
	case reflect.TypeFor[io.Writer]():
		it = &bytes.Buffer{}
	case reflect.TypeFor[http.ResponseWriter]():
		it = httptest.NewRecorder()
	case reflect.TypeFor[*http.Request]():
		it = f.request()
	case reflect.TypeFor[*http.Response]():
		body := io.NopCloser(bytes.NewReader(f.content()))
		it = &http.Response{StatusCode: int(200 + f.next()%100), Header: f.header(), Body: body}
	default:
		return false
	}
	v.Set(reflect.ValueOf(it))
	return true
}

// isStream tells whether values of a type are not sent as values.
func isStream(t reflect.Type) bool {
	return newFiller(0, Full).stream(reflect.New(t).Elem())
}

// content is longer than what a window of yamux and a buffer of anybody hold.
func (f *filler) content() []byte {
	return bytes.Repeat(fmt.Appendf(nil, "content %d\xff\x00", f.next()), 20_000)
}

func (f *filler) header() http.Header {
	return http.Header{fmt.Sprintf("X-Key-%d", f.count): {f.text("first"), f.text("second")}}
}

func (f *filler) request() *http.Request {
	line := f.value(reflect.TypeFor[RequestLine]()).Interface().(RequestLine)
	line.Method, line.Proto, line.ProtoMajor, line.ProtoMinor = "PUT", "HTTP/1.1", 1, 1
	line.Host, line.RemoteAddr = fmt.Sprintf("host%d.example", f.next()), fmt.Sprintf("192.0.2.1:%d", 1+f.next()%60_000)
	line.RequestURI = line.URL.String()
	return line.With(f.content())
}

// RequestLine is what every server sends of a request, its body apart.
type RequestLine struct {
	Method                 string
	URL                    *url.URL
	Proto                  string
	ProtoMajor, ProtoMinor int
	Header                 http.Header
	Host                   string
	RemoteAddr             string
	RequestURI             string
}

// With is the request with a body.
func (l *RequestLine) With(content []byte) *http.Request {
	return &http.Request{
		Method: l.Method, URL: l.URL, Proto: l.Proto, ProtoMajor: l.ProtoMajor, ProtoMinor: l.ProtoMinor, Header: l.Header,
		Host: l.Host, RemoteAddr: l.RemoteAddr, RequestURI: l.RequestURI, Body: io.NopCloser(bytes.NewReader(content)),
	}
}

func lineOf(r *http.Request) RequestLine {
	return RequestLine{r.Method, r.URL, r.Proto, r.ProtoMajor, r.ProtoMinor, r.Header, r.Host, r.RemoteAddr, r.RequestURI}
}

// Request is a request as data.
type Request struct {
	RequestLine
	Content []byte
}

// Response is a response as data.
type Response struct {
	StatusCode int
	Header     http.Header
	Content    []byte
}

// Plain is it as data: streams are read to their end, other values are themselves.
func Plain(it any) any {
	switch it := it.(type) {
	case *bytes.Buffer:
		return it.Bytes()
	case *httptest.ResponseRecorder:
		return Response{it.Code, it.Header(), it.Body.Bytes()}
	case *http.Request:
		return Request{lineOf(it), read(it.Body)}
	case *http.Response:
		if it == nil {
			return nil
		}
		return Response{it.StatusCode, it.Header, read(it.Body)}
	case io.Reader:
		return read(it)
	}
	return it
}

// read gives what came before the stream ended or broke.
func read(r io.Reader) []byte {
	if r == nil {
		return nil
	}
	content, _ := io.ReadAll(r)
	return content
}
