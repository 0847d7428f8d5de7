package identity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
)

const (
	tokenVersion  = "1"
	tokenIDSize   = 8
	secretSize    = 16
	pinSize       = 16
	checksumSize  = 5
	maxTokenAddrs = 16
	maxTokenText  = 1024 // characters
)

// tokenAlphabet is Crockford's base32 in lower case: no i, l, o, u, so that a
// token read out loud or copied by hand keeps its meaning.
const tokenAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

var tokenEncoding = base32.NewEncoding(tokenAlphabet).WithPadding(base32.NoPadding)

// ErrMistyped is wrapped by [ParseToken] when the text can not be a token that
// any cluster printed: a character is wrong or missing.
var ErrMistyped = errors.New("the token is mistyped or incomplete")

// Token lets one machine join one cluster. It holds a secret: print it with
// [Token.Reveal] only where the operator asked for it.
type Token struct {
	Cluster   string           // cluster name
	ID        string           // names the token in the roster, 16 hex digits; not secret
	Addresses []netip.AddrPort // of members, tried in this order

	secret [secretSize]byte
	pin    [pinSize]byte // of the cluster authority's public key
}

// NewToken makes a token of this cluster with a random secret. addresses are
// literal host:port of members. Nobody can use it before the roster holds its
// [Token.Verifier].
func (id *Identity) NewToken(addresses []string) (Token, error) {
	t := Token{Cluster: id.clusterName, pin: pinOf(id.ca)}
	for _, a := range addresses {
		ap, err := netip.ParseAddrPort(a)
		if err != nil || ap.Port() == 0 || ap.Addr().IsUnspecified() {
			return Token{}, fmt.Errorf("join token: %q is not a literal address:port that others could connect to", a)
		}
		t.Addresses = append(t.Addresses, netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port()))
	}
	if len(t.Addresses) == 0 || len(t.Addresses) > maxTokenAddrs {
		return Token{}, fmt.Errorf("join token: %d addresses, it needs 1 to %d", len(t.Addresses), maxTokenAddrs)
	}
	var tokenID [tokenIDSize]byte
	rand.Read(tokenID[:])
	rand.Read(t.secret[:])
	t.ID = hex.EncodeToString(tokenID[:])
	return t, nil
}

// pinOf is the truncated SHA-256 of the authority's public key.
func pinOf(ca *x509.Certificate) (pin [pinSize]byte) {
	sum := sha256.Sum256(ca.RawSubjectPublicKeyInfo)
	copy(pin[:], sum[:])
	return pin
}

// Verifier is what the roster stores to recognise the token: 32 bytes by which
// [JoinRequest.Verify] checks a proof. Knowing it does not help to join.
func (t Token) Verifier() []byte {
	return []byte(t.signingKey().Public().(ed25519.PublicKey))
}

// signingKey derives the key that proves knowledge of the secret. Signing, not
// a keyed hash, because the roster is replicated, saved and reported.
func (t Token) signingKey() ed25519.PrivateKey {
	seed, err := hkdf.Key(sha256.New, t.secret[:], t.pin[:], "holdfast join token "+t.ID, ed25519.SeedSize)
	if err != nil {
		panic(err) // unreachable: the length is within HKDF's limit
	}
	return ed25519.NewKeyFromSeed(seed)
}

// String names the token without its secret.
func (t Token) String() string {
	return fmt.Sprintf("join token %s of cluster %s", t.ID, t.Cluster)
}

// GoString is String, so that %#v does not show the secret either.
func (t Token) GoString() string { return t.String() }

// Reveal returns the word to type on the new machine, secret and all.
func (t Token) Reveal() string {
	body := t.body()
	body = append(body, tokenChecksum(t.Cluster, body)...)
	return tokenVersion + "-" + t.Cluster + "-" + tokenEncoding.EncodeToString(body)
}

// body is id, secret, pin, number of addresses, addresses (length 4 or 16, the
// address, two bytes of port).
func (t Token) body() []byte {
	b, err := hex.DecodeString(t.ID)
	if err != nil || len(b) != tokenIDSize {
		panic("identity: token was not made by NewToken or ParseToken")
	}
	b = append(b, t.secret[:]...)
	b = append(b, t.pin[:]...)
	b = append(b, byte(len(t.Addresses)))
	for _, a := range t.Addresses {
		ip := a.Addr().AsSlice()
		b = append(b, byte(len(ip)))
		b = append(b, ip...)
		b = binary.BigEndian.AppendUint16(b, a.Port())
	}
	return b
}

