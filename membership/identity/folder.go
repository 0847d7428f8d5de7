package identity

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// The files of <state dir>/identity. A certificate and its key share one file,
// so that replacing them is one rename.
const (
	folderName    = "identity"
	clusterFile   = "cluster.json"  // cluster id and name, node name; written last: its presence means "complete"
	authorityFile = "ca.pem"        // the authority's certificate; its key too on full members
	nodeFile      = "node.pem"      // this node's certificate and key
	linkFile      = "link.pem"      // this node's X25519 key
	applicantFile = "applicant.pem" // keys of a join that has not been answered yet
)

// maxFile bounds what is read from any of them, in bytes.
const maxFile = 64 << 10

const (
	pemCertificate = "CERTIFICATE"
	pemPrivateKey  = "PRIVATE KEY"
)

// ErrNone is returned by [Load] when the machine belongs to no cluster.
var ErrNone = errors.New("this machine belongs to no cluster yet: make one with 'crm cluster init' or join one with 'crm cluster join TOKEN'")

type clusterRecord struct {
	ClusterID   string `json:"cluster_id"`
	ClusterName string `json:"cluster_name"`
	Node        string `json:"node"`
}

// Save writes the identity below stateDir, each file in one step, readable by
// its owner only. It removes the keys of a finished join.
func (id *Identity) Save(stateDir string) error {
	dir, err := makeFolder(stateDir)
	if err != nil {
		return err
	}
	authority := pemBlock(pemCertificate, id.ca.Raw)
	if id.caKey != nil {
		authority = append(authority, pemKey(id.caKey)...)
	}
	record, err := json.MarshalIndent(clusterRecord{id.clusterID, id.clusterName, id.node}, "", "  ")
	if err != nil {
		return fmt.Errorf("saving the identity: %w", err)
	}
	files := []struct {
		name string
		data []byte
	}{
		{authorityFile, authority},
		{nodeFile, append(pemBlock(pemCertificate, id.cert.Raw), pemKey(id.nodeKey)...)},
		{linkFile, pemKey(id.linkKey)},
		{clusterFile, append(record, '\n')},
	}
	for _, f := range files {
		if err := writeFile(dir, f.name, f.data); err != nil {
			return err
		}
	}
	if err := os.Remove(filepath.Join(dir, applicantFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the keys of the finished join: %w", err)
	}
	return syncFolder(dir)
}

// Load reads what Save wrote. Without any it returns an error that wraps
// [ErrNone]; other errors name the file and say what is wrong with it.
func Load(stateDir string) (*Identity, error) {
	dir := filepath.Join(stateDir, folderName)
	data, err := readFile(dir, clusterFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (no file %s)", ErrNone, filepath.Join(dir, clusterFile))
	}
	if err != nil {
		return nil, err
	}
	var record clusterRecord
	if err := json.Unmarshal(data, &record); err != nil {
		return nil, broken(dir, clusterFile, err)
	}
	id := &Identity{clusterID: record.ClusterID, clusterName: record.ClusterName, node: record.Node}
	if err := id.loadKeys(dir); err != nil {
		return nil, err
	}
	if err := id.check(); err != nil {
		return nil, fmt.Errorf("identity in %s: %w: restore the folder from a backup, or remove it and join again", dir, err)
	}
	return id, nil
}

// Remove deletes the identity below stateDir; the node has left its cluster.
func Remove(stateDir string) error {
	dir := filepath.Join(stateDir, folderName)
	// First the file that says "complete": half a removal must not look like a node.
	if err := os.Remove(filepath.Join(dir, clusterFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the identity: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing the identity: %w", err)
	}
	return nil
}

func (id *Identity) loadKeys(dir string) (err error) {
	var key any
	if id.ca, key, err = readPair(dir, authorityFile, true, false); err != nil {
		return err
	}
	if key != nil {
		var ok bool
		if id.caKey, ok = key.(ed25519.PrivateKey); !ok {
			return broken(dir, authorityFile, fmt.Errorf("key is a %T, not ed25519", key))
		}
	}
	if id.cert, key, err = readPair(dir, nodeFile, true, true); err != nil {
		return err
	}
	var ok bool
	if id.nodeKey, ok = key.(ed25519.PrivateKey); !ok {
		return broken(dir, nodeFile, fmt.Errorf("key is a %T, not ed25519", key))
	}
	if _, key, err = readPair(dir, linkFile, false, true); err != nil {
		return err
	}
	if id.linkKey, ok = key.(*ecdh.PrivateKey); !ok || id.linkKey.Curve() != ecdh.X25519() {
		return broken(dir, linkFile, fmt.Errorf("key is a %T, not X25519", key))
	}
	return nil
}

func makeFolder(stateDir string) (string, error) {
	dir := filepath.Join(stateDir, folderName)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making the identity folder: %w", err)
	}
	return dir, nil
}

func writeFile(dir, name string, data []byte) error {
	if err := renameio.WriteFile(filepath.Join(dir, name), data, 0o600, renameio.IgnoreUmask()); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Join(dir, name), err)
	}
	return nil
}

// syncFolder makes the renames durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("opening the identity folder: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("syncing %s: %w", dir, err)
	}
	return nil
}

func readFile(dir, name string) ([]byte, error) {
	path := filepath.Join(dir, name)
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading the identity: %w", err)
	}
	if info.Size() > maxFile {
		return nil, broken(dir, name, fmt.Errorf("%d bytes are too many", info.Size()))
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s holds secrets but others may read it (mode %04o): run chmod 600 %s", path, mode, path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the identity: %w", err)
	}
	return data, nil
}

func broken(dir, name string, err error) error {
	return fmt.Errorf("%s is damaged: %w", filepath.Join(dir, name), err)
}

// readPair reads a file with at most one certificate and one key.
func readPair(dir, name string, needCert, needKey bool) (*x509.Certificate, any, error) {
	data, err := readFile(dir, name)
	if err != nil {
		return nil, nil, err
	}
	certs, keys, err := parsePEM(data)
	switch {
	case err != nil:
	case needCert && len(certs) != 1:
		err = fmt.Errorf("%d certificates instead of one", len(certs))
	case needKey && len(keys) != 1:
		err = fmt.Errorf("%d keys instead of one", len(keys))
	case len(keys) > 1:
		err = fmt.Errorf("%d keys instead of at most one", len(keys))
	}
	if err != nil {
		return nil, nil, broken(dir, name, err)
	}
	var cert *x509.Certificate
	if needCert {
		cert = certs[0]
	}
	if len(keys) == 0 {
		return cert, nil, nil
	}
	return cert, keys[0], nil
}

func parsePEM(data []byte) (certs []*x509.Certificate, keys []any, err error) {
	for len(data) > 0 {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		data = rest
		switch block.Type {
		case pemCertificate:
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, nil, err
			}
			certs = append(certs, cert)
		case pemPrivateKey:
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, nil, err
			}
			keys = append(keys, key)
		}
	}
	if len(certs)+len(keys) == 0 {
		return nil, nil, errors.New("no PEM block in it")
	}
	return certs, keys, nil
}

func pemBlock(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// pemKey encodes an ed25519 or X25519 private key.
func pemKey(key any) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err) // unreachable: both kinds of key always marshal
	}
	return pemBlock(pemPrivateKey, der)
}
