Results added, taken away, of another type.

-- before/plugin/api.go --
package plugin

type API interface {
	// @tag User
	// Minimum server version: 5.2
	Appended() string
	// @tag User
	// Minimum server version: 5.2
	Dropped() (string, bool)
	// @tag User
	// Minimum server version: 5.2
	Swapped() (string, int)
	// @tag User
	// Minimum server version: 5.2
	Retyped() (int, error)
}

-- after/plugin/api.go --
package plugin

type API interface {
	// @tag User
	// Minimum server version: 5.2
	Appended() (string, bool)
	// @tag User
	// Minimum server version: 5.2
	Dropped() string
	// @tag User
	// Minimum server version: 5.2
	Swapped() (int, string, bool)
	// @tag User
	// Minimum server version: 5.2
	Retyped() (string, error)
}
