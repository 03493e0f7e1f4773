package runfolder

import (
	"time"

	"probe/analysis/search"
	"probe/attack"
)

// A stageLine is a line of stages.jsonl: one of its fields. Times are
// nanoseconds of endpoint time.
type stageLine struct {
	Begin *beginRecord  `json:"begin,omitempty"`
	End   *resultRecord `json:"end,omitempty"`
}

// beginRecord is a stage that is about to be sent. What an earlier process
// sent of the same stage before it was killed has lower numbers.
type beginRecord struct {
	search.Stage
	FirstSeq uint64 `json:"first_seq"`
}

// resultRecord is an [attack.Result] without its exchanges.
type resultRecord struct {
	Number    int           `json:"number"`
	Start     time.Duration `json:"start"`
	End       time.Duration `json:"end"`
	Scheduled int           `json:"scheduled"`
	Sent      int           `json:"sent"`
	Delay     time.Duration `json:"delay_p99"`
	Void      string        `json:"void,omitempty"`
	Spent     bool          `json:"spent,omitempty"`

	Shares []attack.ShareResult `json:"shares,omitempty"`
}

func newResultRecord(number int, r attack.Result) *resultRecord {
	return &resultRecord{
		Number: number, Start: r.Start, End: r.End, Scheduled: r.Scheduled,
		Sent: r.Sent, Delay: r.Delay, Void: r.Void, Spent: r.Spent, Shares: r.Shares,
	}
}

func (r *resultRecord) result() *attack.Result {
	return &attack.Result{
		Start: r.Start, End: r.End, Scheduled: r.Scheduled,
		Sent: r.Sent, Delay: r.Delay, Void: r.Void, Spent: r.Spent, Shares: r.Shares,
	}
}
