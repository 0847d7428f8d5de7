package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Limits of what a client may ask.
const (
	maxBody       = 8 << 20          // bytes of a request: a configuration of thousands of resources
	changeLimit   = 20 * time.Second // a change is in the log by then, or the answer is that nobody knows
	maxWait       = 24 * time.Hour   // of one wait
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
)

// Server answers requests for one daemon.
type Server struct {
	backend Backend
	log     hclog.Logger
	catalog *catalog
	before  baselines
	http    *http.Server
	ended   chan struct{} // closed by Shutdown: streams end
}

// NewServer makes a server that listens nowhere yet.
func NewServer(b Backend, log hclog.Logger) *Server {
	s := &Server{backend: b, log: log, catalog: newCatalog(b), ended: make(chan struct{})}
	s.http = &http.Server{
		Handler:           s.routes(),
		ConnContext:       s.withAuthor,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
	s.http.RegisterOnShutdown(func() { close(s.ended) })
	return s
}

// Serve answers on a listener until Shutdown. It may be called for several.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the API on %s: %w", l.Addr(), err)
	}
	return nil
}

// Shutdown ends all listeners and streams and waits for requests under way
// until ctx ends; then it cuts them off.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{
		"GET /v1/status":                  s.getStatus,
		"GET /v1/state":                   s.getState,
		"GET /v1/config":                  s.getConfig,
		"GET /v1/config/versions":         s.getVersions,
		"GET /v1/config/versions/{n}":     s.getVersion,
		"POST /v1/validate":               s.postValidate,
		"POST /v1/plan":                   s.postPlan,
		"POST /v1/config":                 s.postConfig,
		"POST /v1/nodes/{node}/{verb}":    s.postNode,
		"POST /v1/resources/{rsc}/{verb}": s.postResource,
		"GET /v1/cluster":                 s.getCluster,
		"POST /v1/cluster/token":          s.postToken,
		"POST /v1/cluster/leave":          s.postLeave,
		"POST /v1/cluster/remove":         s.postRemove,
		"GET /v1/explain":                 s.getExplain,
		"GET /v1/agents":                  s.getAgents,
		"GET /v1/agents/{agent}":          s.getAgent,
		"GET /v1/names":                   s.getNames,
	} {
		mux.HandleFunc(pattern, s.answer(h))
	}
	mux.HandleFunc("GET /v1/watch", s.guard(s.getWatch))
	mux.HandleFunc("GET /v1/wait", s.guard(s.getWait))
	mux.HandleFunc("/", s.answer(func(r *http.Request) (any, error) {
		return nil, errorf(NoSuch, "there is no %s %s in this API", r.Method, r.URL.Path)
	}))
	return mux
}

// handler answers one request with a value to send as JSON.
type handler func(*http.Request) (any, error)

// answer turns a handler into one that speaks HTTP.
func (s *Server) answer(h handler) http.HandlerFunc {
	return s.guard(func(w http.ResponseWriter, r *http.Request) {
		value, err := h(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		send(w, http.StatusOK, value)
	})
}

// guard bounds a request and turns a panic into an answer.
func (s *Server) guard(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				s.log.Error("a request of the API failed: this is a bug", "request", r.Method+" "+r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				send(w, http.StatusInternalServerError, errorf(Internal, "the daemon failed on this request: %v; its log has more", p))
			}
		}()
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		h(w, r)
	}
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := asError(err)
	if e.Kind == Internal {
		s.log.Warn("a request of the API failed", "request", r.Method+" "+r.URL.Path, "author", author(r.Context()), "error", err)
	}
	send(w, e.Kind.status(), e)
}

func send(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client may be gone, which is its right
}

// decode reads a request's JSON strictly. An empty body is the zero value.
func decode(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	switch err := d.Decode(into); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		if e := asError(err); e.Kind != Internal {
			return e
		}
		return errorf(BadRequest, "the request: %v", err)
	}
	if d.More() {
		return errorf(BadRequest, "the request has more than one JSON value")
	}
	return nil
}
