// Command goplugin hosts the Rust plugin `interop_plugin` with HashiCorp's own library and checks all that crosses the border.
//
//	goplugin check PLUGIN    every check; one line each; exit status 1 when one fails
//	goplugin vanish PLUGIN   starts the plugin, prints its process id and exits without a word to it
//	goplugin bench PLUGIN    microseconds per call, the plugin beside this program as a Go plugin
//	goplugin                 with the magic cookie in the environment: the Go plugin of `bench`
package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
)

var handshake = plugin.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "INTEROP_PLUGIN",
	MagicCookieValue: "yes",
}

func main() {
	if os.Getenv(handshake.MagicCookieKey) == handshake.MagicCookieValue {
		plugin.Serve(&plugin.ServeConfig{
			HandshakeConfig: handshake,
			Plugins:         map[string]plugin.Plugin{"interop": &remotePlugin{}},
		})
		return
	}
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: goplugin check|vanish|bench PLUGIN")
		os.Exit(2)
	}
	switch path := os.Args[2]; os.Args[1] {
	case "check":
		if !check(path) {
			os.Exit(1)
		}
	case "vanish":
		vanish(path)
	case "bench":
		bench(path)
	}
}

// start starts a plugin as a host does; what it writes to its standard output goes to stdout.
func start(path string, stdout, stderr io.Writer) *plugin.Client {
	return plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  handshake,
		Plugins:          map[string]plugin.Plugin{"interop": &remotePlugin{}, "nobody": &remotePlugin{}},
		Cmd:              exec.Command(path),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolNetRPC},
		SyncStdout:       stdout,
		SyncStderr:       stderr,
		StartTimeout:     3 * time.Second,
		Logger:           hclog.New(&hclog.LoggerOptions{Output: io.MultiWriter(os.Stderr, logged), Level: hclog.Warn}),
	})
}

func connect(client *plugin.Client) (plugin.ClientProtocol, *remote, error) {
	protocol, err := client.Client()
	if err != nil {
		return nil, nil, err
	}
	dispensed, err := protocol.Dispense("interop")
	if err != nil {
		return nil, nil, err
	}
	return protocol, dispensed.(*remote), nil
}

func vanish(path string) {
	client := start(path, io.Discard, io.Discard)
	_, remote, err := connect(client)
	if err == nil {
		err = remote.Call("Plugin.Echo", "x", new(string))
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(client.ReattachConfig().Pid)
	// No Kill, no Quit.
	os.Exit(0)
}
