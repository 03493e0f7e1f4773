package classify

import (
	"bytes"
	"strings"
)

// fromPython turns the rendering of a Python dict into JSON: LiteLLM and SDKs
// put "Error code: 429 - {'error': {...}}" into messages.
func fromPython(s string) string {
	var b bytes.Buffer
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '\'' || c == '"':
			i = pythonString(&b, s, i)
		case c >= 'A' && c <= 'Z':
			n := 0
			for from, to := range map[string]string{"None": "null", "True": "true", "False": "false"} {
				if strings.HasPrefix(s[i:], from) {
					b.WriteString(to)
					n = len(from)
				}
			}
			if n == 0 {
				b.WriteByte(c)
				n = 1
			}
			i += n
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String()
}

// pythonString writes the string literal at s[i] as a JSON string and returns
// the index behind it.
func pythonString(b *bytes.Buffer, s string, i int) int {
	quote := s[i]
	b.WriteByte('"')
	for i++; i < len(s) && s[i] != quote; i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			if s[i] != '\'' {
				b.WriteByte('\\')
			}
			b.WriteByte(s[i])
		case s[i] == '"':
			b.WriteString(`\"`)
		default:
			b.WriteByte(s[i])
		}
	}
	b.WriteByte('"')
	return i + 1
}
