Names that overrides.toml gives: of a type, a field, an enum's member, a parameter, a result, a group.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// @tag Fruit
	// Minimum server version: 5.2
	Peel(fr *model.Fruit, how model.Way) (int, string, error)
}

-- model/fruit.go --
package model

type Way string

const (
	WayByHand Way = "hand"
	Knife     Way = "knife"
)

type Fruit struct {
	Clr string `json:"clr"`
}
