An instance of a generic type is a type of its own; under its wire name, gob writes import paths in the brackets.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	GetOptions() (model.Options[*model.Choice], error)
	// Minimum server version: 5.2
	GetPages(page model.Page[string, model.Options[*model.Choice]]) (*model.Page[int, bool], error)
}

-- plugin/rpc.go --
package plugin

import (
	"encoding/gob"

	"github.com/mattermost/mattermost/server/public/model"
)

func init() {
	gob.Register(model.Options[*model.Choice]{})
}

-- model/options.go --
package model

type Option interface {
	GetID() string
}

type Options[T Option] []T

type Choice struct {
	ID string `json:"id"`
}

type Page[K comparable, V any] struct {
	Items map[K]V
	Next  *Page[K, V]
}
