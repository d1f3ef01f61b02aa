package cmd

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// devSecretFile keeps the development server's secret, so that its keys still
// open after a restart.
const devSecretFile = "lanyard.secret"

// dev returns what --dev presumes: nothing without it. The issuer follows the
// public listener, wherever that is set.
func (s Source) dev(file, environ layer) layer {
	if !s.Dev {
		return layer{}
	}
	listen := "127.0.0.1:4477"
	for _, l := range []layer{file, environ} {
		if address, set := l.get("public.listen"); set {
			listen = fmt.Sprint(address)
		}
	}
	return layer{
		"issuer":   "http://" + listen,
		"database": map[string]any{"url": "sqlite:lanyard.db"},
		"log":      map[string]any{"format": "text"},
	}
}

// devSecret returns the secret in the file, which it makes where it is
// missing.
func devSecret(name string) (Secret, error) {
	text, err := readSmall(name)
	if errors.Is(err, fs.ErrNotExist) {
		return newDevSecret(name)
	}
	if err != nil {
		return "", fmt.Errorf("read the development secret: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if checkSystemSecret(secret) != nil {
		return "", fmt.Errorf("%s: too short for a secret; remove it, and lanyard.db with it", name)
	}
	return Secret(secret), nil
}

func newDevSecret(name string) (Secret, error) {
	secret := rand.Text() + rand.Text()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return devSecret(name) // another process was faster
	}
	if err != nil {
		return "", fmt.Errorf("make the development secret: %w", err)
	}
	_, err = fmt.Fprintln(f, secret)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("make the development secret: %w", err)
	}
	return Secret(secret), nil
}
