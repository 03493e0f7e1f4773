package runfolder

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"probe/analysis/exchange"
)

// An attempt is a line of attempts.jsonl: Vegeta's result, field by field, and
// the rest of the exchange.
type attempt struct {
	Attack    string        `json:"attack"`
	Seq       uint64        `json:"seq"`
	Code      int           `json:"code"`
	Timestamp time.Time     `json:"timestamp"`
	Latency   time.Duration `json:"latency"`
	BytesOut  uint64        `json:"bytes_out"`
	BytesIn   uint64        `json:"bytes_in"`
	Error     string        `json:"error"`
	Body      []byte        `json:"body"`
	Method    string        `json:"method"`
	URL       string        `json:"url"`
	Headers   http.Header   `json:"headers"` // never kept: cookies and keys may be in them
	Probe     *details      `json:"probe"`
}

// details are what an exchange has beyond a result of Vegeta's. Times are
// nanoseconds since the start of the run.
type details struct {
	Seq          uint64         `json:"seq"`
	Stage        int            `json:"stage"`
	Task         uint64         `json:"task"`
	Attempt      int            `json:"attempt,omitempty"`
	Target       string         `json:"target,omitempty"`
	Key          string         `json:"key,omitempty"`
	Model        string         `json:"model,omitempty"`
	Scheduled    time.Duration  `json:"scheduled"`
	Sent         time.Duration  `json:"sent"`
	FirstByte    time.Duration  `json:"first_byte,omitempty"`
	FirstToken   time.Duration  `json:"first_token,omitempty"`
	Done         time.Duration  `json:"done"`
	Arrived      time.Duration  `json:"arrived,omitempty"`
	Streamed     bool           `json:"streamed,omitempty"`
	PromptTokens int            `json:"prompt_tokens,omitempty"`
	MaxTokens    int            `json:"max_tokens,omitempty"`
	Usage        exchange.Usage `json:"usage,omitzero"`
	Truncated    bool           `json:"truncated,omitempty"`
	exchange.Verdict
	Error      string        `json:"error,omitempty"`
	Void       bool          `json:"void,omitempty"`
	Worker     string        `json:"worker,omitempty"`
	ClockError time.Duration `json:"clock_error,omitempty"`
}

// vegetaError returns what Vegeta's reports show as the error.
func vegetaError(x *exchange.Exchange) string {
	switch {
	case x.Error != "":
		return x.Error
	case x.Outcome == exchange.Success:
		return ""
	}
	return strconv.Itoa(x.Status) + " " + string(x.Outcome)
}

var errNoDetails = errors.New(`the line has no field "probe": it was not written by this program`)

// exchange returns what a line is about.
func (a *attempt) exchange() (exchange.Exchange, error) {
	d := a.Probe
	if d == nil {
		return exchange.Exchange{}, errNoDetails
	}
	return exchange.Exchange{
		Seq: d.Seq, Stage: d.Stage, Task: d.Task, Attempt: d.Attempt,
		Target: d.Target, Key: d.Key, Model: d.Model,
		Scheduled: d.Scheduled, Sent: d.Sent, FirstByte: d.FirstByte,
		FirstToken: d.FirstToken, Done: d.Done, Arrived: d.Arrived,
		Status: a.Code, Streamed: d.Streamed, PromptTokens: d.PromptTokens, MaxTokens: d.MaxTokens,
		Usage: d.Usage, Truncated: d.Truncated, Verdict: d.Verdict,
		Error: d.Error, Body: string(a.Body), BytesIn: a.BytesIn, BytesOut: a.BytesOut, Void: d.Void,
		Worker: d.Worker, ClockError: d.ClockError,
	}, nil
}
