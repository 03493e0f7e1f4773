package attack

import (
	"encoding/json"
	"strconv"

	"probe/analysis/search"
)

// A hit is one request of a stage before it is sent.
type hit struct {
	number int // place in the stage's schedule, from 0
	size   search.Size
	words  int    // words of the prompt; 0 without one
	body   []byte // as it goes out
}

// A renderer makes the bodies of requests.
type renderer interface {
	render(s *search.Stage, number int) hit
	// estimate returns about how many bytes a request of a size takes.
	estimate(z search.Size) int
}

// chat renders OpenAI chat completions.
type chat struct {
	prompter   *Prompter
	calibrator *Calibrator
	head, tail []byte // the JSON around the prompt and the number after it
}

func newChat(model string, stream bool, seed uint64, c *Calibrator) (*chat, error) {
	name, err := json.Marshal(model)
	if err != nil {
		return nil, err
	}
	tail := "}"
	if stream {
		tail = `,"stream":true,"stream_options":{"include_usage":true}}`
	}
	return &chat{
		prompter:   NewPrompter(seed),
		calibrator: c,
		head:       []byte(`{"model":` + string(name) + `,"messages":[{"role":"user","content":"`),
		tail:       []byte(tail),
	}, nil
}

func (c *chat) render(s *search.Stage, number int) hit {
	z := s.Size(number)
	h := hit{number: number, size: z, words: c.calibrator.Words(z.Prompt)}
	body := make([]byte, 0, c.estimate(z))
	body = append(body, c.head...)
	body = c.prompter.Append(body, h.words, s.Number, number)
	body = append(body, `"}]`...)
	if z.MaxTokens > 0 {
		body = append(body, `,"max_tokens":`...)
		body = strconv.AppendInt(body, int64(z.MaxTokens), 10)
	}
	h.body = append(body, c.tail...)
	return h
}

// A word of the list takes 6.1 bytes on average, the space before it included.
func (c *chat) estimate(z search.Size) int {
	return len(c.head) + len(c.tail) + 32 + 7*max(nonceWords, z.Prompt)
}

// plain renders the same body every time.
type plain struct{ body []byte }

func (p plain) render(_ *search.Stage, number int) hit { return hit{number: number, body: p.body} }

func (p plain) estimate(search.Size) int { return len(p.body) }
