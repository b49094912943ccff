// Command minimost is a miniature Mattermost that runs one plugin and does what it is told, line by line.
//
//	minimost [-folder DIR] BUNDLE
//
// BUNDLE is a .tar.gz, which is unpacked into DIR (a temporary folder without -folder), or a folder that is used as it is.
// Each line on stdin is a command, each line on stdout a reply (with the command's id) or an event; see README.md. At the
// end of stdin the plugin is stopped.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"sync"

	"interop/mattermost/server"
)

func main() {
	folder := flag.String("folder", "", "where the bundle is unpacked")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: minimost [-folder DIR] BUNDLE")
		os.Exit(2)
	}
	// Ctrl-C is for whoever drives this: it closes stdin, and the plugin is stopped in order.
	signal.Ignore(os.Interrupt)
	if err := run(flag.Arg(0), *folder); err != nil {
		fmt.Fprintln(os.Stderr, "minimost:", err)
		os.Exit(1)
	}
}

func run(bundle, folder string) error {
	info, err := os.Stat(bundle)
	if err != nil {
		return err
	}
	if folder == "" && !info.IsDir() {
		if folder, err = os.MkdirTemp("", "minimost"); err != nil {
			return err
		}
		defer os.RemoveAll(folder)
	}
	if info.IsDir() {
		folder = bundle
	} else if folder, err = server.Unpack(bundle, folder); err != nil {
		return err
	}
	out := &output{encoder: json.NewEncoder(os.Stdout)}
	log.SetFlags(0)
	log.SetOutput(serverLog{out})
	driver := newDriver(folder, out)
	defer driver.kill()
	return driver.read(bufio.NewReader(os.Stdin))
}

// output writes whole lines, from many goroutines.
type output struct {
	mutex   sync.Mutex
	encoder *json.Encoder
}

func (o *output) line(value any) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if err := o.encoder.Encode(value); err != nil {
		fmt.Fprintln(os.Stderr, "minimost: cannot write a line:", err)
	}
}

// logged is the event of a record in the log.
type logged struct {
	Event string `json:"event"`
	server.Record
}

func (o *output) log(record server.Record) {
	o.line(logged{"log", record})
}

// called is the event of a call of the API.
type called struct {
	Event string `json:"event"`
	server.Call
}

func (o *output) call(call server.Call) {
	o.line(called{"api", call})
}

// serverLog makes records of what this program's own packages log.
type serverLog struct {
	out *output
}

func (l serverLog) Write(text []byte) (int, error) {
	l.out.log(server.Record{Level: "warn", Message: string(text), Source: server.FromServer})
	return len(text), nil
}
