package fill

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"

	"interop/mattermost/generated/plugin"
	"interop/mattermost/rpcs"
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
	subset := f.value(reflect.TypeFor[plugin.HTTPRequestSubset]()).Interface().(plugin.HTTPRequestSubset)
	subset.Method, subset.Proto, subset.ProtoMajor, subset.ProtoMinor = "PUT", "HTTP/1.1", 1, 1
	subset.Host, subset.RemoteAddr = fmt.Sprintf("host%d.example", f.next()), fmt.Sprintf("192.0.2.1:%d", 1+f.next()%60_000)
	subset.RequestURI = subset.URL.String()
	return rpcs.Whole(&subset, io.NopCloser(bytes.NewReader(f.content())))
}

// Request is a request as data.
type Request struct {
	plugin.HTTPRequestSubset
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
		return Request{*rpcs.Subset(it), read(it.Body)}
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
