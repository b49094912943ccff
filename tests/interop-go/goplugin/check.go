package main

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin"
)

const megabytes = 1_000_000

// session is one started plugin.
type session struct {
	client   *plugin.Client
	protocol plugin.ClientProtocol
	*remote
	stdout, stderr *buffer
}

type step struct {
	name string
	run  func(*session) error
}

var steps = []step{
	{"an unknown plugin is refused", unknownPlugin},
	{"ping", func(s *session) error { return s.protocol.Ping() }},
	{"calls, results and errors", calls},
	{"an argument that cannot be encoded", unencodable},
	{"values split inside interfaces", interfaces},
	{"a panic in a handler", panics},
	{"50 calls of half a second at once", sleeping},
	{"8000 calls from 16 callers", concurrent},
	{"the plugin calls the host", callBack},
	{"the host dials the plugin", dial},
	{"nobody accepts", nobodyAccepts},
	{"10 MB as argument and result", bigCall},
	{"10 MB from the plugin", fill},
	{"10 MB to the plugin", count},
	{"10 MB through a reader of the host", countReader},
	{"10 MB through a reader of the plugin", offerReader},
	{"a reader of the plugin closed early", closeEarly},
	{"10 MB on standard output", printing},
	{"an output that nobody reads", stalledOutput},
	{"ping while a handler blocks its thread", blocked},
}

func check(path string) (passed bool) {
	s := &session{stdout: newBuffer(), stderr: newBuffer()}
	begun := time.Now()
	s.client = start(path, s.stdout, s.stderr)
	_, err := s.client.Start()
	fmt.Printf("handshake after %v\n", time.Since(begun).Round(time.Microsecond))
	if err == nil {
		s.protocol, s.remote, err = connect(s.client)
	}
	if err != nil {
		fmt.Println("FAILED start:", err)
		return false
	}
	passed = true
	for _, step := range append(steps, step{"quit", quit}) {
		begun := time.Now()
		if err := within(30*time.Second, func() error { return step.run(s) }); err != nil {
			fmt.Printf("FAILED %s: %v\n", step.name, err)
			passed = false
			continue
		}
		fmt.Printf("ok %s (%v)\n", step.name, time.Since(begun).Round(time.Microsecond))
	}
	if err := within(30*time.Second, func() error { return killed(path) }); err != nil {
		fmt.Println("FAILED killed:", err)
		return false
	}
	fmt.Println("ok killed")
	return passed
}

func within(limit time.Duration, run func() error) error {
	done := make(chan error, 1)
	go func() { done <- run() }()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		return fmt.Errorf("not done after %v", limit)
	}
}

func want[T comparable](got, expected T, err error) error {
	if err != nil {
		return err
	}
	if got != expected {
		return fmt.Errorf("got %v, wanted %v", got, expected)
	}
	return nil
}

func wantError(err error, text string) error {
	if err == nil || err.Error() != text {
		return fmt.Errorf("got error %v, wanted %q", err, text)
	}
	return nil
}

func (s *session) echo(text string) error {
	var reply string
	err := s.Call("Plugin.Echo", text, &reply)
	return want(reply, text, err)
}

func unknownPlugin(s *session) error {
	_, err := s.protocol.Dispense("nobody")
	return wantError(err, "unknown plugin type: nobody")
}

func calls(s *session) error {
	var sum int
	err := s.Call("Plugin.Sum", Pair{40, 2}, &sum)
	return errors.Join(
		want(sum, 42, err),
		s.echo("text"),
		s.echo(""),
		wantError(s.Call("Plugin.Fail", "as told", new(string)), "as told"),
		wantError(s.Call("Plugin.Nothing", OnStream{}, new(string)), "rpc: can't find method Plugin.Nothing"),
		wantError(s.Call("Other.Echo", "x", new(string)), "rpc: can't find service Other.Echo"),
		s.echo("after the errors"),
	)
}

func unencodable(s *session) error {
	for range 3 {
		if s.Call("Plugin.Echo", func() {}, new(string)) == nil {
			return errors.New("a function was sent")
		}
	}
	return s.echo("after the failures")
}

// Inner and Outer are sent inside interfaces: Go defines them in the middle of the value, which then spans messages.
type Inner struct{ Text string }
type Outer struct {
	Before string
	Value  any
	After  int
}

