package attack

import (
	"bytes"

	"probe/analysis/exchange"
)

// A chunk is an answer, or one event of a streamed one, as far as it is
// recorded: OpenAI's chat completions, DashScope's own API (everything under
// "output"), and Anthropic's messages (type, message, delta).
type chunk struct {
	Type    string   `json:"type"`
	Choices []choice `json:"choices"`
	Usage   *usage   `json:"usage"`
	Error   filled   `json:"error"`
	Code    filled   `json:"code"`
	Output  *struct {
		Text         filled   `json:"text"`
		FinishReason string   `json:"finish_reason"`
		Choices      []choice `json:"choices"`
	} `json:"output"`
	Message struct {
		Usage *usage `json:"usage"`
	} `json:"message"`
	Delta struct {
		Text       filled `json:"text"`
		Thinking   filled `json:"thinking"`
		StopReason string `json:"stop_reason"`
	} `json:"delta"`
	StopReason string `json:"stop_reason"`
}

type choice struct {
	FinishReason string  `json:"finish_reason"`
	Text         filled  `json:"text"`
	Delta        message `json:"delta"`
	Message      message `json:"message"`
}

type message struct {
	Content          filled `json:"content"`
	ReasoningContent filled `json:"reasoning_content"`
	Reasoning        filled `json:"reasoning"`
	Refusal          filled `json:"refusal"`
	ToolCalls        filled `json:"tool_calls"`
}

func (m message) hasToken() bool {
	return bool(m.Content || m.ReasoningContent || m.Reasoning || m.Refusal || m.ToolCalls)
}

// usage holds the token counts under every name that is used for them.
type usage struct {
	PromptTokens     int64   `json:"prompt_tokens"`
	InputTokens      int64   `json:"input_tokens"`
	CompletionTokens int64   `json:"completion_tokens"`
	OutputTokens     int64   `json:"output_tokens"`
	TotalTokens      int64   `json:"total_tokens"`
	PromptDetails    details `json:"prompt_tokens_details"`
	InputDetails     details `json:"input_tokens_details"`
	CacheHit         int64   `json:"prompt_cache_hit_tokens"` // DeepSeek
	CacheRead        int64   `json:"cache_read_input_tokens"` // Anthropic
	CacheWrite       int64   `json:"cache_creation_input_tokens"`
}

type details struct {
	Cached int64 `json:"cached_tokens"`
}

// into adds the counts to u. Later counts replace earlier ones, because
// streams report them cumulatively.
func (r *usage) into(u *exchange.Usage) {
	for _, f := range []struct {
		to   *int64
		from [4]int64
	}{
		{&u.Prompt, [4]int64{r.PromptTokens, r.InputTokens}},
		{&u.Completion, [4]int64{r.CompletionTokens, r.OutputTokens}},
		{&u.Cached, [4]int64{r.PromptDetails.Cached, r.InputDetails.Cached, r.CacheHit, r.CacheRead}},
	} {
		for _, n := range f.from {
			if n > 0 {
				*f.to = n
				break
			}
		}
	}
	if n := r.CacheRead + r.CacheWrite; n > 0 {
		u.Prompt = r.InputTokens + n // Anthropic's input tokens are those that no cache had to do with
	}
	if u.Total = u.Prompt + u.Completion; r.TotalTokens > 0 {
		u.Total = r.TotalTokens
	}
}

// into adds what the chunk says to a reading.
func (c *chunk) into(rd *reading) {
	for _, u := range []*usage{c.Message.Usage, c.Usage} {
		if u != nil {
			u.into(&rd.usage)
		}
	}
	rd.finished(c.StopReason)
	rd.finished(c.Delta.StopReason)
	if c.Output != nil {
		rd.finished(c.Output.FinishReason)
	}
	for i := range c.Choices {
		rd.finished(c.Choices[i].FinishReason)
	}
	if c.Output != nil {
		for i := range c.Output.Choices {
			rd.finished(c.Output.Choices[i].FinishReason)
		}
	}
}

// finished notes a finish reason, if it is one: DashScope writes the word null.
func (rd *reading) finished(reason string) {
	if reason != "" && reason != "null" {
		rd.finish = reason
	}
}

// hasToken reports whether the chunk carries a part of the answer.
func (c *chunk) hasToken() bool {
	choices := c.Choices
	if c.Output != nil {
		if c.Output.Text {
			return true
		}
		choices = append(choices, c.Output.Choices...)
	}
	for i := range choices {
		if ch := &choices[i]; bool(ch.Text) || ch.Delta.hasToken() || ch.Message.hasToken() {
			return true
		}
	}
	return bool(c.Delta.Text || c.Delta.Thinking)
}

// isError reports whether the chunk of a stream is an error instead of a part
// of the answer: an "error" field, DashScope's bare {"code", "message"}, or
// the finish reason with which it ends a stream that failed.
func (c *chunk) isError() bool {
	if c.Error || c.Type == "error" {
		return true
	}
	for i := range c.Choices {
		if c.Choices[i].FinishReason == "error_finish" {
			return true
		}
	}
	return bool(c.Code) && len(c.Choices) == 0 && c.Output == nil
}

// truncated reports whether a finish reason says that max_tokens cut the
// answer off.
func truncated(finish string) bool {
	return finish == "length" || finish == "max_tokens"
}

// filled is true for a JSON value that is there and not empty. It saves
// copying texts of which only that matters.
type filled bool

// UnmarshalJSON implements [json.Unmarshaler].
func (f *filled) UnmarshalJSON(data []byte) error {
	switch string(bytes.TrimSpace(data[:min(len(data), 8)])) {
	case "null", `""`, "[]", "{}", "false":
		*f = false
	default:
		*f = true
	}
	return nil
}
