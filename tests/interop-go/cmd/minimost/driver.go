package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"interop/mattermost/rpcs"
	"interop/mattermost/server"
)

// command is one line of input; which fields matter is the command's.
type command struct {
	ID      json.RawMessage `json:"id"`
	Command string          `json:"command"`
	// Method is for `answer` and `forget`, Answer for the former.
	Method string        `json:"method"`
	Answer server.Answer `json:"answer"`
	// Configuration is for `configure`.
	Configuration any `json:"configuration"`
	// Hook is for `hook`, `listen` (its name only) and `measure`, Load for `measure_http`, Times for both that measure.
	Hook  server.HookCall `json:"hook"`
	Load  server.Load     `json:"load"`
	Times int             `json:"times"`
	// Place is for `show` and `typed`, Sent and Got are for `compare`.
	Place place `json:"place"`
	Sent  place `json:"sent"`
	Got   place `json:"got"`
	// Crossed is for `typed`.
	Crossed bool `json:"crossed"`
	// DSN and Connections are for `database`: where it is, and how many connections the pool has.
	DSN         string `json:"dsn"`
	Connections int    `json:"connections"`
	// Limit is for `deactivate`, in milliseconds; 0 waits for ever.
	Limit int `json:"limit"`
}

// reply is one line of output.
type reply struct {
	ID json.RawMessage `json:"id"`
	OK bool            `json:"ok"`
	// Error is why it was not done.
	Error  string `json:"error,omitempty"`
	Result any    `json:"result,omitempty"`
	// Millis is how long it took.
	Millis float64 `json:"ms"`
}

// driver obeys commands; each runs by itself, so that hooks can be called while others run.
type driver struct {
	folder   string
	out      *output
	recorder *server.Recorder
	running  sync.WaitGroup

	mutex    sync.Mutex
	process  *server.Process
	database *rpcs.Database
	// hooks are the results of hooks by the id of their command.
	hooks map[string]*server.HookResult
}

func newDriver(folder string, out *output) *driver {
	recorder := server.NewRecorder()
	recorder.OnCall = out.call
	return &driver{folder: folder, out: out, recorder: recorder, hooks: map[string]*server.HookResult{}}
}

// read obeys until there are no more lines.
func (d *driver) read(lines *bufio.Reader) error {
	defer d.running.Wait()
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		var c command
		if err := json.Unmarshal(line, &c); err != nil {
			d.out.line(reply{Error: fmt.Sprintf("no command: %v", err)})
			continue
		}
		d.running.Go(func() { d.obey(c) })
	}
}

func (d *driver) obey(c command) {
	begin := time.Now()
	result, err := d.execute(c)
	r := reply{ID: c.ID, OK: err == nil, Result: result, Millis: float64(time.Since(begin).Microseconds()) / 1000}
	if err != nil {
		r.Error = err.Error()
	}
	d.out.line(r)
}

func (d *driver) execute(c command) (any, error) {
	switch c.Command {
	case "start":
		return d.start()
	case "answer":
		return nil, d.recorder.Answer(c.Method, c.Answer)
	case "forget":
		return nil, d.recorder.Forget(c.Method)
	case "configure":
		d.recorder.Configure(c.Configuration)
		return nil, nil
	case "database":
		return nil, d.open(c.DSN, c.Connections)
	case "database state":
		return d.databaseState()
	case "calls":
		return d.recorder.Calls(), nil
	case "show":
		value, err := d.find(c.Place)
		return value, err
	case "typed":
		return c.Place.typed(c.Crossed)
	case "compare":
		return d.compare(c.Sent, c.Got)
	}
	process, err := d.current()
	if err != nil {
		return nil, err
	}
	switch c.Command {
	case "activate":
		return d.activate(process)
	case "hook":
		result, err := process.Call(c.Hook)
		if err == nil {
			d.mutex.Lock()
			d.hooks[string(c.ID)] = result
			d.mutex.Unlock()
		}
		return result, err
	case "measure":
		return process.Measure(c.Hook, c.Times)
	case "measure_http":
		return process.MeasureHTTP(c.Load, c.Times)
	case "listen":
		return process.Listen(c.Hook.Name)
	case "ping":
		return nil, process.Ping()
	case "ping session":
		took, err := process.PingSession()
		return float64(took.Microseconds()) / 1000, err
	case "exited":
		return process.Exited(), nil
	case "deactivate":
		return nil, process.Deactivate(time.Duration(c.Limit) * time.Millisecond)
	case "stop":
		d.kill()
		return nil, nil
	default:
		return nil, fmt.Errorf("there is no command %q", c.Command)
	}
}

// open connects to the database that the plugin gets when it is started next.
func (d *driver) open(dsn string, connections int) error {
	database, err := rpcs.OpenDatabase(dsn, connections)
	if err != nil {
		return err
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.database = database
	return nil
}

func (d *driver) databaseState() (any, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.database == nil {
		return nil, errors.New("there is no database")
	}
	return d.database.State(), nil
}

func (d *driver) current() (*server.Process, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.process == nil {
		return nil, errors.New("the plugin is not started")
	}
	return d.process, nil
}

// started is the result of `start`.
type started struct {
	Plugin      string   `json:"plugin"`
	Pid         int      `json:"pid"`
	Implemented []string `json:"implemented"`
	// Handshake is how long the process took to its handshake, in milliseconds; go-plugin hashes the executable in this time too.
	Handshake float64 `json:"handshake_ms"`
}

func (d *driver) start() (any, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.process != nil {
		return nil, errors.New("the plugin is started already")
	}
	process, err := server.Start(server.Options{
		Folder:   d.folder,
		API:      d.recorder.API(),
		Lacks:    d.recorder.Lacks,
		Database: d.database,
		Log:      d.out.log,
		Failed: func(hook string, err error) {
			message := fmt.Sprintf("the call of %s failed: %v", hook, err)
			d.out.log(server.Record{Level: "error", Message: message, Source: server.FromServer})
		},
	})
	if err != nil {
		return nil, err
	}
	d.process = process
	handshake := float64(process.Handshake.Microseconds()) / 1000
	return started{process.Manifest.ID, process.Pid(), process.Implemented, handshake}, nil
}

// activate kills a plugin that does not want to start, as the server does.
func (d *driver) activate(process *server.Process) (any, error) {
	if err := process.Hooks.OnActivate(); err != nil {
		d.kill()
		return nil, err
	}
	return nil, nil
}

func (d *driver) kill() {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.process != nil {
		d.process.Kill()
		d.process = nil
	}
}
