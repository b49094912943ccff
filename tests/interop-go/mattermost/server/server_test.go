package server

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"interop/mattermost/fill"
)

// The seeds of cmd/refplugin.
const (
	hookArgs int64 = iota + 1
	hookResults
	apiArgs
	apiResults
)

// bundle is the folder of the reference plugin, built once.
var bundle string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if bundle, err = os.MkdirTemp("", "refplugin"); err == nil {
		defer os.RemoveAll(bundle)
		err = build(bundle)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func build(folder string) error {
	command := exec.Command("go", "build", "-o", filepath.Join(folder, "server", "plugin"), "interop/cmd/refplugin")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, output)
	}
	manifest := `{"id": "Org.Example.Reference", "server": {"executable": "server/plugin"}}`
	return os.WriteFile(filepath.Join(folder, "plugin.json"), []byte(manifest), 0o600)
}

// start runs the reference plugin, whose complaints fail the test.
func start(t *testing.T, recorder *Recorder) *Process {
	t.Helper()
	recorder.Configure(map[string]any{"answer": 42})
	process, err := Start(Options{
		Folder: bundle,
		API:    recorder.API(),
		Log: func(record Record) {
			if record.Level != "debug" && record.Source != FromServer {
				t.Errorf("logged: %+v", record)
			}
		},
		Failed: func(hook string, err error) { t.Errorf("%s failed: %v", hook, err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Kill)
	return process
}

func seed(n int64) *int64 { return &n }

// complaints are what the plugin said through LogError.
func complaints(recorder *Recorder) []string {
	var all []string
	for _, call := range recorder.Calls() {
		if call.Method == "LogError" && call.Args[0] == "difference" {
			all = append(all, fmt.Sprint(call.Args[1]))
		}
	}
	return all
}

func TestEveryMethodOfTheAPIComesThrough(t *testing.T) {
	recorder := NewRecorder()
	if err := recorder.Answer("*", Answer{Fill: seed(apiResults), Errors: fill.AllResults, Expect: seed(apiArgs)}); err != nil {
		t.Fatal(err)
	}
	if err := recorder.Answer("LoadPluginConfiguration", Answer{}); err != nil {
		t.Fatal(err)
	}
	process := start(t, recorder)
	if err := process.Hooks.OnActivate(); err != nil {
		t.Fatal(err)
	}
	for _, complaint := range complaints(recorder) {
		t.Error(complaint)
	}
	called := map[string]bool{}
	for _, call := range recorder.Calls() {
		called[call.Method] = true
		if call.Comparison == nil || strings.HasPrefix(call.Method, "Log") && !strings.HasPrefix(call.Method, "LogAudit") {
			continue
		}
		for _, it := range append(call.Comparison.Wrong, call.Comparison.Lost...) {
			t.Errorf("%s: %s", call.Method, it)
		}
	}
	if len(called) != len(fill.API) {
		t.Errorf("%d methods of %d were called", len(called), len(fill.API))
	}
}

func TestEveryHookComesThrough(t *testing.T) {
	recorder := NewRecorder()
	process := start(t, recorder)
	if len(process.Implemented) != len(fill.Hooks)-1 {
		t.Errorf("%d hooks, %d implemented", len(fill.Hooks), len(process.Implemented))
	}
	if err := process.Hooks.OnActivate(); err != nil {
		t.Fatal(err)
	}
	before := len(complaints(recorder))
	for name := range fill.Hooks {
		switch name {
		case "Implemented", "OnActivate", "OnConfigurationChange", "OnDeactivate", "ServeHTTP", "ServeMetrics":
			continue
		}
		call := HookCall{Name: name, Fill: seed(hookArgs), Expect: seed(hookResults), Errors: fill.AllResults}
		result, err := process.Call(call)
		if err != nil || result.Failure != "" {
			t.Errorf("%s: %v %v", name, err, result)
			continue
		}
		for _, it := range append(result.Comparison.Wrong, result.Comparison.Lost...) {
			t.Errorf("%s: %s", name, it)
		}
	}
	for _, complaint := range complaints(recorder)[before:] {
		t.Error(complaint)
	}
	if err := process.Deactivate(0); err != nil {
		t.Error(err)
	}
}

func TestStreamsOfHooks(t *testing.T) {
	recorder := NewRecorder()
	process := start(t, recorder)
	if err := process.Hooks.OnActivate(); err != nil {
		t.Fatal(err)
	}
	before := len(complaints(recorder))
	for _, name := range []string{"ServeHTTP", "ServeMetrics"} {
		result, err := process.Call(HookCall{Name: name, Fill: seed(hookArgs)})
		if err != nil || result.Failure != "" {
			t.Fatal(err, result)
		}
		args := fill.Args(fill.Hooks[name], hookArgs, fill.Full)
		request := fill.Plain(args[2].Interface()).(fill.Request)
		response := result.Streams[0].(fill.Response)
		if response.StatusCode != 418 || response.Header.Get("X-Answer") != request.RequestURI {
			t.Errorf("%s: %d %v", name, response.StatusCode, response.Header)
		}
		if !reflect.DeepEqual(response.Content, request.Content) {
			t.Errorf("%s: %d bytes came back, not %d", name, len(response.Content), len(request.Content))
		}
	}
	for _, complaint := range complaints(recorder)[before:] {
		t.Error(complaint)
	}
	result, err := process.Call(HookCall{Name: "FileWillBeUploaded", Fill: seed(hookArgs)})
	if err != nil {
		t.Fatal(err)
	}
	if replacement := result.Streams[1].([]byte); len(replacement) < 100_000 {
		t.Errorf("the replacement has %d bytes", len(replacement))
	}
}

func TestAServerMayLackMethods(t *testing.T) {
	recorder := NewRecorder()
	if err := recorder.Forget("GetUser"); err != nil {
		t.Fatal(err)
	}
	if err := recorder.Forget("Nothing"); err == nil {
		t.Error("a method that is not there was forgotten")
	}
	process, err := Start(Options{Folder: bundle, API: recorder.API(), Lacks: recorder.Lacks, Log: func(Record) {}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Kill)
	if err := process.Hooks.OnActivate(); err != nil {
		t.Fatal(err)
	}
	called := map[string]bool{}
	for _, call := range recorder.Calls() {
		called[call.Method] = true
	}
	// The reference plugin calls all in turn: those after it came through.
	if called["GetUser"] || !called["GetUsers"] || len(called) != len(fill.API)-1 {
		t.Errorf("%d methods were called, GetUser: %t", len(called), called["GetUser"])
	}
}

func TestHealthAndEnd(t *testing.T) {
	process := start(t, NewRecorder())
	if err := process.Hooks.OnActivate(); err != nil {
		t.Fatal(err)
	}
	if err := process.Ping(); err != nil {
		t.Error(err)
	}
	begin := time.Now()
	process.Kill()
	if !process.Exited() || time.Since(begin) > 5*time.Second {
		t.Errorf("exited: %t after %s", process.Exited(), time.Since(begin))
	}
	if err := process.Ping(); err == nil {
		t.Error("a dead process answers")
	}
}
