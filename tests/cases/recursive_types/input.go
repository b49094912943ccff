Types that contain themselves, directly and through others.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	GetTree() (*model.Tree, error)
}

-- model/tree.go --
package model

type Tree struct {
	Name     string
	Left     *Tree
	Children []*Tree
	Owner    *Owner
}

type Owner struct {
	Trees map[string]*Tree
}
