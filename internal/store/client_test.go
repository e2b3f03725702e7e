package store_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"waggle/internal/store"
	"waggle/test/kit/caches"
)

func TestOpenRefusesAURLThatNamesNoCache(t *testing.T) {
	for _, url := range []string{"", "localhost:6379", "http://localhost", "redis://", "redis://host/3", "redis://ho st", "redis://host?db=1", "redis://host?", "redis://host#1", "redis://host:0", "redis://host:65536"} {
		if _, err := store.Open(store.Options{URL: url}); err == nil || !strings.Contains(err.Error(), "redis://host:port") {
			t.Errorf("Open(%q): got %v, want an error that says what is allowed", url, err)
		}
	}
	if _, err := store.Open(store.Options{URL: "redis://:sesame@host", User: "waggle"}); err == nil || !strings.Contains(err.Error(), "leave one of them out") || strings.Contains(err.Error(), "sesame") {
		t.Errorf("two users: got %v, want an error that says so", err)
	}
}

func TestPingSaysWhichCacheDoesNotAnswer(t *testing.T) {
	nobody := net.JoinHostPort("127.0.0.1", strconv.Itoa(caches.FreePort(t)))
	s, err := store.Open(store.Options{URL: "redis://someone:secret@" + nobody})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Ping(t.Context())
	if err == nil || !strings.Contains(err.Error(), nobody) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v, want an error with the address and without the password", err)
	}
}

func TestPrepareConnectsToEveryPrimary(t *testing.T) {
	cluster := caches.StartCluster(t)
	clients := func() (all []string) {
		for _, n := range cluster.Nodes[:cluster.Primaries] {
			text, err := caches.Ask(n.Address, "CLIENT", "LIST", "TYPE", "normal")
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, strconv.Itoa(strings.Count(text, "resp=3")))
		}
		return all
	}
	s, err := store.Open(store.Options{URL: cluster.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(clients(), " "); got != "1 1 1" {
		t.Errorf("got %s connections to the primaries, want one to each", got)
	}
}

func TestOpenUsesUserAndPassword(t *testing.T) {
	cache := caches.Server(t, "--requirepass", "open sesame", "--user", "waggle", "on", ">sesame", "~*", "&*", "+@all")
	host := strings.TrimPrefix(cache.URL, "redis://")
	for name, o := range map[string]store.Options{
		"password alone": {URL: cache.URL, Password: "open sesame"},
		"user":           {URL: cache.URL, User: "waggle", Password: "sesame"},
		"in the URL":     {URL: "redis://waggle:sesame@" + host},
	} {
		s, err := store.Open(o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		s.Close()
	}
	for name, o := range map[string]store.Options{
		"no password":    {URL: cache.URL},
		"wrong password": {URL: cache.URL, User: "waggle", Password: "barley"},
	} {
		s, err := store.Open(o)
		if err == nil {
			err = s.Ping(t.Context())
			s.Close()
		}
		if err == nil {
			t.Errorf("%s: got no error", name)
		} else if strings.Contains(err.Error(), "barley") || !strings.Contains(err.Error(), "redis://user:password@host:port") {
			t.Errorf("%s: the error has the password, or does not say where to put it: %v", name, err)
		}
	}
}

func TestTLSNeedsATrustedCertificate(t *testing.T) {
	certificate, key, authorities := certify(t)
	port := strconv.Itoa(caches.FreePort(t))
	caches.Redis(t, "--tls-port", port, "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no",
		"--tls-ca-cert-file", certificate)
	url := "rediss://127.0.0.1:" + port

	s, err := store.Open(store.Options{URL: url, TLS: &tls.Config{RootCAs: authorities, ServerName: "127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	strict, err := store.Open(store.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer strict.Close()
	if err := strict.Ping(t.Context()); err == nil {
		t.Error("a certificate that no authority of the system signed was accepted")
	}
}

// certify writes a certificate for 127.0.0.1 and its key.
func certify(t *testing.T) (certificate, key string, authorities *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "cache"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, bytes []byte) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	authorities = x509.NewCertPool()
	authorities.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}))
	return write("cert.pem", "CERTIFICATE", signed), write("key.pem", "PRIVATE KEY", secret), authorities
}
