// Package fill makes values with every field set, and compares what came back with what was sent.
package fill

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"interop/mattermost/generated/model"
	"interop/mattermost/generated/plugin"
)

// Mode says what is put where values can be absent.
type Mode int

const (
	// Full sets every field to a value that is not zero and occurs once.
	Full Mode = iota
	// Zeros points every pointer at a zero and makes lists and maps empty but not nil.
	Zeros
)

// UnmarshalText reads `full` or `zeros`.
func (m *Mode) UnmarshalText(text []byte) error {
	return choose(m, text, map[string]Mode{"full": Full, "zeros": Zeros})
}

func choose[T any](into *T, text []byte, choices map[string]T) error {
	choice, ok := choices[string(text)]
	if !ok {
		return fmt.Errorf("%q is none of %q", text, slices.Sorted(maps.Keys(choices)))
	}
	*into = choice
	return nil
}

// mostOfAType is how often a type may stand within itself.
const mostOfAType = 2

// mostDynamic is how deep values of type any are nested; below stand texts only.
const mostDynamic = 2

// filler counts what it has made: contents follow from seed and count, shapes and keys do not depend on the seed.
type filler struct {
	mode    Mode
	seed    int64
	count   int64
	within  map[reflect.Type]int
	dynamic int
	// choices counts the values of type any, so that all kinds get their turn.
	choices int
}

// Value makes one value of a type.
func Value(t reflect.Type, seed int64, mode Mode) reflect.Value {
	return newFiller(seed, mode).value(t)
}

// Values makes one value of each type; no two of them have a leaf in common.
func Values(types []reflect.Type, seed int64, mode Mode) []reflect.Value {
	f := newFiller(seed, mode)
	values := make([]reflect.Value, len(types))
	for i, t := range types {
		f.choices = i
		values[i] = f.value(t)
	}
	return values
}

func newFiller(seed int64, mode Mode) *filler {
	return &filler{mode: mode, seed: seed, within: map[reflect.Type]int{}}
}

func (f *filler) value(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	f.fill(v, "")
	return v
}

// next is a number that no other leaf of this seed has.
func (f *filler) next() int64 {
	f.count++
	return f.seed*1_000_000 + f.count
}

var errorType = reflect.TypeFor[error]()

// fill sets v; name is that of the field it stands in, for texts that tell where they come from.
func (f *filler) fill(v reflect.Value, name string) {
	if f.stream(v) || f.special(v, name) {
		return
	}
	t := v.Type()
	switch t.Kind() {
	case reflect.Bool:
		v.SetBool(f.mode == Full)
	case reflect.Int, reflect.Int64:
		// Beyond 32 bits, where they fit.
		v.SetInt(f.integer(1<<40 + f.next()))
	case reflect.Int8, reflect.Int16, reflect.Int32:
		v.SetInt(f.integer(f.next() % (1 << (t.Bits() - 1))))
	case reflect.Uint, reflect.Uint64:
		v.SetUint(uint64(f.integer(1<<41 + f.next())))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(uint64(f.integer(1 + f.next()%(1<<t.Bits()-1))))
	case reflect.Float32, reflect.Float64:
		if f.mode == Full {
			v.SetFloat(float64(f.next()) + 0.5)
		}
	case reflect.String:
		if f.mode == Full {
			v.SetString(f.text(name))
		}
	case reflect.Pointer:
		f.pointer(v, name)
	case reflect.Struct:
		f.structure(v)
	case reflect.Slice:
		f.slice(v, name)
	case reflect.Array:
		for i := range t.Len() {
			f.fill(v.Index(i), name)
		}
	case reflect.Map:
		f.mapping(v, name)
	case reflect.Interface:
		f.dynamicValue(v, name)
	default:
		panic(fmt.Sprintf("no filling for %s", t))
	}
}

func (f *filler) integer(value int64) int64 {
	if f.mode == Zeros {
		return 0
	}
	return value
}

// text has characters beyond ASCII, and beyond 16 bits.
func (f *filler) text(name string) string {
	return fmt.Sprintf("%s ä🦊 %d", name, f.next())
}

// special handles the types whose kind does not say what they need.
func (f *filler) special(v reflect.Value, name string) bool {
	switch it := v.Addr().Interface().(type) {
	case *time.Time:
		if f.mode == Full {
			// Microseconds are what Python has.
			*it = time.Unix(1_700_000_000+f.next()%100_000_000, (f.next()%1_000_000)*1000).UTC()
		}
	case *url.URL:
		*it = url.URL{Path: fmt.Sprintf("/path %d", f.next()), RawQuery: fmt.Sprintf("q=%d", f.next())}
	case *json.RawMessage:
		if f.mode == Full {
			*it = fmt.Appendf(nil, `{"n":%d}`, f.next())
		}
	case *http.Header:
		*it = f.header()
	case *model.AppError:
		f.structure(v)
		if f.mode == Full {
			// An HTTP status.
			it.StatusCode = int(400 + f.next()%100)
		}
	case *io.ReadCloser:
	case *error:
		f.failure(v)
	default:
		return false
	}
	return true
}

