package server

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"interop/mattermost/generated/plugin"
)

// web are the listeners through which real clients reach a plugin.
type web struct {
	mutex   sync.Mutex
	servers []*http.Server
}

func (w *web) close() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, it := range w.servers {
		it.Close()
	}
}

type handler func(*plugin.Context, http.ResponseWriter, *http.Request)

func (p *Process) handler(hook string) (handler, error) {
	switch hook {
	case "ServeHTTP":
		return p.Hooks.ServeHTTP, nil
	case "ServeMetrics":
		return p.Hooks.ServeMetrics, nil
	default:
		return nil, fmt.Errorf("the hook %q answers no requests", hook)
	}
}

// Listen passes what comes to an address on to a hook, as it is.
func (p *Process) Listen(hook string) (string, error) {
	handle, err := p.handler(hook)
	if err != nil {
		return "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Served-By", "minimost")
			handle(&plugin.Context{SessionId: "session", RequestId: "request", IPAddress: r.RemoteAddr}, w, r)
		}),
		ReadHeaderTimeout: time.Minute,
	}
	p.web.mutex.Lock()
	p.web.servers = append(p.web.servers, server)
	p.web.mutex.Unlock()
	go server.Serve(listener)
	return listener.Addr().String(), nil
}

// Load is a request that is made many times.
type Load struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	// Upload is the length of its body.
	Upload int `json:"upload"`
	// Download is the length of the body that should come back.
	Download int `json:"download"`
}

// counted takes a response and counts it.
type counted struct {
	header http.Header
	status int
	length int
}

func (c *counted) Header() http.Header { return c.header }

func (c *counted) WriteHeader(status int) { c.status = status }

func (c *counted) Write(piece []byte) (int, error) {
	c.length += len(piece)
	return len(piece), nil
}

func (c *counted) Flush() {}

// MeasureHTTP calls ServeHTTP many times, one call after the other, without a client and its connection.
func (p *Process) MeasureHTTP(load Load, times int) (*Timing, error) {
	if times <= 0 {
		return nil, fmt.Errorf("nothing to do: %d times", times)
	}
	var failure error
	hooks := p.Hooks.Reporting(func(_ string, err error) { failure = err })
	content := make([]byte, load.Upload)
	micros := make([]float64, times)
	for i := range micros {
		request, err := http.NewRequest(load.Method, load.Path, io.NopCloser(bytes.NewReader(content)))
		if err != nil {
			return nil, err
		}
		if load.Upload > 0 {
			request.Header.Set("Content-Length", fmt.Sprint(load.Upload))
		}
		request.Header.Set("Mattermost-User-Id", "user")
		w := &counted{header: http.Header{}, status: http.StatusOK}
		begin := time.Now()
		hooks.ServeHTTP(&plugin.Context{}, w, request)
		micros[i] = float64(time.Since(begin).Nanoseconds()) / 1000
		if failure != nil || w.status != http.StatusOK || w.length != load.Download {
			return nil, fmt.Errorf("status %d, %d bytes: %w", w.status, w.length, failure)
		}
	}
	slices.Sort(micros)
	return &Timing{Calls: times, Lowest: micros[0], Median: micros[times/2], P99: micros[times*99/100]}, nil
}
