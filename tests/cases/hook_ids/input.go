A hook has the id that the constant of its name says, in its own order; retired ids belong to no hook, and `Implemented` has none.

-- plugin/hooks.go --
package plugin

const (
	OnActivateID     = 0
	OnDeactivateID   = 1
	deprecatedThatID = 2
	OnInstallID      = 3
	TotalHooksID     = iota
)

type Hooks interface {
	// Minimum server version: 6.0
	OnInstall() error

	// Minimum server version: 5.2
	Implemented() ([]string, error)

	// Minimum server version: 5.2
	OnDeactivate() error

	// Minimum server version: 5.2
	OnActivate() error
}
