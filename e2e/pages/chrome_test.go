package pages_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// chrome is a real browser with a profile of its own. What it complains of and
// whom it asks is kept, and must be nothing and nobody else at the test's end.
type chrome struct {
	t   *testing.T
	ctx context.Context
	at  string
	idp string // where owners sign in, if that is elsewhere
	// away: pages lead to clients elsewhere, which the test looks at itself.
	away bool

	mu       sync.Mutex
	asked    []string // every URL
	pages    int      // documents that came
	status   int64    // of the last of them
	page     string   // and its URL
	problems []string
}

// chromium starts a browser.
func chromium(t *testing.T) context.Context {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Fatal("Chromium is missing: run `apt-get install -y --no-install-recommends chromium`")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.ExecPath("chromium"),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"), chromedp.Flag("lang", "en-GB"))
	allocated, done := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocated)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); done() })
	return ctx
}

// look is how a browser is seen.
type look struct {
	agent, languages, platform string
	mobile                     bool
	scripts                    bool
}

func windows() look {
	return look{
		agent:     "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
		languages: "en-GB,en;q=0.9", platform: "Windows", scripts: true,
	}
}

func iphone() look {
	return look{
		agent:     "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
		languages: "en-GB,en;q=0.9", mobile: true, scripts: true,
	}
}

// open opens a profile of its own in a browser.
func open(t *testing.T, browser context.Context, h *house.House, l look) *chrome {
	t.Helper()
	c := &chrome{t: t, at: h.Issuer}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(c.hear))
	ctx, stop := context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(func() { stop(); cancel(); c.quiet() })
	c.ctx = ctx
	// 1. Its events.
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	c.must(err)
	_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	c.must(err)
	// 2. Its looks.
	as := emulation.SetUserAgentOverrideParams{UserAgent: l.agent, AcceptLanguage: l.languages}
	if l.platform != "" {
		as.UserAgentMetadata = &emulation.UserAgentMetadata{
			Platform: l.platform, PlatformVersion: "15.0.0", Architecture: "x86", Mobile: l.mobile,
			Brands: []*emulation.UserAgentBrandVersion{{Brand: "Google Chrome", Version: "156"}, {Brand: "Chromium", Version: "156"}},
		}
	}
	_, err = chromedp.Call(ctx, emulation.SetUserAgentOverride, as)
	c.must(err)
	_, err = chromedp.Call(ctx, emulation.SetScriptExecutionDisabled,
		emulation.SetScriptExecutionDisabledParams{Value: !l.scripts})
	c.must(err)
	return c
}

func (c *chrome) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// hear keeps whom the browser asks and what it complains of.
func (c *chrome) hear(event any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		c.asked = append(c.asked, e.Request.URL)
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			c.pages, c.status, c.page = c.pages+1, e.Response.Status, e.Response.URL
		}
	case *log.EventEntryAdded:
		// A page that answers 4xx is logged as a failed resource; tests want some.
		if e.Entry.Level == "error" && !strings.Contains(e.Entry.Text, "the server responded with a status of 4") {
			c.problems = append(c.problems, e.Entry.Text)
		}
	case *runtime.EventExceptionThrown:
		c.problems = append(c.problems, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		c.problems = append(c.problems, fmt.Sprintf("console.%s", e.Type))
	}
}

// documents returns how many pages have come so far.
func (c *chrome) documents() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pages
}

// document returns the status and the URL of the last page that came.
func (c *chrome) document() (status int64, at string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status, c.page
}

// quiet fails the test unless the browser asked nobody else, and did not
// complain.
func (c *chrome) quiet() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, asked := range c.asked {
		if c.away {
			break
		}
		u, err := url.Parse(asked)
		if err != nil || "http://"+u.Host != c.at && "http://"+u.Host != c.idp {
			c.t.Errorf("the page asked %s", asked)
		}
	}
	for _, problem := range c.problems {
		c.t.Errorf("the browser complains: %s", problem)
	}
}

