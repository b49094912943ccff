Streams are no data: a reader is what the callee reads, a writer what it writes.

-- overrides.toml --
[external."io.Reader"]
import = "io"
builtin = "reader"
why = "Bytes that the caller gives."

[external."io.Writer"]
import = "io"
builtin = "writer"
why = "Bytes that the callee gives back."

[external."http.ResponseWriter"]
import = "net/http"
builtin = "http_response_writer"
why = "The answer of a hook that serves HTTP."

[external."http.Request"]
import = "net/http"
builtin = "http_request"
why = "Head and body of a request."

-- plugin/hooks.go --
package plugin

import (
	"io"
	"net/http"

	"github.com/mattermost/mattermost/server/public/model"
)

const (
	ServeHTTPID          = 2
	FileWillBeUploadedID = 14
)

type Hooks interface {
	// Minimum server version: 5.2
	FileWillBeUploaded(c *Context, info *model.FileInfo, file io.Reader, output io.Writer) (*model.FileInfo, string)

	// Minimum server version: 5.2
	ServeHTTP(c *Context, w http.ResponseWriter, r *http.Request)
}

type Context struct {
	SessionId string
}

-- model/file.go --
package model

type FileInfo struct {
	Id   string `json:"id"`
	Size int64  `json:"size"`
}
