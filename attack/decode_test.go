package attack

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The quick way of reading an answer reads what encoding/json reads.
func FuzzChunk(f *testing.F) {
	for _, s := range []string{
		`{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":1}}}`,
		`{"choices":[{"delta":{"content":"","reasoning_content":"a","tool_calls":[]},"finish_reason":null}],"usage":null}`,
		`{"choices":[{"delta":{"content":"x"}}],"choices":[{"finish_reason":"length"}],"usage":{"input_tokens":4},"usage":{"output_tokens":5}}`,
		`{"type":"message_delta","delta":{"stop_reason":"max_tokens"},"usage":{"output_tokens":9,"cache_read_input_tokens":2}}`,
		`{"output":{"text":"x","finish_reason":"null"},"usage":{"total_tokens":"3"}}`,
		`{"Choices":[{"Finish_Reason":"stop"}],"error":{"message":"x"},"code":"y"}`,
		`{"usage":{"prompt_tokens":1.5,"completion_tokens":1e3,"total_tokens":99999999999999999999}}`,
		`{"type":"é\u0041","choices":{"a":1},"stop_reason":7}`,
		` [1] `, `null`, `"x"`, `{"choices":[null,{},[]]}`, `{"choices":null,"output":null,"error":[ ],"code":{}} `, `{`, ``, `{"a":}`,
		"{\"usage\" : {\"prompt_tokens\"\t:\n1}}", `{"ſtop_reason":"x","ChoiceS":1}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got, want chunk
		err := json.Unmarshal(data, &want)
		var mismatch *json.UnmarshalTypeError
		isJSON := err == nil || errors.As(err, &mismatch)
		if got.decode(data) != isJSON {
			t.Fatalf("%q: JSON %v, by encoding/json %v", data, !isJSON, isJSON)
		}
		if len(got.Choices) == 0 && len(want.Choices) == 0 {
			got.Choices, want.Choices = nil, nil
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(chunk{}, choice{}, message{}, usage{}, details{})); isJSON && diff != "" {
			t.Fatalf("%q (-want +got):\n%s", data, diff)
		}
	})
}
