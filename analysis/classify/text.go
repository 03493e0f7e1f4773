package classify

import (
	"encoding/json"
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// member finds the members of JSON that broke off or was mangled.
var member = regexp.MustCompile(`["']?([A-Za-z_]\w*)\\?["']\s*:\s*(?:\\?"((?:[^"\\]|\\[^"]|\\"[^,}\]])*)\\?"?|'((?:[^'\\]|\\.)*)'?|(-?\d[\d.]*))`)

// broken searches a text that should have been JSON for what can be saved.
func (r *reading) broken(s string) {
	found := member.FindAllStringSubmatch(s, 200)
	quota := make(map[string]any)
	for _, m := range found {
		quota = r.quotaMember(quota, m[1], m[2]+m[3]+m[4])
		switch name := strings.ToLower(m[1]); {
		case content[name]:
		case m[4] != "":
			r.number(m[1], m[4])
		default:
			r.text(m[1], unquote(m[2]+m[3]), maxNesting)
		}
	}
	r.quota(quota)
	if len(found) == 0 {
		r.text("", s, maxNesting)
	}
}

// quotaMember adds a member to the quota that is being put together. A member
// that it has already belongs to the next one.
func (r *reading) quotaMember(quota map[string]any, name, value string) map[string]any {
	if !quotaMembers[strings.ToLower(name)] {
		return quota
	}
	if _, known := quota[name]; known {
		r.quota(quota)
		quota = make(map[string]any)
	}
	quota[name] = value
	return quota
}

func unquote(s string) string {
	var out string
	if json.Unmarshal([]byte(`"`+strings.TrimSuffix(s, `\`)+`"`), &out) == nil {
		return out
	}
	return strings.NewReplacer(`\n`, " ", `\"`, `"`, `\/`, `/`).Replace(s)
}

// markup reads HTML and XML error pages: the text is the message, and what
// XML errors put into elements of their own becomes fields.
func (r *reading) markup(s string) {
	s = clipped(s)
	z := html.NewTokenizer(strings.NewReader(s))
	var words []string
	var open string
	for {
		switch z.Next() {
		case html.ErrorToken:
			r.say(strings.Join(words, " "))
			return
		case html.StartTagToken:
			name, _ := z.TagName()
			open = string(name)
		case html.EndTagToken:
			open = ""
		case html.TextToken:
			text := strings.TrimSpace(string(z.Text()))
			if text == "" || open == "script" || open == "style" {
				continue
			}
			text = html.UnescapeString(text)
			words = append(words, strings.Join(strings.Fields(text), " "))
			if open == "code" || open == "type" || open == "message" || open == "requestid" {
				r.field(open, text)
			}
		}
	}
}
