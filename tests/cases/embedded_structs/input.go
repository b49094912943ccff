An embedded struct is one field of its own on the wire; JSON lifts its fields, unless a tag names it. What is embedded and is no struct is a field
like any other.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	GetDetails() (*model.Details, error)
}

-- model/details.go --
package model

type Details struct {
	Base
	*Extra
	Named `json:"named"`
	Labels
	hidden
	Total int `json:"total"`
}

type Base struct {
	Id string `json:"id"`
}

type Extra struct {
	Note string `json:"note"`
}

type Named struct {
	Value string `json:"value"`
}

type Labels []string

type hidden struct {
	Shown string `json:"shown"`
}
