package server

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	goplugin "github.com/hashicorp/go-plugin"

	"interop/mattermost/generated/plugin"
	"interop/mattermost/rpcs"
)

// StartTimeout is how long a process has until its handshake.
const StartTimeout = 3 * time.Second

// Options say how a plugin is run.
type Options struct {
	// Folder is the unpacked bundle.
	Folder string
	// API answers the plugin's calls.
	API plugin.API
	// Lacks tells whether the server is too old for a method of the API; nil when it has all.
	Lacks func(method string) bool
	// Database is what the plugin's SQL reaches; nil for none.
	Database *rpcs.Database
	// Log is given all records; called from many goroutines.
	Log func(Record)
	// Failed is told of hooks whose call failed.
	Failed func(hook string, err error)
}

// Process is a running plugin.
type Process struct {
	// Manifest is that of its bundle.
	Manifest *Manifest
	// Implemented are the hooks that it says it has.
	Implemented []string
	// Handshake is how long it took until there was one.
	Handshake time.Duration
	// Hooks calls them.
	Hooks *rpcs.HooksClient

	client *goplugin.Client
	rpc    goplugin.ClientProtocol
	web    web
}

// Start runs the executable of a bundle, connects, and asks which hooks there are. OnActivate is the caller's.
func Start(options Options) (process *Process, err error) {
	manifest, err := ReadManifest(options.Folder)
	if err != nil {
		return nil, err
	}
	program, err := manifest.Program(options.Folder)
	if err != nil {
		return nil, err
	}
	checksum, err := checksum(program)
	if err != nil {
		return nil, err
	}
	p := &Process{Manifest: manifest}
	p.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig: rpcs.Handshake,
		Plugins:         map[string]goplugin.Plugin{"hooks": &rpcs.HooksPlugin{API: options.API, Lacks: options.Lacks, Database: options.Database, Failed: options.Failed}},
		Cmd:             exec.Command(program),
		SecureConfig:    &goplugin.SecureConfig{Checksum: checksum, Hash: sha256.New()},
		SyncStdout:      stream{options.Log, FromStreamOut},
		SyncStderr:      stream{options.Log, FromStreamErr},
		Logger:          logger(options.Log),
		StartTimeout:    StartTimeout,
	})
	defer func() {
		if err != nil {
			p.client.Kill()
		}
	}()
	begin := time.Now()
	if _, err = p.client.Start(); err != nil {
		return nil, err
	}
	p.Handshake = time.Since(begin)
	if p.rpc, err = p.client.Client(); err != nil {
		return nil, err
	}
	raw, err := p.rpc.Dispense("hooks")
	if err != nil {
		return nil, err
	}
	p.Hooks = raw.(*rpcs.HooksClient)
	if p.Implemented, err = p.Hooks.Implemented(); err != nil {
		return nil, err
	}
	return p, nil
}

func checksum(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	return sum.Sum(nil), err
}

// Pid is the process id.
func (p *Process) Pid() int {
	return p.client.ReattachConfig().Pid
}

// Ping is the health check.
func (p *Process) Ping() error {
	return p.rpc.Ping()
}

// PingSession is the keep-alive of the session itself; it gives how long the answer took.
func (p *Process) PingSession() (time.Duration, error) {
	return p.Hooks.PingSession()
}

// Exited tells whether the process is gone.
func (p *Process) Exited() bool {
	return p.client.Exited()
}

// Deactivate calls OnDeactivate and waits for it no longer than limit; 0 waits for ever, as when a plugin is disabled.
func (p *Process) Deactivate(limit time.Duration) error {
	done := make(chan error, 1)
	go func() { done <- p.Hooks.OnDeactivate() }()
	if limit == 0 {
		return <-done
	}
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		return fmt.Errorf("OnDeactivate took more than %s", limit)
	}
}

// Kill asks the process to quit, ends it after two seconds, and returns when the plugin can call nothing any more.
func (p *Process) Kill() {
	p.client.Kill()
	p.web.close()
	p.Hooks.Wait()
}
