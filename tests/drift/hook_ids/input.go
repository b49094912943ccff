A hook has another id: ids belong to one hook for ever.

-- plugin/api.go --
package plugin

type API interface {
}

-- before/plugin/hooks.go --
package plugin

const (
	OnItemID = 1
	OnCountID = 2
)

type Hooks interface {
	// Minimum server version: 5.2
	OnItem(name string)
	// Minimum server version: 5.2
	OnCount(count int)
}

-- after/plugin/hooks.go --
package plugin

const (
	OnItemID = 1
	OnCountID = 3
)

type Hooks interface {
	// Minimum server version: 5.2
	OnItem(name string)
	// Minimum server version: 5.2
	OnCount(count int)
}