// size sets the window, in CSS pixels, and the colours.
func (c *chrome) size(width, height int64, dark bool) {
	c.t.Helper()
	c.must(chromedp.Do(c.ctx, chromedp.EmulateViewport(width, height)))
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	_, err := chromedp.Call(c.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	c.must(err)
}

// visit goes to a page.
func (c *chrome) visit(path string) {
	c.t.Helper()
	for tries := 0; ; tries++ {
		ctx, cancel := context.WithTimeout(c.ctx, 20*time.Second)
		err := chromedp.Do(ctx, chromedp.Navigate(c.at+path))
		cancel()
		if err == nil {
			return
		}
		// Whatever the page was still loading is given up for this.
		if tries == 3 || !strings.Contains(err.Error(), "net::ERR_ABORTED") {
			c.must(err)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// signIn goes to a page and signs in on the way.
func (c *chrome) signIn(path string, u house.User) {
	c.t.Helper()
	c.visit(path)
	c.prove(u)
}

// prove fills in the sign-in page and sends it.
func (c *chrome) prove(u house.User) {
	c.t.Helper()
	c.do(
		chromedp.WaitVisible(chromedp.CSS("#password")),
		chromedp.WaitVisible(chromedp.CSS("#identifier")))
	c.write("#identifier", u.Identifier)
	c.write("#password", u.Password)
	c.click("main button[type=submit]")
}

// do takes steps, none of which may take long.
func (c *chrome) do(steps ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		c.t.Fatalf("%v; the page says:\n%s", err, c.text())
	}
}

// click clicks on what a selector finds.
func (c *chrome) click(selector string) {
	c.t.Helper()
	c.do(chromedp.Click(chromedp.CSS(selector)))
}

// write writes into a field, instead of what it holds.
func (c *chrome) write(selector, text string) {
	c.t.Helper()
	c.do(chromedp.WaitVisible(chromedp.CSS(selector)))
	evaluate[bool](c, fmt.Sprintf(`(document.querySelector(%q).value = "") === ""`, selector))
	c.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// evaluate runs a script in the page, whatever its policy says.
func evaluate[T any](c *chrome, script string) T {
	c.t.Helper()
	value, err := chromedp.Run(c.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	c.must(err)
	return value
}

// text returns what a person reads; nothing while the page changes.
func (c *chrome) text() string {
	c.t.Helper()
	text, err := chromedp.Run(c.ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
	if err != nil && c.ctx.Err() != nil {
		c.t.Fatal(err)
	}
	return text
}

// sees fails unless the page says all that, however often it has to look.
func (c *chrome) sees(texts ...string) {
	c.t.Helper()
	var page string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		page = c.text()
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(page, text) }) {
			return
		}
	}
	c.t.Fatalf("the page does not say %q:\n%s", texts, page)
}

// misses fails unless the page soon says none of that.
func (c *chrome) misses(text string) {
	c.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if page := c.text(); page != "" && !strings.Contains(page, text) {
			return
		}
	}
	c.t.Fatalf("the page still says %q", text)
}

// axe returns the script of axe-core, which npm installs once.
var axe = sync.OnceValues(func() (string, error) {
	const script = "node_modules/axe-core/axe.min.js"
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		return "", err
	}
	const stamp = "node_modules/.lanyard-lock"
	if done, err := os.ReadFile(stamp); err != nil || !bytes.Equal(done, lock) {
		ci := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
		if out, err := ci.CombinedOutput(); err != nil {
			return "", fmt.Errorf("npm ci: %w (is npm there? apt-get install npm)\n%s", err, out)
		}
		if err := os.WriteFile(stamp, lock, 0o600); err != nil {
			return "", err
		}
	}
	text, err := os.ReadFile(script)
	return string(text), err
})

// cookies returns the browser's cookies, HttpOnly ones too.
func (c *chrome) cookies() (cookies []*http.Cookie) {
	c.t.Helper()
	got, err := chromedp.Call(c.ctx, network.GetCookies, network.GetCookiesParams{})
	c.must(err)
	for _, cookie := range got.Cookies {
		cookies = append(cookies, &http.Cookie{Name: cookie.Name, Value: cookie.Value, Path: cookie.Path})
	}
	return cookies
}
