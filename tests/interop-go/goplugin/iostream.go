package main

import (
	"bufio"
	"encoding/binary"
	"io"
)

// serveReader lets the other side of stream read from source: it asks for a number of bytes with a signed varint and gets up to
// that many.
func serveReader(source io.Reader, stream io.ReadWriteCloser) {
	defer stream.Close()
	requests := bufio.NewReader(stream)
	for {
		count, err := binary.ReadVarint(requests)
		if err != nil {
			return
		}
		if _, err := io.CopyN(stream, source, count); err != nil {
			return
		}
	}
}

// remoteReader reads what the other side of stream owns.
type remoteReader struct{ stream io.ReadWriteCloser }

func (r *remoteReader) Read(into []byte) (int, error) {
	var request [binary.MaxVarintLen64]byte
	if _, err := r.stream.Write(request[:binary.PutVarint(request[:], int64(len(into)))]); err != nil {
		return 0, err
	}
	return r.stream.Read(into)
}

func (r *remoteReader) Close() error { return r.stream.Close() }
