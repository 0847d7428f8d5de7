package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/holdfast-ha/holdfast/crm/config"
)

// maxDocument bounds what is read from one file, in bytes.
const maxDocument = 8 << 20

// readDocuments reads configuration files; folders stand for their *.hcl files,
// "-" for standard input.
func (a *App) readDocuments(paths []string) ([]config.Document, error) {
	var docs []config.Document
	for _, path := range paths {
		found, err := a.readPath(path)
		if err != nil {
			return nil, err
		}
		for _, d := range found {
			if slices.ContainsFunc(docs, func(o config.Document) bool { return o.Name == d.Name }) {
				return nil, exitf(ExitUsage, "two of the files are named %s, and documents are told apart by their names", d.Name)
			}
			docs = append(docs, d)
		}
	}
	return docs, nil
}

func (a *App) readPath(path string) ([]config.Document, error) {
	if path == "-" {
		text, err := bounded(a.In, "standard input")
		return []config.Document{{Name: "cluster.hcl", Text: text}}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fileError(err)
	}
	if !info.IsDir() {
		text, err := readFile(path)
		return []config.Document{{Name: filepath.Base(path), Text: text}}, err
	}
	files, err := filepath.Glob(filepath.Join(path, "*.hcl"))
	if err != nil || len(files) == 0 {
		return nil, exitf(ExitNoInput, "the folder %s has no .hcl files", path)
	}
	var docs []config.Document
	for _, f := range files {
		text, err := readFile(f)
		if err != nil {
			return nil, err
		}
		docs = append(docs, config.Document{Name: filepath.Base(f), Text: text})
	}
	return docs, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError(err)
	}
	defer f.Close()
	return bounded(f, path)
}

func bounded(in io.Reader, name string) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxDocument+1))
	if err != nil {
		return nil, exitf(ExitNoInput, "reading %s: %w", name, err)
	}
	if len(text) > maxDocument {
		return nil, exitf(ExitData, "%s is larger than %d bytes", name, maxDocument)
	}
	return text, nil
}

func fileError(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return exitf(ExitNoPermission, "%w", err)
	}
	return exitf(ExitNoInput, "%w", err)
}
