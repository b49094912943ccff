Wire names: given by hand, with the import path for named types, with the package's name behind a pointer, and as reflection prints what has no name.

-- plugin/rpc.go --
package plugin

import (
	wire "encoding/gob"

	"github.com/mattermost/mattermost/server/public/model"
)

func init() {
	wire.RegisterName("[]*model.Old", []*model.New{})
	wire.Register([]any{})
	wire.Register(map[string]interface{}{})
	wire.Register(&model.New{})
	wire.Register(new(Failure))
	wire.Register(model.Value{})
	wire.Register((*model.Pointed)(nil))
	wire.Register(model.Text(""))
	wire.Register(map[string][]byte{})
}

type Failure struct {
	Code int
}

-- model/types.go --
package model

type New struct{ A string }

type Value struct{ B string }

type Pointed struct{ C string }

type Text string
