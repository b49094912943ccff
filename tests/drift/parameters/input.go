Parameters added and taken away at the end, put between others, called otherwise, of another type.

-- before/plugin/api.go --
package plugin

type API interface {
	// @tag User
	// Minimum server version: 5.2
	Appended(a string)
	// @tag User
	// Minimum server version: 5.2
	Dropped(a string, b string)
	// @tag User
	// Minimum server version: 5.2
	Inserted(a string, b int)
	// @tag User
	// Minimum server version: 5.2
	Spelled(itemId string)
	// @tag User
	// Minimum server version: 5.2
	SameBytes(a int)
	// @tag User
	// Minimum server version: 5.2
	OtherBytes(a int)
	// @tag User
	// Minimum server version: 5.2
	Many(names []string)
}

-- after/plugin/api.go --
package plugin

type API interface {
	// @tag User
	// Minimum server version: 5.2
	Appended(a string, b string)
	// @tag User
	// Minimum server version: 5.2
	Dropped(a string)
	// @tag User
	// Minimum server version: 5.2
	Inserted(a string, ok bool, b int)
	// @tag User
	// Minimum server version: 5.2
	Spelled(itemID string)
	// @tag User
	// Minimum server version: 5.2
	SameBytes(a int64)
	// @tag User
	// Minimum server version: 5.2
	OtherBytes(a string)
	// @tag User
	// Minimum server version: 5.2
	Many(names ...string)
}
