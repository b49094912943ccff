A method is known again by what it takes and half of its name, a hook by its id.

-- before/plugin/api.go --
package plugin

type API interface {
	// @tag User
	// Minimum server version: 5.2
	GetItemsByIds(itemIDs []string) []string
	// @tag User
	// Minimum server version: 5.2
	OpenDoor(name string) bool
}

-- after/plugin/api.go --
package plugin

type API interface {
	// @tag User
	// Minimum server version: 5.2
	GetItemsByIDs(itemIDs []string) []string
	// @tag User
	// Minimum server version: 5.2
	CloseWindow(name string) bool
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

-- after/plugin/hooks.go --
package plugin

const (
	ThingHappenedID = 1
)

type Hooks interface {
	// Minimum server version: 5.2
	ThingHappened(name string)
}
