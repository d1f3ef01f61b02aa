// Command serve stands before a lanyard with TLS, so that the official
// conformance suite can reach it: see docs/conformance.md. It is no part of
// the product.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"log"
	"math/big"
	"net/http"
	"net/url"
	"time"

	"github.com/lanyard-id/lanyard/e2e/conformance/front"
)

func main() {
	listen := flag.String("listen", ":9443", "where to listen")
	to := flag.String("to", "http://127.0.0.1:4477", "the public listener of the server")
	host := flag.String("host", "host.docker.internal", "the name that the certificate is for")
	complete := flag.Bool("complete-pkce", false, "add PKCE to the requests of clients that send none")
	flag.Parse()

	server, err := url.Parse(*to)
	if err != nil {
		log.Fatal(err)
	}
	certificate, err := selfSigned(*host)
	if err != nil {
		log.Fatal(err)
	}
	handler := front.To(server)
	if *complete {
		handler = front.Complete(handler)
	}
	s := &http.Server{
		Addr: *listen, Handler: handler, ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
	}
	log.Printf("https://%s%s leads to %s", *host, *listen, *to)
	log.Fatal(s.ListenAndServeTLS("", ""))
}

// selfSigned returns a certificate for a day that nobody vouches for. The
// suite does not mind.
func selfSigned(host string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), DNSNames: []string{host},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
