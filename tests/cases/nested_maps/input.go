Lists and maps in lists and maps, of scalars and of structs.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	GetGrid(rows [][]string) (map[string]map[string]*model.Cell, error)
}

-- model/cell.go --
package model

type Cell struct {
	Labels  map[string][]string
	Counts  []map[string]int64
	ByGroup map[string]map[string][]*Cell
	Raw     [][]byte
}
