package main

import (
	"io"
	"net/rpc"

	"github.com/hashicorp/go-plugin"
)

// remote is the dispensed plugin, as its host has it.
type remote struct {
	*rpc.Client
	broker *plugin.MuxBroker
}

// remotePlugin makes a remote of a connection, and on the other side serves the methods that the benchmark calls.
type remotePlugin struct{}

func (*remotePlugin) Client(broker *plugin.MuxBroker, client *rpc.Client) (any, error) {
	return &remote{client, broker}, nil
}

func (*remotePlugin) Server(*plugin.MuxBroker) (any, error) { return new(goService), nil }

// goService has the methods of the Rust plugin that the benchmark calls.
type goService struct{}

func (*goService) Echo(text string, reply *string) error {
	*reply = text
	return nil
}

func (*goService) EchoBytes(bytes []byte, reply *[]byte) error {
	*reply = bytes
	return nil
}

func (*goService) Sum(pair Pair, reply *int) error {
	*reply = pair.A + pair.B
	return nil
}

// Pair, OnStream and Tally are what the plugin's methods take and give.
type Pair struct{ A, B int }

type OnStream struct {
	ID    uint32
	Text  string
	Count int
}

type Tally struct {
	Bytes int
	Sum   uint64
}

// greeter is what the host serves when the plugin calls back.
type greeter struct{}

func (*greeter) Greet(name string, reply *string) error {
	*reply = "Hello, " + name + "!"
	return nil
}

// sevens reads as so many bytes of value 7.
func sevens(count int) io.Reader { return io.LimitReader(seven{}, int64(count)) }

type seven struct{}

func (seven) Read(into []byte) (int, error) {
	for i := range into {
		into[i] = 7
	}
	return len(into), nil
}
