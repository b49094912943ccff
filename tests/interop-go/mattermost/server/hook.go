package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"time"

	"interop/mattermost/fill"
)

// HookCall says how a hook is called: with arguments given as JSON, or filled.
type HookCall struct {
	Name string            `json:"name"`
	Args []json.RawMessage `json:"args"`
	// Fill makes the arguments with this seed, in Mode.
	Fill *int64    `json:"fill"`
	Mode fill.Mode `json:"mode"`
	// Expect is the seed of the results that should come back.
	Expect     *int64      `json:"expect"`
	ExpectMode fill.Mode   `json:"expect_mode"`
	Errors     fill.Errors `json:"errors"`
	// Echo names the arguments that should come back, by the index of the result; without Expect.
	Echo map[int]int `json:"echo"`
	// Length is how long a file is that the server lends, in bytes; such a file and what comes back are counted, not kept.
	Length int64 `json:"length"`
}

// HookResult is what came of it.
type HookResult struct {
	// Results are as JSON shows them, with Go's names.
	Results []any `json:"results"`
	// Streams are the arguments that the plugin writes to.
	Streams []any `json:"streams,omitempty"`
	// Large is in place of Streams when the call said a length.
	Large *Large `json:"large,omitempty"`
	// Failure is why the call itself failed; results are then what the server goes on with.
	Failure    string           `json:"failure,omitempty"`
	Comparison *fill.Comparison `json:"comparison,omitempty"`
}

// Call calls a hook as the server does.
func (p *Process) Call(call HookCall) (*HookResult, error) {
	signature, ok := fill.Hooks[call.Name]
	if !ok {
		return nil, fmt.Errorf("there is no hook %q", call.Name)
	}
	args, err := call.arguments(signature)
	if err != nil {
		return nil, err
	}
	outcome := func() *Large { return nil }
	if call.Length > 0 {
		outcome = enlarge(args, call.Length)
	}
	result := &HookResult{Results: []any{}}
	client := p.Hooks.Reporting(func(_ string, err error) { result.Failure = err.Error() })
	results := reflect.ValueOf(client).MethodByName(call.Name).Call(args)
	for i := range results {
		result.Results = append(result.Results, fill.Plain(results[i].Interface()))
	}
	for _, arg := range args {
		if t := arg.Type(); t.Kind() == reflect.Interface && t.NumMethod() > 0 {
			result.Streams = append(result.Streams, fill.Plain(arg.Interface()))
		}
	}
	result.Large = outcome()
	expected, err := call.expected(signature, results)
	if expected != nil {
		comparison := fill.CompareAll(expected, results)
		result.Comparison = &comparison
	}
	return result, err
}

// Timing is how long calls of a hook took, in microseconds.
type Timing struct {
	Calls  int     `json:"calls"`
	Lowest float64 `json:"lowest"`
	Median float64 `json:"median"`
	P99    float64 `json:"p99"`
}

// Measure calls a hook many times, one call after the other.
func (p *Process) Measure(call HookCall, times int) (*Timing, error) {
	signature, ok := fill.Hooks[call.Name]
	if !ok || times <= 0 {
		return nil, fmt.Errorf("no hook %q, or nothing to do: %d times", call.Name, times)
	}
	args, err := call.arguments(signature)
	if err != nil {
		return nil, err
	}
	var failure error
	hook := reflect.ValueOf(p.Hooks.Reporting(func(_ string, err error) { failure = err })).MethodByName(call.Name)
	micros := make([]float64, times)
	for i := range micros {
		begin := time.Now()
		hook.Call(args)
		micros[i] = float64(time.Since(begin).Nanoseconds()) / 1000
		if failure != nil {
			return nil, failure
		}
	}
	slices.Sort(micros)
	return &Timing{Calls: times, Lowest: micros[0], Median: micros[times/2], P99: micros[times*99/100]}, nil
}

// expected are the results that should come; nil when the caller does not care.
func (c HookCall) expected(signature reflect.Type, results []reflect.Value) ([]reflect.Value, error) {
	if c.Expect != nil {
		return fill.Results(signature, *c.Expect, c.ExpectMode, c.Errors), nil
	}
	if c.Echo == nil {
		return nil, nil
	}
	// Made anew: replies may have been decoded over the others.
	args, err := c.arguments(signature)
	if err != nil {
		return nil, err
	}
	expected := append([]reflect.Value{}, results...)
	for result, arg := range c.Echo {
		if result < 0 || result >= len(expected) || arg < 0 || arg >= len(args) {
			return nil, fmt.Errorf("%s has no result %d or no argument %d", c.Name, result, arg)
		}
		expected[result] = args[arg]
	}
	return expected, nil
}

func (c HookCall) arguments(signature reflect.Type) ([]reflect.Value, error) {
	if c.Fill != nil {
		return fill.Args(signature, *c.Fill, c.Mode), nil
	}
	// What is not given is zero, and streams are there in any case.
	args := fill.Args(signature, 0, fill.Zeros)
	if len(c.Args) > len(args) {
		return nil, fmt.Errorf("%s takes %d arguments", c.Name, len(args))
	}
	for i, arg := range args {
		t := arg.Type()
		if t.Kind() == reflect.Interface && t.NumMethod() > 0 {
			continue
		}
		var text json.RawMessage
		if i < len(c.Args) {
			text = c.Args[i]
		}
		var err error
		if args[i], err = argument(t, text); err != nil {
			return nil, fmt.Errorf("argument %d of %s: %w", i, c.Name, err)
		}
	}
	return args, nil
}

// argument decodes one argument; without a text it is zero.
func argument(t reflect.Type, text json.RawMessage) (reflect.Value, error) {
	if text == nil {
		text = json.RawMessage("null")
	}
	if t == reflect.TypeFor[*http.Request]() {
		request := fill.Request{}
		request.Method, request.URL = http.MethodGet, &url.URL{Path: "/"}
		err := json.Unmarshal(text, &request)
		return reflect.ValueOf(request.With(request.Content)), err
	}
	fresh := reflect.New(t)
	err := json.Unmarshal(text, fresh.Interface())
	return fresh.Elem(), err
}