func interfaces(s *session) error {
	gob.Register(Inner{})
	gob.Register(Outer{})
	gob.Register([]any{})
	var text string
	value := Outer{"b", Outer{"c", []any{Inner{"deep"}, 7, nil}, 1}, 2}
	if err := s.Call("Plugin.Describe", value, &text); err != nil {
		return err
	}
	if !strings.Contains(text, "deep") || !strings.Contains(text, "7") {
		return fmt.Errorf("the plugin saw %s", text)
	}
	// A method that takes a string gets it: the call fails, the rest of the value is not taken for a header.
	type again struct{ Value any }
	type fresh struct{ New string }
	gob.Register(fresh{})
	if s.Call("Plugin.Echo", again{fresh{"x"}}, new(string)) == nil {
		return errors.New("a struct was taken for a string")
	}
	return s.echo("after the interfaces")
}

func panics(s *session) error {
	return errors.Join(
		wantError(s.Call("Plugin.Panic", struct{}{}, new(string)), "Plugin.Panic panicked: on request"),
		s.echo("after the panic"),
	)
}

func sleeping(s *session) error {
	begun := time.Now()
	var calls []*rpc.Call
	for range 50 {
		calls = append(calls, s.Go("Plugin.Sleep", uint(500), &struct{}{}, nil))
	}
	for _, call := range calls {
		if err := (<-call.Done).Error; err != nil {
			return err
		}
	}
	// One after the other they take 25 s.
	if took := time.Since(begun); took > 10*time.Second {
		return fmt.Errorf("took %v", took)
	}
	return nil
}

func concurrent(s *session) error {
	return together(16, func(caller int) error {
		for n := range 500 {
			if err := s.echo(strings.Repeat(string(rune('a'+caller)), n*7)); err != nil {
				return err
			}
		}
		return nil
	})
}

func together(count int, run func(int) error) error {
	var group sync.WaitGroup
	results := make([]error, count)
	for n := range count {
		group.Add(1)
		go func() {
			defer group.Done()
			results[n] = run(n)
		}()
	}
	group.Wait()
	return errors.Join(results...)
}

func callBack(s *session) error {
	return together(20, func(n int) error {
		id := s.broker.NextId()
		go s.broker.AcceptAndServe(id, new(greeter))
		var reply string
		err := s.Call("Plugin.CallBack", OnStream{ID: id, Text: fmt.Sprint("caller ", n)}, &reply)
		return want(reply, fmt.Sprintf("Hello, caller %d!", n), err)
	})
}

func dial(s *session) error {
	return together(20, func(n int) error {
		var id uint32
		if err := s.Call("Plugin.Offer", OnStream{}, &id); err != nil {
			return err
		}
		stream, err := s.broker.Dial(id)
		if err != nil {
			return err
		}
		defer stream.Close()
		text := strings.Repeat(fmt.Sprint(n), 50_000)
		go io.WriteString(stream, text)
		back := make([]byte, len(text))
		_, err = io.ReadFull(stream, back)
		return want(string(back), text, err)
	})
}

func nobodyAccepts(s *session) error {
	begun := time.Now()
	if _, err := s.broker.Dial(999_999); err == nil {
		return errors.New("somebody accepted")
	}
	if took := time.Since(begun); took < 4*time.Second {
		return fmt.Errorf("refused after %v, wanted 5 s", took)
	}
	err := s.Call("Plugin.CallBack", OnStream{ID: 999_999}, new(string))
	if err == nil || !strings.Contains(err.Error(), "does not accept stream 999999") {
		return fmt.Errorf("the plugin's own try gave %v", err)
	}
	return s.echo("afterwards")
}

func bigCall(s *session) error {
	data, err := io.ReadAll(sevens(10 * megabytes))
	if err != nil {
		return err
	}
	var back []byte
	if err := s.Call("Plugin.EchoBytes", data, &back); err != nil {
		return err
	}
	if !bytes.Equal(data, back) {
		return errors.New("other bytes came back")
	}
	return nil
}

