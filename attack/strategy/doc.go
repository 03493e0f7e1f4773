// Package strategy holds the ways in which a client copes with an endpoint
// that turns requests away. Each strategy is an [http.RoundTripper] around the
// next one, so a chain of them fits into any [http.Client]: Vegeta's, an SDK's,
// anybody's.
//
// A chain is written as the names of its strategies, outermost first, joined
// by "+": a request passes "queue+backoff+fallback" from left to right, its
// answer from right to left. [Parse] builds one.
//
//   - direct sends once and hands back whatever came. It stands alone.
//   - backoff tries again after a growing, jittered wait, or after the wait
//     that the answer asks for, and only what another try can mend.
//   - queue lets requests out no faster than given limits on requests and
//     tokens allow.
//   - rotate spreads requests over several keys; a refused key rests.
//   - fallback goes on to the next model or endpoint of a list.
//   - provider-queue asks the provider to hold a request instead of refusing it.
//   - adaptive finds a rate of its own: additive increase, multiplicative
//     decrease.
//
// Whatever its strategies, a chain replays request bodies intact, gives the
// last answer back when it gives up, leaves no answer's body open, stops
// waiting at once when the request's context ends, and never makes an attempt
// past the task's deadline or over its number of attempts. The two parts that
// see to this, entry and gate, stand at either end of every chain.
//
// The order matters in one place. A queue (or adaptive) to the left of a
// strategy that makes further attempts paces those as well. A queue to the
// right of rotate keeps one set of limits for each key; to the left of it, its
// limits are those of all keys together.
//
// All durations of a [Config] are endpoint time: with a Speed of 60 a wait of
// one minute takes one second.
package strategy
