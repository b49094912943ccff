package main

import (
	"encoding/gob"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"reflect"
	"time"
)

// maxRegistered bounds the types made up for interfaces.
const maxRegistered = 300

// generator makes random types and values.
type generator struct {
	*rand.Rand
	scalars []reflect.Type
	// Types that may be the content of an interface; gob knows them by name.
	registered []reflect.Type
	known      map[reflect.Type]bool
}

func newGenerator(r *rand.Rand) *generator {
	g := &generator{Rand: r, known: map[reflect.Type]bool{}}
	for _, v := range []any{
		false, int(0), int8(0), int16(0), int32(0), int64(0), uint(0), uint8(0), uint16(0), uint32(0), uint64(0),
		uintptr(0), float32(0), float64(0), complex64(0), complex128(0), "", []byte(nil),
	} {
		t := reflect.TypeOf(v)
		g.scalars = append(g.scalars, t)
		g.registered = append(g.registered, t)
		g.known[t] = true
	}
	for _, t := range g.scalars {
		// gob has registered these itself, under their own names.
		g.known[reflect.SliceOf(t)] = true
	}
	for _, v := range []any{
		[]any{}, map[string]any{}, &Node{}, &Inner{}, Version{}, Token{}, time.Time{}, []string{}, []int{}, []float64{},
	} {
		g.registered = append(g.registered, reflect.TypeOf(v))
		g.known[base(reflect.TypeOf(v))] = true
	}
	return g
}

var anyType = reflect.TypeFor[any]()

// topLevelType returns a type of a whole value: half of them structs, and no interface, which Go unpacks.
func (g *generator) topLevelType() reflect.Type {
	if g.IntN(2) == 0 {
		return g.structType(3)
	}
	for {
		t := g.typ(4)
		if base(t).Kind() != reflect.Interface {
			return t
		}
	}
}

