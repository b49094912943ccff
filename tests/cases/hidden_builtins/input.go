Fields and parameters that are called like what Python annotations and defaults are made of.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	Store(drawer *model.Drawer) error
	// Minimum server version: 5.2
	Sort(list []string, str map[string]string, cast bool) ([]string, error)
	// Minimum server version: 5.2
	Fill(fields *model.Drawer) error
}

-- model/drawer.go --
package model

type Drawer struct {
	List  []string          `json:"list"`
	Dict  map[string]string `json:"dict"`
	Str   *string           `json:"str"`
	Other []string          `json:"other"`
	Float float64           `json:"float"`
}
