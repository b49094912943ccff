// Command refplugin is a plugin written in Go, as authors of plugins for the real server write theirs. It has every hook.
// It checks that arguments are those that the filler makes, answers with filled results, and when the plugin is activated
// calls the whole API in the same way. What it finds wrong it tells through the API's LogError.
//
// With REFPLUGIN=echo in its environment it checks nothing, calls nothing, and gives back what it is given, for
// measurements.
package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"

	goplugin "github.com/hashicorp/go-plugin"

	"interop/mattermost/fill"
	"interop/mattermost/generated/plugin"
	"interop/mattermost/rpcs"
)

// The seeds that both sides know.
const (
	hookArgs int64 = iota + 1
	hookResults
	apiArgs
	apiResults
)

// reference is the plugin: all hooks by one function.
type reference struct {
	plugin.FuncHooks
	api plugin.API
}

func main() {
	it := &reference{}
	it.FuncHooks = it.hook
	if os.Getenv("REFPLUGIN") == "echo" {
		it.FuncHooks = echo
	}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: rpcs.Handshake,
		Plugins:         map[string]goplugin.Plugin{"hooks": &rpcs.HooksPlugin{Impl: it}},
	})
}

// echo returns, for each result, the first argument of its type; and it answers requests.
func echo(hook string, args, results []any) {
	if hook == "ServeHTTP" {
		respond(args[1].(http.ResponseWriter), args[2].(*http.Request))
		return
	}
	for _, result := range results {
		to := reflect.ValueOf(result).Elem()
		for _, arg := range args {
			if from := reflect.ValueOf(arg); from.IsValid() && from.Type() == to.Type() {
				to.Set(from)
				break
			}
		}
	}
}

// respond takes a body and tells its length, or sends one of a length, as a plugin does that copies from and to a file.
func respond(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	switch {
	case r.Method == http.MethodPost:
		length, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			panic(err)
		}
		fmt.Fprint(w, length)
	case r.URL.Query().Has("size"):
		var size int64
		if _, err := fmt.Sscan(r.URL.Query().Get("size"), &size); err != nil {
			panic(err)
		}
		if _, err := io.CopyN(w, zeros{}, size); err != nil {
			panic(err)
		}
	default:
		fmt.Fprint(w, "hello")
	}
}

// zeros is a reader without end.
type zeros struct{}

func (zeros) Read(into []byte) (int, error) {
	clear(into)
	return len(into), nil
}

// SetAPI is called before the first hook.
func (r *reference) SetAPI(api plugin.API) {
	r.api = api
}

// hook checks the arguments and fills the results.
func (r *reference) hook(name string, args, results []any) {
	switch name {
	case "OnActivate":
		r.callEverything()
		return
	case "OnConfigurationChange", "OnDeactivate":
		return
	case "ServeHTTP", "ServeMetrics":
		r.serve(name, args)
		return
	}
	r.compare(name, fill.Hooks[name], hookArgs, args)
	if name == "FileWillBeUploaded" {
		r.replace(args[3].(io.Writer))
	}
	for i, it := range fill.Results(fill.Hooks[name], hookResults, fill.Full, fill.AllResults) {
		reflect.ValueOf(results[i]).Elem().Set(it)
	}
}

// replace writes the content of a reader that the filler made.
func (r *reference) replace(w io.Writer) {
	content := fill.Value(reflect.TypeFor[io.Reader](), hookResults, fill.Full).Interface().(io.Reader)
	if _, err := io.Copy(w, content); err != nil {
		r.api.LogError("the replacement broke off", "error", err)
	}
}

// serve sends back what a request holds.
func (r *reference) serve(name string, args []any) {
	w, request := args[1].(http.ResponseWriter), args[2].(*http.Request)
	content, err := io.ReadAll(request.Body)
	if err != nil {
		r.api.LogError(name, "error", err)
	}
	request.Body = io.NopCloser(bytes.NewReader(content))
	r.compare(name, fill.Hooks[name], hookArgs, []any{args[0], nil, request})
	w.Header().Set("X-Answer", request.RequestURI)
	w.WriteHeader(http.StatusTeapot)
	if _, err := w.Write(content); err != nil {
		r.api.LogError(name, "error", err)
	}
}

// compare tells of every argument that is not as the filler makes it; nil ones are nobody's business.
func (r *reference) compare(name string, method reflect.Type, seed int64, args []any) {
	expected := fill.Args(method, seed, fill.Full)
	for i, arg := range args {
		if arg == nil || method.In(i) == reflect.TypeFor[io.Writer]() {
			continue
		}
		r.report(name, fill.CompareAll(expected[i:i+1], []reflect.Value{reflect.ValueOf(arg)}))
	}
}

func (r *reference) report(name string, comparison fill.Comparison) {
	for _, it := range append(comparison.Wrong, comparison.Lost...) {
		r.api.LogError("difference", "method", name, "what", it.String())
	}
}

// callEverything calls each method of the API once.
func (r *reference) callEverything() {
	api := reflect.ValueOf(r.api)
	for _, name := range slices.Sorted(maps.Keys(fill.API)) {
		method := fill.API[name]
		if name == "LoadPluginConfiguration" {
			var configuration map[string]any
			if err := r.api.LoadPluginConfiguration(&configuration); err != nil || configuration["answer"] != 42.0 {
				r.api.LogError("difference", "method", name, "what", fmt.Sprint(configuration, err))
			}
			continue
		}
		call := api.MethodByName(name).Call
		if method.IsVariadic() {
			call = api.MethodByName(name).CallSlice
		}
		results := call(fill.Args(method, apiArgs, fill.Full))
		expected := fill.Results(method, apiResults, fill.Full, fill.AllResults)
		r.report(name, fill.CompareAll(expected, results))
	}
}
