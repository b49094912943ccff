The list of what upstream writes by hand: what is new in it, and what is generated now.

-- plugin/api.go --
package plugin

type API interface {
	// @tag User
	// Minimum server version: 5.2
	GetItem(itemID string) string
	// @tag User
	// Minimum server version: 5.2
	SendItem(itemID string) bool
}

-- before/plugin/interface_generator/main.go --
package main

var excludedPluginHooks = []string{
	"GetItem",
}

-- after/plugin/interface_generator/main.go --
package main

var excludedPluginHooks = []string{
	"SendItem",
}