func fill(s *session) error {
	id := s.broker.NextId()
	call := s.Go("Plugin.Fill", OnStream{ID: id, Count: 10 * megabytes}, &struct{}{}, nil)
	stream, err := s.broker.Accept(id)
	if err != nil {
		return err
	}
	defer stream.Close()
	got, err := io.Copy(io.Discard, stream)
	return errors.Join(want(got, 10*megabytes, err), (<-call.Done).Error)
}

func count(s *session) error {
	return tally(s, "Plugin.Count", func(stream io.ReadWriteCloser) {
		io.Copy(stream, sevens(10*megabytes))
		stream.Close()
	})
}

func countReader(s *session) error {
	return tally(s, "Plugin.CountReader", func(stream io.ReadWriteCloser) { serveReader(sevens(10*megabytes), stream) })
}

func tally(s *session, method string, feed func(io.ReadWriteCloser)) error {
	id := s.broker.NextId()
	var got Tally
	call := s.Go(method, OnStream{ID: id}, &got, nil)
	stream, err := s.broker.Accept(id)
	if err != nil {
		return err
	}
	feed(stream)
	err = (<-call.Done).Error
	return want(got, Tally{10 * megabytes, 70 * megabytes}, err)
}

func openReader(s *session, count int) (*remoteReader, error) {
	var id uint32
	if err := s.Call("Plugin.OfferReader", OnStream{Count: count}, &id); err != nil {
		return nil, err
	}
	stream, err := s.broker.Dial(id)
	return &remoteReader{stream}, err
}

func offerReader(s *session) error {
	reader, err := openReader(s, 10*megabytes)
	if err != nil {
		return err
	}
	defer reader.Close()
	got, err := io.Copy(io.Discard, reader)
	return want(got, 10*megabytes, err)
}

func closeEarly(s *session) error {
	for range 20 {
		reader, err := openReader(s, 10*megabytes)
		if err != nil {
			return err
		}
		if _, err := io.ReadFull(reader, make([]byte, 1000)); err != nil {
			return err
		}
		if err := reader.Close(); err != nil {
			return err
		}
	}
	return s.echo("afterwards")
}

func printing(s *session) error {
	text := strings.Repeat("0123456789", 100)
	call := s.Call("Plugin.Print", OnStream{Text: text, Count: 10_000}, &struct{}{})
	if call != nil {
		return call
	}
	return errors.Join(s.stdout.waitFor(10*megabytes), s.stderr.waitFor(len("printed\n")))
}

func stalledOutput(s *session) error {
	s.stdout.stall()
	call := s.Go("Plugin.Print", OnStream{Text: "x", Count: 5 * megabytes}, &struct{}{}, nil)
	time.Sleep(200 * time.Millisecond)
	err := pings(s, 50)
	if err == nil {
		err = s.echo("meanwhile")
	}
	select {
	case <-call.Done:
		err = errors.Join(err, errors.New("the plugin did not wait"))
	default:
	}
	s.stdout.resume()
	return errors.Join(err, (<-call.Done).Error)
}

func blocked(s *session) error {
	call := s.Go("Plugin.Block", uint(4000), &struct{}{}, nil)
	time.Sleep(50 * time.Millisecond)
	err := pings(s, 50)
	select {
	case <-call.Done:
		err = errors.Join(err, errors.New("the pings waited for the handler"))
	default:
	}
	return errors.Join(err, (<-call.Done).Error)
}

func pings(s *session, count int) (err error) {
	for range count {
		err = errors.Join(err, s.protocol.Ping())
	}
	return err
}

func quit(s *session) error {
	s.client.Kill()
	if strings.Contains(logged.String(), "failed to exit gracefully") {
		return errors.New("the host had to kill it")
	}
	if !s.client.Exited() {
		return errors.New("the plugin lives")
	}
	return nil
}

func killed(path string) error {
	client := start(path, io.Discard, io.Discard)
	_, remote, err := connect(client)
	if err != nil {
		return err
	}
	call := remote.Go("Plugin.Sleep", uint(60_000), &struct{}{}, nil)
	time.Sleep(50 * time.Millisecond)
	if err := syscall.Kill(client.ReattachConfig().Pid, syscall.SIGKILL); err != nil {
		return err
	}
	if (<-call.Done).Error == nil {
		return errors.New("the call succeeded")
	}
	client.Kill()
	if !client.Exited() {
		return errors.New("the plugin lives")
	}
	return nil
}
