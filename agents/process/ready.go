package process

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// askWithin bounds one question; a service that takes longer is asked again.
const askWithin = 2 * time.Second

// askReady asks once whether the service serves; nil is yes. before is what was
// at the path when the process was started: a file that is still the same was
// left by an earlier run.
func askReady(ctx context.Context, ready string, before fs.FileInfo) error {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	if address, ok := strings.CutPrefix(ready, "tcp:"); ok {
		return dial(ctx, "tcp", address)
	}
	if strings.HasPrefix(ready, "http://") {
		return get(ctx, ready)
	}
	if ready == "" {
		return nil
	}
	info, err := os.Stat(ready)
	switch {
	case err != nil:
		return err
	case info.Mode()&fs.ModeSocket != 0:
		return dial(ctx, "unix", ready)
	case before != nil && os.SameFile(before, info) && before.ModTime().Equal(info.ModTime()):
		return fmt.Errorf("%s is still the file of an earlier run", ready)
	}
	return nil
}

// lookAt is what is at a path in ready before the start; nil if nothing is.
func lookAt(ready string) fs.FileInfo {
	if !absolute(ready) {
		return nil
	}
	info, err := os.Stat(ready)
	if err != nil {
		return nil
	}
	return info
}

func dial(ctx context.Context, network, address string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return err
	}
	return c.Close()
}

// get asks over a connection of its own, and takes a redirection for an answer.
func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 399 {
		return fmt.Errorf("%s answers %s", url, res.Status)
	}
	return nil
}
