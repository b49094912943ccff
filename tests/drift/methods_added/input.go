New methods: one that only needs words, and some that need a decision first.

-- before/plugin/api.go --
package plugin

type API interface {
	// @tag User
	// Minimum server version: 5.2
	GetItem(itemID string) string
}

-- before/plugin/hooks.go --
package plugin

const (
	OnItemID = 1
)

type Hooks interface {
	// Minimum server version: 5.2
	OnItem(name string)
}

-- after/plugin/api.go --
package plugin

import "io"

type API interface {
	// @tag User
	// Minimum server version: 5.2
	GetItem(itemID string) string
	// @tag User
	// Minimum server version: 5.2
	CountItems() int
	// Minimum server version: 5.3
	ListItems() []string
	// @tag User
	// Nobody knows when.
	DropItem(itemID string) bool
	// @tag User
	// Minimum server version: 5.2
	ReadItem(reader io.Reader) bool
}

-- after/plugin/hooks.go --
package plugin

const (
	OnItemID = 1
	ItemWillBeMadeID = 2
	OnCountID = 3
)

type Hooks interface {
	// Minimum server version: 5.2
	OnItem(name string)
	// Minimum server version: 5.2
	ItemWillBeMade(name string) string
	// Minimum server version: 5.2
	OnCount(count int)
}

-- after/plugin/interface_generator/main.go --
package main

var excludedPluginHooks = []string{
	"OnCount",
}

-- overrides.toml --
[external."io.Reader"]
import = "io"
builtin = "reader"
why = "Bytes."