// base returns what is at the end of a chain of pointers.
func base(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// typ returns a random type, nesting at most depth levels.
func (g *generator) typ(depth int) reflect.Type {
	if depth == 0 || g.IntN(3) == 0 {
		return g.leafType()
	}
	switch g.IntN(7) {
	case 0:
		t := g.typ(depth - 1)
		if t.Kind() == reflect.Pointer && base(t).Name() != "" && base(t).Kind() == reflect.Struct {
			// Go's encoder panics at a pointer to a pointer to a type that makes its own bytes.
			return t
		}
		return reflect.PointerTo(t)
	case 1:
		return reflect.SliceOf(g.typ(depth - 1))
	case 2:
		return reflect.ArrayOf(g.IntN(4), g.typ(depth-1))
	case 3:
		return reflect.MapOf(g.keyType(), g.typ(depth-1))
	case 4, 5:
		return g.structType(depth - 1)
	default:
		return anyType
	}
}

func (g *generator) leafType() reflect.Type {
	special := []reflect.Type{
		anyType, reflect.TypeFor[time.Time](), reflect.TypeFor[*url.URL](), reflect.TypeFor[Version](),
		reflect.TypeFor[*Version](), reflect.TypeFor[Token](), reflect.TypeFor[*Node](), reflect.TypeFor[Node](),
		reflect.TypeFor[Inner](),
	}
	if g.IntN(4) == 0 {
		return special[g.IntN(len(special))]
	}
	return g.scalars[g.IntN(len(g.scalars))]
}

func (g *generator) keyType() reflect.Type {
	switch g.IntN(8) {
	case 0:
		return reflect.ArrayOf(2, reflect.TypeFor[int16]())
	case 1:
		return reflect.TypeFor[Inner]()
	case 2, 3, 4:
		return reflect.TypeFor[string]()
	default:
		// All but []byte, which is no key.
		return g.scalars[g.IntN(len(g.scalars)-1)]
	}
}

func (g *generator) structType(depth int) reflect.Type {
	fields := make([]reflect.StructField, 1+g.IntN(6))
	if g.IntN(20) == 0 {
		fields = nil
	}
	for i := range fields {
		fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d%c", i, 'a'+g.IntN(26)), Type: g.typ(depth)}
	}
	return reflect.StructOf(fields)
}

// interfaceType returns a type that can be the content of an interface, often one never seen before.
func (g *generator) interfaceType() reflect.Type {
	if len(g.registered) < maxRegistered && g.IntN(12) == 0 {
		t := g.typ(2)
		// gob follows pointers, must not end at an interface, and has one name for a type and pointers to it.
		if base(t).Kind() != reflect.Interface && !g.known[base(t)] {
			gob.RegisterName(fmt.Sprintf("random.T%d", len(g.registered)), reflect.Zero(t).Interface())
			g.registered = append(g.registered, t)
			g.known[base(t)] = true
			return t
		}
	}
	return g.registered[g.IntN(len(g.registered))]
}

// value returns a random value. Depth bounds what recursion and interfaces can hold.
func (g *generator) value(t reflect.Type, depth int) reflect.Value {
	v := reflect.New(t).Elem()
	g.fill(v, depth, false)
	return v
}

// fill sets v. Only fields of structs may be nil pointers.
func (g *generator) fill(v reflect.Value, depth int, mayBeNil bool) {
	if g.fillSpecial(v) {
		return
	}
	zero := g.IntN(4) == 0
	switch t := v.Type(); t.Kind() {
	case reflect.Bool:
		v.SetBool(!zero)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(g.bits()) >> (64 - t.Bits()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(g.bits() >> (64 - t.Bits()))
	case reflect.Float32:
		v.SetFloat(float64(float32(g.float())))
	case reflect.Float64:
		v.SetFloat(g.float())
	case reflect.Complex64:
		v.SetComplex(complex(float64(float32(g.float())), float64(float32(g.float()))))
	case reflect.Complex128:
		v.SetComplex(complex(g.float(), g.float()))
	case reflect.String:
		v.SetString(g.text())
	case reflect.Pointer:
		if mayBeNil && (zero || depth <= 0) {
			return
		}
		v.Set(reflect.New(t.Elem()))
		// A nil behind a pointer would be an element, which cannot be sent.
		g.fill(v.Elem(), depth-1, false)
	case reflect.Slice:
		g.fillSlice(v, depth)
	case reflect.Array:
		for i := range v.Len() {
			g.fill(v.Index(i), depth-1, false)
		}
	case reflect.Map:
		g.fillMap(v, depth, zero)
	case reflect.Struct:
		for i := range v.NumField() {
			g.fill(v.Field(i), depth-1, true)
		}
	case reflect.Interface:
		if depth > 0 && !zero {
			v.Set(g.value(g.interfaceType(), depth-1))
		}
	}
}

// fillSpecial sets values that reflection cannot make up.
func (g *generator) fillSpecial(v reflect.Value) bool {
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		if g.IntN(4) == 0 {
			*p = time.Time{}
		} else {
			zones := []*time.Location{time.UTC, time.FixedZone("", 330*60), time.FixedZone("", -7*3600), time.FixedZone("", 3601)}
			*p = time.Unix(g.Int64N(1<<40)-1<<39, g.Int64N(1e9)).In(zones[g.IntN(len(zones))])
		}
	case *url.URL:
		*p = url.URL{Scheme: "https", Host: "example.com", Path: fmt.Sprintf("/%d", g.IntN(1000)), RawQuery: "q=1"}
	case *Version:
		*p = Version{byte(g.IntN(3)), byte(g.IntN(256))}
	case *Token:
		*p = Token{g.text()}
	default:
		return false
	}
	return true
}

func (g *generator) fillSlice(v reflect.Value, depth int) {
	if depth <= 0 {
		return
	}
	length := g.length()
	v.Set(reflect.MakeSlice(v.Type(), length, length))
	for i := range length {
		g.fill(v.Index(i), depth-1, false)
	}
}

func (g *generator) fillMap(v reflect.Value, depth int, zero bool) {
	if zero && depth <= 0 {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	if depth <= 0 {
		return
	}
	for range g.length() {
		v.SetMapIndex(g.value(v.Type().Key(), depth-1), g.value(v.Type().Elem(), depth-1))
	}
}

// length returns a length: mostly small, now and then beyond one byte.
func (g *generator) length() int {
	if g.IntN(60) == 0 {
		return 120 + g.IntN(20)
	}
	return g.IntN(4)
}

// bits returns a number with its interesting part at the top, of any magnitude once shifted down.
func (g *generator) bits() uint64 {
	switch g.IntN(4) {
	case 0:
		return 0
	case 1:
		return math.MaxUint64 >> g.IntN(2) << g.IntN(2)
	default:
		return g.Uint64() >> g.IntN(3)
	}
}

func (g *generator) float() float64 {
	switch g.IntN(6) {
	case 0:
		return 0
	case 1:
		return math.Copysign(0, -1)
	case 2:
		return math.Inf(1)
	case 3:
		return float64(g.IntN(1000))
	default:
		return g.NormFloat64()
	}
}

func (g *generator) text() string {
	texts := []string{"", "x", "grüße", "\xff\xfe not text", "日本語", string(make([]byte, 200)), "a\x00b"}
	return texts[g.IntN(len(texts))]
}