func (f *filler) pointer(v reflect.Value, name string) {
	t := v.Type().Elem()
	if f.within[t] >= mostOfAType {
		return
	}
	target := reflect.New(t)
	f.fill(target.Elem(), name)
	v.Set(target)
}

func (f *filler) structure(v reflect.Value) {
	t := v.Type()
	f.within[t]++
	defer func() { f.within[t]-- }()
	for i := range t.NumField() {
		if t.Field(i).IsExported() {
			f.fill(v.Field(i), t.Field(i).Name)
		}
	}
}

func (f *filler) slice(v reflect.Value, name string) {
	t := v.Type()
	switch {
	case f.exhausted(t.Elem()):
	case f.mode == Zeros:
		v.Set(reflect.MakeSlice(t, 0, 0))
	case t.Elem().Kind() == reflect.Uint8:
		// Not UTF-8, and with a zero inside.
		v.SetBytes(append([]byte{0xff, 0, 0xc3}, fmt.Sprint(f.next())...))
	default:
		v.Set(reflect.MakeSlice(t, 2, 2))
		for i := range 2 {
			f.fill(v.Index(i), name)
		}
	}
}

// exhausted tells whether elements of a type would be nil, which gob does not send.
func (f *filler) exhausted(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct && f.within[t] >= mostOfAType
}

func (f *filler) mapping(v reflect.Value, name string) {
	t := v.Type()
	if f.exhausted(t.Elem()) {
		return
	}
	v.Set(reflect.MakeMap(t))
	if f.mode == Zeros {
		return
	}
	for i := range 2 {
		key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		// The same for all seeds: what is decoded over an old map keeps keys that are not sent.
		key.SetString(fmt.Sprintf("%s ö %d", name, i))
		f.fill(value, name)
		v.SetMapIndex(key, value)
	}
}

// failure makes an error of one of the types that gob knows.
func (f *filler) failure(v reflect.Value) {
	if f.mode == Zeros {
		return
	}
	f.count++
	v.Set(f.value(errorTypes[f.count%int64(len(errorTypes))]))
}

// errorTypes are what an error may be.
var errorTypes = slices.DeleteFunc(slices.Clone(plugin.Registered), func(t reflect.Type) bool { return !t.Implements(errorType) })

// dynamicTypes are what an any may hold besides plain values: the registered types, but for the errors of MySQL, which older servers
// have for methods that fail. The order decides what stands where: lists and maps first, errors of drivers last.
var dynamicTypes = func() []reflect.Type {
	types := slices.DeleteFunc(slices.Clone(plugin.Registered), func(t reflect.Type) bool {
		return t.Kind() == reflect.Pointer && strings.HasSuffix(t.Elem().PkgPath(), "/mysql")
	})
	slices.SortStableFunc(types, func(a, b reflect.Type) int { return rank(a) - rank(b) })
	return types
}()

func rank(t reflect.Type) int {
	switch {
	case t == reflect.TypeFor[[]any]():
		return 0
	case t.Kind() == reflect.Map:
		return 1
	case t.Kind() == reflect.Slice && t.Name() == "":
		return 2
	case t == reflect.TypeFor[*model.AppError]():
		return 3
	case t.Kind() == reflect.Slice:
		return 5
	case t.Implements(errorType):
		return 6
	default:
		return 4
	}
}

// plainTypes are what every language has.
var plainTypes = []reflect.Type{
	reflect.TypeFor[string](),
	reflect.TypeFor[int64](),
	reflect.TypeFor[float64](),
	reflect.TypeFor[bool](),
	reflect.TypeFor[[]byte](),
}

func (f *filler) dynamicValue(v reflect.Value, name string) {
	if !v.CanSet() || v.NumMethod() > 0 {
		return
	}
	types := slices.Concat(plainTypes, dynamicTypes)
	if f.dynamic >= mostDynamic {
		types = plainTypes
	}
	t := types[f.choices%len(types)]
	f.choices++
	if f.exhausted(t) {
		t = plainTypes[0]
	}
	f.dynamic++
	defer func() { f.dynamic-- }()
	content := reflect.New(t).Elem()
	f.fill(content, name)
	v.Set(content)
}
