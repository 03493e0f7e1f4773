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
	for _, m := range found {
		switch name := strings.ToLower(m[1]); {
		case content[name]:
		case m[4] != "":
			r.number(m[1], m[4])
		default:
			r.text(m[1], unquote(m[2]+m[3]), maxNesting)
		}
	}
	if len(found) == 0 {
		r.text("", s, maxNesting)
	}
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

var (
	links = regexp.MustCompile(`(?i)\(?\b(?:https?://|www\.)[^\s"'<>，。；）)]+\)?`)
	// sentenceEnd parts sentences; a full stop inside a number or a name is none.
	sentenceEnd = regexp.MustCompile(`[.!?]+(?:\s+|$)|[。！？；;]|\n+|\s\|\s`)
	// advice marks what somebody should do, read, buy or ask: it says nothing
	// about why the request was refused.
	advice = regexp.MustCompile(`(?i)\b(?:please|kindly|upgrad(?:e|ing)|consider|visit|contact|learn more|refer to|read (?:the|our|more)|` +
		`for (?:more|further|additional) |for details|need more|see (?:the|our|your|more|also|:)|go to|` +
		`add (?:a |your |\d+ |more )?(?:payment|credits?|billing|your own)|top[- ]?up|subscribe|increase (?:your|the) |` +
		`request (?:a |an )?(?:quota|limit|rate|increase|higher)|apply for|switch to|monitor your|to continue|to avoid|` +
		`to increase|to raise|to get (?:more|higher)|if you |you can (?:view|see|check|monitor|find|request|increase|upgrade|add|also|continue|contact|manage|purchase|buy|raise)|try (?:again|reducing|using|to)|retry |reduce )|` +
		`请|建议|可(?:以)?(?:前往|升级|联系)|如需|升级|ください`)
	clause = regexp.MustCompile(`(?:,|，|:\s|\s[-–—]\s|\bor\b)[^,，]*$`)
)

// statement takes links, advice and advertising out of a message. Words such
// as "billing" and "upgrade" stand in most refusals, whatever their cause.
// When nothing would be left the message is returned as it is.
func statement(message string) string {
	text := links.ReplaceAllString(message, "")
	var kept []string
	for rest := text; rest != ""; {
		sentence := rest
		if end := sentenceEnd.FindStringIndex(rest); end != nil {
			sentence, rest = rest[:end[0]], rest[end[1]:]
		} else {
			rest = ""
		}
		if s := strings.TrimSpace(withoutAdvice(sentence)); s != "" {
			kept = append(kept, s)
		}
	}
	if len(kept) == 0 {
		return strings.TrimSpace(text)
	}
	return strings.Join(kept, ".\n")
}

// withoutAdvice cuts a sentence off at the clause in which the advice begins.
func withoutAdvice(sentence string) string {
	at := advice.FindStringIndex(sentence)
	if at == nil {
		return sentence
	}
	before := sentence[:at[0]]
	if cut := clause.FindStringIndex(before); cut != nil {
		return before[:cut[0]]
	}
	if len(strings.Fields(before)) >= 4 {
		return before
	}
	return ""
}
