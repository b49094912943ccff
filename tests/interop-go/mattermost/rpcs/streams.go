package rpcs

import (
	"bufio"
	"encoding/binary"
	"io"
	"net/http"

	"interop/mattermost/generated/plugin"
)

// remoteReader asks its peer for bytes: a signed varint says how many, and they come without any framing.
type remoteReader struct {
	connection io.ReadWriteCloser
}

func (r *remoteReader) Read(into []byte) (int, error) {
	if _, err := r.connection.Write(binary.AppendVarint(nil, int64(len(into)))); err != nil {
		return 0, err
	}
	return r.connection.Read(into)
}

func (r *remoteReader) Close() error {
	return r.connection.Close()
}

// serveReader gives the peer the bytes it asks for, until it or r ends.
func serveReader(r io.Reader, connection io.ReadWriteCloser) {
	defer connection.Close()
	requests := bufio.NewReader(connection)
	for {
		wanted, err := binary.ReadVarint(requests)
		if err != nil {
			return
		}
		if sent, err := io.CopyN(connection, r, wanted); err != nil || sent < wanted {
			return
		}
	}
}

// Subset is what travels of a request, its body apart.
func Subset(r *http.Request) *plugin.Request {
	return &plugin.Request{
		Method:     r.Method,
		URL:        r.URL,
		Proto:      r.Proto,
		ProtoMajor: r.ProtoMajor,
		ProtoMinor: r.ProtoMinor,
		Header:     r.Header,
		Host:       r.Host,
		RemoteAddr: r.RemoteAddr,
		RequestURI: r.RequestURI,
	}
}

// Whole is the request again.
func Whole(r *plugin.Request, body io.ReadCloser) *http.Request {
	return &http.Request{
		Method:     r.Method,
		URL:        r.URL,
		Proto:      r.Proto,
		ProtoMajor: r.ProtoMajor,
		ProtoMinor: r.ProtoMinor,
		Header:     r.Header,
		Host:       r.Host,
		RemoteAddr: r.RemoteAddr,
		RequestURI: r.RequestURI,
		Body:       body,
	}
}
