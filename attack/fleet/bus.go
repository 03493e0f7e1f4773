package fleet

import "context"

// A Bus carries messages between a coordinator and its workers. What is worth
// nothing when it is late is told and may be lost; what must not be lost is
// kept until it has been taken. The methods may be called from many
// goroutines at once.
type Bus interface {
	// Tell sends a message to all that listen to the subject at the moment.
	// One sender's messages on a subject arrive in their order, if they arrive.
	Tell(subject string, data []byte) error
	// Listen hands messages to f, one after the other, until stop is called.
	Listen(subject string, f func(data []byte)) (stop func(), err error)
	// Ask sends a question to whoever answers the subject and returns the
	// answer, or the error of ctx when there is none by then.
	Ask(ctx context.Context, subject string, data []byte) ([]byte, error)
	// Answer answers questions with what f returns, until stop is called.
	Answer(subject string, f func(data []byte) []byte) (stop func(), err error)
	// Keep stores a message and returns when it is stored. The same id is
	// stored once, so that who is not sure may repeat it.
	Keep(ctx context.Context, id string, data []byte) error
	// Take hands what was kept to f in the order in which each sender kept it,
	// and what is kept from now on as it comes, until stop is called. A message
	// for which f returns an error is handed out again.
	Take(f func(data []byte) error) (stop func(), err error)
}

// The subjects of a fleet.
const (
	subjectBeat  = "beat"  // the coordinator's state
	subjectHello = "hello" // a worker's state
	subjectOrder = "order" // a stage, for those who take part
	subjectSpec  = "spec"  // asked by a worker that wants to join
	subjectClock = "clock" // asked by a worker that sets its clock
)
