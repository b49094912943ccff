package rpcs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/rpc"

	goplugin "github.com/hashicorp/go-plugin"

	"interop/mattermost/generated/model"
	"interop/mattermost/generated/plugin"
)

// APIClient is the API in a plugin written in Go.
type APIClient struct {
	plugin.APIClient
	client *rpc.Client
	broker broker
}

var _ plugin.API = (*APIClient)(nil)

func newAPIClient(b *goplugin.MuxBroker, client *rpc.Client) *APIClient {
	c := &APIClient{client: client}
	c.broker.MuxBroker = b
	c.APIClient.Call = func(method string, args, returns any) {
		if err := c.client.Call(Service+"."+method, args, returns); err != nil {
			log.Printf("[ERROR] %s: %v", method, err)
		}
	}
	return c
}

// LoadPluginConfiguration decodes the configuration into dest.
func (c *APIClient) LoadPluginConfiguration(dest any) error {
	args, returns := &plugin.Z_LoadPluginConfigurationArgsArgs{}, &plugin.Z_LoadPluginConfigurationArgsReturns{}
	if err := c.client.Call(Service+".LoadPluginConfiguration", args, returns); err != nil {
		return err
	}
	return json.Unmarshal(returns.A, dest)
}

// texts is what a plugin sends of keys and values.
func texts(pairs []any) []any {
	all := make([]any, len(pairs))
	for i, it := range pairs {
		all[i] = fmt.Sprintf("%+v", it)
	}
	return all
}

// LogDebug logs.
func (c *APIClient) LogDebug(a string, b ...any) {
	c.Call("LogDebug", &plugin.Z_LogDebugArgs{A: a, B: texts(b)}, &plugin.Z_LogDebugReturns{})
}

// LogInfo logs.
func (c *APIClient) LogInfo(a string, b ...any) {
	c.Call("LogInfo", &plugin.Z_LogInfoArgs{A: a, B: texts(b)}, &plugin.Z_LogInfoReturns{})
}

// LogWarn logs.
func (c *APIClient) LogWarn(a string, b ...any) {
	c.Call("LogWarn", &plugin.Z_LogWarnArgs{A: a, B: texts(b)}, &plugin.Z_LogWarnReturns{})
}

// LogError logs.
func (c *APIClient) LogError(a string, b ...any) {
	c.Call("LogError", &plugin.Z_LogErrorArgs{A: a, B: texts(b)}, &plugin.Z_LogErrorReturns{})
}

// InstallPlugin lends the server the bundle.
func (c *APIClient) InstallPlugin(a io.Reader, b bool) (*model.Manifest, *model.AppError) {
	args := &plugin.Z_InstallPluginArgs{PluginStreamID: c.broker.lend("a bundle", a), B: b}
	returns := &plugin.Z_InstallPluginReturns{}
	c.Call("InstallPlugin", args, returns)
	return returns.A, returns.B
}

// UploadData lends the server the file.
func (c *APIClient) UploadData(a *model.UploadSession, b io.Reader) (*model.FileInfo, error) {
	args := &plugin.Z_UploadDataArgs{A: a, PluginStreamID: c.broker.lend("an upload", b)}
	returns := &plugin.Z_UploadDataReturns{}
	c.Call("UploadData", args, returns)
	return returns.A, returns.B
}

// pluginHTTPBuffered carries both bodies in the call.
func (c *APIClient) pluginHTTPBuffered(request *http.Request) (*http.Response, error) {
	args, returns := &plugin.Z_PluginHTTPArgs{Request: Subset(request)}, &plugin.Z_PluginHTTPReturns{}
	if request.Body != nil {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		args.RequestBody = body
	}
	if err := c.client.Call(Service+".PluginHTTP", args, returns); err != nil {
		return nil, err
	}
	if returns.Response != nil {
		returns.Response.Body = io.NopCloser(bytes.NewReader(returns.ResponseBody))
	}
	return returns.Response, nil
}
