package classify

import (
	"bytes"
	"net/http"
)

// plain reports whether an answer is a success for certain, told without
// decoding it: a JSON object under a good status in which no name stands that
// a report of a failure has. Most answers of a run are such, and decoding them
// would take more time than all the rest of classification.
//
// False says nothing. The names are those that saysFailed and reported look
// for; FuzzBody holds the two against each other.
func plain(a Answer) bool {
	if a.Err != nil || a.SSE || a.Status < http.StatusOK || a.Status >= http.StatusMultipleChoices || len(a.Body) > maxBody {
		return false
	}
	body := bytes.TrimLeft(a.Body, " \t\r\n")
	if len(body) == 0 || body[0] != '{' || bytes.Contains(body, []byte(`\u00`)) { // a letter may be written so
		return false
	}
	// Quotes stand so close that a search for each would take longer.
	for at := 1; at < len(body); at++ {
		if body[at] == '"' && (suspicious(body[at+1:]) || body[at-1] == 'n' && bytes.HasSuffix(body[:at], []byte("Exception"))) {
			return false
		}
	}
	return true
}

// suspicious reports whether what follows a quote is a name of failures. A
// text that begins with "Err" is taken for one as well.
func suspicious(s []byte) bool {
	if len(s) == 0 {
		return false
	}
	switch s[0] | 0x20 { // in lower case, if it is a letter
	case 'e':
		return hasFold(s, "err")
	case 's':
		return hasFold(s, `success"`)
	case 'b':
		return hasFold(s, `base_resp"`)
	case 'h':
		return hasFold(s, `header"`)
	case 'c':
		return hasFold(s, `code"`)
	}
	return false
}

// hasFold reports whether s begins with a prefix in any letter case.
func hasFold(s []byte, prefix string) bool {
	return len(s) >= len(prefix) && bytes.EqualFold(s[:len(prefix)], []byte(prefix))
}
