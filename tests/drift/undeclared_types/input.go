A type of another module that nobody has declared yet is no mistake here, but something to decide.

-- before/plugin/api.go --
package plugin

type API interface {
	// @tag User
	// Minimum server version: 5.2
	GetItem() string
}

-- after/plugin/api.go --
package plugin

import "example.com/colour"

type API interface {
	// @tag User
	// Minimum server version: 5.2
	GetItem() string
	// @tag User
	// Minimum server version: 5.2
	GetColour() *colour.Colour
}
