package attack

import (
	"encoding/json"
	"errors"
)

// decode reads JSON into c as far as it fits: a field of an unexpected type is
// left out. It reports whether data was JSON at all.
//
// Every answer is read by this, so it is read by the names that answers have,
// in one pass that checks what it passes. What has other names, values that
// are not what they should be, or is no JSON is left to encoding/json, which
// is several times slower; FuzzChunk holds the two against each other.
func (c *chunk) decode(data []byte) bool {
	d := chunkReader{jsonReader{data: data}}
	d.object(func(name []byte) bool { return d.chunk(c, name) })
	if d.end(); !d.strange {
		return true
	}
	var slow chunk // a variable of its own, so that c needs no memory
	err := json.Unmarshal(data, &slow)
	*c = slow
	var mismatch *json.UnmarshalTypeError
	return err == nil || errors.As(err, &mismatch)
}

// A chunkReader reads what a chunk has from JSON.
type chunkReader struct{ jsonReader }

func (d *chunkReader) chunk(c *chunk, name []byte) bool {
	switch string(name) {
	case "type":
		d.word(&c.Type)
	case "choices":
		d.choices(&c.Choices)
	case "usage":
		d.usage(&c.Usage)
	case "error":
		d.filled(&c.Error)
	case "code":
		d.filled(&c.Code)
	case "stop_reason":
		d.word(&c.StopReason)
	case "output", "message", "delta": // of two APIs, and no others
		d.strange = d.strange || !d.null()
	default:
		return false
	}
	return true
}

func (d *chunkReader) choices(cs *[]choice) {
	if d.null() {
		*cs = nil
		return
	}
	d.strange = d.strange || *cs != nil // said twice: encoding/json mixes the two
	d.list('[', ']', func() {
		var ch choice
		d.object(func(name []byte) bool {
			switch string(name) {
			case "finish_reason":
				d.word(&ch.FinishReason)
			case "text":
				d.filled(&ch.Text)
			case "delta":
				d.message(&ch.Delta)
			case "message":
				d.message(&ch.Message)
			default:
				return false
			}
			return true
		})
		*cs = append(*cs, ch)
	})
}

func (d *chunkReader) message(m *message) {
	d.object(func(name []byte) bool {
		switch string(name) {
		case "content":
			d.filled(&m.Content)
		case "reasoning_content":
			d.filled(&m.ReasoningContent)
		case "reasoning":
			d.filled(&m.Reasoning)
		case "refusal":
			d.filled(&m.Refusal)
		case "tool_calls":
			d.filled(&m.ToolCalls)
		default:
			return false
		}
		return true
	})
}

func (d *chunkReader) usage(to **usage) {
	if d.null() {
		*to = nil
		return
	}
	if *to == nil {
		*to = new(usage)
	}
	u := *to
	d.object(func(name []byte) bool {
		switch string(name) {
		case "prompt_tokens":
			d.number(&u.PromptTokens)
		case "input_tokens":
			d.number(&u.InputTokens)
		case "completion_tokens":
			d.number(&u.CompletionTokens)
		case "output_tokens":
			d.number(&u.OutputTokens)
		case "total_tokens":
			d.number(&u.TotalTokens)
		case "prompt_tokens_details":
			d.details(&u.PromptDetails)
		case "input_tokens_details":
			d.details(&u.InputDetails)
		case "prompt_cache_hit_tokens":
			d.number(&u.CacheHit)
		case "cache_read_input_tokens":
			d.number(&u.CacheRead)
		case "cache_creation_input_tokens":
			d.number(&u.CacheWrite)
		default:
			return false
		}
		return true
	})
}

func (d *chunkReader) details(to *details) {
	d.object(func(name []byte) bool {
		if string(name) != "cached_tokens" {
			return false
		}
		d.number(&to.Cached)
		return true
	})
}

func (d *chunkReader) filled(f *filled) { _ = f.UnmarshalJSON(d.value()) }

func (d *chunkReader) number(n *int64) {
	if !d.null() {
		*n = d.integer()
	}
}

func (d *chunkReader) word(s *string) {
	if !d.null() {
		*s = d.letters()
	}
}
