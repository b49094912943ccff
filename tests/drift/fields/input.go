Fields: new ones that explain themselves or do not, gone, called otherwise, of another type, in another order.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// @tag User
	// Minimum server version: 5.2
	GetItem() *model.Item
}

-- before/model/item.go --
package model

type Item struct {
	First    string `json:"first"`
	Second   string `json:"second"`
	Gone     string `json:"gone"`
	OldName  string `json:"name"`
	ItemSize int64  `json:"item_size"`
	Count    int    `json:"count"`
	Kind     int    `json:"kind"`
	Spelled  string `json:"spelled"`
	Empty    string `json:"empty"`
	Part
	hidden   string
}

type Part struct {
	Weight bool `json:"weight"`
}

-- after/model/item.go --
package model

type Item struct {
	Second   string `json:"second"`
	First    string `json:"first"`
	NewName  string `json:"name"`
	SizeItem int64  `json:"size"`
	Count    int64  `json:"count"`
	Kind     string `json:"kind"`
	Spelled  string `json:"spelling"`
	Empty    string `json:"empty,omitempty"`
	Part     Part
	Clear    bool   `json:"clear"`
	MaxLength int   `json:"max_length"`
	secret   string
}

type Part struct {
	Weight bool `json:"weight"`
}
