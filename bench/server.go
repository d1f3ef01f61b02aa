package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	benchUser     = "bench@example.com"
	benchPassword = "a lanyard around every key"
	benchClient   = "bench"
	benchCallback = "http://127.0.0.1/callback"
	benchResource = "resource"
	benchSecret   = "a secret that somebody chose, long enough"
	benchVerifier = "a-verifier-of-forty-three-characters-or-more"
)

// server is the real binary, serving.
type server struct {
	address string
	process *exec.Cmd
	dir     string
}

// serve builds and starts the server on that database, with one user and one
// client made through its command line.
func serve(ctx context.Context, database string) (*server, error) {
	dir, err := os.MkdirTemp("", "lanyard-bench-")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir}
	if err := s.start(ctx, database); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *server) start(ctx context.Context, database string) error {
	binary := filepath.Join(s.dir, "lanyard")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/lanyard-id/lanyard")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	public, admin, err := freeAddresses()
	if err != nil {
		return err
	}
	s.address = public
	environ := append(os.Environ(),
		"LANYARD_ISSUER=http://"+public, "LANYARD_PUBLIC_LISTEN="+public, "LANYARD_ADMIN_LISTEN="+admin,
		"LANYARD_DATABASE_URL="+database, "LANYARD_SECRETS_SYSTEM="+strings.Repeat("bench ", 8),
		"LANYARD_TRUSTED_PROXIES=127.0.0.0/8")
	for _, args := range [][]string{
		{"users", "create", benchUser, "--password", "-"},
		{
			"clients", "create", "--id", benchClient, "--public", "--redirect-uri", benchCallback,
			"--grant-type", "authorization_code", "--grant-type", "refresh_token",
			"--scope", "openid offline_access", "--skip-consent",
		},
		{
			"clients", "create", "--id", benchResource, "--secret", benchSecret,
			"--auth-method", "client_secret_post", "--grant-type", "client_credentials",
		},
	} {
		c := exec.CommandContext(ctx, binary, args...)
		c.Env, c.Stdin, c.Dir = environ, strings.NewReader(benchPassword+"\n"), s.dir
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", args[0], err, out)
		}
	}
	s.process = exec.CommandContext(ctx, binary, "serve")
	s.process.Env, s.process.Dir, s.process.Stderr = environ, s.dir, os.Stderr
	s.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := s.process.Start(); err != nil {
		return err
	}
	return s.ready(ctx)
}

func freeAddresses() (string, string, error) {
	a, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	b, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", errors.Join(err, a.Close())
	}
	return a.Addr().String(), b.Addr().String(), errors.Join(a.Close(), b.Close())
}

func (s *server) ready(ctx context.Context) error {
	for range 200 {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+"/health/ready", nil)
		if err != nil {
			return err
		}
		if answer, err := http.DefaultClient.Do(r); err == nil {
			_ = answer.Body.Close() // its status is all there is to know
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("the server does not get ready")
}

func (s *server) stop() error {
	var err error
	if s.process != nil && s.process.Process != nil {
		err = errors.Join(s.process.Process.Signal(syscall.SIGTERM), s.process.Wait())
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// signIns returns the refresh tokens of that many grants. The subject proves
// who they are once; the other grants ride on the sign-in.
func (s *server) signIns(ctx context.Context, many int, scope string) ([]string, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	tokens := make([]string, many)
	for i := range tokens {
		if tokens[i], err = s.signIn(ctx, browser, scope); err != nil {
			return nil, err
		}
	}
	return tokens, nil
}

func (s *server) signIn(ctx context.Context, browser *http.Client, scope string) (string, error) {
	sum := sha256.Sum256([]byte(benchVerifier))
	at := "http://" + s.address + "/oauth2/auth?" + url.Values{
		"response_type": {"code"}, "client_id": {benchClient}, "redirect_uri": {benchCallback},
		"scope": {scope}, "state": {"bench"}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])},
	}.Encode()
	for range 5 {
		u, err := url.Parse(at)
		if err != nil {
			return "", err
		}
		if code := u.Query().Get("code"); code != "" {
			return s.exchange(ctx, browser, code)
		}
		method, form := http.MethodGet, url.Values{}
		if u.Path == "/login" {
			method = http.MethodPost
			form = url.Values{"identifier": {benchUser}, "password": {benchPassword}, "flow": {u.Query().Get("flow")}}
		}
		answer, _, err := send(ctx, browser, method, at, form)
		if err != nil {
			return "", err
		}
		if at = answer.Header.Get("Location"); at == "" {
			return "", fmt.Errorf("the sign-in stopped with %s", answer.Status)
		}
	}
	return "", errors.New("the sign-in goes in circles")
}

func (s *server) exchange(ctx context.Context, browser *http.Client, code string) (string, error) {
	_, raw, err := send(ctx, browser, http.MethodPost, "http://"+s.address+"/oauth2/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {benchVerifier},
		"client_id": {benchClient}, "redirect_uri": {benchCallback},
	})
	if err != nil {
		return "", err
	}
	return refreshToken(raw)
}

func send(
	ctx context.Context, browser *http.Client, method, at string, form url.Values,
) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, at, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, nil, err
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("User-Agent", benchLooks)
	answer, err := browser.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	raw, err := io.ReadAll(answer.Body)
	return answer, raw, err
}

var errNoToken = errors.New("the answer has no refresh token")

func refreshToken(raw []byte) (string, error) {
	var got struct {
		Refresh string `json:"refresh_token"`
	}
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&got); err != nil || got.Refresh == "" {
		return "", errors.Join(err, fmt.Errorf("%w: %s", errNoToken, raw))
	}
	return got.Refresh, nil
}
