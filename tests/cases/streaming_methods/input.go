Methods that send bytes, and one that talks HTTP: pieces of a stream, with the other arguments first.

-- overrides.toml --
[external."io.Reader"]
import = "io"
builtin = "reader"
why = "Bytes that the caller gives."

[external."http.Request"]
import = "net/http"
builtin = "http_request"
why = "Head and body of a request."

[external."http.Response"]
import = "net/http"
builtin = "http_response"
why = "Head and body of a response."

-- plugin/api.go --
package plugin

import (
	"io"
	"net/http"

	"github.com/mattermost/mattermost/server/public/model"
)

type API interface {
	// Minimum server version: 5.2
	Store(shelf *model.Shelf, rd io.Reader, replace bool) (*model.Shelf, error)

	// Minimum server version: 5.2
	Ask(request *http.Request) *http.Response
}

-- model/shelf.go --
package model

type Shelf struct {
	Id string `json:"id"`
}
