package strategy

import (
	"io"
	"net/http"

	"github.com/tidwall/gjson"
)

// EstimateCost guesses the tokens of a chat completion: a token for every four
// bytes of the messages' text, and the completion tokens asked for
// (max_completion_tokens or max_tokens). It is rough, and too high where
// answers are shorter than asked for; who knows better gives a [Cost].
func EstimateCost(req *http.Request) int {
	if req.Body == nil {
		return 0
	}
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return 0
	}
	doc := gjson.ParseBytes(raw)
	var text int
	for _, content := range doc.Get("messages.#.content").Array() {
		text += len(content.String())
	}
	out := doc.Get("max_completion_tokens")
	if !out.Exists() {
		out = doc.Get("max_tokens")
	}
	return (text+3)/4 + int(max(0, out.Int()))
}

// cost asks the chain's Cost for the tokens of a request.
func (c Config) cost(req *http.Request) float64 {
	ask := req.WithContext(req.Context())
	ask.Body, _ = req.GetBody()
	return float64(max(0, c.Cost(ask)))
}
