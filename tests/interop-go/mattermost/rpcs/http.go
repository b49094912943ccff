package rpcs

import (
	"errors"
	"net/http"
	"net/rpc"
)

// writerServer lets the plugin write a response. Hijacking is not offered.
type writerServer struct {
	w http.ResponseWriter
}

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

// HijackResponse says that the connection cannot be had.
func (s *writerServer) HijackResponse(_ struct{}, _ *struct{}) error {
	return errors.New("response cannot be hijacked")
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
