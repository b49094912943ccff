Two packages of one name are reachable; the surface could not tell their types apart.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	Get() *model.Thing
}

-- model/thing.go --
package model

import (
	"github.com/mattermost/mattermost/server/public/one/text"
	other "github.com/mattermost/mattermost/server/public/two/text"
)

type Thing struct {
	A text.A
	B other.B
}

-- one/text/text.go --
package text

type A struct{ X string }

-- two/text/text.go --
package text

type B struct{ X string }
