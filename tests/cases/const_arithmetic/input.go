Constants are values after Go's arithmetic: other constants, of other packages too, conversions, shifts, texts put together, characters, durations.

-- plugin/api.go --
package plugin

import (
	"github.com/mattermost/mattermost/server/public/model"
	"github.com/mattermost/mattermost/server/public/shared/units"
)

type API interface {
	// Minimum server version: 5.2
	Set(mask model.Mask, topic model.Topic, limit units.Limit, ratio model.Ratio, wait model.Wait, on model.Switch) error
}

-- model/consts.go --
package model

import (
	"math"
	"time"

	"github.com/mattermost/mattermost/server/public/shared/units"
)

const prefix = "topic_"

type Topic string

const (
	TopicPlain   Topic = prefix + "plain"
	TopicQuoted  Topic = prefix + `"raw"` + "\t\u00e9"
	TopicLetter        = Topic('A')
	TopicDerived       = TopicPlain + "_derived"
)

type Mask uint8

const (
	MaskLow  Mask = 0x0F
	MaskHigh Mask = ^MaskLow
	MaskBoth Mask = MaskLow | MaskHigh
	MaskNone Mask = MaskBoth &^ 0b1111_1111
)

// Of a type of another package, and computed from one of its constants.
const LimitModel units.Limit = units.LimitSmall*3 + 1

type Ratio float64

const (
	RatioThird Ratio = 1.0 / 4
	RatioWhole Ratio = 2
)

type Wait int64

const (
	WaitShort = Wait(90 * time.Second / time.Millisecond)
	WaitLong  Wait = math.MaxInt32
	WaitText  Wait = Wait(len(prefix))
)

type Switch bool

const SwitchOn Switch = WaitShort > 10 && !false

-- shared/units/units.go --
package units

type Limit int

const LimitSmall Limit = 1_000
