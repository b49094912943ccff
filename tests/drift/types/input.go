Types that come and go, move to another file, turn into something else, encode themselves.

-- before/plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// @tag User
	// Minimum server version: 5.2
	GetItem() *model.Item
}

-- after/plugin/api.go --
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
	Old    *Old     `json:"old"`
	Moved  *Moved   `json:"moved"`
	Names  Names    `json:"names"`
	Number Number   `json:"number"`
	Shape  Shape    `json:"shape"`
	Raw    Raw      `json:"raw"`
	Asks   Asks     `json:"-"`
}

type Old struct {
	A bool `json:"a"`
}

type Moved struct {
	Place bool `json:"place"`
}

type Names []string
type Number int
type Shape string
type Raw struct {
	Text string `json:"text"`
}

type Asks interface {
	One()
}

-- after/model/item.go --
package model

type Item struct {
	Fresh  *Fresh    `json:"fresh"`
	Colour Colour    `json:"colour"`
	Word   Word      `json:"word"`
	Moved  *Moved    `json:"moved"`
	Names  Names     `json:"names"`
	Number Number    `json:"number"`
	Shape  Shape     `json:"shape"`
	Raw    Raw       `json:"raw"`
	Asks   Asks      `json:"-"`
}

type Fresh struct {
	Completely bool `json:"completely"`
	Different  bool `json:"different"`
}

type Colour string

const ColourRed Colour = "red"

type Word string
type Names map[string]string
type Number int64
type Shape struct {
	Round bool `json:"round"`
}
type Raw struct {
	Text string `json:"text"`
}

func (r Raw) MarshalJSON() ([]byte, error) { return nil, nil }

type Asks interface {
	One()
	Two()
}

-- after/model/moved.go --
package model

type Moved struct {
	Place bool `json:"place"`
}
