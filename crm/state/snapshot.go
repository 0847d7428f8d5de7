package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Format is the version of the snapshot's form. A binary reads its own and all
// earlier ones, and refuses later ones: half understood state is no state.
const Format = 1

type snapshot struct {
	Format int    `json:"format"`
	State  *State `json:"state"`
}

// Snapshot renders the state. Equal states give equal bytes.
func (s *State) Snapshot() ([]byte, error) {
	b, err := json.Marshal(snapshot{Format: Format, State: s})
	if err != nil {
		return nil, fmt.Errorf("snapshot of the state: %w", err)
	}
	return b, nil
}

// Restore reads a snapshot.
func Restore(b []byte) (*State, error) {
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("the snapshot of the state can not be read: %w", err)
	}
	if head.Format < 1 || head.Format > Format {
		return nil, fmt.Errorf("the snapshot has format %d, and this binary reads up to %d: use the newer binary that wrote it", head.Format, Format)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	snap := snapshot{State: New()}
	if err := d.Decode(&snap); err != nil {
		return nil, fmt.Errorf("the snapshot of the state can not be read: %w", err)
	}
	if snap.State == nil || snap.State.Config.Policy == nil {
		return nil, errors.New("the snapshot of the state has no configuration: it is damaged")
	}
	return snap.State, nil
}
