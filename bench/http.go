package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const benchLooks = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) " +
	"Chrome/142.0.0.0 Safari/537.36"

// posted is a refresh over HTTP on a kept connection. The requests are
// written by hand, because generator and server share the processors.
func posted(name string, s *server, tokens []string) contestant {
	kept := map[int]net.Conn{} // by worker, from slice to slice
	return contestant{name, func(n int) (func(context.Context) error, error) {
		if kept[n] == nil {
			connection, err := net.Dial("tcp", s.address)
			if err != nil {
				return nil, err
			}
			kept[n] = connection
		}
		connection, reader := kept[n], bufio.NewReader(kept[n])
		i := 0
		return func(context.Context) error {
			i++
			at := (n + 16*i) % len(tokens)
			token, err := post(connection, reader, s.address, tokens[at])
			if err != nil {
				return err
			}
			tokens[at] = token
			return nil
		}, nil
	}}
}

func post(connection net.Conn, reader *bufio.Reader, host, token string) (string, error) {
	body := url.Values{
		"grant_type": {"refresh_token"}, "client_id": {benchClient}, "refresh_token": {token},
	}.Encode()
	if err := connection.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return "", err
	}
	_, err := fmt.Fprintf(connection, "POST /oauth2/token HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		host, benchLooks, len(body), body)
	if err != nil {
		return "", err
	}
	answer, err := http.ReadResponse(reader, nil)
	if err != nil {
		return "", err
	}
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	if err := answer.Body.Close(); err != nil {
		return "", err
	}
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", answer.Status, raw)
	}
	return refreshToken(raw)
}
