The package `plugin` has no interface `Hooks`.

-- plugin/hooks.go --
package plugin

type Hooks struct{}
