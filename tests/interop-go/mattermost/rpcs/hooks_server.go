package rpcs

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/rpc"
	"reflect"

	goplugin "github.com/hashicorp/go-plugin"

	"interop/mattermost/generated/model"
	"interop/mattermost/generated/plugin"
)

// HooksServer is a plugin written in Go: it offers the hooks that Impl has.
type HooksServer struct {
	plugin.HooksServer
	broker *goplugin.MuxBroker
}

// WithAPI is what a plugin has that wants to call the server.
type WithAPI interface {
	SetAPI(api plugin.API)
}

// WithHookNames is what a plugin has that implements fewer hooks than its methods say.
type WithHookNames interface {
	HookNames() []string
}

// Implemented names the hooks.
func (s *HooksServer) Implemented(_ struct{}, names *[]string) error {
	if impl, ok := s.Impl.(WithHookNames); ok {
		*names = impl.HookNames()
		return nil
	}
	*names = []string{}
	hooks, impl := reflect.TypeFor[plugin.Hooks](), reflect.TypeOf(s.Impl)
	for i := range hooks.NumMethod() {
		name := hooks.Method(i).Name
		if _, ok := impl.MethodByName(name); ok && name != "Implemented" {
			*names = append(*names, name)
		}
	}
	return nil
}

// OnActivate connects to API and database, tells the plugin of its configuration, and starts it.
func (s *HooksServer) OnActivate(args *plugin.Z_OnActivateArgs, returns *plugin.Z_OnActivateReturns) error {
	api, err := s.broker.Dial(args.APIMuxId)
	if err != nil {
		return err
	}
	// The database is not used, but whoever offers it should not wait.
	if _, err := s.broker.Dial(args.DriverMuxId); err != nil {
		return err
	}
	if impl, ok := s.Impl.(WithAPI); ok {
		impl.SetAPI(newAPIClient(s.broker, rpc.NewClient(api)))
	}
	if impl, ok := s.Impl.(interface{ OnConfigurationChange() error }); ok {
		if err := impl.OnConfigurationChange(); err != nil {
			log.Printf("[ERROR] OnConfigurationChange: %v", err)
		}
	}
	if impl, ok := s.Impl.(interface{ OnActivate() error }); ok {
		returns.A = plugin.EncodableError(impl.OnActivate())
	}
	return nil
}

// MessageWillBePosted is a plain call on this side.
func (s *HooksServer) MessageWillBePosted(args *plugin.Z_MessageWillBePostedArgs, returns *plugin.Z_MessageWillBePostedReturns) error {
	impl, ok := s.Impl.(interface {
		MessageWillBePosted(*plugin.Context, *model.Post) (*model.Post, string)
	})
	if !ok {
		return plugin.NotImplemented("MessageWillBePosted")
	}
	returns.A, returns.B = impl.MessageWillBePosted(args.A, args.B)
	return nil
}

// MessageWillBeUpdated is a plain call on this side.
func (s *HooksServer) MessageWillBeUpdated(args *plugin.Z_MessageWillBeUpdatedArgs, returns *plugin.Z_MessageWillBeUpdatedReturns) error {
	impl, ok := s.Impl.(interface {
		MessageWillBeUpdated(c *plugin.Context, post, old *model.Post) (*model.Post, string)
	})
	if !ok {
		return plugin.NotImplemented("MessageWillBeUpdated")
	}
	returns.A, returns.B = impl.MessageWillBeUpdated(args.A, args.B, args.C)
	return nil
}

// MessagesWillBeConsumed is a plain call on this side.
func (s *HooksServer) MessagesWillBeConsumed(args *plugin.Z_MessagesWillBeConsumedArgs, returns *plugin.Z_MessagesWillBeConsumedReturns) error {
	impl, ok := s.Impl.(interface {
		MessagesWillBeConsumed([]*model.Post) []*model.Post
	})
	if !ok {
		return plugin.NotImplemented("MessagesWillBeConsumed")
	}
	returns.A = impl.MessagesWillBeConsumed(args.A)
	return nil
}

// FileWillBeUploaded borrows the file and closes the replacement, whether it was written or not.
func (s *HooksServer) FileWillBeUploaded(args *plugin.Z_FileWillBeUploadedArgs, returns *plugin.Z_FileWillBeUploadedReturns) error {
	impl, ok := s.Impl.(interface {
		FileWillBeUploaded(*plugin.Context, *model.FileInfo, io.Reader, io.Writer) (*model.FileInfo, string)
	})
	replacement, err := s.broker.Dial(args.ReplacementFileStream)
	if err != nil {
		return fmt.Errorf("the replacement: %w", err)
	}
	defer replacement.Close()
	file, err := s.broker.Dial(args.UploadedFileStream)
	if err != nil {
		return fmt.Errorf("the file: %w", err)
	}
	defer file.Close()
	if !ok {
		return plugin.NotImplemented("FileWillBeUploaded")
	}
	returns.A, returns.B = impl.FileWillBeUploaded(args.A, args.B, &remoteReader{file}, replacement)
	return nil
}

// ServeHTTP answers a request.
func (s *HooksServer) ServeHTTP(args *plugin.Z_ServeHTTPArgs, _ *struct{}) error {
	impl, ok := s.Impl.(interface {
		ServeHTTP(*plugin.Context, http.ResponseWriter, *http.Request)
	})
	if !ok {
		return plugin.NotImplemented("ServeHTTP")
	}
	return s.serve(impl.ServeHTTP, args.Context, args.Request, args.ResponseWriterStream, args.RequestBodyStream)
}

// ServeMetrics answers a request.
func (s *HooksServer) ServeMetrics(args *plugin.Z_ServeMetricsArgs, _ *struct{}) error {
	impl, ok := s.Impl.(interface {
		ServeMetrics(*plugin.Context, http.ResponseWriter, *http.Request)
	})
	if !ok {
		return plugin.NotImplemented("ServeMetrics")
	}
	return s.serve(impl.ServeMetrics, args.Context, args.Request, args.ResponseWriterStream, args.RequestBodyStream)
}

type handler func(*plugin.Context, http.ResponseWriter, *http.Request)

func (s *HooksServer) serve(handle handler, c *plugin.Context, r *plugin.Request, writer, body uint32) error {
	connection, err := s.broker.Dial(writer)
	if err != nil {
		return fmt.Errorf("the response writer: %w", err)
	}
	client := rpc.NewClient(connection)
	defer client.Close()
	request := Whole(r, http.NoBody)
	if body != 0 {
		connection, err := s.broker.Dial(body)
		if err != nil {
			return fmt.Errorf("the request's body: %w", err)
		}
		defer connection.Close()
		request.Body = &remoteReader{connection}
	}
	handle(c, &writerClient{client: client}, request)
	return nil
}
