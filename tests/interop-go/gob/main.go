// Command gob exchanges random values of random types with a peer, to find where its gob differs from Go's.
//
// It writes streams to its standard output and reads, for each, the stream that the peer made of what it read. Both are
// decoded by Go, and must give the same. Streams and answers are framed:
//
//	to the peer:    kind byte ('D' dynamic, 'T' twin, 'Z' twin with zeros, 'E' end), number of values (uint32), length (uint32), stream
//	from the peer:  length (uint32), stream
//
// A 'D' stream is read and written by the peer without knowing its types. A 'T' stream holds TwinMore values; the peer
// knows the type only as Twin, without the fields beginning with X, and answers with Twin values. After a 'Z' stream it
// writes their zero fields explicitly, which must clear what was there.
//
// Exit status 0 means that everything was the same.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"reflect"
	"time"
)

func main() {
	seed := flag.Uint64("seed", 1, "seed of the random numbers")
	streams := flag.Int("streams", 400, "number of streams of each kind")
	values := flag.Int("values", 30, "values in each stream")
	flag.Parse()

	p := &peer{in: bufio.NewReader(os.Stdin), out: bufio.NewWriter(os.Stdout)}
	g := newGenerator(rand.New(rand.NewPCG(*seed, 0)))
	dynamic, twins := 0, 0
	for stream := range *streams {
		if err := dynamicStream(p, g, *values); err != nil {
			fail("dynamic stream %d of seed %d: %v", stream, *seed, err)
		}
		dynamic += *values
		if stream%4 == 0 {
			kind := "TZ"[stream/4%2]
			if err := twinStream(p, g, kind, *values); err != nil {
				fail("twin stream %d (%c) of seed %d: %v", stream, kind, *seed, err)
			}
			twins += *values
		}
	}
	p.send('E', 0, nil)
	fmt.Fprintf(os.Stderr, "same both ways: %d values of random types, %d of a known type with unknown fields; %d types in interfaces\n",
		dynamic, twins, len(g.registered))
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

// peer is the program under test.
type peer struct {
	in  *bufio.Reader
	out *bufio.Writer
}

func (p *peer) send(kind byte, count int, stream []byte) {
	p.out.WriteByte(kind)
	binary.Write(p.out, binary.BigEndian, uint32(count))
	binary.Write(p.out, binary.BigEndian, uint32(len(stream)))
	p.out.Write(stream)
	if err := p.out.Flush(); err != nil {
		fail("the peer does not read: %v", err)
	}
}

// ask sends a stream and returns the peer's.
func (p *peer) ask(kind byte, count int, stream []byte) ([]byte, error) {
	p.send(kind, count, stream)
	var length uint32
	if err := binary.Read(p.in, binary.BigEndian, &length); err != nil {
		return nil, fmt.Errorf("the peer does not answer: %w", err)
	}
	answer := make([]byte, length)
	_, err := io.ReadFull(p.in, answer)
	return answer, err
}

// dynamicStream sends values of random types and wants them back.
func dynamicStream(p *peer, g *generator, count int) error {
	var stream bytes.Buffer
	encoder := gob.NewEncoder(&stream)
	var types []reflect.Type
	var sent []reflect.Value
	for len(sent) < count {
		t := g.topLevelType()
		// Several values of one type: definitions are sent once only.
		for range 1 + g.IntN(3) {
			v := g.value(t, 4)
			if len(sent) == count {
				break
			}
			if err := encoder.EncodeValue(v); err != nil {
				return fmt.Errorf("Go cannot encode a %v: %w", t, err)
			}
			types = append(types, t)
			sent = append(sent, v)
		}
	}
	answer, err := p.ask('D', count, stream.Bytes())
	if err != nil {
		return err
	}
	ours := gob.NewDecoder(bytes.NewReader(stream.Bytes()))
	theirs := gob.NewDecoder(bytes.NewReader(answer))
	reduced := gob.NewDecoder(bytes.NewReader(answer))
	for i, t := range types {
		want, have := reflect.New(t), reflect.New(t)
		if err := ours.DecodeValue(want); err != nil {
			return fmt.Errorf("value %d: Go cannot decode its own %v: %w", i, t, err)
		}
		if err := theirs.DecodeValue(have); err != nil {
			return fmt.Errorf("value %d: Go cannot decode the peer's %v: %w", i, t, err)
		}
		if !reflect.DeepEqual(want.Interface(), have.Interface()) {
			return fmt.Errorf("value %d, a %v:\nwant %#v\nhave %#v", i, t, want.Elem(), have.Elem())
		}
		if err := compareReduced(g, reduced, t, want.Elem()); err != nil {
			return fmt.Errorf("value %d, a %v with fields left out: %w", i, t, err)
		}
	}
	return expectEnd(theirs)
}

// compareReduced reads the peer's value into a struct that lacks some of its fields: Go must be able to pass over them.
func compareReduced(g *generator, decoder *gob.Decoder, t reflect.Type, want reflect.Value) error {
	if t.Kind() != reflect.Struct || t.NumField() < 2 || t.Name() != "" {
		return decoder.DecodeValue(reflect.New(t))
	}
	var fields []reflect.StructField
	for i := range t.NumField() {
		if g.IntN(2) == 0 || hasNilElement(want.Field(i), false) {
			fields = append(fields, t.Field(i))
		}
	}
	if len(fields) == 0 {
		fields = append(fields, t.Field(g.IntN(t.NumField())))
	}
	have := reflect.New(reflect.StructOf(fields))
	if err := decoder.DecodeValue(have); err != nil {
		return err
	}
	for _, field := range fields {
		if !reflect.DeepEqual(want.FieldByName(field.Name).Interface(), have.Elem().FieldByName(field.Name).Interface()) {
			return fmt.Errorf("field %s differs", field.Name)
		}
	}
	return nil
}

// hasNilElement reports whether a nil interface is sent somewhere in v, which Go can read but not pass over. What an
// interface holds does not matter: Go passes over it by its length.
func hasNilElement(v reflect.Value, element bool) bool {
	switch v.Kind() {
	case reflect.Interface:
		return element && v.IsNil()
	case reflect.Pointer:
		return !v.IsNil() && hasNilElement(v.Elem(), element)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if hasNilElement(v.Index(i), true) {
				return true
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if hasNilElement(entries.Value(), true) {
				return true
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if hasNilElement(v.Field(i), false) {
				return true
			}
		}
	}
	return false
}

// twinStream sends TwinMore values and wants Twin values back.
func twinStream(p *peer, g *generator, kind byte, count int) error {
	var stream, known bytes.Buffer
	encoder, knownEncoder := gob.NewEncoder(&stream), gob.NewEncoder(&known)
	for range count {
		more := g.value(reflect.TypeFor[TwinMore](), 3)
		if err := encoder.EncodeValue(more); err != nil {
			return fmt.Errorf("Go cannot encode a TwinMore: %w", err)
		}
		twin := reflect.New(reflect.TypeFor[Twin]()).Elem()
		for i := range twin.NumField() {
			twin.Field(i).Set(more.FieldByName(twin.Type().Field(i).Name))
		}
		if err := knownEncoder.EncodeValue(twin); err != nil {
			return fmt.Errorf("Go cannot encode a Twin: %w", err)
		}
	}
	answer, err := p.ask(kind, count, stream.Bytes())
	if err != nil {
		return err
	}
	ours, theirs := gob.NewDecoder(&known), gob.NewDecoder(bytes.NewReader(answer))
	for i := range count {
		var want, have Twin
		if err := ours.Decode(&want); err != nil {
			return fmt.Errorf("value %d: Go cannot decode its own: %w", i, err)
		}
		if kind == 'Z' {
			have = dirty()
		}
		if err := theirs.Decode(&have); err != nil {
			return fmt.Errorf("value %d: Go cannot decode the peer's: %w", i, err)
		}
		if kind == 'Z' {
			// An explicit zero makes an empty slice of a nil one. Go's own encoder sends neither.
			var err error
			if have, err = throughGo(have); err != nil {
				return err
			}
		}
		if !reflect.DeepEqual(want, have) {
			w, h := reflect.ValueOf(want), reflect.ValueOf(have)
			for f := range w.NumField() {
				if !reflect.DeepEqual(w.Field(f).Interface(), h.Field(f).Interface()) {
					return fmt.Errorf("value %d, field %s:\nwant %#v\nhave %#v", i, w.Type().Field(f).Name, w.Field(f), h.Field(f))
				}
			}
		}
	}
	return expectEnd(theirs)
}

// dirty returns a Twin with content in every field that an explicit zero clears.
func dirty() Twin {
	return Twin{
		Embedded: Embedded{1, 1}, Bool: true, I8: 1, I64: 1, U16: 1, U64: 1, F32: 1, F64: 1, C: 1, S: "old", B: []byte("old"),
		L: []string{"old"}, A: [3]int{1, 1, 1}, Hash: [4]byte{1}, Time: time.Unix(1, 0), Inner: Inner{1, "old"},
		Inners: []*Inner{{1, "old"}}, Any: "old", Tree: []Twin{{S: "old", I64: 1}},
	}
}

// throughGo returns what Go's decoder makes of what its encoder makes of t.
func throughGo(t Twin) (Twin, error) {
	var buffer bytes.Buffer
	var result Twin
	if err := gob.NewEncoder(&buffer).Encode(t); err != nil {
		return result, fmt.Errorf("Go cannot encode what it decoded: %w", err)
	}
	err := gob.NewDecoder(&buffer).Decode(&result)
	return result, err
}

func expectEnd(decoder *gob.Decoder) error {
	var more any
	if err := decoder.Decode(&more); err != io.EOF {
		return fmt.Errorf("the peer's stream goes on after its last value: %v", err)
	}
	return nil
}
