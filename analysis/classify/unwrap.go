package classify

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// body reads a whole body that is not a stream: one JSON value, several in a
// row, HTML or XML, or plain text.
func (r *reading) body(s string) {
	s = strings.TrimSpace(strings.TrimPrefix(s, "\uFEFF"))
	switch {
	case s == "":
	case s[0] == '<':
		r.markup(s)
	case s[0] == '{' || s[0] == '[' || s[0] == '"':
		r.json(s)
	default:
		r.text("", clipped(s), 0)
	}
}

// reported recognises an error report by its beginning.
var reported = regexp.MustCompile(`^\[?\s*\{\s*"(?i:errors?)"\s*:\s*["{\[]`)

// json reads a body of JSON. Of a success nothing is wanted: it is the
// model's.
func (r *reading) json(s string) {
	values, rest := decodeAll(s)
	if rest != "" && strings.Contains(s, "\n") {
		// A client may have broken the lines within strings.
		if more, left := decodeAll(oneLine(s)); len(more) > len(values) {
			values, rest = more, left
		}
	}
	whole := rest == ""
	r.failed = r.failed || saysFailed(values) || !whole && reported.MatchString(s)
	if r.good() {
		return
	}
	for _, v := range values {
		r.walk("", v, 0, 0)
	}
	if len(values) > 0 { // what somebody wrote behind it, or what broke off
		rest = strings.TrimLeft(rest, " \t\r\n,;})]")
	}
	if rest != "" {
		r.broken(clipped(rest))
	}
}

// decodeAll decodes JSON values that follow each other, and returns what stood
// after them or broke off; "" when there was nothing else.
func decodeAll(s string) (values []any, rest string) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var end int64
	for len(values) < 100 {
		var v any
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) {
			return values, ""
		}
		if err != nil {
			return values, s[end:]
		}
		values, end = append(values, v), d.InputOffset()
	}
	return values, ""
}

// content are members that repeat the request or carry the model's own words.
// Nothing in them says anything about a limit.
var content = map[string]bool{
	"choices": true, "messages": true, "prompt": true, "contents": true, "input": true,
	"output": true, "candidates": true, "delta": true, "body": true, "request": true,
}

// walk collects what a JSON value says. nesting counts strings that held
// JSON, depth the values around this one.
func (r *reading) walk(name string, v any, nesting, depth int) {
	if r.nodes++; r.nodes > maxValues || depth > maxDepth {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		r.quota(v)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if content[strings.ToLower(key)] && !holdsError(v[key]) {
				continue
			}
			r.walk(key, v[key], nesting, depth+1)
		}
	case []any:
		for _, e := range v {
			r.walk(name, e, nesting, depth+1)
		}
	case json.Number:
		r.number(name, v.String())
	case bool:
		r.field(name, strconv.FormatBool(v))
	case string:
		r.text(name, v, nesting)
	}
}

// holdsError reports whether a member that usually holds content is a JSON
// text with an error in it, as with proxies that pass a body on in "body".
func holdsError(v any) bool {
	s, ok := v.(string)
	return ok && strings.HasPrefix(strings.TrimSpace(s), "{") && strings.Contains(s, "error")
}

var statusNames = map[string]bool{
	"status": true, "code": true, "status_code": true, "statuscode": true,
	"http_status": true, "httpstatus": true, "http_code": true, "httpcode": true,
	"http_status_code": true, "httpstatuscode": true, "errorcode": true, "error_code": true,
}

func (r *reading) number(name, value string) {
	r.field(name, value)
	if statusNames[strings.ToLower(name)] {
		if n, err := strconv.Atoi(value); err == nil {
			r.inner(n)
		}
	}
}

// proseNames are members whose value is a message even when it is one word.
var proseNames = map[string]bool{
	"": true, "message": true, "msg": true, "error": true, "errors": true, "detail": true,
	"details": true, "title": true, "description": true, "error_description": true,
	"error_message": true, "errormessage": true, "error_msg": true, "errormsg": true, "errmsg": true,
	"err_msg": true, "faultstring": true, "reason": true, "cause": true,
}

// wrappedStatus finds the status that a wrapped answer had, in words.
var wrappedStatus = newFinder(`(?:error code|status[ _]?code|http(?: status| error)?(?:/[\d.]+)?|status|returned(?: error)?(?: code)?|^|\b(?:got|received))\s*[:=]?\s*\(?<?([45]\d\d)\b`)

