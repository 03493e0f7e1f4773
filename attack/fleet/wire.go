package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/attack"
)

// Protocol names the form of the messages. Coordinator and workers must agree
// on it.
const Protocol = "probe.fleet/v1"

// A Spec is what a worker must know of a run before its first stage. It never
// holds a key: workers read keys where they run.
type Spec struct {
	Protocol string  `json:"protocol"`
	Run      string  `json:"run"`     // names the coordinator's process
	Program  string  `json:"program"` // version of the coordinator's program
	Speed    float64 `json:"speed"`   // of the endpoint's clock
	// Payload is for whoever makes the attackers; this package does not look
	// into it.
	Payload json.RawMessage `json:"payload"`
}

// A phase is what workers are to do about the newest stage.
type phase string

const (
	gathering phase = "gathering" // get ready
	going     phase = "going"     // send, from the start on
	enough    phase = "enough"    // send no more; what is in flight counts
	void      phase = "void"      // cut off: the stage misses a share
	idle      phase = "idle"      // nothing: it is complete, or there is none yet
	over      phase = "over"      // nothing ever: the run has ended
)

// A beat is the coordinator's state. It is told at every change and four times
// a second; hearing it is a worker's lease.
type beat struct {
	Run   string        `json:"run"`
	Epoch int           `json:"epoch"` // of the newest stage, from 1; 0 before it
	Phase phase         `json:"phase"`
	Start time.Duration `json:"start,omitempty"` // endpoint time; with going
	Shift time.Duration `json:"shift,omitempty"` // delay of a spaced stage so far
}

// A hello is a worker's state, told as often.
type hello struct {
	Worker string `json:"worker"` // a random name
	Index  string `json:"index,omitempty"`
	Host   string `json:"host,omitempty"`
	Run    string `json:"run,omitempty"`   // that it has joined
	Ready  int    `json:"ready,omitempty"` // epoch that it is ready for
	// Failed is the epoch of which it cannot send its share, and Why the reason.
	Failed int           `json:"failed,omitempty"`
	Why    string        `json:"why,omitempty"`
	Shift  time.Duration `json:"shift,omitempty"`  // of the share that it is ready for
	Leaves bool          `json:"leaves,omitempty"` // it ends now
}

// An order is one publication of a stage.
type order struct {
	Run         string             `json:"run"`
	Epoch       int                `json:"epoch"`
	Stage       search.Stage       `json:"stage"` // as long as the budget allows
	FirstSeq    uint64             `json:"first_seq"`
	Calibration attack.Calibration `json:"calibration"`
	Workers     []string           `json:"workers"` // by the index of their share
	Grants      []grant            `json:"grants"`  // their parts of the budget
}

// A grant is a worker's part of the budget of a stage, reserved before.
type grant struct {
	Requests int64         `json:"requests"`
	Tokens   int64         `json:"tokens"`
	Time     time.Duration `json:"time,omitempty"` // of the run, endpoint time
}

// A parcel is what a worker keeps for the coordinator: exchanges as they
// complete and, as the last of an epoch, the report.
type parcel struct {
	Run       string            `json:"run"`
	Epoch     int               `json:"epoch"`
	Worker    string            `json:"worker"`
	Part      int               `json:"part"` // from 0, in order
	Exchanges []json.RawMessage `json:"exchanges,omitempty"`
	Report    *report           `json:"report,omitempty"`
}

func (p *parcel) id() string { return fmt.Sprintf("%s.%d.%s.%d", p.Run, p.Epoch, p.Worker, p.Part) }

// A report ends a share. Times are endpoint time.
type report struct {
	Scheduled  int           `json:"scheduled"`
	Sent       int           `json:"sent"`
	Delay      time.Duration `json:"delay"`
	Void       string        `json:"void,omitempty"`
	Spent      bool          `json:"spent,omitempty"`
	Offset     time.Duration `json:"offset"` // of the wall clocks
	ClockError time.Duration `json:"clock_error"`
	Error      string        `json:"error,omitempty"` // why the share is not whole
}

// A reading is the coordinator's answer about the time.
type reading struct {
	Elapsed time.Duration `json:"elapsed"` // since the start of the run, by the wall's clock
	Wall    time.Time     `json:"wall"`
}

var (
	// ErrUndecided says that a stage could not be sent as a whole.
	ErrUndecided = errors.New("the fleet could not send the stage as a whole")
	// ErrLease says that a worker has given up because it had not heard of its
	// coordinator for too long.
	ErrLease = errors.New("the coordinator was not heard of any more")
	// ErrNoCoordinator says that a worker found no coordinator to join.
	ErrNoCoordinator = errors.New("no coordinator answered")
	// ErrOther says that somebody else coordinates a fleet of the same name.
	ErrOther = errors.New("another run is coordinating this fleet already: give this one another name")
)

// encode writes a message. All messages of this package can be written.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		return nil // read as a message that says nothing
	}
	return data
}

// decode reads a message and reports whether it was one.
func decode[T any](data []byte) (v T, ok bool) {
	return v, json.Unmarshal(data, &v) == nil
}

// exchanges reads the exchanges of a parcel.
func (p *parcel) exchanges() ([]exchange.Exchange, error) {
	xs := make([]exchange.Exchange, len(p.Exchanges))
	for i, raw := range p.Exchanges {
		if err := json.Unmarshal(raw, &xs[i]); err != nil {
			return nil, fmt.Errorf("fleet: an exchange of worker %s cannot be read: %w", p.Worker, err)
		}
	}
	return xs, nil
}
