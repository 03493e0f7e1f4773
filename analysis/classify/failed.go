package classify

import (
	"encoding/json"
	"slices"
	"strings"
)

// saysFailed reports whether a JSON answer under a good HTTP status is the
// report of a failure.
func saysFailed(v any) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, saysFailed)
	case map[string]any:
		if objectFailed(v) {
			return true
		}
		// Some wrap the whole answer once more: {"Response":{"Error":...}}.
		for key, e := range v {
			if inner, ok := e.(map[string]any); ok && !content[strings.ToLower(key)] && objectFailed(inner) {
				return true
			}
		}
	}
	return false
}

func objectFailed(v map[string]any) bool {
	for key, e := range v {
		switch lower := strings.ToLower(key); {
		case lower == "error" || lower == "errors":
			if substantial(e) {
				return true
			}
		case lower == "type" && e == "error", lower == "success" && e == false:
			return true
		case strings.HasSuffix(key, "Exception"):
			return true
		case lower == "choices":
			if finishedInError(e) {
				return true
			}
		case lower == "base_resp", lower == "header": // MiniMax, iFlytek
			resp, _ := e.(map[string]any)
			for _, name := range []string{"status_code", "code"} {
				if n, ok := resp[name].(json.Number); ok && n != "0" {
					return true
				}
			}
		}
	}
	return codeFailed(v)
}

// codeFailed recognises {"code": ..., "message": ...} without any content, and
// the same under other names: {"error_code": 18, "error_msg": ...} (Baidu).
func codeFailed(v map[string]any) bool {
	for _, with := range []string{"choices", "data", "output", "content", "candidates", "result"} {
		if substantial(v[with]) {
			return false
		}
	}
	said := func(name string) bool { s, _ := v[name].(string); return s != "" }
	for prefix, names := range codeAndMessage {
		if slices.ContainsFunc(names, said) && refusing(v[prefix]) {
			return true
		}
	}
	return false
}

// codeAndMessage are the members that carry a message beside each member that
// carries a code.
var codeAndMessage = map[string][]string{
	"code":       {"message", "msg"},
	"error_code": {"error_msg", "error_message", "message", "msg"},
	"errorCode":  {"errorMsg", "errorMessage", "message", "msg"},
	"err_code":   {"err_msg", "message", "msg"},
	"errcode":    {"errmsg", "message", "msg"},
}

// refusing reports whether a code is none of those that mean success.
func refusing(code any) bool {
	switch code := code.(type) {
	case string:
		return !slices.Contains([]string{"", "0", "200", "ok", "success"}, strings.ToLower(code))
	case json.Number:
		return code != "0" && code != "200"
	}
	return false
}

func substantial(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case bool:
		return v
	case json.Number:
		return v != "0"
	case map[string]any:
		return len(v) > 0
	case []any:
		return len(v) > 0
	}
	return true
}

func finishedInError(choices any) bool {
	list, _ := choices.([]any)
	for _, c := range list {
		choice, _ := c.(map[string]any)
		reason, _ := choice["finish_reason"].(string)
		if reason == "error" || reason == "error_finish" {
			return true
		}
	}
	return false
}
