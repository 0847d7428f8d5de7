package identity

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
)

// Applicant is a machine that wants to become a node, with fresh keys.
type Applicant struct {
	Name      string   // wanted node name
	Addresses []string // host:port, one per link, in link order
	Version   string   // of this program, for the member to judge
	Witness   bool     // asks to be a witness: votes, runs nothing

	nodeKey ed25519.PrivateKey
	linkKey *ecdh.PrivateKey
}

// NewApplicant returns an applicant whose keys are kept below stateDir until
// [Identity.Save] replaces them. A repeated join after a lost answer so shows
// the same keys, by which the cluster knows it again. A machine that belongs to
// a cluster already can not apply.
func NewApplicant(stateDir, name string, addresses []string, version string) (Applicant, error) {
	me := Applicant{Name: name, Addresses: addresses, Version: version}
	if err := CheckName("node name", name); err != nil {
		return me, err
	}
	if id, err := Load(stateDir); err == nil {
		return me, fmt.Errorf("this machine is %v already: let it leave that cluster first", id)
	} else if !errors.Is(err, ErrNone) {
		return me, err
	}
	dir, err := makeFolder(stateDir)
	if err != nil {
		return me, err
	}
	err = me.load(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return me, err
	}
	if _, me.nodeKey, err = ed25519.GenerateKey(rand.Reader); err != nil {
		return me, fmt.Errorf("making the node key: %w", err)
	}
	if me.linkKey, err = ecdh.X25519().GenerateKey(rand.Reader); err != nil {
		return me, fmt.Errorf("making the link key: %w", err)
	}
	if err := writeFile(dir, applicantFile, append(pemKey(me.nodeKey), pemKey(me.linkKey)...)); err != nil {
		return me, err
	}
	return me, syncFolder(dir)
}

func (me *Applicant) load(dir string) error {
	data, err := readFile(dir, applicantFile)
	if err != nil {
		return err
	}
	_, keys, err := parsePEM(data)
	if err != nil {
		return broken(dir, applicantFile, err)
	}
	for _, key := range keys {
		switch k := key.(type) {
		case ed25519.PrivateKey:
			me.nodeKey = k
		case *ecdh.PrivateKey:
			me.linkKey = k
		}
	}
	if me.nodeKey == nil || me.linkKey == nil {
		return broken(dir, applicantFile, errors.New("a key is missing; remove the file and join again"))
	}
	return nil
}

// String names the applicant; it shows no key.
func (me Applicant) String() string { return "applicant " + me.Name }

// GoString is String, so that %#v shows no key either.
func (me Applicant) GoString() string { return me.String() }
