package rpcs

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"net/rpc"
	"slices"
	"time"

	"interop/mattermost/generated/plugin"
)

// writerLacks tells whether servers of this version have no such method of the response writer.
func writerLacks(method string) bool {
	return !slices.Contains(plugin.WriterMethods, method)
}

// writerServer lets the plugin write a response, and take its connection over.
type writerServer struct {
	w http.ResponseWriter
	// taken is the connection, once it is the plugin's.
	taken  net.Conn
	buffer *bufio.ReadWriter
}

var errNotTaken = errors.New("response is not hijacked")

// Header gives the header as it is.
func (s *writerServer) Header(_ struct{}, header *http.Header) error {
	*header = s.w.Header()
	return nil
}

// SyncHeader makes the header equal to the one given.
func (s *writerServer) SyncHeader(header http.Header, _ *struct{}) error {
	clear(s.w.Header())
	for key, values := range header {
		s.w.Header()[key] = values
	}
	return nil
}

// WriteHeader sends the header.
func (s *writerServer) WriteHeader(status int, _ *struct{}) error {
	if status < 100 || status > 999 {
		return errors.New("invalid http status code")
	}
	s.w.WriteHeader(status)
	return nil
}

// Write sends a piece of the body.
func (s *writerServer) Write(piece []byte, _ *struct{}) error {
	_, err := s.w.Write(piece)
	return err
}

// Flush sends what is buffered.
func (s *writerServer) Flush(_ struct{}, _ *struct{}) error {
	if flusher, ok := s.w.(http.Flusher); ok {
		flusher.Flush()
	}
	return nil
}

// HijackResponse gives the connection to the plugin.
func (s *writerServer) HijackResponse(_ struct{}, _ *struct{}) error {
	if s.taken != nil {
		return errors.New("response was already hijacked")
	}
	hijacker, ok := s.w.(http.Hijacker)
	if !ok {
		return errors.New("response cannot be hijacked")
	}
	var err error
	s.taken, s.buffer, err = hijacker.Hijack()
	return err
}

// HjConnRWRead reads, from what was buffered first.
func (s *writerServer) HjConnRWRead(room []byte, data *[]byte) error {
	if s.taken == nil {
		return errNotTaken
	}
	into := make([]byte, len(room))
	count, err := s.buffer.Read(into)
	*data = into[:count]
	return err
}

// HjConnWrite writes past the buffer.
func (s *writerServer) HjConnWrite(data []byte, count *int) (err error) {
	if s.taken == nil {
		return errNotTaken
	}
	*count, err = s.taken.Write(data)
	return err
}

// HjConnClose closes the connection, which nobody else does.
func (s *writerServer) HjConnClose(_ struct{}, _ *struct{}) error {
	if s.taken == nil {
		return errNotTaken
	}
	return s.taken.Close()
}

// HjConnSetDeadline limits reading and writing.
func (s *writerServer) HjConnSetDeadline(at time.Time, _ *struct{}) error {
	if s.taken == nil {
		return errNotTaken
	}
	return s.taken.SetDeadline(at)
}

// HjConnSetReadDeadline limits reading.
func (s *writerServer) HjConnSetReadDeadline(at time.Time, _ *struct{}) error {
	if s.taken == nil {
		return errNotTaken
	}
	return s.taken.SetReadDeadline(at)
}

// HjConnSetWriteDeadline limits writing.
func (s *writerServer) HjConnSetWriteDeadline(at time.Time, _ *struct{}) error {
	if s.taken == nil {
		return errNotTaken
	}
	return s.taken.SetWriteDeadline(at)
}

// writerClient is the response writer in the plugin.
type writerClient struct {
	client *rpc.Client
	header http.Header
}

// Header asks for the header once; afterwards it is the plugin's.
func (c *writerClient) Header() http.Header {
	if c.header == nil {
		c.header = http.Header{}
		_ = c.client.Call(Service+".Header", struct{}{}, &c.header)
	}
	return c.header
}

// Write sends a piece of the body.
func (c *writerClient) Write(piece []byte) (int, error) {
	if err := c.sync(); err != nil {
		return 0, err
	}
	if err := c.client.Call(Service+".Write", piece, nil); err != nil {
		return 0, err
	}
	return len(piece), nil
}

// WriteHeader sends the header.
func (c *writerClient) WriteHeader(status int) {
	if c.sync() == nil {
		_ = c.client.Call(Service+".WriteHeader", status, nil)
	}
}

// Flush sends what is buffered.
func (c *writerClient) Flush() {
	_ = c.client.Call(Service+".Flush", struct{}{}, nil)
}

func (c *writerClient) sync() error {
	return c.client.Call(Service+".SyncHeader", c.Header(), nil)
}
