package e2e_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// certify writes a certificate for an address, for so long from now, and its key, into a folder. The
// certificate is its own authority.
func certify(t *testing.T, dir string, ip string, lasts time.Duration) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	shape := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(lasts),
		IPAddresses: []net.IP{net.ParseIP(ip)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, shape, shape, private.Public(), private)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	must(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return cert, key
}

// must fails the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sample returns the nginx sample of the documents, for these addresses.
func sample(t *testing.T, public, at, cert, key string) string {
	t.Helper()
	text := string(read(t, "docs/provider/nginx.conf"))
	for _, change := range [][2]string{
		{"127.0.0.1:4477", public}, {"listen 443 ssl", "listen " + at + " ssl"}, {"listen 80", "listen " + house.Address(t)},
		{"/etc/letsencrypt/live/id.example.com/fullchain.pem", cert}, {"/etc/letsencrypt/live/id.example.com/privkey.pem", key},
	} {
		if !strings.Contains(text, change[0]) {
			t.Fatalf("docs/provider/nginx.conf does not say %q", change[0])
		}
		text = strings.ReplaceAll(text, change[0], change[1])
	}
	return text
}

// nginx runs nginx with what is in its http block, until the test ends.
func nginx(t *testing.T, at, inner string) {
	t.Helper()
	binary, err := exec.LookPath("nginx")
	if err != nil {
		binary = "/usr/sbin/nginx" // not in everybody's path
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(`daemon off;
pid nginx.pid;
error_log stderr;
events {}
http {
access_log off;
client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;
`+inner+`
}
`), 0o600))
	c := exec.Command(binary, "-p", dir, "-c", "nginx.conf")
	background(t, c)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", at); err == nil {
			_ = conn.Close()
			return
		}
	}
	t.Fatal("nginx does not listen")
}

// trusts returns a TLS configuration that trusts a certificate.
func trusts(t *testing.T, file string) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(bytes.TrimSpace(text)) {
		t.Fatal("no certificate")
	}
	return &tls.Config{RootCAs: pool}
}
