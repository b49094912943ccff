A hook whose id constant is missing.

-- plugin/hooks.go --
package plugin

type Hooks interface {
	// Minimum server version: 5.2
	OnInstall() error
}
