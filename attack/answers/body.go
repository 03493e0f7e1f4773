package answers

import (
	"bytes"
	"encoding/json"
	"slices"

	"probe/analysis/classify"
	"probe/analysis/exchange"
)

// bodyUsage reads the token counts that the body of a success reports, be it
// one JSON value or a stream, whose last counts hold.
func bodyUsage(a classify.Answer) exchange.Usage {
	var u exchange.Usage
	if a.Status < 200 || a.Status >= 300 {
		return u
	}
	text := bytes.TrimSpace(a.Body)
	if len(text) > 0 && text[0] == '{' {
		addUsage(text, &u)
		return u
	}
	for part := range bytes.Lines(text) {
		data, ok := bytes.CutPrefix(bytes.TrimSpace(part), []byte("data:"))
		if ok && (bytes.Contains(data, []byte(`"usage`))) {
			addUsage(bytes.TrimSpace(data), &u)
		}
	}
	return u
}

// addUsage puts the counts of one JSON object over u.
func addUsage(data []byte, u *exchange.Usage) {
	var answer struct {
		Usage    *usage `json:"usage"`
		Metadata *usage `json:"usageMetadata"` // Gemini
		Message  struct {
			Usage *usage `json:"usage"` // Anthropic, at the start of a stream
		} `json:"message"`
	}
	// A member of an unexpected type is left out; the others are read.
	_ = json.Unmarshal(data, &answer)
	for _, r := range []*usage{answer.Message.Usage, answer.Usage, answer.Metadata} {
		if r != nil {
			r.into(u)
		}
	}
}

// readRequest takes over what a request's body tells: the model and how many
// tokens were asked for. Nothing else of it is kept.
func (rec *Record) readRequest(body string) {
	var req struct {
		Model               string `json:"model"`
		MaxTokens           int    `json:"max_tokens"`
		MaxCompletionTokens int    `json:"max_completion_tokens"`
	}
	if json.Unmarshal([]byte(body), &req) != nil {
		return
	}
	rec.Model, rec.MaxTokens = req.Model, max(req.MaxTokens, req.MaxCompletionTokens, 0)
}

// usage holds token counts under every name that is used for them.
type usage struct {
	PromptTokens     int64 `json:"prompt_tokens"`
	InputTokens      int64 `json:"input_tokens"`
	PromptCount      int64 `json:"promptTokenCount"`
	Prompt           int64 `json:"prompt"`
	CompletionTokens int64 `json:"completion_tokens"`
	OutputTokens     int64 `json:"output_tokens"`
	OutputCount      int64 `json:"candidatesTokenCount"`
	Completion       int64 `json:"completion"`
	TotalTokens      int64 `json:"total_tokens"`
	TotalCount       int64 `json:"totalTokenCount"`
	Total            int64 `json:"total"`
	CacheRead        int64 `json:"cache_read_input_tokens"`
	PromptDetails    struct {
		Cached int64 `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
}

// into puts what is stated over u.
func (r *usage) into(u *exchange.Usage) {
	for _, f := range []struct {
		to   *int64
		from []int64
	}{
		{&u.Prompt, []int64{r.PromptTokens, r.InputTokens, r.PromptCount, r.Prompt}},
		{&u.Completion, []int64{r.CompletionTokens, r.OutputTokens, r.OutputCount, r.Completion}},
		{&u.Cached, []int64{r.PromptDetails.Cached, r.CacheRead}},
		{&u.Total, []int64{r.TotalTokens, r.TotalCount, r.Total}},
	} {
		if n := slices.Max(f.from); n > 0 {
			*f.to = n
		}
	}
	u.Total = max(u.Total, u.Prompt+u.Completion)
}
