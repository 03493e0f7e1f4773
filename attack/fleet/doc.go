// Package fleet sends the stages of one run from many machines.
//
// A [Coordinator] is an [attack.Sender]: the run that uses it is the ordinary
// one, and the search does not know that it is not a single Vegeta that
// answers. Workers, started by whatever starts processes on many machines,
// each send a share of every stage: of its arrivals 0, 1, 2, ... worker i of n
// sends those with the remainder i. Together they make the very arrivals that
// one machine would make.
//
// # How a stage is sent
//
//  1. The coordinator reserves the budget of the whole stage, request by
//     request, and writes the requests down as announced. What the budget does
//     not allow is cut off the end.
//  2. It publishes the stage with the workers that are to take part. Each sets
//     its clock, renders its requests, and says that it is ready.
//  3. When all are, it publishes the moment of the first request.
//  4. Each worker sends its share and passes every exchange on as it
//     completes, the last message being how many it sent.
//  5. Refusals and admissions are counted at the coordinator. When a stage has
//     had enough of them, it tells all workers to stop sending. What is in
//     flight then still counts, as it does on one machine.
//  6. The stage is complete when every worker has said how many requests it
//     sent and as many exchanges with its numbers are there. Requests that
//     were not sent are given back to the budget.
//
// # What can go wrong
//
// A stage that misses a share is void: it is recorded and paid for, and never
// evidence. What a lost worker may have sent counts as used in full. After a
// rest in which every limit has forgotten it, the stage is published again to
// those that are left. When it is void a second time, or too few are left, the
// run is undecided, see [ErrUndecided].
//
//   - A worker is lost when nothing has been heard of it for 1.5 s, when it
//     says that it cannot send its share, or when its numbers do not add up.
//   - A worker that has not heard of the coordinator for 1.5 s cuts off what
//     it has in flight and sends no more; after 5 s it gives up, see
//     [ErrLease]. No scheduler could stop a machine that is cut off.
//   - Each process has a random name. One that is restarted is another worker
//     and takes part from the next stage on, if it is heard by then.
//   - A worker that is late says so, as a single machine does; the stage is
//     void and the search decides how to go on.
//   - When the coordinator ends, all workers end. Resumed, it finds the stage
//     that was under way announced and not ended: that counts as used.
//   - When the bus is lost, coordinator and workers lose each other. If it is
//     back within 5 s, the same workers go on.
//
// # Clocks
//
// Workers ask the coordinator for its time and take half of the quickest round
// trip as the error of the answer. They compare again when their share is
// sent, so that a clock that ran away makes the stage void. The error is kept
// with each exchange.
package fleet
