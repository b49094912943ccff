package fill

import (
	"encoding/json"
	"net/url"
	"reflect"
	"testing"
	"time"

	"interop/mattermost/generated/model"
	"interop/mattermost/generated/plugin"
)

func TestTypedJSONSaysWhatJSONDoesNot(t *testing.T) {
	type inner struct{ Text *string }
	type inside struct{ Number int64 }
	type outer struct {
		inside
		Inner   *inner
		Any     any
		Error   error
		Bytes   []byte
		Nothing []string
		Empty   []string
		Map     map[model.ChannelType]any
		At      time.Time
		Never   time.Time
		Zero    *time.Time
		Where   *url.URL
		hidden  int
	}
	text := ""
	value := outer{
		inside{1 << 60}, &inner{&text}, []any{int64(1), 1.0, nil}, &plugin.ErrorString{Err: "no"}, []byte("ab"), nil, []string{},
		map[model.ChannelType]any{"O": []byte("c")}, time.Unix(1, 2000), time.Time{}, &time.Time{}, &url.URL{Path: "/a b"}, 3,
	}
	got, err := json.Marshal(Typed(reflect.ValueOf(value)))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Any":{"type":"[]interface {}","value":[{"type":"int64","value":1},{"type":"float64","value":1},null]},` +
		`"At":"1970-01-01T00:00:01.000002Z","Bytes":"YWI=","Empty":[],` +
		`"Error":{"type":"*plugin.ErrorString","value":{"Code":0,"Err":"no"}},"Inner":{"Text":""},` +
		`"Map":{"O":{"type":"[]uint8","value":"Yw=="}},"Never":null,"Nothing":null,"Number":1152921504606846976,"Where":"/a%20b",` +
		`"Zero":"0001-01-01T00:00:00Z"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCrossingLosesWhatGobLoses(t *testing.T) {
	everyType(func(method string, of reflect.Type) {
		if isStream(of) {
			return
		}
		full := Value(of, 1, Full)
		crossed, err := Crossed(full)
		if err != nil {
			t.Fatalf("%s: %s: %v", method, of, err)
		}
		same := Compare(full, crossed)
		for _, it := range append(same.Wrong, same.Lost...) {
			t.Errorf("%s: %s%s", method, of, it)
		}
		zeros := Value(of, 1, Zeros)
		crossed, err = Crossed(zeros)
		if err != nil {
			t.Fatalf("%s: %s: %v", method, of, err)
		}
		for _, it := range Compare(zeros, crossed).Wrong {
			t.Errorf("%s: %s%s", method, of, it)
		}
	})
}
