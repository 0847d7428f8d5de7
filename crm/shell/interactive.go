package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/peterh/liner"
)

// Run talks to a person at the terminal until they leave. history is the file
// of earlier lines; "" is none.
func (s *Session) Run(ctx context.Context, line *liner.State, history string) int {
	line.SetCtrlCAborts(true)
	line.SetTabCompletionStyle(liner.TabPrints)
	line.SetWordCompleter(func(text string, pos int) (string, []string, string) { return s.complete(ctx, text, pos) })
	readHistory(line, history)
	defer writeHistory(line, history)
	code := codeOK
	for !s.done {
		text, err := s.read(ctx, line)
		switch {
		case errors.Is(err, liner.ErrPromptAborted):
			continue // Ctrl-C leaves the line
		case errors.Is(err, io.EOF):
			fmt.Fprintln(s.Out)
			if s.leave(ctx, 0) == codeOK {
				return code
			}
			continue
		case err != nil:
			s.Host.Fail(err.Error())
			return codeUsage
		}
		code = s.interruptible(ctx, text)
	}
	return code
}

// read takes one line, with those that it continues in.
func (s *Session) read(ctx context.Context, line *liner.State) (string, error) {
	prompt, whole := s.Prompt(ctx), ""
	for {
		text, err := line.Prompt(prompt)
		if err != nil {
			return "", err
		}
		cut, more := continued(text)
		whole += cut
		if more {
			prompt = "   > "
			continue
		}
		if strings.TrimSpace(whole) != "" {
			line.AppendHistory(strings.TrimSpace(whole))
		}
		return whole, nil
	}
}

// interruptible carries a line out; Ctrl-C ends the command and not the shell.
func (s *Session) interruptible(ctx context.Context, text string) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT)
	defer stop()
	return s.Line(ctx, text)
}

func readHistory(line *liner.State, file string) {
	f, err := os.Open(file)
	if err != nil {
		return // the first time there is none
	}
	defer f.Close()
	_, _ = line.ReadHistory(f) // what can not be read is not offered
}

// writeHistory keeps the last lines; liner bounds them to 1,000.
func writeHistory(line *liner.State, file string) {
	if file == "" || os.MkdirAll(filepath.Dir(file), 0o700) != nil {
		return
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return // a history is a convenience
	}
	_, _ = line.WriteHistory(f)
	_ = f.Close()
}

// complete finds what can follow at a position of a line.
func (s *Session) complete(ctx context.Context, text string, pos int) (head string, words []string, tail string) {
	runes := []rune(text)
	pos = min(pos, len(runes))
	head, tail = string(runes[:pos]), string(runes[pos:])
	cut := strings.LastIndexAny(head, " \t") + 1
	prefix := head[cut:]
	before := strings.Fields(head[:cut])
	head = head[:cut]
	if len(before) == 0 {
		for name := range builtIns {
			if strings.HasPrefix(name, prefix) {
				words = append(words, name)
			}
		}
	}
	args := slices.Clone(s.level)
	if len(before) > 0 {
		m, err := s.resolve(before)
		if err != nil {
			return head, nil, tail
		}
		args = append(slices.Clone(m.path), m.rest...)
	}
	for _, w := range s.Host.Complete(ctx, append(args, prefix)) {
		if strings.HasPrefix(w, prefix) {
			words = append(words, w)
		}
	}
	slices.Sort(words)
	words = slices.Compact(words)
	for i, w := range words {
		if !strings.HasSuffix(w, "=") && !strings.HasSuffix(w, ".") {
			words[i] = w + " "
		}
	}
	return head, words, tail
}
