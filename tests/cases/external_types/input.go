Types of other modules are what `overrides.toml` says, and so are those that they are made of.

-- overrides.toml --
[external."time.Time"]
import = "time"
builtin = "timestamp"
why = "A point in time."

[external."time.Duration"]
import = "time"
kind = "int64"
why = "Nanoseconds; declared so in package time."

[external."url.URL"]
import = "net/url"
builtin = "url"
why = "Travels as text."

[external."json.RawMessage"]
import = "encoding/json"
builtin = "json"
why = "Bytes that are JSON."

[external."http.Header"]
import = "net/http"
kind = "map"
type = "map[string][]string"
why = "Declared so in net/http."

[external."saml2.Info"]
import = "example.com/gosaml2"
kind = "struct"
why = "Its fields, from its source."
fields = [
  { name = "NameID", type = "string" },
  { name = "Warning", type = "*saml2.Warning" },
  { name = "cached", type = "bool" },
]

[external."saml2.Warning"]
import = "example.com/gosaml2"
kind = "struct"
why = "Its fields, from its source."
fields = [{ name = "OneTimeUse", type = "bool", json = "one_time_use", omitempty = true }]

[external."sync.Mutex"]
import = "sync"
builtin = "opaque"
why = "Neither gob nor JSON carries it."

[external."legacy.Thing"]
import = "example.com/legacy"
kind = "string"
until = "0.9"
why = "Not in this version any more."

-- plugin/api.go --
package plugin

import (
	saml "example.com/gosaml2"

	"github.com/mattermost/mattermost/server/public/model"
)

type API interface {
	// Minimum server version: 5.2
	Login(info *saml.Info) (*model.Visit, error)
}

-- model/visit.go --
package model

import (
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"time"
)

type Visit struct {
	sync.Mutex
	At     time.Time       `json:"at"`
	Left   *time.Time      `json:"left"`
	Stay   time.Duration   `json:"stay"`
	Page   *url.URL        `json:"page"`
	Header http.Header     `json:"header"`
	Extra  json.RawMessage `json:"extra"`
	Times  Times           `json:"times"`
}

type Times []time.Time
