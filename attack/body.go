package attack

import (
	"encoding/json"
	"strconv"
	"strings"

	"probe/analysis/search"
	"probe/scenarios/providers"
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

// A dialect is how a chat's request is written around its prompt.
type dialect struct {
	head    string // up to the prompt, with the model's name for the verb
	between string // after the prompt, up to the number of tokens wanted
	without string // after the prompt if no number is wanted
	tail    string // after that
	stream  string // the tail if a stream is asked for
	// always is the number of tokens that is asked for where the dialect needs
	// one and the stage does not want any; 0: none is needed.
	always int
}

// dialects by their names in profiles.
var dialects = map[string]*dialect{
	providers.ChatCompletions: {
		head:    `{"model":%s,"messages":[{"role":"user","content":"`,
		between: `"}],"max_tokens":`, without: `"}]`,
		tail: `}`, stream: `,"stream":true,"stream_options":{"include_usage":true}}`,
	},
	providers.Messages: {
		head:    `{"model":%s,"messages":[{"role":"user","content":"`,
		between: `"}],"max_tokens":`, always: 1024,
		tail: `}`, stream: `,"stream":true}`,
	},
	// Events of a stream each carry the whole text so far unless they are
	// asked for what is new.
	providers.DashScope: {
		head:    `{"model":%s,"input":{"messages":[{"role":"user","content":"`,
		between: `"}]},"parameters":{"result_format":"message","max_tokens":`,
		without: `"}]},"parameters":{"result_format":"message"`,
		tail:    `}}`, stream: `,"incremental_output":true}}`,
	},
}

// chat renders the requests of a model in its dialect.
type chat struct {
	*dialect
	prompter   *Prompter
	calibrator *Calibrator
	head, tail string
}

func newChat(cfg Config, c *Calibrator) (*chat, error) {
	name, err := json.Marshal(cfg.Model)
	if err != nil {
		return nil, err
	}
	d := dialects[cfg.API.Name]
	r := &chat{
		dialect: d, prompter: NewPrompter(cfg.Seed), calibrator: c,
		head: strings.Replace(d.head, "%s", string(name), 1), tail: d.tail,
	}
	if cfg.Stream {
		r.tail = d.stream
	}
	return r, nil
}

func (c *chat) render(s *search.Stage, number int) hit {
	z := s.Size(number)
	if z.MaxTokens <= 0 {
		z.MaxTokens = c.always
	}
	h := hit{number: number, size: z, words: c.calibrator.Words(z.Prompt)}
	body := make([]byte, 0, c.estimate(z))
	body = append(body, c.head...)
	body = c.prompter.Append(body, h.words, s.Number, number)
	if z.MaxTokens > 0 {
		body = append(body, c.between...)
		body = strconv.AppendInt(body, int64(z.MaxTokens), 10)
	} else {
		body = append(body, c.without...)
	}
	h.body = append(body, c.tail...)
	return h
}

// A word of the list takes 6.1 bytes on average, the space before it included.
func (c *chat) estimate(z search.Size) int {
	return len(c.head) + len(c.between) + len(c.tail) + 20 + 7*max(nonceWords, z.Prompt)
}

// plain renders the same body every time.
type plain struct{ body []byte }

func (p plain) render(_ *search.Stage, number int) hit { return hit{number: number, body: p.body} }

func (p plain) estimate(search.Size) int { return len(p.body) }
