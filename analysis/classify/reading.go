package classify

import (
	"regexp"
	"slices"
	"strings"
)

// Bounds on what is read of one answer, so that no body can hold up a run.
const (
	maxBody    = 4 << 20  // bytes of a body that are decoded
	maxText    = 64 << 10 // bytes of a body that are searched as text
	maxSays    = 16 << 10 // bytes of prose that patterns are tried on
	maxNesting = 4        // how often a string may hold JSON that holds a string ...
	maxDepth   = 24       // nesting of JSON values within one text
	maxValues  = 4000     // values of one answer
)

// A reading is everything that one answer says, freed from its wrappings:
// whatever the shape of the body, the rules see the same few fields.
type reading struct {
	status   int               // HTTP status
	statuses []int             // all statuses, the innermost first, the HTTP status last
	header   map[string]string // by lower-case name
	fields   map[string][]string
	says     []string            // messages, outermost first, without duplicates
	objects  []map[string]string // scalar members of objects that describe a quota
	failed   bool                // the body itself says that something failed
	nodes    int                 // values that were walked through

	// Filled in by finish, for the rules.
	raw     string
	message string   // all messages
	meaning string   // what they state: without links, advice and advertising
	figures search   // forms of limits and waits in the message
	links   []string // fragments of links, in lower case
	codes   []string // what members that carry a code or a type say, in lower case
	types   []string
	words   []string // those codes and types that are one word
}

// read takes an answer apart. Of a plain success it reads the headers only.
func read(a Answer) *reading {
	r := &reading{
		status: a.Status,
		header: make(map[string]string, len(a.Header)),
	}
	for name, values := range a.Header {
		if len(values) > 0 {
			r.header[lower(name)] = strings.TrimSpace(strings.Join(values, ", "))
		}
	}
	if plain(a) {
		return r
	}
	r.fields = make(map[string][]string)
	body := strings.ToValidUTF8(string(a.Body[:min(len(a.Body), maxBody)]), "\uFFFD")
	r.raw = clipped(body)
	if a.SSE || looksLikeSSE(body) {
		r.stream(body)
	} else {
		r.body(body)
	}
	r.errorHeaders()
	r.finish()
	return r
}

// lower returns the name of a header in lower case. Those of every answer are
// known, which saves the work.
func lower(name string) string {
	switch name {
	case "Content-Type":
		return "content-type"
	case "Content-Length":
		return "content-length"
	case "Date":
		return "date"
	case "Server":
		return "server"
	}
	return strings.ToLower(name)
}

// clipped bounds a text that is searched.
func clipped(s string) string {
	if len(s) > maxText {
		return strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

// good reports whether nothing said so far that the answer is a failure.
func (r *reading) good() bool { return !r.failed && r.status >= 200 && r.status < 300 }

// errorHeaders reads the headers that carry what others put into the body.
func (r *reading) errorHeaders() {
	if v := r.header["x-amzn-errortype"]; v != "" { // ThrottlingException:http://...
		name, _, _ := strings.Cut(v, ":")
		r.field("code", name)
	}
	for _, name := range []string{"x-ms-error-code", "x-error-code", "x-amz-error-code"} {
		if v := r.header[name]; v != "" {
			r.field("code", v)
		}
	}
	for _, name := range []string{"grpc-message", "x-error-message", "x-amzn-error-message", "x-ratelimit-error"} {
		if v := r.header[name]; v != "" {
			r.say(v)
		}
	}
}

var linkFragment = regexp.MustCompile(`https?://[^\s"'<>\\]+#([\w-]+)`)

func (r *reading) finish() {
	if r.status != 0 {
		r.statuses = append(r.statuses, r.status)
	}
	r.message = strings.Join(r.says, "\n")
	if len(r.message) > maxSays {
		r.message = strings.ToValidUTF8(r.message[:maxSays], "")
	}
	r.meaning = statement(r.message)
	if strings.ContainsAny(r.message, "0123456789") || wordySpans(r.message) {
		r.figures = figures.search(r.message)
	}
	if strings.Contains(r.raw, "#") {
		for _, m := range linkFragment.FindAllStringSubmatch(r.raw, 20) {
			r.links = append(r.links, strings.ToLower(m[1]))
		}
	}
	r.codes, r.types = r.values(codeNames), r.values(typeNames)
	for _, v := range slices.Concat(r.codes, r.types) {
		if !strings.ContainsFunc(v, wordBreak) && !slices.Contains(r.words, v) {
			r.words = append(r.words, v)
		}
	}
}

// field notes one member's value. Names are matched without regard to case.
func (r *reading) field(name, value string) {
	name = strings.ToLower(name)
	if value != "" && len(r.fields[name]) < 50 && !slices.Contains(r.fields[name], value) {
		r.fields[name] = append(r.fields[name], value)
	}
}

// say notes a message.
func (r *reading) say(s string) {
	s = rewrapped(strings.TrimSpace(s))
	if s != "" && len(r.says) < 50 && !slices.Contains(r.says, s) {
		r.says = append(r.says, s)
	}
}

// rewrapped joins the lines of a sentence that somebody broke over several:
// the next line goes on in a small letter, a digit, a bracket or a quote.
func rewrapped(s string) string {
	if !strings.Contains(s, "\n") {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\n' {
			next := i + 1
			for next < len(s) && (s[next] == ' ' || s[next] == '\t') { // an indentation
				next++
			}
			if next < len(s) && goesOn(s[next]) {
				i, c = next-1, ' '
			}
		}
		out.WriteByte(c)
	}
	return out.String()
}

// goesOn reports whether a line that begins so goes on with a sentence.
func goesOn(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '(' || c == '`'
}

// inner notes a status found inside the body, most deeply nested first.
func (r *reading) inner(status int) {
	if status >= 400 && status < 600 && !slices.Contains(r.statuses, status) {
		r.statuses = append([]int{status}, r.statuses...)
	}
}

// first returns the first value of a field, or "".
func (r *reading) first(name string) string {
	if v := r.fields[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// effective is the status that the answer should have had: the one in the
// body or the stream when HTTP says that all is well.
func (r *reading) effective() int {
	if r.status >= 400 || len(r.statuses) == 0 {
		return r.status
	}
	return r.statuses[0]
}
