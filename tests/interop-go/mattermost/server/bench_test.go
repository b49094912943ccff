package server

import (
	"encoding/json"
	"testing"
)

// BenchmarkHook is what a hook costs with a plugin written in Go that gives the post back.
func BenchmarkHook(b *testing.B) {
	b.Setenv("REFPLUGIN", "echo")
	process, err := Start(Options{Folder: bundle, API: NewRecorder().API(), Log: func(Record) {}})
	if err != nil {
		b.Fatal(err)
	}
	defer process.Kill()
	post := json.RawMessage(`{"Id": "1", "ChannelId": "2", "UserId": "3", "Message": "Hello from the channel, and welcome", "Props": {"a": "b"}}`)
	for name, call := range map[string]HookCall{
		"typical post": {Name: "MessageWillBePosted", Args: []json.RawMessage{json.RawMessage("{}"), post}},
		"filled post":  {Name: "MessageWillBePosted", Fill: seed(1)},
		"filled user":  {Name: "UserWillLogIn", Fill: seed(1)},
	} {
		b.Run(name, func(b *testing.B) {
			if _, err := process.Measure(call, b.N); err != nil {
				b.Fatal(err)
			}
		})
	}
}
