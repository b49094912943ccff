A field that is gone keeps its number reserved; one whose type changed gets a new number; one that is new comes after all.

-- plugin/api.go --
package plugin

import "github.com/mattermost/mattermost/server/public/model"

type API interface {
	// Minimum server version: 5.2
	GetTicket(ticketID string) (*model.Ticket, error)
}

-- model/ticket.go --
package model

type Ticket struct {
	New   string `json:"new"`
	Id    string `json:"id"`
	Price int64  `json:"price"`
}
