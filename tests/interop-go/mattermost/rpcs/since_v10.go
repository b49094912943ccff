//go:build !v9_8

package rpcs

import (
	"fmt"
	"io"
	"log"
	"net/http"

	"interop/mattermost/generated/logr"
	"interop/mattermost/generated/model"
	"interop/mattermost/generated/plugin"
)

// What servers have since version 10 and is written by hand.

// LogAuditRec logs.
func (c *APIClient) LogAuditRec(a *model.AuditRecord) {
	c.Call("LogAuditRec", &plugin.Z_LogAuditRecArgs{A: a}, &plugin.Z_LogAuditRecReturns{})
}

// LogAuditRecWithLevel logs.
func (c *APIClient) LogAuditRecWithLevel(a *model.AuditRecord, b logr.Level) {
	c.Call("LogAuditRecWithLevel", &plugin.Z_LogAuditRecWithLevelArgs{A: a, B: b}, &plugin.Z_LogAuditRecWithLevelReturns{})
}

// PluginHTTP streams, with servers that can.
func (c *APIClient) PluginHTTP(a *http.Request) *http.Response {
	response, err := c.pluginHTTPStream(a)
	if err != nil && err.Error() == "rpc: can't find method Plugin.PluginHTTPStream" {
		response, err = c.pluginHTTPBuffered(a)
	}
	if err != nil {
		log.Printf("[ERROR] PluginHTTP: %v", err)
	}
	return response
}

func (c *APIClient) pluginHTTPStream(request *http.Request) (*http.Response, error) {
	args := &plugin.Z_PluginHTTPStreamArgs{ResponseBodyStream: c.broker.NextId(), Request: Subset(request)}
	if request.Body != nil {
		args.RequestBodyStream = c.broker.lend("a request's body", request.Body)
	}
	body := make(chan io.ReadCloser, 1)
	go func() {
		defer close(body)
		if connection, err := c.broker.Accept(args.ResponseBodyStream); err == nil {
			body <- connection
		}
	}()
	returns := &plugin.Z_PluginHTTPStreamReturns{}
	if err := c.client.Call(Service+".PluginHTTPStream", args, returns); err != nil {
		return nil, err
	}
	response := &http.Response{StatusCode: returns.StatusCode, Header: returns.Header, Body: <-body}
	if response.Body == nil {
		return nil, fmt.Errorf("no body came")
	}
	return response, nil
}

// LogAuditRec logs.
func (s *APIServer) LogAuditRec(args *plugin.Z_LogAuditRecArgs, _ *plugin.Z_LogAuditRecReturns) error {
	s.api().LogAuditRec(args.A)
	return nil
}

// LogAuditRecWithLevel logs.
func (s *APIServer) LogAuditRecWithLevel(args *plugin.Z_LogAuditRecWithLevelArgs, _ *plugin.Z_LogAuditRecWithLevelReturns) error {
	s.api().LogAuditRecWithLevel(args.A, args.B)
	return nil
}

// PluginHTTPStream carries the bodies beside the call.
func (s *APIServer) PluginHTTPStream(args *plugin.Z_PluginHTTPStreamArgs, returns *plugin.Z_PluginHTTPStreamReturns) error {
	request := Whole(args.Request, http.NoBody)
	if args.RequestBodyStream != 0 {
		body, err := s.broker.borrow(args.RequestBodyStream)
		if err != nil {
			return err
		}
		defer body.Close()
		request.Body = body
	}
	response := s.api().PluginHTTP(request)
	if response == nil {
		return nil
	}
	returns.StatusCode, returns.Header = response.StatusCode, response.Header
	connection, err := s.broker.Dial(args.ResponseBodyStream)
	if err != nil {
		return err
	}
	go func() {
		defer connection.Close()
		if response.Body == nil {
			return
		}
		defer response.Body.Close()
		if _, err := io.Copy(connection, response.Body); err != nil {
			log.Printf("[WARN] a response's body broke off: %v", err)
		}
	}()
	return nil
}

// ChannelMemberWillBeAdded decodes the reply over the member.
func (c *HooksClient) ChannelMemberWillBeAdded(a *plugin.Context, b *model.ChannelMember) (*model.ChannelMember, string) {
	args := &plugin.Z_ChannelMemberWillBeAddedArgs{A: a, B: b}
	returns := &plugin.Z_ChannelMemberWillBeAddedReturns{A: b}
	c.call("ChannelMemberWillBeAdded", args, returns)
	return returns.A, returns.B
}

// TeamMemberWillBeAdded decodes the reply over the member.
func (c *HooksClient) TeamMemberWillBeAdded(a *plugin.Context, b *model.TeamMember) (*model.TeamMember, string) {
	args := &plugin.Z_TeamMemberWillBeAddedArgs{A: a, B: b}
	returns := &plugin.Z_TeamMemberWillBeAddedReturns{A: b}
	c.call("TeamMemberWillBeAdded", args, returns)
	return returns.A, returns.B
}

// ChannelMemberWillBeAdded is a plain call on this side.
func (s *HooksServer) ChannelMemberWillBeAdded(args *plugin.Z_ChannelMemberWillBeAddedArgs, returns *plugin.Z_ChannelMemberWillBeAddedReturns) error {
	impl, ok := s.Impl.(interface {
		ChannelMemberWillBeAdded(*plugin.Context, *model.ChannelMember) (*model.ChannelMember, string)
	})
	if !ok {
		return plugin.NotImplemented("ChannelMemberWillBeAdded")
	}
	returns.A, returns.B = impl.ChannelMemberWillBeAdded(args.A, args.B)
	return nil
}

// TeamMemberWillBeAdded is a plain call on this side.
func (s *HooksServer) TeamMemberWillBeAdded(args *plugin.Z_TeamMemberWillBeAddedArgs, returns *plugin.Z_TeamMemberWillBeAddedReturns) error {
	impl, ok := s.Impl.(interface {
		TeamMemberWillBeAdded(*plugin.Context, *model.TeamMember) (*model.TeamMember, string)
	})
	if !ok {
		return plugin.NotImplemented("TeamMemberWillBeAdded")
	}
	returns.A, returns.B = impl.TeamMemberWillBeAdded(args.A, args.B)
	return nil
}
