package classify

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// looksLikeSSE recognises a stream whose content type was not passed on.
func looksLikeSSE(s string) bool {
	s = strings.TrimLeft(s, " \r\n\t\uFEFF")
	for _, p := range []string{"data:", "event:", "id:", "retry:", ": ", ":HTTP", ":keep"} {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// An event is one server-sent event.
type event struct {
	name string
	data string
}

// commentStatus is the status in a comment line: DashScope answers 200 and
// writes ":HTTP_STATUS/429" before the data of an error event.
var commentStatus = regexp.MustCompile(`(?i)^:\s*HTTP[_ ]?STATUS\s*[/:= ]\s*(\d{3})`)

// stream reads server-sent events. Of a stream under a good status only
// events that report an error are read: the rest are the model's own words.
func (r *reading) stream(s string) {
	var e event
	var seen bool
	flush := func() {
		r.event(e)
		e = event{}
	}
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, "\r\n")
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			flush()
		case strings.HasPrefix(line, ":"):
			if m := commentStatus.FindStringSubmatch(line); m != nil {
				n, _ := strconv.Atoi(m[1])
				r.inner(n)
				r.failed = r.failed || n >= 400
			}
		case name == "event":
			e.name, seen = value, true
		case name == "data":
			if e.data != "" {
				// Some servers leave out the blank line between events.
				if json.Valid([]byte(e.data)) {
					flush()
				} else {
					e.data += "\n"
				}
			}
			e.data, seen = e.data+value, true
		}
	}
	flush()
	if !seen {
		r.body(s)
	} else if r.status >= 400 && len(r.says) == 0 {
		r.text("", clipped(s), 0)
	}
}

// event reads one event if it reports an error.
func (r *reading) event(e event) {
	named := strings.Contains(strings.ToLower(e.name), "error") || strings.HasSuffix(e.name, "Exception")
	if strings.TrimSpace(e.data) == "" {
		r.failed = r.failed || named
		return
	}
	if !named && r.good() && !eventFailed(e.data) {
		return
	}
	if strings.HasSuffix(e.name, "Exception") {
		r.field("code", e.name)
	}
	r.failed = true
	r.body(e.data)
}

// eventFailed reports whether the data of an event is an error, or the
// beginning of one.
func eventFailed(data string) bool {
	values, _ := decodeAll(data)
	if len(values) > 0 {
		return saysFailed(values)
	}
	low := strings.ToLower(strings.TrimSpace(data))
	return reported.MatchString(low) || strings.HasPrefix(low, "error") || strings.HasPrefix(low, "[error]")
}
