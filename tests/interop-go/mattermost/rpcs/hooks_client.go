package rpcs

import (
	"io"
	"log"
	"net/http"
	"net/rpc"
	"reflect"
	"time"

	"github.com/hashicorp/yamux"

	"interop/mattermost/generated/model"
	"interop/mattermost/generated/plugin"
)

// HooksClient calls a plugin's hooks as the server does. Hooks that a plugin has not are not called; a call that fails
// gives zero results, or what the server goes on with, and is told to Failed.
type HooksClient struct {
	plugin.HooksClient
	connection *hooksConnection
	failed     func(hook string, err error)
}

// hooksConnection is what all clients of one plugin share.
type hooksConnection struct {
	client      *rpc.Client
	broker      broker
	api         plugin.API
	lacks       func(method string) bool
	database    *Database
	implemented map[string]bool
}

var _ plugin.Hooks = (*HooksClient)(nil)

// Reporting is the same client with other ears.
func (c *HooksClient) Reporting(failed func(hook string, err error)) *HooksClient {
	other := &HooksClient{connection: c.connection, failed: failed}
	other.HooksClient.Call = func(hook string, args, returns any) { other.call(hook, args, returns) }
	return other
}

// Wait returns when all the services that the plugin was offered have ended.
func (c *HooksClient) Wait() {
	c.connection.broker.services.Wait()
}

// PingSession pings the session below all connections, which go-plugin does by itself every 30 seconds, and gives how long the answer took.
func (c *HooksClient) PingSession() (time.Duration, error) {
	// go-plugin keeps the session to itself.
	session := reflect.ValueOf(c.connection.broker.MuxBroker).Elem().FieldByName("session")
	return (*yamux.Session)(session.UnsafePointer()).Ping()
}

// Has tells whether the plugin has a hook.
func (c *HooksClient) Has(hook string) bool {
	return c.connection.implemented[hook]
}

// call tells whether the results are the plugin's.
func (c *HooksClient) call(hook string, args, returns any) bool {
	if !c.connection.implemented[hook] {
		return false
	}
	if err := c.connection.client.Call(Service+"."+hook, args, returns); err != nil {
		if c.failed != nil {
			c.failed(hook, err)
		}
		return false
	}
	return true
}

// Implemented asks which hooks there are; none is called before.
func (c *HooksClient) Implemented() ([]string, error) {
	var names []string
	if err := c.connection.client.Call(Service+".Implemented", struct{}{}, &names); err != nil {
		return nil, err
	}
	for _, name := range names {
		c.connection.implemented[name] = true
	}
	return names, nil
}

// OnActivate offers API and database, and starts the plugin. A call that fails counts as success.
func (c *HooksClient) OnActivate() error {
	b := &c.connection.broker
	args := &plugin.Z_OnActivateArgs{
		APIMuxId:    b.offer("the API", &APIServer{APIServer: plugin.APIServer{Impl: c.connection.api}, broker: b}, c.connection.lacks),
		DriverMuxId: b.offer("the database", c.connection.database.Service(), hasAll),
	}
	returns := &plugin.Z_OnActivateReturns{}
	c.call("OnActivate", args, returns)
	return returns.A
}

// MessageWillBePosted decodes the reply over the post.
func (c *HooksClient) MessageWillBePosted(a *plugin.Context, b *model.Post) (*model.Post, string) {
	args := &plugin.Z_MessageWillBePostedArgs{A: a, B: b}
	returns := &plugin.Z_MessageWillBePostedReturns{A: b}
	c.call("MessageWillBePosted", args, returns)
	return returns.A, returns.B
}

// MessageWillBeUpdated keeps the new post only when there is no answer.
func (c *HooksClient) MessageWillBeUpdated(a *plugin.Context, b, old *model.Post) (*model.Post, string) {
	args := &plugin.Z_MessageWillBeUpdatedArgs{A: a, B: b, C: old}
	returns := &plugin.Z_MessageWillBeUpdatedReturns{}
	if !c.call("MessageWillBeUpdated", args, returns) {
		return b, ""
	}
	return returns.A, returns.B
}

// MessagesWillBeConsumed gives the plugin's list.
func (c *HooksClient) MessagesWillBeConsumed(a []*model.Post) []*model.Post {
	args, returns := &plugin.Z_MessagesWillBeConsumedArgs{A: a}, &plugin.Z_MessagesWillBeConsumedReturns{}
	c.call("MessagesWillBeConsumed", args, returns)
	return returns.A
}

// FileWillBeUploaded lends the plugin the file, and waits until it has closed the replacement.
func (c *HooksClient) FileWillBeUploaded(a *plugin.Context, b *model.FileInfo, file io.Reader, output io.Writer) (*model.FileInfo, string) {
	if !c.Has("FileWillBeUploaded") {
		return b, ""
	}
	replacement := c.connection.broker.NextId()
	done := make(chan struct{})
	go func() {
		defer close(done)
		connection, err := c.connection.broker.Accept(replacement)
		if err != nil {
			log.Printf("[WARN] nobody dialled the replacement of a file: %v", err)
			return
		}
		defer connection.Close()
		if _, err := io.Copy(output, connection); err != nil {
			log.Printf("[WARN] the replacement of a file broke off: %v", err)
		}
	}()
	args := &plugin.Z_FileWillBeUploadedArgs{
		A: a, B: b,
		UploadedFileStream:    c.connection.broker.lend("an uploaded file", file),
		ReplacementFileStream: replacement,
	}
	returns := &plugin.Z_FileWillBeUploadedReturns{A: b}
	c.call("FileWillBeUploaded", args, returns)
	<-done
	return returns.A, returns.B
}

// oldServeArgs is what older servers send: requests in net/http's own type, of which all but the functions travels.
type oldServeArgs struct {
	Context              *plugin.Context
	ResponseWriterStream uint32
	Request              *http.Request
	RequestBodyStream    uint32
}

func old(r *http.Request) *http.Request {
	return Whole(Subset(r), nil)
}

// ServeHTTP lets the plugin answer a request; 404 when it has no such hook, 500 when it fails.
func (c *HooksClient) ServeHTTP(a *plugin.Context, w http.ResponseWriter, r *http.Request) {
	args := &plugin.Z_ServeHTTPArgs{Context: a, Request: Subset(r)}
	c.serve("ServeHTTP", a, w, r, args, &args.ResponseWriterStream, &args.RequestBodyStream)
}

// ServeMetrics is the same for another listener.
func (c *HooksClient) ServeMetrics(a *plugin.Context, w http.ResponseWriter, r *http.Request) {
	args := &plugin.Z_ServeMetricsArgs{Context: a, Request: Subset(r)}
	c.serve("ServeMetrics", a, w, r, args, &args.ResponseWriterStream, &args.RequestBodyStream)
}

func (c *HooksClient) serve(hook string, a *plugin.Context, w http.ResponseWriter, r *http.Request, args any, writer, body *uint32) {
	if !c.Has(hook) {
		http.NotFound(w, r)
		return
	}
	lacks := func(method string) bool { return writerLacks(method) || c.connection.lacks(method) }
	*writer = c.connection.broker.offer("a response writer", &writerServer{w: w}, lacks)
	if r.Body != nil {
		*body = c.connection.broker.lend("a request's body", r.Body)
	}
	if c.connection.lacks(RequestSubset) {
		args = &oldServeArgs{a, *writer, old(r), *body}
	}
	if !c.call(hook, args, nil) {
		http.Error(w, "500 internal server error", http.StatusInternalServerError)
	}
}