func tokenChecksum(cluster string, body []byte) []byte {
	h := sha256.New()
	fmt.Fprintf(h, "holdfast token %s %s\n", tokenVersion, cluster)
	h.Write(body)
	return h.Sum(nil)[:checksumSize]
}

// ParseToken reads what [Token.Reveal] printed. White space (a line break of a
// terminal) is ignored, so are upper case and the look-alikes i, l and o in the
// last part.
func ParseToken(text string) (Token, error) {
	if len(text) > maxTokenText {
		return Token{}, fmt.Errorf("%w: %d characters are more than a token has", ErrMistyped, len(text))
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
	version, rest, found := strings.Cut(text, "-")
	last := strings.LastIndexByte(rest, '-')
	if !found || last < 0 {
		return Token{}, fmt.Errorf("%w: it should look like 1-CLUSTER-8f3k…", ErrMistyped)
	}
	if version != tokenVersion {
		if isDigits(version) {
			return Token{}, fmt.Errorf("the token has version %s, this program knows version %s: install the version of crm that the cluster runs", version, tokenVersion)
		}
		return Token{}, fmt.Errorf("%w: it should begin with %s-", ErrMistyped, tokenVersion)
	}
	t := Token{Cluster: rest[:last]}
	if err := CheckName("cluster name", t.Cluster); err != nil {
		return Token{}, fmt.Errorf("%w: %w", ErrMistyped, err)
	}
	body, err := decodeTokenBody(rest[last+1:])
	if err != nil {
		return Token{}, err
	}
	if len(body) < checksumSize {
		return Token{}, fmt.Errorf("%w: its end is missing", ErrMistyped)
	}
	body, sum := body[:len(body)-checksumSize], body[len(body)-checksumSize:]
	if !bytes.Equal(sum, tokenChecksum(t.Cluster, body)) {
		return Token{}, fmt.Errorf("%w: its checksum does not match; copy it again, as a whole", ErrMistyped)
	}
	if err := t.parseBody(body); err != nil {
		return Token{}, err
	}
	return t, nil
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func decodeTokenBody(text string) ([]byte, error) {
	clean := []byte(strings.ToLower(text))
	for i, c := range clean {
		switch c {
		case 'i', 'l':
			clean[i] = '1'
		case 'o':
			clean[i] = '0'
		default:
			if strings.IndexByte(tokenAlphabet, c) < 0 {
				return nil, fmt.Errorf("%w: character %d after the last dash is not one that tokens use", ErrMistyped, i+1)
			}
		}
	}
	body, err := tokenEncoding.DecodeString(string(clean))
	if err != nil {
		return nil, fmt.Errorf("%w: its length is wrong", ErrMistyped)
	}
	return body, nil
}

// parseBody reads what body wrote. The checksum matched, so an error here means
// that another program made the token.
func (t *Token) parseBody(b []byte) error {
	const fixed = tokenIDSize + secretSize + pinSize + 1
	if len(b) < fixed {
		return fmt.Errorf("%w: it is too short", ErrMistyped)
	}
	t.ID = hex.EncodeToString(b[:tokenIDSize])
	copy(t.secret[:], b[tokenIDSize:])
	copy(t.pin[:], b[tokenIDSize+secretSize:])
	count, b := int(b[fixed-1]), b[fixed:]
	if count == 0 || count > maxTokenAddrs {
		return fmt.Errorf("the token holds %d addresses, expected 1 to %d", count, maxTokenAddrs)
	}
	for range count {
		if len(b) < 1 || (b[0] != 4 && b[0] != 16) || len(b) < 1+int(b[0])+2 {
			return errors.New("the token holds an address in an unknown form: install the version of crm that the cluster runs")
		}
		ip, _ := netip.AddrFromSlice(b[1 : 1+b[0]])
		port := binary.BigEndian.Uint16(b[1+b[0]:])
		b = b[1+int(b[0])+2:]
		t.Addresses = append(t.Addresses, netip.AddrPortFrom(ip, port))
	}
	if len(b) != 0 {
		return fmt.Errorf("the token holds %d bytes that this program does not know: install the version of crm that the cluster runs", len(b))
	}
	return nil
}
