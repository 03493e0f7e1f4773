package answers

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

var errTime = errors.New("want a time such as 2026-11-23T18:15:00.123Z or seconds since 1970")

// layouts are the forms of time that logs use. A time without a zone is UTC.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999"}

// parseTime reads a time: RFC 3339 and its like, or a number since 1970 in
// seconds, milliseconds, microseconds or nanoseconds, told by its size.
func parseTime(raw json.RawMessage) (time.Time, error) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	text = strings.TrimSpace(text)
	for _, layout := range layouts {
		if t, err := time.Parse(layout, strings.Replace(text, ",", ".", 1)); err == nil {
			return t, nil
		}
	}
	whole, fraction, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}, errTime
	}
	unit := int64(time.Second)
	for _, u := range []time.Duration{time.Millisecond, time.Microsecond, time.Nanosecond} {
		// A number of seconds has 11 digits at most until the year 5138.
		if n >= 1e11*int64(time.Second/u)/1000 {
			unit = int64(u)
		}
	}
	part := 0.0
	if fraction != "" {
		if part, err = strconv.ParseFloat("0."+fraction, 64); err != nil {
			return time.Time{}, errTime
		}
	}
	perSecond := int64(time.Second) / unit
	return time.Unix(n/perSecond, n%perSecond*unit+int64(part*float64(unit))), nil
}

// A transportError is why there was no answer, in the log's words.
type transportError string

// Error implements error.
func (e transportError) Error() string { return string(e) }

// Timeout reports whether the words speak of a deadline.
func (e transportError) Timeout() bool {
	text := strings.ToLower(string(e))
	return strings.Contains(text, "timeout") || strings.Contains(text, "timed out") || strings.Contains(text, "timed_out") ||
		strings.Contains(text, "deadline exceeded")
}
