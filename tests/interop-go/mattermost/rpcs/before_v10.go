//go:build v9_8

package rpcs

import (
	"log"
	"net/http"
)

// PluginHTTP carries both bodies in the call: servers before version 10 cannot stream them.
func (c *APIClient) PluginHTTP(a *http.Request) *http.Response {
	response, err := c.pluginHTTPBuffered(a)
	if err != nil {
		log.Printf("[ERROR] PluginHTTP: %v", err)
	}
	return response
}
