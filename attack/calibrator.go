package attack

import (
	"math"
	"sync"
)

// A Calibrator learns how many tokens the endpoint counts for a prompt of a
// number of words: tokens = overhead + ratio × words. The overhead is what a
// chat's framing adds, the ratio is 1 where a word is a token.
//
// It is a linear regression that begins with an expectation, so that it has an
// answer before the first observation and does not jump at it:
//
//	minimise  Σ wᵢ (tokensᵢ − overhead − ratio·wordsᵢ)²
//	          + (overhead − 8)²/50² + (ratio − 1)²/0.5²
//
// Where:
//
//	wᵢ = 1/(1 + wordsᵢ/16), because counts that vary do so more in long prompts
//
// One observation of a short prompt thereby explains itself by the overhead,
// one of a long prompt by the ratio; two of different lengths settle both.
// A Calibrator may be used from many goroutines at once.
type Calibrator struct {
	mu sync.Mutex
	n  int
	// The normal equations: [sw swx; swx swxx] (overhead, ratio) = (swy, swxy).
	sw, swx, swxx, swy, swxy float64
	fixed                    bool
}

// A Calibration is what a Calibrator has learnt, to be sent elsewhere.
type Calibration struct {
	N        int        `json:"n"`   // observations
	Equation [5]float64 `json:"eqn"` // of the regression: Σw, Σwx, Σwx², Σwy, Σwxy
}

// Calibration returns what has been learnt so far.
func (c *Calibrator) Calibration() Calibration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Calibration{c.n, [5]float64{c.sw, c.swx, c.swxx, c.swy, c.swxy}}
}

// Fixed returns a calibrator that knows this and learns no more. All senders
// of a stage make a size of as many words then, as many as were reserved.
func (k Calibration) Fixed() *Calibrator {
	e := k.Equation
	if !(e[0]*e[2]-e[1]*e[1] > 0) { // no calibrator's
		return NewCalibrator()
	}
	return &Calibrator{n: k.N, sw: e[0], swx: e[1], swxx: e[2], swy: e[3], swxy: e[4], fixed: true}
}

// What is expected before the first observation: an overhead of a few tokens
// (Qwen's framing of one user message takes 9, OpenAI's 7), and words that are
// one token.
const (
	expectOverhead = 8
	spreadOverhead = 50
	expectRatio    = 1
	spreadRatio    = 0.5
)

// NewCalibrator returns a calibrator without observations.
func NewCalibrator() *Calibrator {
	const o, r = 1.0 / (spreadOverhead * spreadOverhead), 1 / (spreadRatio * spreadRatio)
	return &Calibrator{sw: o, swy: o * expectOverhead, swxx: r, swxy: r * expectRatio}
}

// Observe tells that the endpoint counted tokens for a prompt of words. Counts
// that no tokenizer gives are ignored.
func (c *Calibrator) Observe(words int, tokens int64) {
	if words <= 0 || tokens <= 0 || tokens > 100*int64(words)+100_000 {
		return
	}
	x, y := float64(words), float64(tokens)
	w := 1 / (1 + x/16)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fixed {
		return
	}
	c.n++
	c.sw += w
	c.swx += w * x
	c.swxx += w * x * x
	c.swy += w * y
	c.swxy += w * x * y
}

// Fit returns the overhead in tokens and the tokens of a word.
func (c *Calibrator) Fit() (overhead, ratio float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fitLocked()
}

func (c *Calibrator) fitLocked() (overhead, ratio float64) {
	det := c.sw*c.swxx - c.swx*c.swx // positive: the expectation sees to it
	overhead = (c.swy*c.swxx - c.swx*c.swxy) / det
	ratio = (c.sw*c.swxy - c.swx*c.swy) / det
	return overhead, max(ratio, 0.01)
}

// Words returns how many words make a prompt of the wanted tokens, at least 1.
func (c *Calibrator) Words(tokens int) int {
	overhead, ratio := c.Fit()
	return max(1, int(math.Round((float64(tokens)-overhead)/ratio)))
}

// Tokens returns the tokens that a prompt of words is expected to have.
func (c *Calibrator) Tokens(words int) int {
	overhead, ratio := c.Fit()
	return expected(words, overhead, ratio)
}

func expected(words int, overhead, ratio float64) int {
	return max(1, int(math.Round(overhead+ratio*float64(words))))
}

// Bound returns more tokens than a prompt of words can be expected to have,
// for a reservation: 10 % and 64 tokens more before the first observation, 2 %
// and 8 tokens after it.
func (c *Calibrator) Bound(words int) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	overhead, ratio := c.fitLocked()
	tokens := float64(expected(words, overhead, ratio))
	if c.n == 0 {
		return int64(math.Ceil(tokens*1.1)) + 64
	}
	return int64(math.Ceil(tokens*1.02)) + 8
}
