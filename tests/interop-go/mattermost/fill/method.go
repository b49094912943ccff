package fill

import (
	"reflect"

	"interop/mattermost/generated/model"
	"interop/mattermost/generated/plugin"
)

// Errors says which results of a method are filled.
type Errors int

const (
	// NoErrors fills the results that are no errors.
	NoErrors Errors = iota
	// OnlyErrors fills those that are.
	OnlyErrors
	// AllResults fills both, which only Go can make use of.
	AllResults
)

// UnmarshalText reads `none`, `only` or `all`.
func (e *Errors) UnmarshalText(text []byte) error {
	return choose(e, text, map[string]Errors{"none": NoErrors, "only": OnlyErrors, "all": AllResults})
}

// Methods are the methods of an interface by name.
func Methods(of reflect.Type) map[string]reflect.Type {
	methods := map[string]reflect.Type{}
	for i := range of.NumMethod() {
		methods[of.Method(i).Name] = of.Method(i).Type
	}
	return methods
}

// API are the types of the API's methods.
var API = Methods(reflect.TypeFor[plugin.API]())

// Hooks are the types of the hooks.
var Hooks = Methods(reflect.TypeFor[plugin.Hooks]())

// Args makes the arguments of a method; of a variadic one the last is a slice.
func Args(method reflect.Type, seed int64, mode Mode) []reflect.Value {
	types := make([]reflect.Type, method.NumIn())
	for i := range types {
		types[i] = method.In(i)
	}
	return Values(types, seed, mode)
}

// Results makes the results of a method.
func Results(method reflect.Type, seed int64, mode Mode, errors Errors) []reflect.Value {
	types := make([]reflect.Type, method.NumOut())
	for i := range types {
		types[i] = method.Out(i)
	}
	values := Values(types, seed, mode)
	for i, t := range types {
		if errors != AllResults && isError(t) != (errors == OnlyErrors) {
			values[i] = reflect.Zero(t)
		}
	}
	return values
}

func isError(t reflect.Type) bool {
	return t == errorType || t == reflect.TypeFor[*model.AppError]()
}

// CompareAll compares lists of arguments or results, streams by their content.
func CompareAll(sent, got []reflect.Value) Comparison {
	c := newComparison()
	if len(sent) != len(got) {
		c.wrong("", reflect.ValueOf(len(sent)), reflect.ValueOf(len(got)))
		return c
	}
	for i := range sent {
		path := string(rune('A' + i))
		c.compare(path, reflect.ValueOf(Plain(sent[i].Interface())), reflect.ValueOf(Plain(got[i].Interface())))
	}
	return c
}
