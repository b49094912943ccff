The Go module has another path, and so have the names in gob's registry.

-- before/go.mod --
module example.com/old

-- after/go.mod --
module example.com/new

-- before/model/version.go --
package model

var versions = []string{"6.0.0"}

type A struct{}

-- before/plugin/plugin.go --
package plugin

import (
	"encoding/gob"

	"example.com/old/model"
)

type API interface{}

type Hooks interface{}

func init() {
	gob.Register(model.A{})
}

-- after/model/version.go --
package model

var versions = []string{"7.0.0"}

type A struct{}

-- after/plugin/plugin.go --
package plugin

import (
	"encoding/gob"

	"example.com/new/model"
)

type API interface{}

type Hooks interface{}

func init() {
	gob.Register(model.A{})
}
