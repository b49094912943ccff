package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// bench calls the same methods of the plugin and of this program as a Go plugin, in turns, and prints the medians of the rounds.
func bench(path string) {
	own, err := os.Executable()
	if err != nil {
		panic(err)
	}
	sides := []string{path, own}
	var remotes []*remote
	for _, side := range sides {
		client := start(side, io.Discard, io.Discard)
		defer client.Kill()
		_, remote, err := connect(client)
		if err != nil {
			panic(err)
		}
		remotes = append(remotes, remote)
	}
	text := strings.Repeat("x", 200)
	data := make([]byte, 64*1024)
	for _, work := range []struct {
		name    string
		calls   int
		callers int
		call    func(*remote) error
	}{
		{"one caller, 200 bytes", 4000, 1, func(r *remote) error { return r.Call("Plugin.Echo", text, new(string)) }},
		{"one caller, a struct", 4000, 1, func(r *remote) error { return r.Call("Plugin.Sum", Pair{1, 2}, new(int)) }},
		{"16 callers, 200 bytes", 16000, 16, func(r *remote) error { return r.Call("Plugin.Echo", text, new(string)) }},
		{"one caller, 64 KiB", 1000, 1, func(r *remote) error { return r.Call("Plugin.EchoBytes", data, new([]byte)) }},
	} {
		times := make([][]float64, len(sides))
		for range 7 {
			for side, remote := range remotes {
				begun := time.Now()
				err := together(work.callers, func(int) error {
					for range work.calls / work.callers {
						if err := work.call(remote); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					panic(err)
				}
				times[side] = append(times[side], float64(time.Since(begun).Microseconds())/float64(work.calls))
			}
		}
		for _, rounds := range times {
			slices.Sort(rounds)
		}
		ours, theirs := times[0][3], times[1][3]
		fmt.Printf("%-22s %7.1f µs, as a Go plugin %7.1f µs: %.2f ×\n", work.name, ours, theirs, ours/theirs)
	}
}
