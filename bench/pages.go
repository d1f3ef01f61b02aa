package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/store/pgtest"
)

const (
	fewDevices  = 10_000
	manyDevices = 1_000_000
	// owners is how many subjects look at their devices, in turn.
	owners = 32
)

// pages measures the list of devices where there are few of them in the table
// and where there are many. Each owner has as many either way. Nothing is
// waited for at commits: reading is what is measured.
func pages(ctx context.Context, p plan) error {
	pg, err := pgtest.Launch(ctx, pgtest.Options{TCP: true})
	if err != nil {
		return err
	}
	defer func() { _ = pg.Close() }() // it is thrown away
	var listed []contestant
	for _, devices := range []int{fewDevices, manyDevices} {
		url, err := pg.Migrated(ctx)
		if err != nil {
			return err
		}
		server, err := serve(ctx, url)
		if err != nil {
			return err
		}
		defer func() { _ = server.stop() }() // it has nothing left to say
		start := time.Now()
		if err := fill(ctx, url, server, devices); err != nil {
			return err
		}
		looking, err := server.look(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("%9d devices and as many grants, in %s\n", devices, time.Since(start).Round(time.Second))
		listed = append(listed, looked(fmt.Sprintf("%d devices", devices), server, looking))
	}
	for _, workers := range []int{1, 4} {
		all, err := alternate(ctx, p, listed, workers)
		if err != nil {
			return err
		}
		reportPages(workers, listed, all)
	}
	return nil
}

// visits is what the slices of one contestant came to.
type visits struct {
	times  []float64 // milliseconds, of every list
	ratios []float64 // of a round's p99 to the first contestant's
}

func p99(times []float64) float64 {
	slices.Sort(times)
	return times[len(times)*99/100]
}

// alternate runs the contestants in turns, so that whatever else the machine
// does falls on all of them.
func alternate(ctx context.Context, p plan, contestants []contestant, workers int) ([]visits, error) {
	all := make([]visits, len(contestants))
	for round := range p.rounds + 1 {
		var first float64
		for i, c := range contestants {
			got, _, err := slice(ctx, c, workers, p.slice)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			if i == 0 {
				first = p99(got)
			}
			if round > 0 { // the one before warms up
				all[i].times = append(all[i].times, got...)
				all[i].ratios = append(all[i].ratios, p99(got)/first)
			}
		}
	}
	return all, nil
}

func reportPages(workers int, contestants []contestant, all []visits) {
	fmt.Printf("\n%d workers\n%-18s %8s %8s %8s %9s %14s\n", workers, "", "lists", "p50 ms", "p99 ms", "of few", "of few, median")
	for i, v := range all {
		high := p99(v.times)
		fmt.Printf("%-18s %8d %8.2f %8.2f %9.2f %14.2f\n",
			contestants[i].name, len(v.times), v.times[len(v.times)/2], high, high/p99(all[0].times), median(v.ratios))
	}
}

// look signs the owners in to the pages and returns their cookies.
func (s *server) look(ctx context.Context) ([]string, error) {
	cookies := make([]string, owners)
	for n := range cookies {
		jar, err := cookiejar.New(nil)
		if err != nil {
			return nil, err
		}
		browser := &http.Client{Jar: jar, Transport: sameOrigin{}}
		at, page, err := send(ctx, browser, http.MethodGet, "http://"+s.address+"/devices", nil)
		if err != nil {
			return nil, err
		}
		flow := regexp.MustCompile(`name="flow" value="([^"]*)"`).FindSubmatch(page)
		if flow == nil {
			return nil, fmt.Errorf("%s is no sign-in", at.Request.URL)
		}
		_, page, err = send(ctx, browser, http.MethodPost, "http://"+s.address+"/login", url.Values{
			"flow": {string(flow[1])}, "identifier": {ownerOf(n)}, "password": {benchPassword},
		})
		if err != nil {
			return nil, err
		}
		if !bytes.Contains(page, fmt.Appendf(nil, "on %d devices", devicesEach+1)) {
			return nil, fmt.Errorf("no list of %d devices:\n%s", devicesEach+1, page)
		}
		var sent []string
		for _, c := range jar.Cookies(&url.URL{Scheme: "http", Host: s.address, Path: "/devices"}) {
			sent = append(sent, c.Name+"="+c.Value)
		}
		cookies[n] = strings.Join(sent, "; ")
	}
	return cookies, nil
}

// sameOrigin says what browsers say when they stay where they are.
type sameOrigin struct{}

// RoundTrip sends a request.
func (sameOrigin) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return http.DefaultTransport.RoundTrip(r)
}

// looked is the list over HTTP on a kept connection, as one owner after another
// sees it. The requests are written by hand, because generator and server share
// the processors.
func looked(name string, s *server, cookies []string) contestant {
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
		i := n
		return func(context.Context) error {
			i++
			return list(connection, reader, s.address, cookies[i%len(cookies)])
		}, nil
	}}
}

var errNoList = errors.New("the answer is no list of devices")

func list(connection net.Conn, reader *bufio.Reader, host, cookie string) error {
	if err := connection.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(connection, "GET /devices HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n"+
		"Sec-Fetch-Site: same-origin\r\nCookie: %s\r\n\r\n", host, benchLooks, cookie)
	if err != nil {
		return err
	}
	answer, err := http.ReadResponse(reader, nil)
	if err != nil {
		return err
	}
	page, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK || !bytes.Contains(page, []byte(`class="cards"`)) {
		return fmt.Errorf("%w: %s", errNoList, answer.Status)
	}
	return nil
}
