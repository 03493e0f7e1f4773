package answers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// decodeObject reads a record from one JSON object.
func decodeObject(data []byte) (Record, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return Record{}, fmt.Errorf("no JSON object: %w", err)
	}
	if fields == nil {
		return Record{}, errors.New("no JSON object: null")
	}
	if isVegeta(fields) {
		return decodeVegeta(data)
	}
	return object(fields).record()
}

// An object is a record as JSON lines hold it. Members that are not known are
// passed over.
type object map[string]json.RawMessage

// has reports whether a member is there and not null.
func (o object) has(name string) bool {
	raw, ok := o[name]
	return ok && string(bytes.TrimSpace(raw)) != "null"
}

// into reads a member into v, if it is there.
func (o object) into(name string, v any, want string) error {
	if !o.has(name) {
		return nil
	}
	if err := json.Unmarshal(o[name], v); err != nil {
		return fmt.Errorf("%s: want %s", name, want)
	}
	return nil
}

// record reads all members. The status may be missing only where an error
// says why there was no answer.
func (o object) record() (Record, error) {
	var rec Record
	var failure string
	err := errors.Join(
		o.status(&rec),
		o.headers(&rec),
		o.body(&rec),
		o.transport(&rec),
		o.times(&rec),
		o.into("error", &failure, "a string: why there was no answer"),
		o.into("model", &rec.Model, "a string"),
		o.into("key", &rec.Key, "a string: a name for the key, not the key"),
		o.into("max_tokens", &rec.MaxTokens, "a whole number"),
		o.into("prompt_tokens", &rec.Prompt, "a whole number"),
	)
	if err != nil {
		return Record{}, errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if failure != "" {
		rec.Answer.Err = transportError(failure)
	} else if rec.Answer.Status == 0 {
		return Record{}, errors.New("status: missing; want an HTTP status such as 429, or error: why there was none")
	}
	var u usage
	if err := o.into("usage", &u, "an object of token counts such as prompt_tokens"); err != nil {
		return Record{}, err
	}
	rec.Usage = bodyUsage(rec.Answer)
	u.into(&rec.Usage)
	return rec, nil
}

// status reads the HTTP status, a number or the same in a string.
func (o object) status(rec *Record) error {
	for _, name := range []string{"status", "status_code"} {
		if !o.has(name) {
			continue
		}
		text := strings.Trim(string(o[name]), `"`)
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 0 || n > 999 {
			return fmt.Errorf("%s: want an HTTP status such as 429, got %s", name, clip(o[name]))
		}
		rec.Answer.Status = n
		return nil
	}
	return nil
}

// headers reads an object of response headers; a value is a string, a number
// or a list of them.
func (o object) headers(rec *Record) error {
	var values map[string]json.RawMessage
	if err := o.into("headers", &values, "an object, such as {\"retry-after\": \"20\"}"); err != nil {
		return err
	}
	rec.Answer.Header = http.Header{}
	for name, raw := range values {
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			list = []json.RawMessage{raw}
		}
		for _, item := range list {
			var text string
			switch {
			case json.Unmarshal(item, &text) == nil:
				if string(item) == "null" {
					continue
				}
			case bytes.HasPrefix(item, []byte("{")), bytes.HasPrefix(item, []byte("[")):
				return fmt.Errorf("headers: %s: want a string or a list of strings", clip([]byte(name)))
			default:
				text = string(item)
			}
			rec.Answer.Header.Add(name, text)
		}
	}
	return nil
}

// body reads the body: a string as it is, any other value as JSON.
func (o object) body(rec *Record) error {
	if !o.has("body") {
		return nil
	}
	var text string
	if json.Unmarshal(o["body"], &text) == nil {
		rec.Answer.Body = []byte(text)
		return nil
	}
	rec.Answer.Body = o["body"]
	return nil
}

func (o object) transport(rec *Record) error {
	var how string
	if err := o.into("transport", &how, "http or sse"); err != nil {
		return err
	}
	switch strings.ToLower(how) {
	case "", "http", "https":
	case "sse":
		rec.Answer.SSE = true
	default:
		return fmt.Errorf("transport: want http or sse, got %q", clip([]byte(how)))
	}
	return nil
}

// times reads when the request was sent and how long the answer took.
func (o object) times(rec *Record) error {
	for _, name := range []string{"time", "timestamp", "ts", "@timestamp"} {
		if !o.has(name) {
			continue
		}
		t, err := parseTime(o[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		rec.Time = t
		break
	}
	for _, f := range []struct {
		name string
		unit time.Duration
	}{{"latency_s", time.Second}, {"latency_ms", time.Millisecond}} {
		var n float64
		if err := o.into(f.name, &n, "a number"); err != nil {
			return err
		}
		if n < 0 || n*float64(f.unit) > float64(24*time.Hour) {
			return fmt.Errorf("%s: want a time from 0 to a day", f.name)
		}
		if n > 0 {
			rec.Latency = time.Duration(n * float64(f.unit))
		}
	}
	return nil
}

// clip bounds what an error repeats of a log.
func clip(text []byte) string {
	const most = 40
	if len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(text)
}
