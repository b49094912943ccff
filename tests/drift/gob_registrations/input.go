What may stand in an interface: come, gone, under another name, another type under the same name.

-- before/plugin/gob.go --
package plugin

import (
	"encoding/gob"

	"github.com/mattermost/mattermost/server/public/model"
)

func init() {
	gob.Register(&model.A{})
	gob.Register(&model.B{})
	gob.RegisterName("c", &model.C{})
	gob.RegisterName("d", &model.A{})
}

-- after/plugin/gob.go --
package plugin

import (
	"encoding/gob"

	"github.com/mattermost/mattermost/server/public/model"
)

func init() {
	gob.Register(&model.B{})
	gob.RegisterName("cc", &model.C{})
	gob.RegisterName("d", &model.D{})
	gob.Register([]model.B{})
}

-- model/item.go --
package model

type A struct{}
type B struct{}
type C struct{}
type D struct{}
