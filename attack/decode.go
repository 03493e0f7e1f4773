package attack

import (
	"encoding/json"
	"errors"

	"github.com/mailru/easyjson/jlexer"
)

// decode reads JSON into c as far as it fits: a field of an unexpected type is
// left out. It reports whether data was JSON at all.
//
// Every answer is read by this, so it is read by the names that answers have.
// What has others, or values that are not what they should be, is left to
// encoding/json, which is several times slower; FuzzChunk holds the two
// against each other.
func (c *chunk) decode(data []byte) bool {
	if !json.Valid(data) {
		return false
	}
	d := chunkReader{Lexer: jlexer.Lexer{Data: data}}
	if d.object(func(name string) bool { return d.chunk(c, name) }); d.ok() {
		return true
	}
	*c = chunk{}
	err := json.Unmarshal(data, c)
	var mismatch *json.UnmarshalTypeError
	return err == nil || errors.As(err, &mismatch)
}

// A chunkReader reads valid JSON. It is strange when something is not as it is
// in known answers.
type chunkReader struct {
	jlexer.Lexer
	strange bool
}

func (d *chunkReader) ok() bool { return !d.strange && d.Error() == nil }

// object reads the members of an object, each by read, which reports whether
// it knew the name.
func (d *chunkReader) object(read func(name string) bool) {
	if d.IsNull() {
		d.Null()
		return
	}
	d.Delim('{')
	for !d.IsDelim('}') && d.ok() {
		name := d.UnsafeFieldName(false)
		d.WantColon()
		if !read(name) {
			d.SkipRecursive()
			// A name in other letters would be known to encoding/json.
			for i := range len(name) {
				d.strange = d.strange || name[i] >= 'A' && name[i] <= 'Z' || name[i] > '~'
			}
		}
		d.WantComma()
	}
	d.Delim('}')
}

// list reads the elements of an array.
func (d *chunkReader) list(read func()) {
	d.Delim('[')
	for !d.IsDelim(']') && d.ok() {
		read()
		d.WantComma()
	}
	d.Delim(']')
}

func (d *chunkReader) chunk(c *chunk, name string) bool {
	switch name {
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
		if d.IsNull() {
			d.Null()
			return true
		}
		d.strange = true
		d.SkipRecursive()
	default:
		return false
	}
	return true
}

func (d *chunkReader) choices(cs *[]choice) {
	if d.IsNull() {
		d.Null()
		*cs = nil
		return
	}
	d.strange = d.strange || *cs != nil // said twice: encoding/json mixes the two
	d.list(func() {
		var ch choice
		d.object(func(name string) bool {
			switch name {
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
	d.object(func(name string) bool {
		switch name {
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
	if d.IsNull() {
		d.Null()
		*to = nil
		return
	}
	if *to == nil {
		*to = new(usage)
	}
	u := *to
	d.object(func(name string) bool {
		switch name {
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
	d.object(func(name string) bool {
		if name != "cached_tokens" {
			return false
		}
		d.number(&to.Cached)
		return true
	})
}

func (d *chunkReader) filled(f *filled) { _ = f.UnmarshalJSON(d.Raw()) }

func (d *chunkReader) number(n *int64) {
	if d.IsNull() {
		d.Null()
		return
	}
	*n = d.Int64()
}

// word reads a string of plain letters. Others are strange.
func (d *chunkReader) word(s *string) {
	if d.IsNull() {
		d.Null()
		return
	}
	raw := d.Raw()
	if len(raw) < 2 || raw[0] != '"' {
		d.strange = true
		return
	}
	raw = raw[1 : len(raw)-1]
	for _, b := range raw {
		if b < ' ' || b > '~' || b == '\\' {
			d.strange = true
			return
		}
	}
	*s = string(raw)
}
