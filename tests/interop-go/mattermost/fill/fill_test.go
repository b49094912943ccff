package fill

import (
	"bytes"
	"encoding/gob"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// everyType calls check with each type that travels as an argument or result.
func everyType(check func(method string, t reflect.Type)) {
	for _, methods := range []map[string]reflect.Type{API, Hooks} {
		for _, name := range slices.Sorted(maps.Keys(methods)) {
			method := methods[name]
			for i := range method.NumIn() {
				check(name, method.In(i))
			}
			for i := range method.NumOut() {
				check(name, method.Out(i))
			}
		}
	}
}

// unfilled lists the fields that are zero.
func unfilled(path string, v reflect.Value, within map[reflect.Type]int) []string {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return []string{path}
		}
		return unfilled(path, v.Elem(), within)
	case reflect.Struct:
		t := v.Type()
		if t.PkgPath() == "" || v.NumField() == 0 || !t.Field(0).IsExported() || within[t] > 0 {
			return nil
		}
		within[t]++
		defer func() { within[t]-- }()
		var all []string
		for i := range v.NumField() {
			all = append(all, unfilled(path+"."+t.Field(i).Name, v.Field(i), within)...)
		}
		return all
	default:
		if v.IsZero() {
			return []string{path}
		}
		return nil
	}
}

func TestNoFieldIsLeftOut(t *testing.T) {
	everyType(func(method string, of reflect.Type) {
		if strings.HasPrefix(of.String(), "io.") || strings.Contains(of.String(), "http.R") {
			return
		}
		for _, path := range unfilled("", Value(of, 1, Full), map[reflect.Type]int{}) {
			t.Errorf("%s: %s%s is zero", method, of, path)
		}
	})
}

func TestTwoValuesOfASeedAreEqualAndOfTwoSeedsAreNot(t *testing.T) {
	everyType(func(method string, of reflect.Type) {
		same := CompareAll([]reflect.Value{Value(of, 1, Full)}, []reflect.Value{Value(of, 1, Full)})
		if len(same.Wrong)+len(same.Lost) > 0 {
			t.Errorf("%s: %s: %v", method, of, same)
		}
		other := CompareAll([]reflect.Value{Value(of, 1, Full)}, []reflect.Value{Value(of, 2, Full)})
		empty := of.String() == "io.Writer" || of.String() == "http.ResponseWriter" || of.Kind() == reflect.Bool
		if len(other.Wrong) == 0 && !empty {
			t.Errorf("%s: %s does not depend on the seed", method, of)
		}
	})
}

func TestWhatGobLosesIsListedApart(t *testing.T) {
	losses := 0
	for _, methods := range []map[string]reflect.Type{API, Hooks} {
		for name, method := range methods {
			for i := range method.NumOut() {
				of := method.Out(i)
				if of.Kind() != reflect.Pointer || of.Elem().Kind() != reflect.Struct || of.String() == "*http.Response" {
					continue
				}
				sent, got := Value(of, 1, Zeros), reflect.New(of.Elem())
				var buffer bytes.Buffer
				if err := gob.NewEncoder(&buffer).EncodeValue(sent); err != nil {
					t.Fatalf("%s: %s: %v", name, of, err)
				}
				if err := gob.NewDecoder(&buffer).DecodeValue(got); err != nil {
					t.Fatalf("%s: %s: %v", name, of, err)
				}
				comparison := Compare(sent, got)
				losses += len(comparison.Lost)
				for _, it := range comparison.Wrong {
					t.Errorf("%s: %s%s", name, of, it)
				}
			}
		}
	}
	if losses == 0 {
		t.Error("gob lost nothing, which it cannot help")
	}
}

func TestDifferencesAreSeen(t *testing.T) {
	type inner struct{ Text *string }
	type outer struct {
		Number  int
		Dynamic any
		Inner   *inner
		Map     map[string]any
	}
	text, empty := "text", ""
	sent := outer{1, int64(1), &inner{&text}, map[string]any{"a": 1}}
	for name, got := range map[string]outer{
		"number":          {2, int64(1), &inner{&text}, map[string]any{"a": 1}},
		"type in any":     {1, 1, &inner{&text}, map[string]any{"a": 1}},
		"nil in any":      {1, nil, &inner{&text}, map[string]any{"a": 1}},
		"nil pointer":     {1, int64(1), nil, map[string]any{"a": 1}},
		"nil inside":      {1, int64(1), &inner{}, map[string]any{"a": 1}},
		"zero inside":     {1, int64(1), &inner{&empty}, map[string]any{"a": 1}},
		"nil map":         {1, int64(1), &inner{&text}, nil},
		"key too many":    {1, int64(1), &inner{&text}, map[string]any{"a": 1, "b": 2}},
		"key too few":     {1, int64(1), &inner{&text}, map[string]any{}},
		"value in a map":  {1, int64(1), &inner{&text}, map[string]any{"a": 2}},
		"value type, map": {1, int64(1), &inner{&text}, map[string]any{"a": 1.0}},
	} {
		if comparison := Compare(reflect.ValueOf(sent), reflect.ValueOf(got)); len(comparison.Wrong) != 1 {
			t.Errorf("%s: %v", name, comparison)
		}
	}
}
