package identity

import (
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func token(t testing.TB, id *Identity, addresses ...string) Token {
	t.Helper()
	if len(addresses) == 0 {
		addresses = []string{"10.0.0.11:7400", "[fd00::11]:7400"}
	}
	tok, err := id.NewToken(addresses)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestTokenSurvivesTheTrip(t *testing.T) {
	for _, cluster := range []string{"prod", "a-b-c", "1", "Web_1.x"} {
		tok := token(t, create(t, cluster, "n1"))
		word := tok.Reveal()
		if !strings.HasPrefix(word, "1-"+cluster+"-") {
			t.Errorf("token looks like %s", word)
		}
		// Terminals break lines, and people hold the shift key.
		dash := strings.LastIndexByte(word, '-')
		shouted := word[:dash] + strings.ToUpper(word[dash:])
		for _, typed := range []string{word, " " + word[:20] + "\n  " + word[20:] + "\n", shouted} {
			got, err := ParseToken(typed)
			if err != nil {
				t.Errorf("%q: %v", typed, err)
			} else if !reflect.DeepEqual(got, tok) {
				t.Errorf("%q: got %v, want %v", typed, got, tok)
			}
		}
	}
}

func TestTokenSecretDoesNotPrint(t *testing.T) {
	tok := token(t, create(t, "prod", "n1"))
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		text := fmt.Sprintf(format, tok)
		if strings.Contains(text, hex.EncodeToString(tok.secret[:])) || strings.Contains(text, tok.Reveal()) || strings.Contains(text, "secret") {
			t.Errorf("%s prints %s", format, text)
		}
	}
}

// One wrong, lost, doubled or swapped character is a typing error, said so
// before anything goes over the wire.
func TestMistypedTokenIsToldApart(t *testing.T) {
	tok := token(t, create(t, "prod", "n1"))
	word := tok.Reveal()
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, len(word)-2).Draw(t, "position")
		var typed string
		switch rapid.SampledFrom([]string{"replace", "lose", "double", "swap", "cut"}).Draw(t, "mistake") {
		case "replace":
			c := rapid.SampledFrom([]rune(tokenAlphabet+"-!ü")).Draw(t, "character")
			typed = word[:i] + string(c) + word[i+1:]
		case "lose":
			typed = word[:i] + word[i+1:]
		case "double":
			typed = word[:i] + word[i:i+1] + word[i:]
		case "swap":
			typed = word[:i] + word[i+1:i+2] + word[i:i+1] + word[i+2:]
		case "cut":
			typed = word[:i]
		}
		got, err := ParseToken(typed)
		switch {
		case typed == word || (err == nil && reflect.DeepEqual(got, tok)):
		case err == nil:
			t.Fatalf("%q was taken for %v", typed, got)
		case !errors.Is(err, ErrMistyped) && !strings.Contains(err.Error(), "version"):
			t.Fatalf("%q: %v", typed, err)
		}
	})
}

func TestTokenErrorsArePrecise(t *testing.T) {
	word := token(t, create(t, "prod", "n1")).Reveal()
	for _, test := range []struct{ typed, want string }{
		{"", "should look like 1-CLUSTER-"},
		{"prod", "should look like 1-CLUSTER-"},
		{"2" + word[1:], "the token has version 2, this program knows version 1"},
		{"x" + word[1:], "should begin with 1-"},
		{"1--abc", "cluster name"},
		{"1-prod-", "its end is missing"},
		{"1-prod-abcu", "character 4 after the last dash"},
		{strings.Replace(word, "prod", "test", 1), "its checksum does not match"},
		{strings.Repeat("1", 5000), "more than a token has"},
	} {
		_, err := ParseToken(test.typed)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.40q: got %v, want %q", test.typed, err, test.want)
		}
	}
}

func TestTokenNeedsReachableAddresses(t *testing.T) {
	id := create(t, "prod", "n1")
	for _, bad := range [][]string{nil, {"n1:7400"}, {"10.0.0.1"}, {"0.0.0.0:7400"}, {"10.0.0.1:0"}, make([]string, 17)} {
		if tok, err := id.NewToken(bad); err == nil {
			t.Errorf("%q gave %v", bad, tok)
		}
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add(token(f, create(f, "prod", "n1")).Reveal())
	f.Add("1-prod-8f3k")
	f.Fuzz(func(t *testing.T, text string) {
		tok, err := ParseToken(text)
		if err != nil {
			return
		}
		again, err := ParseToken(tok.Reveal())
		if err != nil || !reflect.DeepEqual(again, tok) {
			t.Errorf("%v became %v: %v", tok, again, err)
		}
	})
}

// The checksum keeps random input out; what is behind it must hold as well.
func FuzzTokenBody(f *testing.F) {
	f.Add(token(f, create(f, "prod", "n1")).body())
	f.Fuzz(func(t *testing.T, body []byte) {
		tok := Token{Cluster: "prod"}
		if err := tok.parseBody(body); err != nil {
			return
		}
		if string(tok.body()) != string(body) {
			t.Errorf("%x became %x", body, tok.body())
		}
	})
}
