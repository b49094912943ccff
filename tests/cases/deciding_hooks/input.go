A hook that answers a replacement and a reason, one that answers a reason, one whose string is a value, one that answers an error.

-- plugin/hooks.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

const (
	LetterWillBeSentID = 1
	VisitorWillEnterID = 2
	GreetingIsNeededID = 3
	DoorWillCloseID    = 4
)

type Hooks interface {
	// Minimum server version: 5.2
	LetterWillBeSent(c *Context, letter *model.Letter) (*model.Letter, string)

	// Minimum server version: 5.2
	VisitorWillEnter(c *Context, visitorID string) string

	// Minimum server version: 5.2
	GreetingIsNeeded(language string) string

	// Minimum server version: 5.2
	DoorWillClose(c *Context) (bool, error)
}

type Context struct {
	SessionId string
}

-- model/letter.go --
package model

type Letter struct {
	Id   string `json:"id"`
	Text string `json:"text"`
}
