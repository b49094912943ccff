// Command gobbench times Go's own encoding/gob, for a program that times another one with the same values.
//
// It first prints a line for each type: {"type", "first", "again"}, a filled value as a fresh encoder writes it, with all type
// definitions, and as the same encoder writes it once more, without; both in base64. Then it obeys lines on stdin
// {"type", "decode", "times"} (decode or encode so many times) by lines {"ns"}, the time of one.
package main

import (
	"bufio"
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"time"

	"interop/mattermost/fill"
	"interop/mattermost/generated/model"
	// Its registrations are for what stands in interfaces.
	_ "interop/mattermost/generated/plugin"
)

// subject is one type to measure.
type subject struct {
	Type  string `json:"type"`
	First []byte `json:"first"`
	Again []byte `json:"again"`

	value   reflect.Value
	encoder *gob.Encoder
	buffer  *bytes.Buffer
	decoder *gob.Decoder
	wire    *bytes.Buffer
}

func newSubject(of reflect.Type) (*subject, error) {
	s := &subject{Type: of.Name(), value: fill.Value(reflect.PointerTo(of), 1, fill.Full), buffer: &bytes.Buffer{}, wire: &bytes.Buffer{}}
	s.encoder, s.decoder = gob.NewEncoder(s.buffer), gob.NewDecoder(s.wire)
	var err error
	if s.First, err = s.encode(); err != nil {
		return nil, err
	}
	s.First = bytes.Clone(s.First)
	if s.Again, err = s.encode(); err != nil {
		return nil, err
	}
	s.Again = bytes.Clone(s.Again)
	return s, s.decode(s.First)
}

func (s *subject) encode() ([]byte, error) {
	s.buffer.Reset()
	err := s.encoder.EncodeValue(s.value)
	return s.buffer.Bytes(), err
}

// decode makes a fresh value of a message, as net/rpc does of each call.
func (s *subject) decode(message []byte) error {
	s.wire.Write(message)
	return s.decoder.DecodeValue(reflect.New(s.value.Type().Elem()))
}

func (s *subject) measure(decode bool, times int) (float64, error) {
	begin := time.Now()
	for range times {
		var err error
		if decode {
			err = s.decode(s.Again)
		} else {
			_, err = s.encode()
		}
		if err != nil {
			return 0, err
		}
	}
	return float64(time.Since(begin).Nanoseconds()) / float64(times), nil
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gobbench:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	answer := json.NewEncoder(out)
	subjects := map[string]*subject{}
	for _, of := range []reflect.Type{reflect.TypeFor[model.Post](), reflect.TypeFor[model.User](), reflect.TypeFor[model.Config]()} {
		s, err := newSubject(of)
		if err != nil {
			return fmt.Errorf("%s: %w", of, err)
		}
		subjects[s.Type] = s
		if err := answer.Encode(s); err != nil {
			return err
		}
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var wanted struct {
			Type   string
			Decode bool
			Times  int
		}
		if err := json.Unmarshal(lines.Bytes(), &wanted); err != nil {
			return err
		}
		s, ok := subjects[wanted.Type]
		if !ok {
			return fmt.Errorf("nothing is known of %q", wanted.Type)
		}
		ns, err := s.measure(wanted.Decode, wanted.Times)
		if err != nil {
			return err
		}
		if err := answer.Encode(map[string]float64{"ns": ns}); err != nil {
			return err
		}
	}
	return lines.Err()
}
