A generic type with one argument too many.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	GetBox() *model.Box[string, int]
}

-- model/box.go --
package model

type Box[T any] struct {
	Content T
}
