package ory

import (
	"context"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/textproto"
	"strings"
	"sync"
	"time"
)

// Mailbox takes in the mail that Kratos sends, over SMTP.
type Mailbox struct {
	Address string // where it listens

	listener net.Listener
	mu       sync.Mutex
	letters  []Letter
}

// Letter is a mail.
type Letter struct{ To, Subject, Text string }

// NewMailbox listens on loopback. Close it.
func NewMailbox() (*Mailbox, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := &Mailbox{Address: l.Addr().String(), listener: l}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // it was closed
			}
			go m.talk(c)
		}
	}()
	return m, nil
}

// Close stops listening.
func (m *Mailbox) Close() error { return m.listener.Close() }

// talk speaks as much SMTP as a courier needs (RFC 5321).
func (m *Mailbox) talk(c net.Conn) {
	defer func() { _ = c.Close() }() // the other side has said goodbye
	wire := textproto.NewConn(c)
	say := func(line string) bool { return wire.PrintfLine("%s", line) == nil }
	if !say("220 mailbox") {
		return
	}
	to := ""
	for {
		line, err := wire.ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "RCPT":
			_, to, _ = strings.Cut(rest, ":")
			say("250 ok")
		case "DATA":
			say("354 go on")
			text, err := io.ReadAll(wire.DotReader())
			if err != nil {
				return
			}
			m.take(strings.Trim(to, "<> "), string(text))
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 mailbox")
		}
	}
}

func (m *Mailbox) take(to, raw string) {
	l := Letter{To: to, Text: raw}
	if parsed, err := mail.ReadMessage(strings.NewReader(raw)); err == nil {
		l.Subject = parsed.Header.Get("Subject")
	}
	// The parts are quoted-printable; what is around them survives reading it
	// so, as far as codes and links are concerned.
	if text, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(raw))); err == nil {
		l.Text = string(text)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.letters = append(m.letters, l)
}

// Await returns the first letter to an address whose text holds a word, and
// takes it out.
func (m *Mailbox) Await(ctx context.Context, to, word string) (Letter, error) {
	for {
		m.mu.Lock()
		for i, l := range m.letters {
			if strings.EqualFold(l.To, to) && strings.Contains(strings.ToLower(l.Subject+l.Text), word) {
				m.letters = append(m.letters[:i], m.letters[i+1:]...)
				m.mu.Unlock()
				return l, nil
			}
		}
		n := len(m.letters)
		m.mu.Unlock()
		select {
		case <-ctx.Done():
			return Letter{}, fmt.Errorf("no mail to %s about %q, %d others: %w", to, word, n, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
