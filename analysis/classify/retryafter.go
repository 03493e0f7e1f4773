package classify

import (
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxWait bounds what is believed of a wait: 400 days, in seconds.
const maxWait = 400 * 86400

// A time span as a person or a program writes it: 6m0s, 1.146s, 5 minutes, 30 秒.
const (
	compactSpan = `(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+\b`
	wordySpan   = `\d+(?:\.\d+)?\s*(?:milliseconds?|millis|ms\b|minutes?|mins?\b|months?|seconds?|secondes?|segundos?|sekunden|secs?\b|hours?|hrs?\b|days?|weeks?|[smhd]\b|毫秒|秒钟?|秒|分钟|分|小时|个小时|時間|天|日|周|个月|초|분)`
	oneSpan     = `(?:an?|one)\s+(?:hour|day|week)\b`
	span        = `((?:(?:` + compactSpan + `|` + wordySpan + `|` + oneSpan + `)(?:\s|,|and\b)*)+|(?:\d{1,3}\.)?\d{1,4}:\d{2}:\d{2})`
)

var (
	part     = regexp.MustCompile(`(?i)^(?:\s|,|and\b)*(\d+(?:\.\d+)?)\s*(milliseconds?|millis|ms|minutes?|mins?|months?|seconds?|secs?|hours?|hrs?|hr|days?|weeks?|segundos?|secondes?|sekunden|[smhdw]|毫秒|秒钟?|分钟?|个?小时|時間|天|日|周|个?月|초|분)`)
	one      = regexp.MustCompile(`(?i)^(?:an?|one)\s+(hour|day|week)\b`)
	clockish = regexp.MustCompile(`^(?:(\d{1,3})\.)?(\d{1,4}):(\d{2}):(\d{2})(?:\.\d+)?\b`)
)

// duration reads what a person or a program may write for a time span, at the
// start of s, in seconds: "6m0s", "84ms", "1 minute and 20 seconds", "01:23:45".
func duration(s string) (seconds float64, ok bool) {
	s = strings.TrimSpace(s)
	if m := clockish.FindStringSubmatch(s); m != nil {
		var parts [4]float64 // days (as .NET writes them), hours, minutes, seconds
		for i := range parts {
			parts[i], _ = strconv.ParseFloat("0"+m[i+1], 64)
		}
		seconds := parts[0]*86400 + parts[1]*3600 + parts[2]*60 + parts[3]
		return seconds, seconds <= maxWait
	}
	if m := one.FindStringSubmatch(s); m != nil {
		return unitSeconds(m[1]), true
	}
	for {
		m := part.FindStringSubmatch(s)
		if m == nil {
			return math.Round(seconds*1e9) / 1e9, ok && seconds <= maxWait
		}
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return 0, false
		}
		seconds, ok = seconds+n*unitSeconds(m[2]), true
		s = s[len(m[0]):]
	}
}

// wordySpans reports whether a text may name a time span without any digit.
func wordySpans(s string) bool {
	return strings.Contains(s, "hour") || strings.Contains(s, "day") || strings.Contains(s, "week")
}

// unitSeconds is the length of a unit of time as written, in seconds.
func unitSeconds(unit string) float64 {
	unit = strings.ToLower(strings.TrimPrefix(unit, "个"))
	switch {
	case strings.HasPrefix(unit, "ms"), strings.HasPrefix(unit, "milli"), unit == "毫秒":
		return 0.001
	case strings.HasPrefix(unit, "mo"), unit == "月":
		return 30 * 86400
	case strings.HasPrefix(unit, "s"), strings.HasPrefix(unit, "秒"), unit == "초":
		return 1
	case strings.HasPrefix(unit, "m"), strings.HasPrefix(unit, "分"), unit == "분":
		return 60
	case strings.HasPrefix(unit, "h"), unit == "小时", unit == "時間":
		return 3600
	case strings.HasPrefix(unit, "w"), unit == "周":
		return 7 * 86400
	case strings.HasPrefix(unit, "d"), unit == "天", unit == "日":
		return 86400
	}
	return 0
}

