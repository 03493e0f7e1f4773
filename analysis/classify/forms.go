package classify

import "strings"

// A form is one way in which providers word a limit.
type form struct {
	re   string
	dim  string // what is counted, when the form leaves no doubt
	full bool   // look in the whole message; otherwise in what it states only
}

// parts stand for the numbers and words of a limit in a form.
var parts = strings.NewReplacer(
	"{limit}", `(?P<limit>`+num+`)`,
	"{used}", `(?P<used>`+num+`)`,
	"{requested}", `(?P<requested>`+num+`)`,
	"{remaining}", `(?P<remaining>`+num+`)`,
	"{what}", `(?P<what>`+counted+`)`, // what is counted: input tokens, queries
	"{abbr}", `(?P<abbr>[IO]?TP[MDHS]|RP[MDHS]|QP[MSD]|TPS|RPS|QPS)`,
	"{every}", `(?P<every>\d+)`, // the window: so many ...
	"{per}", `(?P<per>`+timeUnit+`)`, // ... of this unit
)

const (
	num      = `\d+(?:[,_]\d+)*(?:\.\d+)?`
	timeUnit = `seconds?|secs?|s|minutes?|minut[oe]n?s?|mins?|m|hours?|hrs?|h|days?|d|weeks?|months?`
	counted  = `(?:input[ -]?|output[ -]?|prompt |completion |request |uncached input |cached |total |api |` +
		`model |chat |free |inference |http |concurrent |in-flight |parallel )*` +
		`(?:tokens?(?:_usage_based)?|requests?(?:_usage_based)?|reqs?|queries|calls?|messages?|generations?|images?|prompts?|operations?|` +
		`invocations?|transactions?|connections?|sessions?|attempts?|hits?|times?|` +
		`requêtes?|anfragen|solicitudes|peticiones|запросов)`
)

// wording puts in what the parts of a form stand for.
// A space may be any white space: logs break lines where they like.
func wording(form string) string {
	return strings.ReplaceAll(parts.Replace(form), " ", `\s`)
}

// figures finds forms of limits and, after them, forms of waits.
var figures = func() *finder {
	var expressions []string
	for _, f := range forms {
		expressions = append(expressions, f.re)
	}
	return newFinder(append(expressions, waits...)...)
}()

