Two hooks with the same id.

-- plugin/hooks.go --
package plugin

const (
	OnInstallID = 3
	OnRemoveID  = 3
)

type Hooks interface {
	// Minimum server version: 5.2
	OnInstall() error
	// Minimum server version: 5.2
	OnRemove() error
}