// wait is how long the answer asks to wait, in seconds: from retry-after-ms,
// Retry-After, the body's own fields or its message, in this order. Nil when
// it asks for nothing.
func (r *reading) wait(w *warnings) *float64 {
	for _, try := range []func(*warnings) (float64, bool){r.headerWait, r.fieldWait, r.messageWait} {
		if s, ok := try(w); ok {
			return &s
		}
	}
	return nil
}

func (r *reading) headerWait(w *warnings) (float64, bool) {
	for _, name := range []string{"retry-after-ms", "x-ms-retry-after-ms", "x-retry-after-ms"} {
		if v, ok := r.header[name]; ok {
			if n, err := strconv.ParseFloat(v, 64); err == nil && plausible(n/1000) {
				return n / 1000, true
			}
			w.add("header %s: cannot read %q as milliseconds", name, clip(v))
		}
	}
	for _, name := range []string{"retry-after", "x-retry-after", "x-rate-limit-retry-after-seconds", "x-ratelimit-retry-after"} {
		if v, ok := r.header[name]; ok {
			if s, ok := r.span(v); ok {
				return s, true
			}
			w.add("header %s: cannot read %q as seconds or as a date beside a Date header", name, clip(v))
		}
	}
	return 0, false
}

func plausible(s float64) bool { return s >= 0 && s <= maxWait && !math.IsNaN(s) }

// clip bounds a value that is quoted in a warning.
func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "..."
	}
	return s
}

// span reads a header's time: plain seconds, a duration, or a moment counted
// from the answer's Date header.
func (r *reading) span(v string) (float64, bool) {
	v = strings.TrimSpace(v)
	if n, err := strconv.ParseFloat(v, 64); err == nil {
		switch {
		case n > 1e12:
			return r.until(time.UnixMilli(int64(n)))
		case n > 1e9:
			return r.until(time.Unix(int64(n), 0))
		}
		return n, plausible(n)
	}
	if t, ok := moment(v); ok {
		return r.until(t)
	}
	if s, ok := duration(v); ok {
		return s, true
	}
	return 0, false
}

