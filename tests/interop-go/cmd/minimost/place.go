package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"interop/mattermost/fill"
)

// place says where a value is: what the filler makes for a method or hook, what a call of the API brought, or what a
// hook gave back; and which of the arguments or results.
type place struct {
	Method string      `json:"method"`
	Fill   int64       `json:"fill"`
	Mode   fill.Mode   `json:"mode"`
	Errors fill.Errors `json:"errors"`

	// Call is an index into the calls of the API.
	Call *int `json:"call"`
	// Hook is the id of a hook's command.
	Hook json.RawMessage `json:"hook"`

	Arg    *int `json:"arg"`
	Result *int `json:"result"`
}

// compare compares the values of two places of one type.
func (d *driver) compare(sent, got place) (any, error) {
	a, err := d.find(sent)
	if err != nil {
		return nil, fmt.Errorf("sent: %w", err)
	}
	b, err := d.find(got)
	if err != nil {
		return nil, fmt.Errorf("got: %w", err)
	}
	return fill.Compare(reflect.ValueOf(a), reflect.ValueOf(b)), nil
}

// find gives the value; streams are read.
func (d *driver) find(p place) (any, error) {
	values, err := d.values(p)
	if err != nil {
		return nil, err
	}
	index := p.Arg
	if index == nil {
		index = p.Result
	}
	if index == nil {
		return values, nil
	}
	if *index < 0 || *index >= len(values) {
		return nil, fmt.Errorf("there are only %d", len(values))
	}
	return values[*index], nil
}

func (d *driver) values(p place) ([]any, error) {
	switch {
	case p.Call != nil:
		calls := d.recorder.Calls()
		if *p.Call < 0 || *p.Call >= len(calls) {
			return nil, fmt.Errorf("there are only %d calls", len(calls))
		}
		return calls[*p.Call].Args, nil
	case p.Hook != nil:
		d.mutex.Lock()
		defer d.mutex.Unlock()
		if result, ok := d.hooks[string(p.Hook)]; ok {
			return result.Results, nil
		}
		return nil, fmt.Errorf("the command %s was no hook", p.Hook)
	case p.Method != "":
		return p.filled()
	default:
		return nil, errors.New("a place is a method, a call or a hook")
	}
}

// typed shows what the filler makes with all types, as it is or after its way through gob. It is a list: of all arguments, or of
// all results if one is asked for.
func (p place) typed(crossed bool) ([]any, error) {
	made, err := p.made()
	if err != nil {
		return nil, err
	}
	values := make([]any, len(made))
	for i, it := range made {
		if crossed {
			if it, err = fill.Crossed(it); err != nil {
				return nil, err
			}
		}
		values[i] = fill.Typed(it)
	}
	return values, nil
}

// made is what the filler makes: results if one is asked for, else arguments.
func (p place) made() ([]reflect.Value, error) {
	method, ok := fill.Hooks[p.Method]
	if !ok {
		if method, ok = fill.API[p.Method]; !ok {
			return nil, fmt.Errorf("there is no hook and no method %q", p.Method)
		}
	}
	if p.Result != nil {
		return fill.Results(method, p.Fill, p.Mode, p.Errors), nil
	}
	return fill.Args(method, p.Fill, p.Mode), nil
}

// filled is what the filler makes, with streams read.
func (p place) filled() ([]any, error) {
	made, err := p.made()
	if err != nil {
		return nil, err
	}
	values := make([]any, len(made))
	for i, it := range made {
		values[i] = fill.Plain(it.Interface())
	}
	return values, nil
}
