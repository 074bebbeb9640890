// Reads a history of registers from stdin, an operation of a client a line, and prints as JSON whether one order of all operations
// explains it that agrees with real time (Herlihy and Wing, linearizability). Porcupine decides; this file holds the model of a
// register, what is known of an operation whose outcome nobody knows, and the search for the few operations that show what is wrong.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"
)

// A value is a text of the client's; null is a register that nobody has written.
type value = *string

// operation is one line.
type operation struct {
	Client int    `json:"client"`
	Key    string `json:"key"`
	// read, write or cas.
	Kind  string `json:"kind"`
	Input struct {
		// Of a cas: what must be there.
		From value `json:"from"`
		// Of a write or a cas: what is there afterwards.
		To value `json:"to"`
	} `json:"input"`
	Output struct {
		// Of a read, and of a cas that was not done: what was there.
		Found value `json:"found"`
		// Of a cas: whether it was done.
		Done bool `json:"done"`
	} `json:"output"`
	Call int64 `json:"call"`
	// Left out where the outcome is unknown.
	Return *int64 `json:"return"`
	// ok; fail: it has certainly had no effect; unknown: it may take effect at any time from its call to the end, or never.
	Outcome string `json:"outcome"`
	// The line.
	line json.RawMessage
}

// What the model is told of an operation.
type step struct {
	kind     string
	from, to value
	found    value
	done     bool
	unknown  bool
}

func same(a, b value) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}

func (o *operation) unknown() bool {
	return o.Outcome == "unknown"
}

// Whether the operation's answer tells what the register held.
func (o *operation) observes() bool {
	return !o.unknown() && o.Kind != "write"
}

func (o *operation) check() error {
	if o.Key == "" {
		return fmt.Errorf("it has no key")
	}
	if o.Outcome != "ok" && o.Outcome != "fail" && o.Outcome != "unknown" {
		return fmt.Errorf("outcome %q", o.Outcome)
	}
	if o.unknown() != (o.Return == nil) {
		return fmt.Errorf("what has an outcome has a return, and nothing else")
	}
	if o.Return != nil && *o.Return < o.Call {
		return fmt.Errorf("it returns before its call")
	}
	switch o.Kind {
	case "read":
	case "write", "cas":
		if o.Input.To == nil {
			return fmt.Errorf("a %s says what is written", o.Kind)
		}
	default:
		return fmt.Errorf("kind %q", o.Kind)
	}
	return nil
}

var register = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[string][]porcupine.Operation{}
		var keys []string
		for _, each := range history {
			key := each.Metadata.(*operation).Key
			if byKey[key] == nil {
				keys = append(keys, key)
			}
			byKey[key] = append(byKey[key], each)
		}
		parts := make([][]porcupine.Operation, len(keys))
		for at, key := range keys {
			parts[at] = byKey[key]
		}
		return parts
	},
	Init: func() any { return value(nil) },
	Step: func(state, input, _ any) (bool, any) {
		held, is := state.(value), input.(step)
		switch is.kind {
		case "read":
			return same(held, is.found), held
		case "write":
			return true, is.to
		}
		fits := same(held, is.from)
		switch {
		case is.unknown && fits, is.done && fits:
			return true, is.to
		case is.unknown:
			return true, held
		case is.done:
			return false, held
		}
		return !fits && same(held, is.found), held
	},
	Equal: func(a, b any) bool { return same(a.(value), b.(value)) },
	Hash: func(state any) uint64 {
		hash := uint64(14695981039346656037)
		if held := state.(value); held != nil {
			for _, one := range []byte(*held) {
				hash = (hash ^ uint64(one)) * 1099511628211
			}
		}
		return hash
	},
}

// What porcupine is given: without what has had no effect, and without what may have had one that nobody has seen, which can always
// come last.
func history(operations []*operation, end int64) []porcupine.Operation {
	var given []porcupine.Operation
	seen := observed(operations)
	for _, each := range operations {
		if each.Outcome == "fail" || each.unknown() && (each.Kind == "read" || !seen[seenOf(each)]) {
			continue
		}
		returned := end
		if each.Return != nil {
			returned = *each.Return
		}
		given = append(given, porcupine.Operation{
			ClientId: each.Client,
			Input: step{
				kind: each.Kind, from: each.Input.From, to: each.Input.To,
				found: each.Output.Found, done: each.Output.Done, unknown: each.unknown(),
			},
			Call:     each.Call,
			Return:   returned,
			Metadata: each,
		})
	}
	return given
}

// A value of a register.
type sighting struct{ key, value string }

func seenOf(write *operation) sighting {
	return sighting{write.Key, *write.Input.To}
}

