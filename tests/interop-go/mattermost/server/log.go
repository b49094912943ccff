package server

import (
	"fmt"
	"io"

	"github.com/hashicorp/go-hclog"
)

// Record is one line of the server's log.
type Record struct {
	Level   string         `json:"level"`
	Message string         `json:"message"`
	Source  string         `json:"source"`
	Fields  map[string]any `json:"fields,omitempty"`
}

// Where records come from.
const (
	// FromServer is what go-plugin says itself.
	FromServer = "server"
	// FromStderr is what the process wrote to its stderr.
	FromStderr = "stderr"
	// FromStreamOut and FromStreamErr are the two text streams of the session.
	FromStreamOut = "plugin_stdout"
	FromStreamErr = "plugin_stderr"
)

// logger gives go-plugin a logger whose records go to log.
func logger(log func(Record)) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Level: hclog.Trace, Output: io.Discard})
	l.RegisterSink(&sink{log})
	return l
}

type sink struct {
	log func(Record)
}

// Accept turns a record of hclog into one of the server's; trace becomes debug, as the server does.
func (s *sink) Accept(name string, level hclog.Level, message string, args ...any) {
	record := Record{Level: level.String(), Message: message, Source: FromServer}
	if level == hclog.Trace {
		record.Level = hclog.Debug.String()
	}
	// What comes from the process is logged under the program's name.
	if name != "" {
		record.Source = FromStderr
	}
	for i := 0; i+1 < len(args); i += 2 {
		if record.Fields == nil {
			record.Fields = map[string]any{}
		}
		record.Fields[fmt.Sprint(args[i])] = fmt.Sprintf("%v", args[i+1])
	}
	s.log(record)
}

// stream logs what comes through one of the session's text streams, a record each piece.
type stream struct {
	log    func(Record)
	source string
}

func (s stream) Write(piece []byte) (int, error) {
	s.log(Record{Level: "info", Message: string(piece), Source: s.source})
	return len(piece), nil
}
