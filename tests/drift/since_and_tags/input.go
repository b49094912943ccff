What comments say of methods.

-- before/plugin/api.go --
package plugin

type API interface {
	// @tag User
	// Minimum server version: 5.2
	A()
	// @tag User
	// Minimum server version: 5.2
	B()
	// @tag User
	// Minimum server version: 5.2
	C()
}

-- after/plugin/api.go --
package plugin

type API interface {
	// @tag User
	// Minimum server version: 5.3
	A()
	// @tag Team
	// Minimum server version: 5.2
	B()
	// @tag User
	// @tag Zoo
	// Minimum server version: 5.2
	C()
}
