An interface embeds one whose file is missing.

-- plugin/api.go --
package plugin

type API interface {
	Bells

	// Minimum server version: 5.2
	Ring() error
}
