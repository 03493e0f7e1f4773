package runfolder

import (
	"encoding/json"
	"time"

	"github.com/mailru/easyjson/jlexer"

	"probe/analysis/exchange"
)

// A decoder reads lines of attempts.jsonl. It knows the fields and skips what
// it has no use for, which is many times faster than reflection; a run may
// have millions of lines. A line that it does not understand, and one with
// fields that are new, is left to encoding/json.
type decoder struct {
	bodies bool // whether the bodies of failures are wanted
	names  map[string]string
}

// mostNames bounds the names that are remembered. A run has a few dozen.
const mostNames = 4096

func newDecoder(bodies bool) *decoder { return &decoder{bodies: bodies, names: map[string]string{}} }

// name reads a string of which a run has few: the memory of one serves all.
func (d *decoder) name(l *jlexer.Lexer) string {
	raw := l.UnsafeBytes()
	if known, ok := d.names[string(raw)]; ok {
		return known
	}
	text := string(raw)
	if len(d.names) < mostNames {
		d.names[text] = text
	}
	return text
}

// decode reads one line.
func (d *decoder) decode(line []byte) (exchange.Exchange, error) {
	l := jlexer.Lexer{Data: line}
	var x exchange.Exchange
	if d.attempt(&l, &x) && l.Error() == nil {
		return x, nil
	}
	x, err := decodeAny(line)
	if !d.bodies {
		x.Body = ""
	}
	return x, err
}

// attempt reads the fields of a line that an exchange has, and reports whether
// it knew all of them.
func (d *decoder) attempt(l *jlexer.Lexer, x *exchange.Exchange) (known bool) {
	found := false
	l.Delim('{')
	for !l.IsDelim('}') {
		key := l.UnsafeFieldName(false)
		l.WantColon()
		switch key {
		case "code":
			x.Status = l.Int()
		case "bytes_in":
			x.BytesIn = l.Uint64()
		case "bytes_out":
			x.BytesOut = l.Uint64()
		case "body":
			if d.bodies {
				x.Body = string(l.Bytes())
			} else {
				l.SkipRecursive()
			}
		case "probe":
			if l.IsNull() || !d.details(l, x) {
				return false
			}
			found = true
		default: // Vegeta's, which say the same once more
			l.SkipRecursive()
		}
		l.WantComma()
	}
	l.Delim('}')
	l.Consumed()
	return found
}

// details reads the field "probe".
func (d *decoder) details(l *jlexer.Lexer, x *exchange.Exchange) (known bool) {
	l.Delim('{')
	for !l.IsDelim('}') {
		key := l.UnsafeFieldName(false)
		l.WantColon()
		if to := timeOf(x, key); to != nil {
			*to = time.Duration(l.Int64())
		} else if !d.detail(l, key, x) && !d.verdict(l, key, &x.Verdict) {
			return false
		}
		l.WantComma()
	}
	l.Delim('}')
	return true
}

// timeOf returns where a time goes.
func timeOf(x *exchange.Exchange, key string) *time.Duration {
	switch key {
	case "scheduled":
		return &x.Scheduled
	case "sent":
		return &x.Sent
	case "first_byte":
		return &x.FirstByte
	case "first_token":
		return &x.FirstToken
	case "done":
		return &x.Done
	case "arrived":
		return &x.Arrived
	}
	return nil
}

func (d *decoder) detail(l *jlexer.Lexer, key string, x *exchange.Exchange) (known bool) {
	switch key {
	case "seq":
		x.Seq = l.Uint64()
	case "stage":
		x.Stage = l.Int()
	case "task":
		x.Task = l.Uint64()
	case "attempt":
		x.Attempt = l.Int()
	case "target":
		x.Target = d.name(l)
	case "key":
		x.Key = d.name(l)
	case "model":
		x.Model = d.name(l)
	case "streamed":
		x.Streamed = l.Bool()
	case "prompt_tokens":
		x.PromptTokens = l.Int()
	case "max_tokens":
		x.MaxTokens = l.Int()
	case "truncated":
		x.Truncated = l.Bool()
	case "error":
		x.Error = d.name(l)
	case "void":
		x.Void = l.Bool()
	case "usage":
		return usage(l, &x.Usage)
	default:
		return false
	}
	return true
}

func usage(l *jlexer.Lexer, u *exchange.Usage) (known bool) {
	l.Delim('{')
	for !l.IsDelim('}') {
		key := l.UnsafeFieldName(false)
		l.WantColon()
		switch key {
		case "prompt":
			u.Prompt = l.Int64()
		case "completion":
			u.Completion = l.Int64()
		case "total":
			u.Total = l.Int64()
		case "cached":
			u.Cached = l.Int64()
		default:
			return false
		}
		l.WantComma()
	}
	l.Delim('}')
	return true
}

func (d *decoder) verdict(l *jlexer.Lexer, key string, v *exchange.Verdict) (known bool) {
	switch key {
	case "outcome":
		v.Outcome = exchange.Outcome(d.name(l))
	case "rule":
		v.Rule = d.name(l)
	case "recovers":
		v.Recovers = exchange.Recovers(d.name(l))
	case "whose":
		v.Whose = exchange.Whose(d.name(l))
	case "retry_after_s":
		v.RetryAfterS = number(l)
	case "advertised":
		return d.advertised(l, v)
	default:
		return false
	}
	return true
}

func number(l *jlexer.Lexer) *float64 {
	if l.IsNull() {
		l.Null()
		return nil
	}
	f := l.Float64()
	return &f
}

func (d *decoder) advertised(l *jlexer.Lexer, v *exchange.Verdict) (known bool) {
	if l.IsNull() {
		l.Null()
		return true
	}
	l.Delim('[')
	for !l.IsDelim(']') {
		var a exchange.Advertised
		if !d.disclosed(l, &a) {
			return false
		}
		v.Advertised = append(v.Advertised, a)
		l.WantComma()
	}
	l.Delim(']')
	return true
}

func (d *decoder) disclosed(l *jlexer.Lexer, a *exchange.Advertised) (known bool) {
	l.Delim('{')
	for !l.IsDelim('}') {
		key := l.UnsafeFieldName(false)
		l.WantColon()
		switch key {
		case "dimension":
			a.Dimension = d.name(l)
		case "limit":
			a.Limit = number(l)
		case "remaining":
			a.Remaining = number(l)
		case "used":
			a.Used = number(l)
		case "requested":
			a.Requested = number(l)
		case "window_s":
			a.WindowS = l.Float64()
		case "reset_s":
			a.ResetS = number(l)
		case "algorithm":
			a.Algorithm = d.name(l)
		case "source":
			a.Source = d.name(l)
		default:
			return false
		}
		l.WantComma()
	}
	l.Delim('}')
	return true
}

// decodeAny reads one line of attempts.jsonl by its types.
func decodeAny(line []byte) (exchange.Exchange, error) {
	var a attempt
	if err := json.Unmarshal(line, &a); err != nil {
		return exchange.Exchange{}, err
	}
	return a.exchange()
}
