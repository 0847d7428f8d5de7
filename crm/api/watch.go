package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// watchPause is the shortest time between two documents of a watch, and
// watchRefresh the longest.
const (
	watchPause   = 200 * time.Millisecond
	watchRefresh = 15 * time.Second
)

// getWatch streams the status as NDJSON: at once, unless the client has it
// already (?index=), and then on each change.
func (s *Server) getWatch(w http.ResponseWriter, r *http.Request) {
	seen, _ := strconv.ParseUint(r.URL.Query().Get("index"), 10, 64)
	out := newStream(w)
	refresh := time.NewTicker(watchRefresh)
	defer refresh.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	first := true
	for {
		select { // the bounded rate
		case <-pause.C:
		case <-r.Context().Done():
			return
		case <-s.ended:
			return
		}
		changed := s.backend.Changed()
		if st := s.status(time.Now()); !first || st.Index > seen {
			if out.write(st) != nil {
				return
			}
		}
		first = false
		select {
		case <-changed:
		case <-refresh.C:
		case <-r.Context().Done():
			return
		case <-s.ended:
			return
		}
		pause.Reset(watchPause)
	}
}

// stream writes one JSON value per line and sends each at once.
type stream struct {
	enc     *json.Encoder
	control *http.ResponseController
}

func newStream(w http.ResponseWriter) *stream {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	return &stream{enc: json.NewEncoder(w), control: http.NewResponseController(w)}
}

// write gives up on a client that does not read for a while.
func (s *stream) write(v any) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(30 * time.Second)) // a writer without deadlines waits
	if err := s.enc.Encode(v); err != nil {
		return err
	}
	return s.control.Flush()
}
