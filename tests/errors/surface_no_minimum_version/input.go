A method that does not say since when it exists.

-- plugin/api.go --
package plugin

type API interface {
	// Get gets. Minimum server version: unknown
	Get()
}
