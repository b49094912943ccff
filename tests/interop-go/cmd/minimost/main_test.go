package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"interop/mattermost/fill"
)

// session is a running minimost.
type session struct {
	t     *testing.T
	in    *json.Encoder
	out   *bufio.Reader
	count int
	api   int
}

// do sends a command, counts events until the reply comes, and decodes its result.
func (s *session) do(fields map[string]any, into any) string {
	s.t.Helper()
	s.count++
	fields["id"] = s.count
	if err := s.in.Encode(fields); err != nil {
		s.t.Fatal(err)
	}
	for {
		line, err := s.out.ReadBytes('\n')
		if err != nil {
			s.t.Fatal(err)
		}
		var got struct {
			ID     int
			Event  string
			Error  string
			Result json.RawMessage
		}
		if err := json.Unmarshal(line, &got); err != nil {
			s.t.Fatalf("%v: %s", err, line)
		}
		if got.Event == "api" {
			s.api++
		}
		if got.ID != s.count {
			continue
		}
		if into != nil && got.Error == "" {
			if err := json.Unmarshal(got.Result, into); err != nil {
				s.t.Fatalf("%v: %s", err, line)
			}
		}
		return got.Error
	}
}

func build(t *testing.T, path, of string) {
	t.Helper()
	if output, err := exec.Command("go", "build", "-o", path, of).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
}

func TestASession(t *testing.T) {
	folder := t.TempDir()
	build(t, filepath.Join(folder, "plugin"), "interop/cmd/refplugin")
	build(t, filepath.Join(folder, "minimost"), "interop/cmd/minimost")
	manifest := []byte(`{"id": "ref", "server": {"executable": "plugin"}}`)
	if err := os.WriteFile(filepath.Join(folder, "plugin.json"), manifest, 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(filepath.Join(folder, "minimost"), folder)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	s := &session{t: t, in: json.NewEncoder(in), out: bufio.NewReader(out)}
	converse(s)
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := command.Wait(); err != nil {
		t.Error(err)
	}
}

func converse(s *session) {
	type object = map[string]any
	type comparison struct{ Wrong, Lost []any }
	clean := func(what string, c comparison) {
		if c.Wrong == nil || len(c.Wrong)+len(c.Lost) > 0 {
			s.t.Errorf("%s: %v", what, c)
		}
	}
	expect := func(want, got string) {
		s.t.Helper()
		if want != got {
			s.t.Errorf("error %q, not %q", got, want)
		}
	}
	expect("the plugin is not started", s.do(object{"command": "ping"}, nil))
	expect("", s.do(object{"command": "configure", "configuration": object{"answer": 42}}, nil))
	expect("", s.do(object{"command": "answer", "method": "*", "answer": object{"fill": 4, "errors": "all", "expect": 3}}, nil))
	expect(`the API has no method "Nothing"`, s.do(object{"command": "answer", "method": "Nothing"}, nil))
	var started struct{ Implemented []string }
	expect("", s.do(object{"command": "start"}, &started))
	if len(started.Implemented) != len(fill.Hooks)-1 {
		s.t.Error(started)
	}
	expect("", s.do(object{"command": "activate"}, nil))
	if s.api < len(fill.API) {
		s.t.Errorf("%d calls of the API", s.api)
	}
	expect("", s.do(object{"command": "ping"}, nil))
	var took float64
	expect("", s.do(object{"command": "ping session"}, &took))
	if took <= 0 {
		s.t.Errorf("the session answered within %v ms", took)
	}
	var result struct {
		Results    []object
		Comparison comparison
	}
	hook := object{"name": "UserHasBeenCreated", "args": []any{object{}, object{"Id": "x"}}}
	expect("", s.do(object{"command": "hook", "hook": hook}, nil))
	hook = object{"name": "NotificationWillBePushed", "fill": 1, "expect": 2, "errors": "all"}
	_ = s.do(object{"command": "hook", "hook": hook}, &struct{ Comparison *comparison }{&result.Comparison})
	clean("hook", result.Comparison)
	var c comparison
	got := object{"hook": s.count, "result": 0}
	sent := object{"method": "NotificationWillBePushed", "fill": 2, "result": 0}
	expect("", s.do(object{"command": "compare", "sent": sent, "got": got}, &c))
	clean("compare", c)
	sent["fill"] = 3
	expect("", s.do(object{"command": "compare", "sent": sent, "got": got}, &c))
	if len(c.Wrong) == 0 {
		s.t.Error("no difference between two seeds")
	}
	var typed []any
	place := object{"method": "KVSet", "fill": 2, "mode": "zeros"}
	expect("", s.do(object{"command": "typed", "place": place}, &typed))
	if fmt.Sprint(typed) != "[ ]" {
		s.t.Errorf("%q", typed)
	}
	expect("", s.do(object{"command": "typed", "place": place, "crossed": true}, &typed))
	if fmt.Sprint(typed) != "[ <nil>]" {
		s.t.Errorf("%q", typed)
	}
	expect("", s.do(object{"command": "deactivate", "limit": 20000}, nil))
	expect("", s.do(object{"command": "stop"}, nil))
}
