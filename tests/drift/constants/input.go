Constants that come and go, have another name, have another value.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// @tag User
	// Minimum server version: 5.2
	GetLevel() model.Level
}

-- before/model/item.go --
package model

type Level int

const (
	LevelNone Level = iota
	LevelLow
	LevelGone
	LevelHigh Level = 9
	LevelTop  Level = 20
)

-- after/model/item.go --
package model

type Level int

const (
	LevelNone Level = iota
	LevelLow
	LevelHigh    Level = 10
	LevelHighest Level = 20
	LevelNew     Level = 30
)
