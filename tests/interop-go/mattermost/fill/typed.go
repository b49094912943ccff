package fill

import (
	"bytes"
	"encoding/gob"
	"net/url"
	"reflect"
	"time"
)

// Dynamic is what stands in an interface, with its type.
type Dynamic struct {
	Type  string `json:"type"`
	Value any    `json:"value"`
}

// Typed shows a value so that its JSON has lost nothing and needs no tags: nil is null, bytes are base64, times are RFC 3339, the
// fields of an embedded struct stand among those of its owner, and what stands in an interface says its type.
func Typed(v reflect.Value) any {
	if !v.IsValid() {
		return nil
	}
	switch it := v.Interface().(type) {
	case *time.Time:
		// One that is there may be zero: gob sends it.
		if it != nil {
			return it.UTC().Format(time.RFC3339Nano)
		}
	case time.Time:
		if it.IsZero() {
			return nil
		}
		return it.UTC().Format(time.RFC3339Nano)
	case url.URL:
		return it.String()
	}
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return Dynamic{v.Elem().Type().String(), Typed(v.Elem())}
	case reflect.Pointer:
		return Typed(v.Elem())
	case reflect.Struct:
		fields := map[string]any{}
		typedFields(v, fields)
		return fields
	case reflect.Slice, reflect.Array:
		return typedList(v)
	case reflect.Map:
		if v.IsNil() {
			return nil
		}
		entries := map[string]any{}
		for _, key := range v.MapKeys() {
			entries[key.String()] = Typed(v.MapIndex(key))
		}
		return entries
	default:
		return v.Interface()
	}
}

func typedFields(v reflect.Value, into map[string]any) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		switch {
		case field.Anonymous:
			typedFields(reflect.Indirect(v.Field(i)), into)
		case field.IsExported():
			into[field.Name] = Typed(v.Field(i))
		}
	}
}

func typedList(v reflect.Value) any {
	if v.Kind() == reflect.Slice {
		if v.IsNil() {
			return nil
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Bytes()
		}
	}
	items := make([]any, v.Len())
	for i := range items {
		items[i] = Typed(v.Index(i))
	}
	return items
}

// Crossed is what becomes of an argument or a result on its way through gob.
func Crossed(v reflect.Value) (reflect.Value, error) {
	t := reflect.StructOf([]reflect.StructField{{Name: "A", Type: v.Type()}})
	sent, got := reflect.New(t).Elem(), reflect.New(t).Elem()
	sent.Field(0).Set(v)
	var stream bytes.Buffer
	if err := gob.NewEncoder(&stream).EncodeValue(sent); err != nil {
		return got, err
	}
	err := gob.NewDecoder(&stream).DecodeValue(got.Addr())
	return got.Field(0), err
}
