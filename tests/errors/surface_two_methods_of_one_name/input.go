An interface with one method twice.

-- plugin/api.go --
package plugin

type API interface {
	// Minimum server version: 5.2
	Get()
	// Minimum server version: 5.2
	Get(id string)
}