// text reads a string: as a field, as a message, and as JSON that somebody
// put into it, alone or after words of their own.
func (r *reading) text(name, s string, nesting int) {
	if r.nodes++; r.nodes > maxValues {
		return
	}
	s = strings.TrimSpace(s)
	if statusNames[strings.ToLower(name)] && len(s) == 3 {
		r.number(name, s)
	} else if len(s) <= 300 {
		r.field(name, s)
	}
	prose := proseNames[strings.ToLower(name)] || strings.ContainsFunc(s, wordBreak)
	if nesting < maxNesting {
		s = r.wrapped(s, nesting+1)
	}
	if !prose {
		return
	}
	r.statusesIn(s)
	r.say(s)
}

// statusesIn notes the statuses that a text speaks of.
func (r *reading) statusesIn(s string) {
	if !strings.ContainsAny(s, "45") {
		return
	}
	statuses := wrappedStatus.search(s)
	for _, m := range statuses.all(0, 5, nil) {
		n, _ := strconv.Atoi(statuses.submatch(m, 1))
		r.inner(n)
	}
}

func wordBreak(c rune) bool { return c == ' ' || unicode.Is(unicode.Han, c) }

// maxStarts bounds how many brackets of a text are tried as the beginning of
// JSON. Words in brackets ("[ERROR]") may come first.
const maxStarts = 6

// wrapped reads what a text holds beside words, JSON or protobuf's text form,
// and returns the words before it.
func (r *reading) wrapped(s string, nesting int) string {
	r.protoText(clipped(s))
	starts := maxStarts
	if len(s) > maxText {
		starts = 1
	}
	for from, n := 0, 0; n < starts; n++ {
		i := strings.IndexAny(s[from:], "{[")
		if i < 0 {
			break
		}
		if from += i; r.nested(s[from:], nesting) {
			return strings.TrimSpace(s[:from])
		}
		from++
	}
	if i := strings.IndexByte(s, '{'); i >= 0 && member.MatchString(s[i:]) {
		r.broken(s[i:])
		return strings.TrimSpace(s[:i])
	}
	return s
}

// pair is one entry of a map in protobuf's text form, as Google's gRPC
// clients print the details of an error.
var pair = regexp.MustCompile(`key:\s*"(\w+)"\s*value:\s*"([^"]*)"`)

func (r *reading) protoText(s string) {
	if !strings.Contains(s, "key:") {
		return
	}
	quota := make(map[string]any)
	for _, m := range pair.FindAllStringSubmatch(s, 50) {
		r.field(m[1], m[2])
		quota = r.quotaMember(quota, m[1], m[2])
	}
	r.quota(quota)
}

// nested reads JSON, or Python's rendering of it, at the start of a string.
func (r *reading) nested(s string, nesting int) bool {
	for _, candidate := range []func(string) string{same, oneLine, unescaped, fromPythonLines} {
		d := json.NewDecoder(strings.NewReader(candidate(s)))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			continue
		}
		switch v := v.(type) {
		case map[string]any:
			if len(v) == 0 {
				return false
			}
		case []any:
			if !slices.ContainsFunc(v, isObject) {
				return false
			}
		}
		r.walk("", v, nesting, 0)
		return true
	}
	return false
}

func isObject(v any) bool { _, ok := v.(map[string]any); return ok }

func same(s string) string { return s }

// oneLine joins lines: within a string JSON allows no break, but a client that
// wraps what it prints puts one anywhere.
func oneLine(s string) string {
	at := strings.IndexByte(s, '\n')
	if at < 0 || len(s) > maxText {
		return s
	}
	out := make([]byte, 0, len(s))
	for ; at >= 0; at = strings.IndexByte(s, '\n') {
		out = append(append(out, strings.TrimRight(s[:at], " \t\r")...), ' ')
		s = strings.TrimLeft(s[at+1:], " \t\r\n")
	}
	return string(append(out, s...))
}

func fromPythonLines(s string) string { return fromPython(oneLine(s)) }

// unescaped undoes one level of escaping of a JSON text that was pasted into
// another text without its quotes.
func unescaped(s string) string {
	return strings.NewReplacer(`\"`, `"`, `\n`, ` `, `\\`, `\`).Replace(s)
}

// quota keeps the members of an object that names a quota together: of
// several violations, each has its own limit.
func (r *reading) quota(v map[string]any) {
	flat := make(map[string]string)
	for k, e := range v {
		switch e := e.(type) {
		case string:
			flat[strings.ToLower(k)] = e
		case json.Number:
			flat[strings.ToLower(k)] = e.String()
		}
	}
	if flat["quotaid"] != "" || flat["quota_limit"] != "" || flat["quotametric"] != "" {
		r.objects = append(r.objects, flat)
	}
}
