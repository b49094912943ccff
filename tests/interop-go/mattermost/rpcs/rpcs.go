// Package rpcs is the hand-written half of both net/rpc services: what a call alone cannot do (streams, results that are
// merged, the start), for both ends, and what go-plugin needs to connect them.
package rpcs

import (
	"io"
	"log"
	"net/rpc"
	"sync"

	goplugin "github.com/hashicorp/go-plugin"

	"interop/mattermost/generated/plugin"
)

// Handshake is what server and plugin must agree on.
var Handshake = goplugin.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "MATTERMOST_PLUGIN",
	MagicCookieValue: "Securely message teams, anywhere.",
}

// Service is the name of every net/rpc service here.
const Service = "Plugin"

// What a server can lack beside methods of the API.
const (
	// Flush is the response writer's.
	Flush = "Flush"
	// HTTPStream is PluginHTTP with its bodies beside the call.
	HTTPStream = "PluginHTTPStream"
	// RequestSubset is a type of its own for requests, in place of net/http's.
	RequestSubset = "HTTPRequestSubset"
)

// HooksPlugin is what go-plugin dispenses as "hooks".
type HooksPlugin struct {
	// Impl has the hooks; on the plugin's side.
	Impl any
	// API answers the plugin's calls; on the server's side.
	API plugin.API
	// Lacks tells whether the server is too old for a method of the API; on the server's side. Without it, it has all.
	Lacks func(method string) bool
	// Database is what the plugin's SQL reaches; on the server's side. Without it, there is none.
	Database *Database
	// Failed is told of calls that did not succeed; on the server's side.
	Failed func(hook string, err error)
}

// Server is the plugin's side.
func (p *HooksPlugin) Server(broker *goplugin.MuxBroker) (any, error) {
	return &HooksServer{HooksServer: plugin.HooksServer{Impl: p.Impl}, broker: broker}, nil
}

// Client is the server's side.
func (p *HooksPlugin) Client(broker *goplugin.MuxBroker, client *rpc.Client) (any, error) {
	connection := &hooksConnection{client: client, api: p.API, lacks: p.Lacks, database: p.Database, implemented: map[string]bool{"OnActivate": true}}
	connection.broker.MuxBroker = broker
	if connection.database == nil {
		connection.database = noDatabase()
	}
	if connection.lacks == nil {
		connection.lacks = hasAll
	}
	return (&HooksClient{connection: connection}).Reporting(p.Failed), nil
}

// broker is go-plugin's, with what is done on accepted connections.
type broker struct {
	*goplugin.MuxBroker
	// services counts those that plugins may still be calling.
	services sync.WaitGroup
}

func hasAll(string) bool { return false }

// offer serves a net/rpc service under a new id, until the peer closes its connection, but for the methods that it lacks. It gives
// up after five seconds when nobody dials.
func (b *broker) offer(what string, service any, lacks func(method string) bool) uint32 {
	id := b.NextId()
	b.services.Go(func() {
		connection, err := b.Accept(id)
		if err != nil {
			log.Printf("[WARN] nobody dialled %s (id %d): %v", what, id, err)
			return
		}
		defer connection.Close()
		server := rpc.NewServer()
		if err := server.RegisterName(Service, service); err != nil {
			panic(err)
		}
		server.ServeCodec(newLackingCodec(connection, lacks))
	})
	return id
}

// lend lets the peer read from r under a new id.
func (b *broker) lend(what string, r io.Reader) uint32 {
	id := b.NextId()
	go func() {
		connection, err := b.Accept(id)
		if err != nil {
			log.Printf("[WARN] nobody dialled %s (id %d): %v", what, id, err)
			return
		}
		serveReader(r, connection)
	}()
	return id
}

// borrow reads what the peer lends.
func (b *broker) borrow(id uint32) (io.ReadCloser, error) {
	connection, err := b.Dial(id)
	if err != nil {
		return nil, err
	}
	return &remoteReader{connection}, nil
}
