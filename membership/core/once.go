package core

import (
	"cmp"
	"slices"
)

// once remembers which proposals were applied, so that each is applied at most
// once although proposers send again what was not answered. It is replicated
// state: equal logs give equal tables. Its size is bounded by the number of
// proposals that each member has under way.
type once struct {
	Proposers []proposer // sorted by id
}

// proposer is one member's row: proposals of older incarnations and those
// below Low are over; Done lists the applied ones from Low on, sorted.
type proposer struct {
	ID          ID
	Incarnation uint64
	Low         uint64
	Done        []uint64 `json:",omitempty"`
}

// first says whether e is to be applied, and notes it.
func (o *once) first(e envelope) bool {
	p := o.row(e.proposer)
	if e.incarnation < p.Incarnation {
		return false
	}
	if e.incarnation > p.Incarnation {
		p.Incarnation, p.Low, p.Done = e.incarnation, 0, nil
	}
	if e.low > p.Low {
		p.Low = e.low
		keep, _ := slices.BinarySearch(p.Done, p.Low)
		p.Done = slices.Delete(p.Done, 0, keep)
	}
	i, found := slices.BinarySearch(p.Done, e.seq)
	if found || e.seq < p.Low {
		return false
	}
	p.Done = slices.Insert(p.Done, i, e.seq)
	return true
}

// applied says whether the proposal is known to have been applied.
func (o *once) applied(id ID, incarnation, seq uint64) bool {
	i, found := o.search(id)
	if !found || o.Proposers[i].Incarnation != incarnation {
		return false
	}
	_, found = slices.BinarySearch(o.Proposers[i].Done, seq)
	return found
}

func (o *once) row(id ID) *proposer {
	i, found := o.search(id)
	if !found {
		o.Proposers = slices.Insert(o.Proposers, i, proposer{ID: id})
	}
	return &o.Proposers[i]
}

func (o *once) search(id ID) (int, bool) {
	return slices.BinarySearchFunc(o.Proposers, id, func(p proposer, id ID) int { return cmp.Compare(p.ID, id) })
}

// forget drops a member that left; its id is never used again.
func (o *once) forget(id ID) {
	if i, found := o.search(id); found {
		o.Proposers = slices.Delete(o.Proposers, i, i+1)
	}
}
