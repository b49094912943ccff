package rpcs

import (
	"bytes"
	"encoding/json"
	"io"

	"interop/mattermost/generated/plugin"
)

// APIServer answers a plugin's calls.
type APIServer struct {
	plugin.APIServer
	broker *broker
}

func (s *APIServer) api() plugin.API {
	return s.Impl.(plugin.API)
}

// LoadPluginConfiguration sends the configuration as JSON.
func (s *APIServer) LoadPluginConfiguration(_ *plugin.Z_LoadPluginConfigurationArgsArgs, returns *plugin.Z_LoadPluginConfigurationArgsReturns) error {
	var configuration any
	if err := s.api().LoadPluginConfiguration(&configuration); err != nil {
		return plugin.EncodableError(err)
	}
	text, err := json.Marshal(configuration)
	returns.A = text
	return err
}

// LogDebug logs.
func (s *APIServer) LogDebug(args *plugin.Z_LogDebugArgs, _ *plugin.Z_LogDebugReturns) error {
	s.api().LogDebug(args.A, args.B...)
	return nil
}

// LogInfo logs.
func (s *APIServer) LogInfo(args *plugin.Z_LogInfoArgs, _ *plugin.Z_LogInfoReturns) error {
	s.api().LogInfo(args.A, args.B...)
	return nil
}

// LogWarn logs.
func (s *APIServer) LogWarn(args *plugin.Z_LogWarnArgs, _ *plugin.Z_LogWarnReturns) error {
	s.api().LogWarn(args.A, args.B...)
	return nil
}

// LogError logs.
func (s *APIServer) LogError(args *plugin.Z_LogErrorArgs, _ *plugin.Z_LogErrorReturns) error {
	s.api().LogError(args.A, args.B...)
	return nil
}

// InstallPlugin reads the bundle from the plugin.
func (s *APIServer) InstallPlugin(args *plugin.Z_InstallPluginArgs, returns *plugin.Z_InstallPluginReturns) error {
	bundle, err := s.broker.borrow(args.PluginStreamID)
	if err != nil {
		return err
	}
	defer bundle.Close()
	returns.A, returns.B = s.api().InstallPlugin(bundle, args.B)
	return nil
}

// UploadData reads the file from the plugin.
func (s *APIServer) UploadData(args *plugin.Z_UploadDataArgs, returns *plugin.Z_UploadDataReturns) error {
	file, err := s.broker.borrow(args.PluginStreamID)
	if err != nil {
		return err
	}
	defer file.Close()
	returns.A, returns.B = s.api().UploadData(args.A, file)
	returns.B = plugin.EncodableError(returns.B)
	return nil
}

// PluginHTTP carries both bodies in the call.
func (s *APIServer) PluginHTTP(args *plugin.Z_PluginHTTPArgs, returns *plugin.Z_PluginHTTPReturns) error {
	response := s.api().PluginHTTP(Whole(args.Request, io.NopCloser(bytes.NewReader(args.RequestBody))))
	if response == nil {
		return nil
	}
	if response.Body != nil {
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return plugin.EncodableError(err)
		}
		returns.ResponseBody = body
	}
	plain := *response
	plain.Body, plain.Request, plain.TLS = nil, nil, nil
	returns.Response = &plain
	return nil
}
