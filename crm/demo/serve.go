package demo

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// Serve is the demo's service: a web server that says which node it runs on
// (HOLDFAST_NODE, which the agent sets). It ends with ctx.
func Serve(ctx context.Context, address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("the demo's web server: %w", err)
	}
	name := os.Getenv("HOLDFAST_NODE")
	since := time.Now().UTC()
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Connection", "close")
		fmt.Fprintf(w, "%s serves since %s\n", name, since.Format("15:04:05.000000"))
	})}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); ctx.Err() == nil {
		return fmt.Errorf("the demo's web server: %w", err)
	}
	return nil
}
