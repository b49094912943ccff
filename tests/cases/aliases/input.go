References never go through an alias; aliases of reachable types are listed.

-- overrides.toml --
[external."logr.Level"]
import = "example.com/logr/v2"
kind = "struct"
why = "Its fields, from its source."
fields = [{ name = "ID", type = "uint", json = "id" }]

-- plugin/api.go --
package plugin

import (
	"github.com/mattermost/mattermost/server/public/model"
	"github.com/mattermost/mattermost/server/public/shared/mlog"
)

type API interface {
	// Minimum server version: 5.2
	Attach(one *model.OldAttachment, more []model.Attachments, level mlog.Level) model.Text
}

-- model/attachment.go --
package model

type Attachment struct {
	Title Text `json:"title"`
}

// OldAttachment is kept for callers.
type OldAttachment = Attachment

type (
	Attachments = []*OldAttachment
	Text        = string
	Unrelated   = map[string]int
)

-- shared/mlog/mlog.go --
package mlog

import "example.com/logr/v2"

type Level = logr.Level
