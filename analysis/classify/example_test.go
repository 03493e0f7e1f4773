package classify_test

import (
	"fmt"

	"probe/analysis/classify"
	"probe/scenarios/providers"
)

// The message alone gives the kind of the refusal, the limit, its window, its
// algorithm and the wait.
func ExampleClassifier_Classify() {
	openai, err := providers.Named("openai")
	if err != nil {
		fmt.Println(err)
		return
	}
	v := classify.New(openai).Classify(classify.Answer{
		Status: 429,
		Body: []byte(`{"error": {"type": "tokens", "code": "rate_limit_exceeded", "message":
			"Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Used 22999, Requested 12528. Please try again in 11.054s."}}`),
	})
	limit := v.Advertised[0]
	fmt.Println(v.Outcome, v.Rule, v.Recovers, *v.RetryAfterS)
	fmt.Println(limit.Dimension, *limit.Limit, "per", limit.WindowS, "s", limit.Algorithm)
	// Output:
	// token_rate openai/tokens refill 11.054
	// tokens 30000 per 60 s token_bucket
}
