package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"interop/mattermost/fill"
	"interop/mattermost/generated/model"
	"interop/mattermost/generated/plugin"
	"interop/mattermost/rpcs"
)

// Call is a call of the API that a plugin made.
type Call struct {
	Method string `json:"method"`
	// Args are as they came; streams have been read.
	Args []any `json:"args"`
	// Comparison is that of the arguments with what was expected, if anything was.
	Comparison *fill.Comparison `json:"comparison,omitempty"`
}

// Answer is what a method of the API returns.
type Answer struct {
	// Fill makes the results with this seed.
	Fill *int64 `json:"fill"`
	// Mode and Errors say how.
	Mode   fill.Mode   `json:"mode"`
	Errors fill.Errors `json:"errors"`
	// Results are given one by one, as JSON with Go's names; without Fill.
	Results []json.RawMessage `json:"results"`
	// Expect is the seed of the arguments that should come, made in ExpectMode.
	Expect     *int64    `json:"expect"`
	ExpectMode fill.Mode `json:"expect_mode"`
	// Delay is waited before answering, in milliseconds.
	Delay int `json:"delay"`
}

// Recorder is an API that notes what is called and answers as it was told.
type Recorder struct {
	mutex   sync.Mutex
	answers map[string]Answer
	calls   []Call
	lacking map[string]bool
	// Configuration is what LoadPluginConfiguration gives.
	configuration any
	// OnCall is told of each call, if there is somebody.
	OnCall func(Call)
}

// NewRecorder answers with filled results and no errors until told otherwise.
func NewRecorder() *Recorder {
	seed := int64(1)
	return &Recorder{answers: map[string]Answer{"*": {Fill: &seed}}, lacking: map[string]bool{}, configuration: map[string]any{}}
}

// API is the recorder as the plugin sees it.
func (r *Recorder) API() plugin.API {
	return plugin.FuncAPI(r.handle)
}

// Answer sets what a method returns from now on; "*" stands for all that have nothing of their own.
func (r *Recorder) Answer(method string, answer Answer) error {
	signature, ok := fill.API[method]
	if method == "*" {
		if answer.Fill == nil && len(answer.Results) > 0 {
			return errors.New("no results fit all methods")
		}
	} else if !ok {
		return fmt.Errorf("the API has no method %q", method)
	} else if err := answer.into(signature, zeros(signature)); err != nil {
		return fmt.Errorf("the answer to %s: %w", method, err)
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.answers[method] = answer
	return nil
}

// Forget makes the API lack a method from now on, or what else is named in package rpcs; "" makes it have all again.
func (r *Recorder) Forget(method string) error {
	others := []string{"", rpcs.Flush, rpcs.HTTPStream, rpcs.RequestSubset}
	if _, ok := fill.API[method]; !ok && !slices.Contains(others, method) {
		return fmt.Errorf("the API has no method %q", method)
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if method == "" {
		clear(r.lacking)
	} else {
		r.lacking[method] = true
	}
	return nil
}

// Lacks tells whether the API has been made to lack a method.
func (r *Recorder) Lacks(method string) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.lacking[method]
}

// zeros are pointers to the results of a method.
func zeros(method reflect.Type) []any {
	results := make([]any, method.NumOut())
	for i := range results {
		results[i] = reflect.New(method.Out(i)).Interface()
	}
	return results
}

// Configure sets the plugin's configuration.
func (r *Recorder) Configure(configuration any) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.configuration = configuration
}

// Calls are all calls so far.
func (r *Recorder) Calls() []Call {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return append([]Call{}, r.calls...)
}

func (r *Recorder) handle(method string, args, results []any) {
	r.mutex.Lock()
	answer, ok := r.answers[method]
	if !ok {
		answer = r.answers["*"]
	}
	configuration := r.configuration
	r.mutex.Unlock()

	call := Call{Method: method, Args: make([]any, len(args))}
	if method == "LoadPluginConfiguration" {
		call.Args = []any{}
		reflect.ValueOf(args[0]).Elem().Set(reflect.ValueOf(&configuration).Elem())
	} else {
		for i, it := range args {
			call.Args[i] = fill.Plain(it)
		}
		if answer.Expect != nil {
			call.Comparison = compareArgs(fill.API[method], answer, args, call.Args)
		}
	}
	r.note(call)
	time.Sleep(time.Duration(answer.Delay) * time.Millisecond)
	if err := answer.into(fill.API[method], results); err != nil {
		// Answer has tried it.
		panic(err)
	}
}

// compareArgs compares with the expected arguments; plain are args with streams read.
func compareArgs(method reflect.Type, answer Answer, args, plain []any) *fill.Comparison {
	got := make([]reflect.Value, len(args))
	for i := range args {
		got[i] = reflect.New(reflect.TypeFor[any]()).Elem()
		if plain[i] != nil {
			got[i].Set(reflect.ValueOf(plain[i]))
		}
	}
	comparison := fill.CompareAll(fill.Args(method, *answer.Expect, answer.ExpectMode), got)
	return &comparison
}

func (r *Recorder) note(call Call) {
	r.mutex.Lock()
	r.calls = append(r.calls, call)
	r.mutex.Unlock()
	if r.OnCall != nil {
		r.OnCall(call)
	}
}

// into stores the results behind the pointers.
func (a Answer) into(method reflect.Type, results []any) error {
	if a.Fill != nil {
		for i, it := range fill.Results(method, *a.Fill, a.Mode, a.Errors) {
			reflect.ValueOf(results[i]).Elem().Set(it)
		}
		return nil
	}
	for i, text := range a.Results {
		if i >= len(results) {
			return fmt.Errorf("there are only %d results", len(results))
		}
		if err := decode(text, results[i]); err != nil {
			return err
		}
	}
	return nil
}

// decode is JSON's, and knows errors: a text, an AppError, or an ErrorString.
func decode(text json.RawMessage, into any) error {
	failure, ok := into.(*error)
	if !ok || string(text) == "null" {
		return json.Unmarshal(text, into)
	}
	var message string
	if json.Unmarshal(text, &message) == nil {
		*failure = &plugin.ErrorString{Err: message}
		return nil
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	if _, ok := fields["Err"]; ok {
		it := &plugin.ErrorString{}
		*failure = it
		return json.Unmarshal(text, it)
	}
	it := &model.AppError{}
	*failure = it
	return json.Unmarshal(text, it)
}
