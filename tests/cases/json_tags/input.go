What JSON calls a field is what encoding/json would: the tag, else Go's name; `-` for what it skips.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	Get() model.Tagged
}

-- model/tagged.go --
package model

type Tagged struct {
	Plain         string
	Renamed       string `json:"other"`
	Skipped       string `json:"-"`
	Empty         string `json:",omitempty"`
	Zero          int64  `json:"zero,omitzero"`
	Among         string `access:"a,b" db:"x y" json:"among,omitempty" yaml:"z"`
	Quoted        string "json:\"quoted\""
	One, Two      int    `json:"both"`
	private       string `json:"private"`
	NotJSONTagged string `xml:"x"`
}