// forms are tried in order; what one has read the later ones do not read again.
var forms = []form{
	// OpenAI, Groq, xAI: on tokens per min (TPM): Limit 30000, Used 22999, Requested 12528.
	{
		full: true,
		re:   wording(`{what} per {per}\.?(?: in organization [\w-]+)?(?: \((?P<abbr>\w+)\))?[:.,]?\s*Limit:?\s*{limit}(?: ?/ ?\w+)?(?:[.,;]\s*(?:Used|Current):?\s*{used}(?: ?/ ?\w+)?)?(?:[.,;]\s*Requested:?\s*~?{requested})?`),
	},
	// GitHub Models, Azure AI Foundry.
	{
		full: true,
		re:   wording(`rate limit of {limit} per {every} ?(?P<per>s)(?:econds)? exceeded for (?P<name>\w+)`),
	},
	// xAI: Tokens per Minute (actual/limit): 16021/16000.
	{
		full: true,
		re:   wording(`(?P<what>requests|tokens) per {per}\s*\((?:actual|requested|used|current)/limit\):?\s*{used}\s*/\s*{limit}`),
	},
	// Moonshot: organization TPD rate limit, current: 1526210, limit: 1500000.
	{
		full: true,
		re:   wording(`\b{abbr}(?: rate)?(?: limit)?(?: exceeded| reached)?[,:]?\s*\(?current:?\s*{used}[,;]?\s*limit:?\s*{limit}`),
	},
	// Older LiteLLM: current rpm: 2, rpm limit: 1, current tpm: 20, tpm limit: 9000.
	{
		full: true,
		re:   wording(`current (?P<abbr>rpm|tpm):\s*{used},\s*(?:rpm|tpm) limit:\s*{limit}`),
	},
	{
		dim: "concurrency", full: true,
		re: wording(`current max_parallel_requests:\s*{used},\s*max_parallel_requests:\s*{limit}`),
	},
	// Moonshot: max RPM: 20; LiteLLM: rpm_limit: 10; new-api and others: TPM limit of 5000.
	{
		full: true,
		re:   wording(`\b(?:max(?:imum)?[ _])?{abbr}(?:[ _](?:rate )?limit(?: reached| exceeded)?)?(?: of|:| is|=|：|为)+\s*{limit}(?:[,;]?\s*current[ _](?:rpm|tpm)[:=]?\s*{used})?`),
	},
	// 60 RPM
	{re: wording(`(?:^|[\s(/:]){limit}\s?{abbr}\b`)},
	// AI DIAL: Minute limit: 12000 / 10000 tokens. Day limit: ...
	{
		full: true,
		re:   wording(`(?P<per>minute|hour|day|week|month) limit:\s*{used}\s*/\s*{limit}\s*{what}`),
	},
	// Huawei's API gateway: over ratelimit,limit:5,time:1 minute.
	{
		dim: "requests", full: true,
		re: wording(`limit:\s*{limit}\s*[,;]\s*(?:time|period|window|interval):\s*(?:{every}\s*)?{per}\b`),
	},
	// Please limit your requests to 20 per minute.
	{
		full: true,
		re:   wording(`(?:limit|restrict)(?:ed)?(?: \w+){0,3} {what} to (?:a maximum of |at most |no more than )?{limit}\s*(?:per|/|an?|every|each) (?:{every} )?{per}\b`),
	},
	// Daily request 200 limit exceeded; daily limit of 1,000 requests; your monthly token limit is 5000.
	{re: wording(`(?P<per>hourly|daily|weekly|monthly) {what} {limit} (?:limit|quota|cap)`), full: true},
	{re: wording(`(?P<per>hourly|daily|weekly|monthly) (?:{what} )?(?:usage |rate )?(?:limit|quota|cap|allowance|maximum)(?: reached| exceeded)?(?: of|:| is|\s*\()\s*{limit}\b`)},
	{re: wording(`{limit}\s*{what} (?P<per>hourly|daily|weekly|monthly)\b`)},
	// Token limit (500,000 per day) exceeded. Used: 508,311 tokens.
	{
		full: true,
		re:   wording(`{what} (?:rate )?(?:limit|quota)\s*\(?{limit}\s*(?:per|/|an?|every) {per}\)?(?: (?:is |was |has been )?(?:exceeded|reached))?(?:[.,;:]? used:? {used})?`),
	},
	// Too many requests: 101 of 100 allowed in the last 60 seconds
	{
		dim: "requests", full: true,
		re: wording(`requests?:?\s*{used} (?:of|out of) {limit}(?: requests?)?(?: are| were)?(?: allowed| permitted)? (?:in|within) (?:the )?(?:last |past )?(?:{every} )?{per}\b`),
	},
	// Moonshot of 2024: request reached max request: 3
	{
		full: true,
		re:   wording(`reached (?:the )?(?:organization |project |account )?max(?:imum)? {what}:\s*{limit}`),
	},
	// 200 requests allowed per day; 1000 requests are allowed each hour.
	{re: wording(`{limit}\s*{what}(?: are| is)? (?:allowed|permitted|available) (?:per|an?|every|each|in) (?:{every} )?{per}\b`)},
	// tokens per minute limit reached: 6000/6000
	{
		full: true,
		re:   wording(`{what}[ -]per[ -]{per} limit (?:reached|exceeded):?\s*\(?{used}\s*/\s*{limit}`),
	},
	// Concurrency, used and limit: DeepSeek.
	{
		dim: "concurrency", full: true,
		re: wording(`concurren\w+ (?:is|of|:) ?{used}[^.]*?(?:limit|max\w*)[^.\d]{0,20}{limit}`),
	},
	{
		dim: "concurrency", full: true,
		re: wording(`(?:max(?:imum)?[ _](?:number of |organization |account |allowed )*(?:concurrency|concurrent \w+|parallel requests)|max_parallel_requests|concurren\w+(?: \w+)? limit|concurrency|limit of concurrent \w+|concurrent (?:connections|requests) (?:limit|has exceeded)[^.\d]{0,20})\s*(?:of|:|is|=|to|\()+\s*{limit}`),
	},
	{
		dim: "concurrency",
		re:  wording(`(?:limit(?:ed)?(?: of| to|:| is)|max(?:imum)?(?: of)?|up to|exceed\w*(?: the)?|allows?|only)\s*{limit}\s*(?:concurrent|parallel|simultaneous|in-flight)\b`),
	},
	// key "k" has 1 concurrent requests in flight (limit 1); all slots are busy (cap 5)
	{
		dim: "concurrency", full: true,
		re: wording(`{used} (?:concurrent|parallel|simultaneous|in-flight|active|running|open) (?:requests?|calls?|connections?|streams?|sessions?|jobs?|tasks?)(?: in flight| running| active| open)?,? ?\((?:limit|max(?:imum)?|cap|of)(?: is|:|=)? ?{limit}\)`),
	},
	{
		dim: "concurrency", full: true,
		re: wording(`\bslots?\b[^.\d]{0,30}\((?:cap|limit|max(?:imum)?|of)(?: is|:|=)? ?{limit}\)`),
	},
	// Request quota exceeded. Used: 176/1700
	{
		full: true,
		re:   wording(`{what} (?:quota|limit|allowance)(?: exceeded| exhausted| reached)?[.,:;]* (?:used|usage|current)[:=]? ?{used} ?/ ?{limit}\b`),
	},
	{
		dim: "concurrency", full: true,
		re: wording(`并发(?:数|请求数|量)?(?:已)?(?:的)?(?:达到|超过|超出)?(?:最大)?(?:上限|限制|限额)?\s*[为是:：(（]?\s*{limit}`),
	},
	// global concurrency limit reached (96/96)
	{
		dim: "concurrency", full: true,
		re: wording(`concurren\w+(?: \w+)? limit (?:reached|exceeded|hit):? ?\(?{used} ?/ ?{limit}\b`),
	},
	// only 2 requests in progress at a time; at most 3 requests at once
	{
		dim: "concurrency",
		re:  wording(`(?:only|at most|up to|max(?:imum)?(?: of)?|limit(?:ed)? (?:of|to)|more than)(?: have| run| send)? {limit} requests? (?:in progress|running|at (?:a|the same) time|at once|simultaneously|in parallel)`),
	},
	// token limit per minute: 90000, used: 89000, requested: 2000; max requests per minute reached: 30
	{
		full: true,
		re:   wording(`{what} (?:rate )?(?:limit|quota) per {per}(?: reached| exceeded)?(?:[:,]| is| of)+ {limit}(?:[,;] (?:used|current)[:=]? {used})?(?:[,;] requested[:=]? {requested})?`),
	},
	{full: true, re: wording(`{what}[ -]per[ -]{per} (?:limit )?(?:reached|exceeded): {limit}\b`)},
	// 6/5 requests per second; 100 requests for a-model per minute exceeded (remaining: 0)
	{full: true, re: wording(`\b{used} ?/ ?{limit} {what} per {per}\b`)},
	{full: true, re: wording(`{limit} {what} (?:for|to|of) \S+ per {per}\b(?: (?:is |was )?(?:exceeded|reached))?(?: \(remaining: {remaining}\))?`)},
	// 50 requests per minute; 40,000 input tokens per minute; 10 API calls / minute; 5 requests in 10 seconds.
	{
		re: wording(`{limit}\s*(?P<scale>[kKmM])?\s*{what}\s*(?:/|per|par|pro|por|an?\b|every|each|in(?: a)?|within(?: a)?|over(?: a)?)\s*(?:{every}[ -]?)?{per}\b`),
	},
	{ // Rate limit reached for tokens. Limit: 150000.000000 / min. Current: 176000.000000 / min.
		full: true,
		re:   wording(`{what}\.\s*limit:?\s*{limit}\s*/\s*{every}?\s?(?P<per>second|sec|minute|min|hour|day|[smhd])\b[.,;]?\s*current:?\s*{used}(?:\s*/\s*\w+)?`),
	},
	{
		dim: "requests", full: true,
		re: wording(`limit:?\s*{limit}\s*/\s*{every}?\s?(?P<per>second|sec|minute|min|hour|day|[smhd])\b[.,;]?\s*current:?\s*{used}(?:\s*/\s*\w+)?`),
	},
	// slowapi, flask-limiter: 5 per 1 minute; AspNetCoreRateLimit: maximum admitted 5 per 1m; 10/minute; 3 / min.
	{
		dim: "requests",
		re:  wording(`{limit}\s*(?:/|per)\s*(?:{every}\s?)?(?P<per>second|sec|minute|min|hour|day|month|[smhd])s?\b`),
	},
	// tokens per minute limit of 8000; requests per minute limit: 10
	{
		re: wording(`{what}[ -]per[ -]{per}(?: rate)?(?: limit)?(?: \((?P<abbr>\w+)\))?\s*(?:of|:|is|=|exceeded:?|\()+\s*{limit}`),
	},
	// new-api: 您已达到请求数限制：1分钟内最多请求10次
	{
		dim: "requests", full: true,
		re: wording(`{every}\s*(?P<per>秒|分钟|小时|天)内?(?:最多|只能|仅限)?(?:允许)?(?:请求|调用|访问)?\s*{limit}\s*次`),
	},
	{
		dim: "requests", full: true,
		re: wording(`每(?:1)?(?P<per>秒|分钟|小时|天|日)(?:最多|限制|上限|不超过|只能|仅限)*(?:请求|调用|访问)?(?:为|是|:|：)?\s*{limit}\s*(?:次|个请求)`),
	},
	{re: wording(`{limit}\s*次\s*[/每]\s*(?P<per>秒|分钟|小时|天|日)`), dim: "requests", full: true},
	// LiteLLM: Limit type: tokens. Current limit: 100, Remaining: 0.
	{
		full: true,
		re:   wording(`limit type:\s*(?P<what>\w+)[.,]?\s*current limit:\s*{limit}[.,]?\s*remaining:\s*(?:-\d+|{remaining})`),
	},
}
