package endpoint

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"probe/analysis/exchange"
)

// Answers of the OpenAI API, as far as clients read them.
type (
	completion struct {
		ID      string   `json:"id"`
		Object  string   `json:"object"`
		Created int64    `json:"created"`
		Model   string   `json:"model"`
		Choices []choice `json:"choices"`
		Usage   *usage   `json:"usage,omitempty"`
	}
	choice struct {
		Index        int        `json:"index"`
		Message      *chatText  `json:"message,omitempty"`
		Delta        *deltaText `json:"delta,omitempty"`
		FinishReason *string    `json:"finish_reason"`
		Logprobs     *struct{}  `json:"logprobs"`
	}
	chatText struct {
		Role    string  `json:"role"`
		Content string  `json:"content"`
		Refusal *string `json:"refusal"`
	}
	deltaText struct {
		Role    string  `json:"role,omitempty"`
		Content *string `json:"content,omitempty"`
	}
	usage struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
		Total      int `json:"total_tokens"`
	}
	// chunkWithUsage says null for the usage until the last one.
	chunkWithUsage struct {
		completion
		Usage *usage `json:"usage"`
	}
)

// answerChat answers a chat completion, in one piece or as a stream.
func (s *Server) answerChat(ctx context.Context, w http.ResponseWriter, c *call) {
	if c.stream {
		s.streamChat(ctx, w, c)
		return
	}
	if s.clock.sleepUntil(ctx, s.tokenAt(c, c.demand.completion)) != nil {
		return
	}
	out := s.completion(c, "chat.completion")
	reason := c.finishReason(s.cfg.AnswerTokens)
	out.Choices = []choice{{
		Message:      &chatText{Role: "assistant", Content: text(c.demand.completion)},
		FinishReason: &reason,
	}}
	if !c.luck.missingUsage {
		out.Usage = c.usage()
	}
	s.writeJSON(w, c, out)
}

// streamChat sends a chunk a token, the first with the role, then the reason
// why it ended, then the usage if asked for, then [DONE].
func (s *Server) streamChat(ctx context.Context, w http.ResponseWriter, c *call) {
	base := s.completion(c, "chat.completion.chunk")
	send := func(choices []choice, u *usage) {
		base.Choices = choices
		var v any = base
		if c.includeUsage {
			v = chunkWithUsage{base, u}
		}
		_, _ = fmt.Fprintf(w, "data: %s\n\n", mustJSON(v)) // a lost client is noticed by the flush
	}
	s.stream(ctx, w, c, func(k int) {
		content := word(k)
		delta := deltaText{Content: &content}
		if k == 0 {
			delta.Role = "assistant"
		}
		send([]choice{{Delta: &delta}}, nil)
	}, func() {
		reason := c.finishReason(s.cfg.AnswerTokens)
		send([]choice{{Delta: &deltaText{}, FinishReason: &reason}}, nil)
		if c.includeUsage && !c.luck.missingUsage {
			send([]choice{}, c.usage())
		}
		_, _ = w.Write([]byte("data: [DONE]\n\n"))
	})
}

func (s *Server) completion(c *call, object string) completion {
	return completion{
		ID: "chatcmpl-" + c.id, Object: object, Model: c.model,
		Created: int64(s.clock.now() / time.Second),
	}
}

func (c *call) usage() *usage {
	return &usage{c.demand.prompt, c.demand.completion, c.demand.prompt + c.demand.completion}
}

// handleModels lists the models. It is limited by nothing, as at providers,
// and needs a key, as there.
func (s *Server) handleModels(w http.ResponseWriter, r *http.Request) {
	if bearer(r.Header) == "" {
		s.writeUncounted(w, &refusal{outcome: exchange.Auth})
		return
	}
	type model struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Created int64  `json:"created"`
		OwnedBy string `json:"owned_by"`
	}
	list := struct {
		Object string  `json:"object"`
		Data   []model `json:"data"`
	}{Object: "list", Data: []model{}}
	for _, id := range s.cfg.Models {
		list.Data = append(list.Data, model{id, "model", int64(s.clock.epoch / time.Second), "embedded"})
	}
	s.writeJSON(w, s.uncounted(), list)
}

// handleUnknown answers paths that there are not.
func (s *Server) handleUnknown(w http.ResponseWriter, r *http.Request) {
	s.writeUncounted(w, &refusal{
		outcome: exchange.InvalidRequest, status: http.StatusNotFound,
		message: fmt.Sprintf("no such path: %s %s", r.Method, r.URL.Path),
	})
}

// uncounted is a call that no limiter and no statistic sees.
func (s *Server) uncounted() *call {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &call{seq: s.seq, arrived: s.clock.now()}
	s.seq++
	c.id = requestID(s.cfg.Seed, c.seq)
	return c
}

func (s *Server) writeUncounted(w http.ResponseWriter, no *refusal) {
	c := s.uncounted()
	no.id, no.seq = c.id, c.seq
	s.writeRefusal(w, c, no)
}