// moment reads an absolute time with its zone.
func moment(v string) (time.Time, bool) {
	if t, err := http.ParseTime(v); err == nil {
		return t, true
	}
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05-07:00",
		"2006-01-02 at 15:04 MST", "2006-01-02 15:04 MST", "Jan 2, 2006, 3:04 PM MST",
	} {
		if t, err := time.Parse(layout, v); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// until is the time from the answer to a moment. Without a Date header there
// is nothing to count from.
func (r *reading) until(t time.Time) (float64, bool) {
	now, err := http.ParseTime(r.header["date"])
	if err != nil {
		return 0, false
	}
	s := t.Sub(now).Seconds()
	return max(s, 0), s > -86400 && s <= maxWait
}

// fieldWait reads waits that stand in members of their own.
func (r *reading) fieldWait(*warnings) (float64, bool) {
	for _, name := range []string{"retrydelay", "retry_after_seconds", "retryafterseconds", "retry_after", "retryafter", "retry-after", "retry_after_s",
		"resets_in_seconds", "reset_in_seconds", "reset_after_seconds", "resets_in", "reset_in", "retry_in", "retry_in_seconds", "wait_seconds",
		"estimated_time", "reset_seconds", "cooldown_seconds", "cooldown_remaining_seconds", "seconds_until_reset"} {
		for _, v := range r.fields[name] {
			if s, ok := r.span(v); ok {
				return s, true
			}
		}
	}
	for _, name := range []string{"retry_after_ms", "retryafterms", "retry-after-ms"} {
		v := r.first(name)
		if v == "" {
			continue
		}
		if n, err := strconv.ParseFloat(v, 64); err == nil && plausible(n/1000) {
			return n / 1000, true
		}
	}
	for _, name := range []string{"reset_at", "resets_at", "resetat", "reset_time", "quotaresettimestamp"} {
		v := r.first(name)
		if v == "" {
			continue
		}
		if t, ok := moment(v); ok {
			return r.until(t)
		}
		if n, err := strconv.ParseFloat(v, 64); err == nil && n > 1e9 { // epoch, not a span
			return r.span(v)
		}
	}
	return 0, false
}

// waits are the ways in which messages say how long to wait. The first ones
// give a time span; the others, by their index from the end, plain seconds, a
// moment with its zone, and a day without its year.
var waits = []string{
	`(?:try again|retry(?:ing)?|come back|wait(?:ing)?|available(?: again)?|replenished|resets?|reset (?:after|in)|renews?|refresh(?:es)?|regain access|resume[sd]?|unblocked|lifted|reinicie|réessayer|réessayez|erneut|intente[a-z]*|inténtelo)` +
		`(?:\s+(?:again|your request|the request))?[\s:]*(?:\b(?:in|after|for|within|at least|another|about|approximately|dans|en|de nuevo en|~)\b[\s~]*)*` + span,
	`\b(?:in|after|for)\s+(?:about |approximately )?` + span + `\s*(?:and try again|before (?:retrying|trying)|，?后)`,
	`(?:请|等待|在|于|将于|约)\s*` + span + `\s*(?:之?后|以后|再)`,
	span + `\s*(?:之?后(?:再试|重试|重置|恢复)|後に|초 후)`,
	`retry[-_ ]?after["']?\s*[:=]?\s*["']?` + span,
	`retry[-_ ]?after(?:[-_ ]?seconds)?["']?\s*[:=]\s*["']?(\d+(?:\.\d+)?)\b`,
	`(\d{4}-\d{2}-\d{2})(?: at |T|\s+)(\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?\s*(UTC|GMT|Z|[+-]\d{2}:?\d{2})`,
	`\b(\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}) UTC`,
}

func (r *reading) messageWait(*warnings) (float64, bool) {
	last := len(forms) + len(waits) - 1
	for i := len(forms); i < last-2; i++ {
		if m := r.figures.next(i, 0); m != nil {
			if s, ok := duration(r.figures.submatch(m, 1)); ok {
				return s, true
			}
		}
	}
	if m := r.figures.next(last-2, 0); m != nil {
		if s, err := strconv.ParseFloat(r.figures.submatch(m, 1), 64); err == nil && plausible(s) {
			return s, true
		}
	}
	if m := r.figures.next(last-1, 0); m != nil {
		if t, ok := momentIn(r.figures.submatch(m, 1), r.figures.submatch(m, 2), r.figures.submatch(m, 3)); ok {
			return r.until(t)
		}
	}
	return r.yearlessWait(last)
}

// momentIn puts the parts of a moment together: day, clock, zone.
func momentIn(day, clock, zone string) (time.Time, bool) {
	zone = strings.ReplaceAll(zone, ":", "")
	if len(clock) == len("15:04") {
		clock += ":00"
	}
	if zone[0] != '+' && zone[0] != '-' {
		zone = "+0000"
	}
	t, err := time.Parse("2006-01-02 15:04:05 -0700", day+" "+clock+" "+zone)
	return t, err == nil
}

// yearlessWait reads a date without a year as the next such day.
func (r *reading) yearlessWait(expression int) (float64, bool) {
	m := r.figures.next(expression, 0)
	now, err := http.ParseTime(r.header["date"])
	if m == nil || err != nil {
		return 0, false
	}
	for year := now.Year(); year <= now.Year()+1; year++ {
		t, err := time.Parse("2006-01-02 15:04:05", strconv.Itoa(year)+"-"+r.figures.submatch(m, 1)+" "+r.figures.submatch(m, 2))
		if err == nil && !t.Before(now) {
			return r.until(t)
		}
	}
	return 0, false
}
