package classify

import (
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"probe/scenarios/lazyre"
)

// advice marks what somebody should do, read, buy or ask: it says nothing
// about why the request was refused.
var advice = begins(`(?i)\b(?:please|kindly|upgrad(?:e|ing)|consider|visit|contact|learn more|refer to|read (?:the|our|more)|` +
	`for (?:more|further|additional) |for details|need more|see (?:the|our|your|more|also|:)|go to|` +
	`add (?:a |your |\d+ |more )?(?:payment|credits?|billing|your own)|top[- ]?up|subscribe|increase (?:your|the) |` +
	`request (?:(?:a |an )(?:quota|limit|rate)|(?:a |an )?(?:quota |rate limit |limit )?(?:increase|higher))|apply for|switch to|monitor your|to continue|to avoid|` +
	`to increase|to raise|to get (?:more|higher)|if you |you can (?:view|see|check|monitor|find|request|increase|upgrade|add|also|continue|contact|manage|purchase|buy|raise)|try (?:again|reducing|using|to)|retry |reduce )|` +
	`请(?:[^求明]|$)|建议|可(?:以)?(?:前往|升级|联系)|如需|升级|ください`)

// begins finds where an expression begins. It is compiled when a text first
// needs it, as those of a finder are.
func begins(expression string) func() *lazyre.Set {
	return sync.OnceValue(func() *lazyre.Set {
		set, err := lazyre.CompileStarts(expression)
		if err != nil {
			panic("classify: " + err.Error())
		}
		return set
	})
}

// linkBegins finds where a link begins.
var linkBegins = begins(`(?i)\(?\b(?:https?://|www\.)`)

// withoutLinks takes links out, with brackets around them.
func withoutLinks(text string) string {
	if !strings.Contains(text, "://") && !strings.Contains(text, "www.") && !strings.Contains(text, "WWW.") {
		return text
	}
	var kept strings.Builder
	from := 0
	for _, link := range linkBegins().Starts(text) {
		if link.At < from {
			continue
		}
		kept.WriteString(text[from:link.At])
		from = len(text)
		if i := strings.IndexAny(text[link.At:], " \t\r\n\f\"'<>，。；）)"); i >= 0 {
			if from = link.At + i; text[from] == ')' {
				from++
			}
		}
	}
	kept.WriteString(text[from:])
	return kept.String()
}

// statement takes links, advice and advertising out of a message. Words such
// as "billing" and "upgrade" stand in most refusals, whatever their cause.
// When nothing would be left the message is returned as it is.
func statement(message string) string {
	text := withoutLinks(message)
	begins := advice().Starts(text)
	var kept []string
	for from := 0; from < len(text); {
		end, next := sentence(text, from)
		if s := strings.TrimSpace(withoutAdvice(text[from:end], from, begins)); s != "" {
			kept = append(kept, s)
		}
		from = next
	}
	if len(kept) == 0 {
		return strings.TrimSpace(text)
	}
	return strings.Join(kept, ".\n")
}

// sentence returns where the sentence that begins at from ends, and where the
// next one begins. A full stop inside a number or a name ends nothing.
func sentence(text string, from int) (end, next int) {
	for i := from; i < len(text); {
		r, width := utf8.DecodeRuneInString(text[i:])
		switch r {
		case '\n', '。', '！', '？', '；', ';':
			return i, i + width
		case '.', '!', '?':
			after := i
			for after < len(text) && strings.IndexByte(".!?", text[after]) >= 0 {
				after++
			}
			if after == len(text) || unicode.IsSpace(rune(text[after])) {
				return i, after
			}
			width = after - i
		case '|':
			if i > from && i+1 < len(text) && unicode.IsSpace(rune(text[i-1])) && unicode.IsSpace(rune(text[i+1])) {
				return i - 1, i + 1
			}
		}
		i += width
	}
	return len(text), len(text)
}

// withoutAdvice cuts a sentence off at the clause in which the advice begins.
// begins are the places in the whole text, of which the sentence starts at
// offset.
func withoutAdvice(sentence string, offset int, begins []lazyre.Start) string {
	i := slices.IndexFunc(begins, func(s lazyre.Start) bool { return s.At >= offset })
	if i < 0 || begins[i].At >= offset+len(sentence) {
		return sentence
	}
	before := sentence[:begins[i].At-offset]
	if cut := lastClause(before); cut >= 0 {
		return before[:cut]
	}
	if len(strings.Fields(before)) >= 4 {
		return before
	}
	return ""
}

// lastClause returns where the last clause of a sentence is parted from what
// stands before it: at its last comma, or at the first colon, dash or "or"
// if there is none; -1 if nothing parts it.
func lastClause(s string) int {
	if i := strings.LastIndexAny(s, ",，"); i >= 0 {
		return i
	}
	first := -1
	for _, mark := range []string{": ", " - ", " – ", " — ", " or "} {
		if i := strings.Index(s, mark); i >= 0 && (first < 0 || i < first) {
			first = i
		}
	}
	return first
}
