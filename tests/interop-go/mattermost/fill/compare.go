package fill

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Difference is a place where what came back is not what was sent.
type Difference struct {
	Path string `json:"path"`
	Sent string `json:"sent"`
	Got  string `json:"got"`
}

func (d Difference) String() string {
	return fmt.Sprintf("%s: sent %s, got %s", d.Path, d.Sent, d.Got)
}

// Comparison is all differences between two values.
type Comparison struct {
	// Wrong are those that nobody may make.
	Wrong []Difference `json:"wrong"`
	// Lost is what gob itself does not carry: a pointer to a zero arrives as nil, an empty list as nil.
	Lost []Difference `json:"lost"`
}

func newComparison() Comparison {
	// Not nil: JSON should show lists.
	return Comparison{Wrong: []Difference{}, Lost: []Difference{}}
}

// Compare compares two values of a type field by field. It sees through gob's own losses, and lists them apart.
func Compare(sent, got reflect.Value) Comparison {
	c := newComparison()
	c.compare("", sent, got)
	return c
}

func (c *Comparison) wrong(path string, sent, got reflect.Value) {
	c.Wrong = append(c.Wrong, Difference{path, show(sent), show(got)})
}

func (c *Comparison) lost(path string, sent, got reflect.Value) {
	c.Lost = append(c.Lost, Difference{path, show(sent), show(got)})
}

// mostShown is how much of a value a difference shows, in bytes or elements.
const mostShown = 200

func show(v reflect.Value) string {
	for v.IsValid() && v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if !v.IsValid() {
		return "nothing"
	}
	if v.Kind() == reflect.Slice && v.Len() > mostShown {
		return fmt.Sprintf("%s of %d, beginning with %+v", v.Type(), v.Len(), v.Slice(0, mostShown))
	}
	text := fmt.Sprintf("%s %+v", v.Type(), v)
	if len(text) > mostShown {
		text = strings.ToValidUTF8(text[:mostShown], "") + "…"
	}
	return text
}

func (c *Comparison) compare(path string, sent, got reflect.Value) {
	if !sent.IsValid() || !got.IsValid() {
		if sent.IsValid() != got.IsValid() {
			c.wrong(path, sent, got)
		}
		return
	}
	if sent.Type() != got.Type() {
		c.wrong(path, sent, got)
		return
	}
	if at, ok := sent.Interface().(time.Time); ok {
		if !at.Equal(got.Interface().(time.Time)) {
			c.wrong(path, sent, got)
		}
		return
	}
	switch sent.Kind() {
	case reflect.Pointer:
		c.pointer(path, sent, got)
	case reflect.Interface:
		c.compare(path, sent.Elem(), got.Elem())
	case reflect.Struct:
		for i := range sent.NumField() {
			if field := sent.Type().Field(i); field.IsExported() {
				c.compare(path+"."+field.Name, sent.Field(i), got.Field(i))
			}
		}
	case reflect.Slice, reflect.Array:
		c.list(path, sent, got)
	case reflect.Map:
		c.mapping(path, sent, got)
	default:
		if !sent.Equal(got) {
			c.wrong(path, sent, got)
		}
	}
}

func (c *Comparison) pointer(path string, sent, got reflect.Value) {
	switch {
	case !sent.IsNil() && !got.IsNil():
		c.compare(path, sent.Elem(), got.Elem())
	case sent.IsNil() && got.IsNil():
	case got.IsNil() && vanishes(sent.Elem()):
		c.lost(path, sent, got)
	default:
		c.wrong(path, sent, got)
	}
}

// vanishes tells whether gob leaves out a field that points at this value.
func vanishes(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice:
		return v.Len() == 0
	case reflect.Pointer:
		return v.IsNil() || vanishes(v.Elem())
	case reflect.Array, reflect.Map, reflect.Struct:
		return false
	default:
		return v.IsZero()
	}
}

func (c *Comparison) list(path string, sent, got reflect.Value) {
	if sent.Len() != got.Len() {
		c.wrong(path, sent, got)
		return
	}
	if sent.Kind() == reflect.Slice && sent.IsNil() != got.IsNil() {
		c.lost(path, sent, got)
	}
	if sent.Kind() == reflect.Slice && sent.Type().Elem().Kind() == reflect.Uint8 {
		if !bytes.Equal(sent.Bytes(), got.Bytes()) {
			c.wrong(path, sent, got)
		}
		return
	}
	for i := range sent.Len() {
		c.compare(fmt.Sprintf("%s[%d]", path, i), sent.Index(i), got.Index(i))
	}
}

func (c *Comparison) mapping(path string, sent, got reflect.Value) {
	if sent.IsNil() != got.IsNil() {
		c.wrong(path, sent, got)
		return
	}
	for _, key := range sent.MapKeys() {
		c.compare(fmt.Sprintf("%s[%q]", path, key), sent.MapIndex(key), got.MapIndex(key))
	}
	for _, key := range got.MapKeys() {
		if !sent.MapIndex(key).IsValid() {
			c.wrong(fmt.Sprintf("%s[%q]", path, key), reflect.Value{}, got.MapIndex(key))
		}
	}
}
