package runfolder

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"time"

	"probe/analysis/exchange"
)

// An encoder writes lines of attempts.jsonl, as encoding/json would write an
// [attempt] and several times faster: every request of a run takes one, while
// the run is being sent.
type encoder struct {
	buf []byte
	err error // of a text or a number that JSON cannot hold
}

// encoders are those that are not in use. A failure's body makes one large, so
// the largest is 24 KiB or so.
var encoders = sync.Pool{New: func() any { return &encoder{buf: make([]byte, 0, 1<<10)} }}

// line appends the line of an exchange, without its end. Vegeta's numbers begin
// at 0 with first.
func (e *encoder) line(x *exchange.Exchange, attack string, first uint64, m *Meta) {
	e.raw(`{"attack":`).text(attack)
	e.raw(`,"seq":`).unsigned(x.Seq - first)
	e.raw(`,"code":`).number(int64(x.Status))
	e.raw(`,"timestamp":"`)
	e.buf = m.Started.Add(x.Sent).AppendFormat(e.buf, time.RFC3339Nano)
	e.raw(`","latency":`).number(int64(x.Latency()))
	e.raw(`,"bytes_out":`).unsigned(x.BytesOut)
	e.raw(`,"bytes_in":`).unsigned(x.BytesIn)
	e.raw(`,"error":`).text(vegetaError(x))
	e.raw(`,"body":"`)
	if x.Body != "" {
		e.buf = base64.StdEncoding.AppendEncode(e.buf, []byte(x.Body))
	}
	e.raw(`","method":`).text(m.Method)
	e.raw(`,"url":`).text(m.URL)
	e.raw(`,"headers":null,"probe":`)
	e.details(x)
	e.raw(`}`)
}

func (e *encoder) details(x *exchange.Exchange) {
	e.raw(`{"seq":`).unsigned(x.Seq)
	e.raw(`,"stage":`).number(int64(x.Stage))
	e.raw(`,"task":`).unsigned(x.Task)
	e.number0(`,"attempt":`, int64(x.Attempt))
	e.text0(`,"target":`, x.Target)
	e.text0(`,"key":`, x.Key)
	e.text0(`,"model":`, x.Model)
	e.raw(`,"scheduled":`).number(int64(x.Scheduled))
	e.raw(`,"sent":`).number(int64(x.Sent))
	e.number0(`,"first_byte":`, int64(x.FirstByte))
	e.number0(`,"first_token":`, int64(x.FirstToken))
	e.raw(`,"done":`).number(int64(x.Done))
	e.number0(`,"arrived":`, int64(x.Arrived))
	e.true0(`,"streamed":true`, x.Streamed)
	e.number0(`,"prompt_tokens":`, int64(x.PromptTokens))
	e.number0(`,"max_tokens":`, int64(x.MaxTokens))
	if x.Usage != (exchange.Usage{}) {
		e.usage(&x.Usage)
	}
	e.true0(`,"truncated":true`, x.Truncated)
	e.verdict(&x.Verdict)
	e.text0(`,"error":`, x.Error)
	e.true0(`,"void":true`, x.Void)
	e.text0(`,"worker":`, x.Worker)
	e.number0(`,"clock_error":`, int64(x.ClockError))
	e.raw(`}`)
}

func (e *encoder) usage(u *exchange.Usage) {
	e.raw(`,"usage":{`)
	begin := len(e.buf)
	e.number0(`,"prompt":`, u.Prompt)
	e.number0(`,"completion":`, u.Completion)
	e.number0(`,"total":`, u.Total)
	e.number0(`,"cached":`, u.Cached)
	e.buf = slices.Delete(e.buf, begin, begin+1) // the first comma
	e.raw(`}`)
}

func (e *encoder) verdict(v *exchange.Verdict) {
	e.raw(`,"outcome":`).text(string(v.Outcome))
	e.text0(`,"rule":`, v.Rule)
	e.text0(`,"recovers":`, string(v.Recovers))
	e.text0(`,"whose":`, string(v.Whose))
	e.true0(`,"ambiguous":true`, v.Ambiguous)
	if v.RetryAfterS != nil {
		e.raw(`,"retry_after_s":`).any(*v.RetryAfterS)
	}
	if len(v.Advertised) > 0 {
		e.raw(`,"advertised":`).any(v.Advertised)
	}
}

func (e *encoder) raw(s string) *encoder {
	e.buf = append(e.buf, s...)
	return e
}

func (e *encoder) number(n int64)    { e.buf = strconv.AppendInt(e.buf, n, 10) }
func (e *encoder) unsigned(n uint64) { e.buf = strconv.AppendUint(e.buf, n, 10) }

// text appends a text in quotes. Most need nothing escaped.
func (e *encoder) text(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			e.any(s)
			return
		}
	}
	e.buf = append(append(append(e.buf, '"'), s...), '"')
}

// any appends what is left to encoding/json.
func (e *encoder) any(v any) {
	data, err := json.Marshal(v)
	if err != nil && e.err == nil {
		e.err = err
	}
	e.buf = append(e.buf, data...)
}

// The members that are left out when they are zero.

func (e *encoder) number0(name string, n int64) {
	if n != 0 {
		e.raw(name).number(n)
	}
}

func (e *encoder) text0(name, s string) {
	if s != "" {
		e.raw(name).text(s)
	}
}

func (e *encoder) true0(member string, is bool) {
	if is {
		e.raw(member)
	}
}
