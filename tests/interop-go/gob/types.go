package main

import (
	"encoding/gob"
	"errors"
	"net/url"
	"time"
)

// Node is recursive in every way that gob allows.
type Node struct {
	Name  string
	Next  *Node
	Kids  []*Node
	Named map[string]*Node
	Any   any
}

// Version makes its own bytes, by gob's interface.
type Version struct{ major, minor byte }

// GobEncode returns the two bytes of the version.
func (v Version) GobEncode() ([]byte, error) { return []byte{v.major, v.minor}, nil }

// GobDecode reads what GobEncode wrote.
func (v *Version) GobDecode(b []byte) error {
	if len(b) != 2 {
		return errors.New("a version has two bytes")
	}
	v.major, v.minor = b[0], b[1]
	return nil
}

// Token makes its own bytes, by the interface for binary data.
type Token struct{ text string }

// MarshalBinary returns the text.
func (t Token) MarshalBinary() ([]byte, error) { return []byte(t.text), nil }

// UnmarshalBinary reads what MarshalBinary wrote.
func (t *Token) UnmarshalBinary(b []byte) error {
	t.text = string(b)
	return nil
}

// Inner is a struct within Twin.
type Inner struct {
	Code int32
	Err  string
}

// Embedded is part of Twin without a field name of its own.
type Embedded struct {
	Depth uint8
	Width int16
}

// Twin is a type that the peer knows too, with the fields in another order.
type Twin struct {
	Embedded
	Bool   bool
	I8     int8
	I64    int64
	U16    uint16
	U64    uint64
	F32    float32
	F64    float64
	C      complex128
	S      string
	B      []byte
	L      []string
	M      map[string]int
	MM     map[string][]string
	A      [3]int
	Hash   [4]byte
	Pb     *bool
	Pi     *int64
	Ps     *string
	Time   time.Time
	PTime  *time.Time
	URL    *url.URL
	V      Version
	Inner  Inner
	PInner *Inner
	Inners []*Inner
	ByName map[string]Inner
	Any    any
	Next   *Twin
	Tree   []Twin
}

// TwinMore is Twin with fields that the peer does not know.
type TwinMore struct {
	X0 any
	Embedded
	Bool   bool
	I8     int8
	I64    int64
	X1     map[string]any
	U16    uint16
	U64    uint64
	F32    float32
	F64    float64
	C      complex128
	X2     []any
	S      string
	B      []byte
	L      []string
	M      map[string]int
	MM     map[string][]string
	X3     *Node
	A      [3]int
	Hash   [4]byte
	Pb     *bool
	Pi     *int64
	Ps     *string
	X4     complex64
	Time   time.Time
	PTime  *time.Time
	URL    *url.URL
	V      Version
	X5     struct{ A, B any }
	Inner  Inner
	PInner *Inner
	Inners []*Inner
	X6     Token
	ByName map[string]Inner
	Any    any
	Next   *Twin
	Tree   []Twin
	X7     [2]struct{ T time.Time }
}

func init() {
	gob.RegisterName("[]interface {}", []any{})
	gob.RegisterName("map[string]interface {}", map[string]any{})
	gob.RegisterName("*main.Node", &Node{})
	gob.RegisterName("*main.Inner", &Inner{})
	gob.RegisterName("main.Version", Version{})
	gob.RegisterName("main.Token", Token{})
	gob.RegisterName("time.Time", time.Time{})
}
