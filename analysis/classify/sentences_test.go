package classify

import (
	"strings"
	"testing"

	"probe/analysis/exchange"
)

// Sentences that nobody has said yet, as far as is known: the rules go by
// meaning, so that they need not have been heard before.
func TestSentences(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		sentence   string
		want       exchange.Outcome
		advertised string
		wait       float64
	}{
		{"You are sending requests too quickly.", "request_rate", "", 0},
		{"Too many input tokens in the last minute", "token_rate", "", 0},
		{"Your tokens-per-minute quota has been used up", "token_rate", "", 0},
		{"Request limit: 60 per minute exceeded", "request_rate", "requests 60/60s", 0},
		{"API key exceeded its rate of 5 req/s", "request_rate", "requests 5/1s", 0},
		{"Max 10 requests per 1 minute", "request_rate", "requests 10/60s", 0},
		{"Limit of 100 requests per hour reached", "daily_quota", "requests 100/3600s", 0},
		{"Quota of 1000000 tokens per day exhausted.", "daily_quota", "tokens 1000000/86400s", 0},
		{"You have 0 credits left.", "billing", "", 0},
		{"Your prepaid balance is used up", "billing", "", 0},
		{"Payment required to continue", "billing", "", 0},
		{"Trial credits expired", "free_quota", "", 0},
		{"Your free trial has ended", "free_quota", "", 0},
		{"concurrent request limit (5) exceeded", "concurrency", "concurrency 5", 0},
		{"maximum number of parallel requests reached", "concurrency", "", 0},
		{"you can only have 2 requests in progress at a time", "concurrency", "concurrency 2", 0},
		{"traffic ramped up too fast", "burst", "", 0},
		{"The server is currently overloaded", "overload", "", 0},
		{"We are experiencing heavy load", "overload", "", 0},
		{"You have used up today's quota", "daily_quota", "", 0},
		{"Rate limit: 20 requests/min", "request_rate", "requests 20/60s", 0},
		{"Rate limited. Try again in 5 minutes.", "unclassified", "", 300},
		{"Exceeded 40000 TPM", "token_rate", "tokens 40000/60s", 0},
		{"请求次数超过每分钟60次的限制", "request_rate", "requests 60/60s", 0},
		{"今日免费额度已用完，请明天再试", "daily_quota", "", 0},
		{"账户余额不足，请充值", "billing", "", 0},
		{"当前并发数已达上限 5", "concurrency", "", 0},
		{"每分钟tokens超过限制", "token_rate", "", 0},
		{"您的请求过于频繁，请稍后再试", "request_rate", "", 0},
		{"触发限流", "unclassified", "", 0},
		{"本月额度已用完", "daily_quota", "", 0},
		{"Has alcanzado el límite de solicitudes por minuto", "request_rate", "", 0},
		{"Sie haben das Limit von 10 Anfragen pro Minute überschritten", "request_rate", "requests 10/60s", 0},
		{"Vous avez dépassé la limite de 20 requêtes par minute", "request_rate", "requests 20/60s", 0},
		{"Слишком много запросов в минуту", "request_rate", "", 0},
		{"분당 요청 한도를 초과했습니다", "request_rate", "", 0},
		{"1分あたりのリクエスト数の上限を超えました", "request_rate", "", 0},
		{"Requests are limited to 3 per second. Retry after 1s", "request_rate", "requests 3/1s", 1},
		{"Throughput limit exceeded: 100000 tokens/min", "token_rate", "tokens 100000/60s", 0},
		{"Hourly request quota of 500 exceeded, resets in 12m", "daily_quota", "requests 500/3600s", 720},
		{"You have reached your plan's limit of 50 messages every 3 hours", "daily_quota", "requests 50/10800s", 0},
		{"Spending limit of $50 reached", "billing", "", 0},
		{"Insufficient funds", "billing", "", 0},
		{"Account in arrears", "billing", "", 0},
		{"Only 1 concurrent request is allowed on your plan", "concurrency", "concurrency 1", 0},
		{"GPU resources exhausted, please try later", "overload", "", 0},
		{"All workers are busy", "overload", "", 0},
		{"queue is full", "overload", "", 0},
		{"no available capacity", "overload", "", 0},
		{"Exceeded rate limit of 2 requests per 10 seconds", "request_rate", "requests 2/10s", 0},
		{"Max requests per minute reached: 30", "request_rate", "requests 30/60s", 0},
		{"Requests are coming in too fast", "request_rate", "", 0},
		{"Token budget for this minute exhausted", "token_rate", "", 0},
		{"You have hit your hourly limit", "daily_quota", "", 0},
		{"You have reached your request limit for the day", "daily_quota", "", 0},
		{"Job queue limit reached (max 2 concurrent jobs)", "concurrency", "concurrency 2", 0},
		{"timed out waiting for a concurrent slot", "concurrency", "", 0},
		{"Please wait for your previous request to finish", "concurrency", "", 0},
		{"no slots available", "overload", "", 0},
		{"There are too many requests in the queue", "overload", "", 0},
		{"The maximum number of queued requests has been reached", "overload", "", 0},
		{"no healthy deployments, all are in cooldown", "overload", "", 0},
		{"Server-side rate limiting in effect for all users", "overload", "", 0},
		{"Too many requests: 101 of 100 allowed in the last 60 seconds", "request_rate", "requests 100/60s used 101", 0},
		{"Your credits have expired", "billing", "", 0},
		{"Credit limit reached", "billing", "", 0},
		{"Spending limit reached: $5.00 per day", "billing", "", 0},
		{"subscription required to continue", "billing", "", 0},
		{"The token bucket for calls is empty, request limit exceeded", "request_rate", "", 0},
		{"Requests or tokens per minute exceeded", "unclassified", "", 0},
		{"Rate limit reached", "unclassified", "", 0},
		{"Your quota will reset after 5s", "unclassified", "", 5},
		{"Burst limit exceeded. Try again in 3 hours", "daily_quota", "", 10800},
		{"当前模型请求量过大，请排队", "overload", "", 0},
		{"试用额度已用完，请购买套餐", "free_quota", "", 0},
		{"请求过于频繁，每天的次数限制见文档", "request_rate", "", 0},
		{"Limits: 60 requests per minute, 1000 requests per day", "unclassified", "requests 60/60s, requests 1000/86400s", 0}, // which?
		{"Free tier rate limit exceeded", "unclassified", "", 0},
		{"You have reached your request limit", "unclassified", "", 0}, // of a minute, or of the plan?
		{"You have used up the requests of your free trial", "free_quota", "", 0},
		{"You've reached your trial message limit", "free_quota", "", 0},
		{"24-hour credit limit exceeded", "daily_quota", "", 0},
		{"5h limit reached", "daily_quota", "", 0},
		{"Exceeded the quota for this billing cycle", "daily_quota", "", 0},
		{"You've used all of your included requests for this month", "daily_quota", "", 0},
		{"You have no remaining quota. Resets on 2026-12-01", "daily_quota", "", 0},
		{"Too many requests from this IP, please try again after an hour", "daily_quota", "", 3600},
		{"Rate limit exceeded. Your daily quota is not affected.", "unclassified", "", 0},
		{"您的免费额度已用完，请明天再来", "daily_quota", "", 0},
		{"The service is receiving too many requests from you", "request_rate", "", 0},
		{"Burst capacity exceeded", "burst", "", 0},
		{"no workers available", "overload", "", 0},
		{"The maximum queue size was exceeded", "overload", "", 0},
		{"The server is temporarily unable to handle your request", "overload", "", 0},
		{"Your key has 4 concurrent requests running (max 4)", "concurrency", "concurrency 4 used 4", 0},
		{"Message quota exceeded. Used: 50/50", "unclassified", "requests 50 used 50", 0},
		{"The input token count exceeds the per-minute quota", "token_rate", "", 0},
		{"All keys for this model are cooling down", "overload", "", 0},
		{"Loading model", "overload", "", 0},
		{"Your in-flight spending budget is exhausted", "concurrency", "", 0},
		{"Concurrency limit reached (8/8)", "concurrency", "concurrency 8 used 8", 0},
		{"Consumed (req/min): 20, Remaining (req/min): 0", "request_rate", "", 0},
		{"You have used this period's free allowance", "daily_quota", "", 0},
		{"6/5 requests per second for this endpoint", "request_rate", "requests 5/1s used 6", 0},
		{"20 requests for some-model per minute exceeded (remaining: 0)", "request_rate", "requests 20/60s remaining 0", 0},
		{"This method requires billing to be enabled", "billing", "", 0},
		{"Spike arrest violation", "request_rate", "", 0},
		{"Bulkhead 'llm' is full and does not permit further calls", "concurrency", "", 0},
		{"The model is receiving too many requests right now", "overload", "", 0},
		{"token limit per minute: 90000, used: 89000, requested: 2000", "token_rate", "tokens 90000/60s used 89000 requested 2000", 0},
	} {
		got := Unknown().Classify(Answer{Status: 429, Body: []byte(tc.sentence)})
		if got.Outcome != tc.want {
			t.Errorf("%q: %s by %s, want %s", tc.sentence, got.Outcome, got.Rule, tc.want)
		}
		if limits := strings.Join(written(got.Advertised), ", "); limits != tc.advertised {
			t.Errorf("%q: limits %q, want %q", tc.sentence, limits, tc.advertised)
		}
		if wait := got.RetryAfterS; wait == nil && tc.wait > 0 || wait != nil && *wait != tc.wait {
			t.Errorf("%q: wait %v, want %v", tc.sentence, wait, tc.wait)
		}
	}
}
