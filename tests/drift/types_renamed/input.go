A type with another name is one change: what mentions it has not changed. The old name of one is still there, as an alias.

-- before/plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// @tag User
	// Minimum server version: 5.2
	GetItem(ids []string) (map[string]*model.Item, *model.AppError)
}

-- after/plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// @tag User
	// Minimum server version: 5.2
	GetItem(ids []string) (map[string]*model.Thing, *model.AppError)
}

-- before/model/item.go --
package model

type Item struct {
	Id    string  `json:"id"`
	Name  string  `json:"name"`
	Parts []*Item `json:"parts"`
	Level Level   `json:"level"`
	With  []Attachment `json:"with"`
}

type Level string

const (
	LevelHigh Level = "high"
	LevelLow  Level = "low"
)

type Attachment struct {
	Text string `json:"text"`
}

-- after/model/item.go --
package model

type Thing struct {
	Id    string   `json:"id"`
	Name  string   `json:"name"`
	Parts []*Thing `json:"parts"`
	Level Height   `json:"level"`
	With  []Extra  `json:"with"`
}

type Height string

const (
	LevelHigh Height = "high"
	LevelLow  Height = "low"
)

type Extra struct {
	Text string `json:"text"`
}

type Attachment = Extra