// Everything that somebody has been told of, or that a cas looks for.
func observed(operations []*operation) map[sighting]bool {
	seen := map[sighting]bool{}
	note := func(key string, held value) {
		if held != nil {
			seen[sighting{key, *held}] = true
		}
	}
	for _, each := range operations {
		if each.Outcome == "fail" {
			continue
		}
		if each.Kind == "cas" {
			note(each.Key, each.Input.From)
		}
		if each.observes() {
			note(each.Key, each.Output.Found)
		}
	}
	return seen
}

func check(operations []*operation, timeout time.Duration) porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(register, history(operations, endOf(operations)), timeout)
}

// Later than everything.
func endOf(operations []*operation) int64 {
	end := int64(math.MinInt64)
	for _, each := range operations {
		end = max(end, each.Call)
		if each.Return != nil {
			end = max(end, *each.Return)
		}
	}
	return end + 1
}

// A few operations of a key that are not linearizable by themselves. Whatever is linearizable stays so when its end is cut off, when
// an answer is forgotten that only tells what was there, and when a write is forgotten that nobody has seen: so what is left here,
// and is still not linearizable, shows that all of it is not.
func explain(operations []*operation, timeout time.Duration) []*operation {
	wrong := func(some []*operation) bool { return check(some, timeout) == porcupine.Illegal }
	ends := make([]int64, 0, len(operations))
	for _, each := range operations {
		if each.Return != nil {
			ends = append(ends, *each.Return)
		}
	}
	sort.Slice(ends, func(a, b int) bool { return ends[a] < ends[b] })
	first := sort.Search(len(ends), func(at int) bool { return wrong(until(operations, ends[at])) })
	if first == len(ends) {
		return operations
	}
	left := until(operations, ends[first])
	for again := true; again; {
		again = false
		seen := observed(left)
		for at := len(left) - 1; at >= 0; at-- {
			each := left[at]
			changes := each.Kind == "write" || each.Kind == "cas" && (each.unknown() || each.Output.Done)
			if changes && seen[seenOf(each)] {
				continue
			}
			fewer := append(append([]*operation{}, left[:at]...), left[at+1:]...)
			if wrong(fewer) {
				left, again = fewer, true
				seen = observed(left)
			}
		}
	}
	return left
}

// What was known at a moment: what has not returned by then has no outcome yet.
func until(operations []*operation, moment int64) []*operation {
	var known []*operation
	for _, each := range operations {
		if each.Call > moment {
			continue
		}
		if each.Return != nil && *each.Return > moment {
			pending := *each
			pending.Outcome, pending.Return = "unknown", nil
			each = &pending
		}
		known = append(known, each)
	}
	return known
}

type finding struct {
	Key string `json:"key"`
	// In the order of their calls; no order of them explains what their callers were told.
	Operations []json.RawMessage `json:"operations"`
}

type verdict struct {
	// linearizable, not linearizable, or undecided: the time was not enough.
	Verdict    string    `json:"verdict"`
	Operations int       `json:"operations"`
	Keys       int       `json:"keys"`
	Unknown    int       `json:"unknown"`
	Findings   []finding `json:"findings"`
	// Keys for which the time was not enough.
	Undecided []string `json:"undecided"`
}

func judge(operations []*operation, timeout time.Duration) verdict {
	said := verdict{Operations: len(operations), Findings: []finding{}, Undecided: []string{}}
	byKey := map[string][]*operation{}
	for _, each := range operations {
		byKey[each.Key] = append(byKey[each.Key], each)
		if each.unknown() {
			said.Unknown++
		}
	}
	said.Keys = len(byKey)
	said.Verdict = "linearizable"
	if check(operations, timeout) == porcupine.Ok {
		return said
	}
	for key, own := range byKey {
		switch check(own, timeout) {
		case porcupine.Illegal:
			few := explain(own, timeout)
			sort.SliceStable(few, func(a, b int) bool { return few[a].Call < few[b].Call })
			said.Findings = append(said.Findings, finding{key, linesOf(few)})
		case porcupine.Unknown:
			said.Undecided = append(said.Undecided, key)
		}
	}
	sort.Slice(said.Findings, func(a, b int) bool { return said.Findings[a].Key < said.Findings[b].Key })
	sort.Strings(said.Undecided)
	if len(said.Findings) > 0 {
		said.Verdict = "not linearizable"
	} else if len(said.Undecided) > 0 {
		said.Verdict = "undecided"
	}
	return said
}

func linesOf(operations []*operation) []json.RawMessage {
	lines := make([]json.RawMessage, len(operations))
	for at, each := range operations {
		lines[at] = each.line
	}
	return lines
}

func readAll(from io.Reader) ([]*operation, error) {
	var operations []*operation
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		one := &operation{line: append(json.RawMessage{}, lines.Bytes()...)}
		if err := json.Unmarshal(one.line, one); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if err := one.check(); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		operations = append(operations, one)
	}
	return operations, lines.Err()
}

func main() {
	timeout := flag.Duration("timeout", time.Minute, "for each search; past it a key is undecided")
	flag.Parse()
	operations, err := readAll(os.Stdin)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(judge(operations, *timeout))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
