A type that any may hold and that holds any: both in the file of Value, while the file's other type stays.

-- plugin/rpc.go --
package plugin

import (
	"encoding/gob"

	"github.com/mattermost/mattermost/server/public/model"
)

func init() {
	gob.RegisterName("[]*model.Card", []*model.Card{})
}

type API interface {
	// Minimum server version: 5.2
	ShowTable(table *model.Table)
}

-- model/card.go --
package model

type Card struct {
	Title string         `json:"title"`
	Props map[string]any `json:"props"`
}

type Table struct {
	Name string `json:"name"`
	Card *Card  `json:"card"`
}
