package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestEveryTypeIsMeasuredBothWays(t *testing.T) {
	var in, out strings.Builder
	for _, of := range []string{"Post", "User", "Config"} {
		in.WriteString(`{"type": "` + of + `", "decode": true, "times": 3}` + "\n")
		in.WriteString(`{"type": "` + of + `", "times": 3}` + "\n")
	}
	if err := run(strings.NewReader(in.String()), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 9 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines[3:] {
		var got struct{ NS float64 }
		if err := json.Unmarshal([]byte(line), &got); err != nil || got.NS <= 0 {
			t.Errorf("%s: %v", line, err)
		}
	}
	if err := run(strings.NewReader(`{"type": "Nothing"}`), &out); err == nil {
		t.Error("a type that is not there was measured")
	}
}
