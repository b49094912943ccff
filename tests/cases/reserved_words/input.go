Names that one of the targets reserves: as method, parameter, field, type and constant.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	Import(from string, lambda bool, class []string) (*model.Yield, error)
	// Minimum server version: 5.2
	Async(self *model.Yield, None int) error
}

-- model/yield.go --
package model

type Def string

const (
	DefIf   Def = "if"
	DefNone Def = "None"
)

type Yield struct {
	Type   string `json:"type"`
	Self   string `json:"self"`
	Pass   bool   `json:"pass"`
	Class  Def    `json:"class"`
	Crate  int    `json:"crate"`
	Except []Def  `json:"except"`
}
