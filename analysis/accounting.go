package analysis

import (
	"strings"

	"probe/analysis/fit"
)

// accounting is what the token limits charge: of answers alone only where no other
// tokens are limited.
func (e *evidence) accounting() string {
	charged := e.charged
	if len(e.tokens) == 0 {
		charged = e.outputs.charged
	}
	if len(charged) == 1 {
		return string(charged[0].Accounting)
	}
	return "unknown"
}

// accounted says in a sentence what the token limit charges.
func accounted(charged []fit.Charge) string {
	if len(charged) != 1 {
		return ""
	}
	switch charged[0].Accounting {
	case fit.Prompt:
		return "The token limit charges prompts: what was answered beside them did not count."
	case fit.PromptPlusMax:
		return "The token limit charges prompt and max_tokens, whatever is used of them: a lower max_tokens leaves more room."
	default:
		return "The token limit charges prompt and completion: what max_tokens asks for and does not use is not counted."
	}
}

// warnAccounting says why it is not known what the token limit charges.
func (d *Document) warnAccounting(e *evidence) {
	switch {
	case d.TokenAccounting != "unknown", len(e.tokens) == 0 && len(e.outputs.charged) > 1: // which says so itself
	case e.charged == nil:
		d.warn("token_accounting is unknown: nothing was sent that tells prompt tokens from completion tokens and max_tokens")
	case len(e.charged) == 0:
		d.warn("token_accounting is unknown: no accounting that was tried fits the answers")
	default:
		d.warn("token_accounting is unknown: the answers fit %s", named(e.charged))
	}
}

// named lists ways to charge that are all possible.
func named(charges []fit.Charge) string {
	var names []string
	for _, c := range charges {
		names = append(names, string(c.Accounting))
	}
	return strings.Join(names, " as well as ")
}
