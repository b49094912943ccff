package rpcs

import (
	"bufio"
	"encoding/gob"
	"io"
	"net/rpc"
	"strings"
	"sync"
)

// lackingCodec is net/rpc's own codec for a server that may be too old for some methods: a call of one gets the answer that net/rpc
// gives for what is not there.
type lackingCodec struct {
	stream  io.ReadWriteCloser
	decoder *gob.Decoder
	encoder *gob.Encoder
	buffer  *bufio.Writer
	lacks   func(method string) bool

	mutex sync.Mutex
	// lacking are the methods of calls that wait for that answer.
	lacking map[uint64]string
}

func newLackingCodec(stream io.ReadWriteCloser, lacks func(method string) bool) *lackingCodec {
	buffer := bufio.NewWriter(stream)
	return &lackingCodec{
		stream: stream, decoder: gob.NewDecoder(stream), encoder: gob.NewEncoder(buffer), buffer: buffer, lacks: lacks,
		lacking: map[uint64]string{},
	}
}

// ReadRequestHeader gives a method that is lacking a name that nothing has.
func (c *lackingCodec) ReadRequestHeader(request *rpc.Request) error {
	if err := c.decoder.Decode(request); err != nil {
		return err
	}
	if method := strings.TrimPrefix(request.ServiceMethod, Service+"."); c.lacks(method) {
		c.mutex.Lock()
		c.lacking[request.Seq] = request.ServiceMethod
		c.mutex.Unlock()
		request.ServiceMethod = Service + ".lacking"
	}
	return nil
}

func (c *lackingCodec) ReadRequestBody(body any) error {
	return c.decoder.Decode(body)
}

// WriteResponse answers under the name that was called. One response is written at a time.
func (c *lackingCodec) WriteResponse(response *rpc.Response, body any) error {
	c.mutex.Lock()
	if method, ok := c.lacking[response.Seq]; ok {
		delete(c.lacking, response.Seq)
		response.ServiceMethod, response.Error = method, "rpc: can't find method "+method
	}
	c.mutex.Unlock()
	if err := c.encoder.Encode(response); err != nil {
		return err
	}
	if err := c.encoder.Encode(body); err != nil {
		return err
	}
	return c.buffer.Flush()
}

func (c *lackingCodec) Close() error {
	return c.stream.Close()
}
