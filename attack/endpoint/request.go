package endpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
)

// PromptOverhead is what the chat format adds to the words of a prompt, in
// tokens. It is charged once a request, whatever the number of messages.
const PromptOverhead = 9

// MaxBody is the largest request body, in bytes: 16 MiB, as at DashScope.
const MaxBody = 16 << 20

// A request is what the endpoint understood of a call.
type request struct {
	model        string
	stream       bool
	includeUsage bool // compatible streams: the last chunk carries the usage
	incremental  bool // native streams: each event carries only what is new
	messageForm  bool // native: the answer is a message, not a text

	plain     bool // plain HTTP: one request, no tokens
	prompt    int  // tokens
	maxTokens int  // completion tokens asked for; 0: not said
}

// A parser reads the body of a call.
type parser func(r *http.Request, body []byte) (request, error)

// parsePlain takes any request as it is.
func parsePlain(*http.Request, []byte) (request, error) { return request{plain: true}, nil }

// parseChat reads the body of an OpenAI chat completion.
func parseChat(_ *http.Request, body []byte) (request, error) {
	var b struct {
		Model               string    `json:"model"`
		Messages            []message `json:"messages"`
		MaxTokens           *int64    `json:"max_tokens"`
		MaxCompletionTokens *int64    `json:"max_completion_tokens"`
		Stream              bool      `json:"stream"`
		StreamOptions       *struct {
			IncludeUsage bool `json:"include_usage"`
		} `json:"stream_options"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return request{}, badJSON(err)
	}
	r := request{
		model:        b.Model,
		stream:       b.Stream,
		includeUsage: b.StreamOptions != nil && b.StreamOptions.IncludeUsage,
	}
	if err := r.setPrompt(b.Messages, ""); err != nil {
		return request{}, err
	}
	return r, errors.Join(
		r.limitAnswer("max_tokens", b.MaxTokens),
		r.limitAnswer("max_completion_tokens", b.MaxCompletionTokens))
}

// parseNative reads the body of a DashScope generation call.
func parseNative(hr *http.Request, body []byte) (request, error) {
	var b struct {
		Model string `json:"model"`
		Input struct {
			Messages []message `json:"messages"`
			Prompt   string    `json:"prompt"`
		} `json:"input"`
		Parameters struct {
			MaxTokens         *int64 `json:"max_tokens"`
			ResultFormat      string `json:"result_format"`
			IncrementalOutput bool   `json:"incremental_output"`
		} `json:"parameters"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return request{}, badJSON(err)
	}
	r := request{
		model:       b.Model,
		stream:      hr.Header.Get("X-DashScope-SSE") == "enable",
		incremental: b.Parameters.IncrementalOutput,
		messageForm: b.Parameters.ResultFormat == "message",
	}
	if err := r.setPrompt(b.Input.Messages, b.Input.Prompt); err != nil {
		return request{}, err
	}
	return r, r.limitAnswer("parameters.max_tokens", b.Parameters.MaxTokens)
}

// setPrompt counts the prompt. A request needs a model and something to say.
func (r *request) setPrompt(messages []message, prompt string) error {
	if r.model == "" {
		return errors.New("you must provide a model parameter")
	}
	if len(messages) == 0 && prompt == "" {
		return errors.New("messages must not be empty")
	}
	r.prompt = PromptOverhead + words(prompt)
	for _, m := range messages {
		r.prompt += int(m.Content)
	}
	return nil
}

// limitAnswer takes over a bound on the answer; of two the smaller counts.
func (r *request) limitAnswer(name string, n *int64) error {
	switch {
	case n == nil:
		return nil
	case *n < 1:
		return fmt.Errorf("%s must be at least 1, got %d", name, *n)
	}
	limit := int(min(*n, math.MaxInt32)) // no model writes more
	if r.maxTokens == 0 || limit < r.maxTokens {
		r.maxTokens = limit
	}
	return nil
}

// badJSON words a decoding error without quoting the body, which holds the
// user's prompt.
func badJSON(err error) error {
	var field *json.UnmarshalTypeError
	if errors.As(err, &field) && field.Field != "" {
		return fmt.Errorf("%s must be of type %s", field.Field, field.Type)
	}
	return errors.New("the body is not a valid JSON request")
}

// A message counts its words while it is read; the text is not kept.
type message struct {
	Content content `json:"content"`
}

// content is the number of words in a message's content, which is a string,
// null, or a list of parts of which the text parts count.
type content int

// UnmarshalJSON implements [json.Unmarshaler].
func (c *content) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`[`)) {
		var parts []struct {
			Text string `json:"text"`
		}
		if err := json.Unmarshal(data, &parts); err != nil {
			return err
		}
		for _, p := range parts {
			*c += content(words(p.Text))
		}
		return nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	*c = content(words(text))
	return nil
}

// words counts what whitespace separates.
func words(s string) int {
	n := 0
	for range strings.FieldsSeq(s) {
		n++
	}
	return n
}
