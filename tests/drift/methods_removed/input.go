A method and a hook that are gone, with the structs of their net/rpc code, which are not listed again.

-- before/plugin/api.go --
package plugin

type API interface {
	// @tag User
	// Minimum server version: 5.2
	GetItem(itemID string) string
	// @tag User
	// Minimum server version: 5.2
	CountItems() int
}

-- after/plugin/api.go --
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
	OnCountID = 3
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
)

type Hooks interface {
	// Minimum server version: 5.2
	OnItem(name string)
}

-- before/plugin/rpc.go --
package plugin

type Z_CountItemsArgs struct{}

type Z_CountItemsReturns struct {
	A int
}
