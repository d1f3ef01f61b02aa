package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// The stories in testdata tell what is promised, one promise each. Their verbs
// are in the README there.
func TestStories(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) {
		testscript.Run(t, testscript.Params{
			Dir: "testdata", Cmds: verbs(), RequireUniqueNames: true,
			Setup:     func(env *testscript.Env) error { return newStory(env, d) },
			Condition: func(name string) (bool, error) { return name == string(d), nil },
		})
	})
}

// story is what happens in one house.
type story struct {
	house    *house.House
	database house.Database
	users    map[string]house.User
	clients  map[string]house.Client
	first    string // the client of those who name none
	devices  map[string]*gadget
	hands    map[string]*house.Hand
	kept     map[string]string // tokens that were written down
	locks    *outage
}

// gadget is a device: what its browser and its clients look like.
type gadget struct {
	looks   http.Header
	browser *house.Browser
}

func newStory(env *testscript.Env, d house.Database) error {
	t := env.T().(testing.TB)
	url, locks := open(t, d)
	h := house.At(t, url, settings(t, filepath.Join(env.WorkDir, "settings"))...)
	s := &story{
		house: h, database: d, users: map[string]house.User{}, clients: map[string]house.Client{},
		devices: map[string]*gadget{}, hands: map[string]*house.Hand{}, kept: map[string]string{}, locks: locks,
	}
	for name, looks := range map[string]http.Header{
		"laptop": house.Laptop(), "phone": house.Phone(), "tablet": house.Tablet(), "thief": house.Thief(),
	} {
		s.devices[name] = &gadget{looks, house.NewBrowser(looks)}
	}
	bin := filepath.Join(env.WorkDir, ".bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		return err
	}
	if err := os.Symlink(house.Binary(t), filepath.Join(bin, "lanyard")); err != nil {
		return err
	}
	env.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	env.Setenv("LANYARD_CONFIG", h.Config)
	env.Setenv("ISSUER", h.Issuer)
	env.Setenv("SECRET", h.Secret)
	env.Values[storyKey{}], env.Values[testKey{}] = s, t
	h.CLI("migrate", "up")
	h.Start()
	return nil
}

type storyKey struct{}

// settings reads the story's settings, one "key = JSON" a line.
func settings(t testing.TB, file string) []house.Setting {
	t.Helper()
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var set []house.Setting
	for line := range strings.Lines(string(text)) {
		key, value, found := strings.Cut(strings.TrimSpace(line), " = ")
		if !found {
			continue
		}
		var parsed any
		if err := json.Unmarshal([]byte(value), &parsed); err != nil {
			t.Fatalf("settings: %s: %v", line, err)
		}
		set = append(set, house.Set(key, parsed))
	}
	return set
}

// verb is a command of the stories. Its error is what "!" expects.
type verb func(s *story, ts *testscript.TestScript, args []string) error

func verbs() map[string]func(*testscript.TestScript, bool, []string) {
	all := map[string]func(*testscript.TestScript, bool, []string){}
	for name, v := range map[string]verb{
		"user": addUser, "client": addClient, "device": addDevice, "key": setKey,
		"signin": signIn, "refresh": refresh, "signer": signer, "lose": lose, "together": together, "revoke": revokeToken,
		"steal": steal, "keep": keep, "take": take, "forge": forge, "introspect": introspect, "call": call, "event": event, "untold": untold,
		"pause": pause, "age": age, "server": server, "store": storeState, "settings": change,
		"world": writeWorld, "goto": goTo,
	} {
		all[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			s := ts.Value(storyKey{}).(*story)
			switch err := v(s, ts, args); {
			case err != nil && !neg:
				ts.Fatalf("%s: %v", name, err)
			case err == nil && neg:
				ts.Fatalf("%s %s: was expected to fail", name, strings.Join(args, " "))
			case err != nil:
				fmt.Fprintln(ts.Stderr(), err)
			}
		}
	}
	return all
}

// hand returns who uses a client on a device: "laptop" uses the story's first
// client, "laptop:shop" another.
func (s *story) hand(name string) (*house.Hand, error) {
	if h := s.hands[name]; h != nil {
		return h, nil
	}
	device, client, _ := strings.Cut(name, ":")
	if client == "" {
		client = s.first
	}
	g, c := s.devices[device], s.clients[client]
	if g == nil || c.ID == "" {
		return nil, fmt.Errorf("the story has no device %q or no client %q", device, client)
	}
	h := s.house.NewHand(c, g.looks)
	h.Browser = g.browser
	s.hands[name] = h
	return h, nil
}

// answered prints an answer and makes an error of one that is not good.
func answered(ts *testscript.TestScript, a house.Answer, err error) error {
	if err != nil {
		return err
	}
	if a.Status/100 != 2 {
		told := fmt.Sprintf("%d %s", a.Status, a.Error())
		if wait := a.Header.Get("Retry-After"); wait != "" {
			told += " retry-after " + wait
		}
		return fmt.Errorf("%s", told)
	}
	fmt.Fprintf(ts.Stdout(), "%d\n%s\n", a.Status, longToken.ReplaceAll(a.Body, []byte("$1…")))
	return nil
}

// longToken is a token in an answer, of which nobody reads more than the
// beginning.
var longToken = regexp.MustCompile(`("(?:ly_.t_|ey)[\w-]{8})[\w.-]+`)

// addUser adds users. Their subjects are in the environment, under their names
// in capitals.
func addUser(s *story, ts *testscript.TestScript, args []string) error {
	for _, name := range args {
		s.users[name] = s.house.User(name+"@example.com", "--name", strings.ToUpper(name[:1])+name[1:])
		ts.Setenv(strings.ToUpper(name), s.users[name].Subject)
	}
	return nil
}

func addClient(s *story, _ *testscript.TestScript, args []string) error {
	c := s.house.Client(append([]string{"--id", args[0]}, args[1:]...)...)
	s.clients[c.ID] = c
	if s.first == "" {
		s.first = c.ID
	}
	return nil
}

// addDevice adds a device that looks like another.
func addDevice(s *story, _ *testscript.TestScript, args []string) error {
	like := s.devices[args[1]]
	if like == nil {
		return fmt.Errorf("the story has no device %q", args[1])
	}
	looks := like.looks.Clone()
	s.devices[args[0]] = &gadget{looks, house.NewBrowser(looks)}
	return nil
}

// setKey gives a client on a device a key of its own, or takes it away.
func setKey(s *story, _ *testscript.TestScript, args []string) error {
	h, err := s.hand(args[0])
	if err != nil {
		return err
	}
	h.Key = house.NewKey()
	if slices.Contains(args[1:], "none") {
		h.Key = nil
	}
	return nil
}

// signIn signs a user in: signin ada laptop [parameter=value…]. The device's
// id is then in the environment under the device's name in capitals.
func signIn(s *story, ts *testscript.TestScript, args []string) error {
	h, err := s.hand(args[1])
	if err != nil {
		return err
	}
	more := url.Values{}
	for _, parameter := range args[2:] {
		name, value, _ := strings.Cut(parameter, "=")
		more.Set(name, value)
	}
	scope := "openid offline_access profile devices"
	a, err := h.SignIn(s.users[args[0]], scope, more)
	if err = answered(ts, a, err); err != nil {
		return err
	}
	device, _, _ := strings.Cut(args[1], ":")
	ts.Setenv(strings.ToUpper(device), h.Tokens.Device)
	return nil
}

func refresh(s *story, ts *testscript.TestScript, args []string) error {
	h, err := s.hand(args[0])
	if err != nil {
		return err
	}
	a, err := h.Refresh()
	if err := answered(ts, a, err); err != nil {
		return err
	}
	id, err := jwt.ParseSigned(h.Tokens.ID, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err == nil {
		fmt.Fprintln(ts.Stdout(), "signed by", id.Headers[0].KeyID)
	}
	return err
}

// signer compares which keys signed what was printed: signer FILE FILE same, or
// changed.
func signer(_ *story, ts *testscript.TestScript, args []string) error {
	line := regexp.MustCompile(`signed by (\S+)`)
	a, b := line.FindString(ts.ReadFile(args[0])), line.FindString(ts.ReadFile(args[1]))
	if a == "" || (a == b) != (args[2] == "same") {
		return fmt.Errorf("%s was %q, %s is %q", args[0], a, args[1], b)
	}
	return nil
}

// lose refreshes, and the answer gets lost.
func lose(s *story, ts *testscript.TestScript, args []string) error {
	h, err := s.hand(args[0])
	if err != nil {
		return err
	}
	before := h.Tokens
	a, err := h.Refresh()
	h.Tokens = before
	return answered(ts, a, err)
}

// together presents one token so many times at once, and fails unless all are
// given the same successor.
func together(s *story, ts *testscript.TestScript, args []string) error {
	h, err := s.hand(args[0])
	if err != nil {
		return err
	}
	var many int
	if _, err := fmt.Sscan(args[1], &many); err != nil {
		return err
	}
	tabs, errs := make([]*house.Hand, many), make([]error, many)
	var all sync.WaitGroup
	for i := range tabs {
		tab := *h
		tabs[i] = &tab
		all.Go(func() {
			a, err := tab.Refresh()
			if err == nil && a.Status != http.StatusOK {
				err = fmt.Errorf("tab %d: %d %s", i, a.Status, a.Error())
			}
			errs[i] = err
		})
	}
	all.Wait()
	for i, tab := range tabs {
		if errs[i] != nil {
			return errs[i]
		}
		if tab.Tokens.Refresh != tabs[0].Tokens.Refresh {
			return fmt.Errorf("tab %d was given another successor than tab 0", i)
		}
	}
	h.Tokens = tabs[0].Tokens
	fmt.Fprintf(ts.Stdout(), "%d tabs hold one token\n", many)
	return nil
}

// revokeToken gives a token back: revoke laptop [access].
func revokeToken(s *story, ts *testscript.TestScript, args []string) error {
	h, err := s.hand(args[0])
	if err != nil {
		return err
	}
	a, err := h.Post("/oauth2/revoke", url.Values{"token": {held(h, args[1:])}})
	return answered(ts, a, err)
}

// held returns the refresh token, or what the words ask for.
func held(h *house.Hand, words []string) string {
	if slices.Contains(words, "access") {
		return h.Tokens.Access
	}
	return h.Tokens.Refresh
}

// steal copies everything a client holds but its key: steal laptop thief.
// With "cookies", it copies the browser's cookies instead.
func steal(s *story, _ *testscript.TestScript, args []string) error {
	from, err := s.hand(args[0])
	if err != nil {
		return err
	}
	to, err := s.hand(args[1])
	if err != nil {
		return err
	}
	if slices.Contains(args[2:], "cookies") {
		to.Browser.SetCookies(s.house.Issuer, from.Browser.Cookies(s.house.Issuer))
		return nil
	}
	to.Tokens = from.Tokens
	return nil
}

// keep writes a refresh token down: keep laptop old.
func keep(s *story, _ *testscript.TestScript, args []string) error {
	h, err := s.hand(args[0])
	if err != nil {
		return err
	}
	s.kept[args[1]] = h.Tokens.Refresh
	return nil
}

// take takes a refresh token that was written down: take thief old.
func take(s *story, _ *testscript.TestScript, args []string) error {
	h, err := s.hand(args[0])
	if err != nil {
		return err
	}
	h.Tokens.Refresh = s.kept[args[1]]
	return nil
}

// forge changes the end of the token that a hand holds.
func forge(s *story, _ *testscript.TestScript, args []string) error {
	h, err := s.hand(args[0])
	if err != nil {
		return err
	}
	t := []byte(h.Tokens.Refresh)
	t[len(t)-2] ^= 1
	h.Tokens.Refresh = string(t)
	return nil
}

// introspect asks about a token as the operator, and fails on a dead one.
func introspect(s *story, ts *testscript.TestScript, args []string) error {
	h, err := s.hand(args[0])
	if err != nil {
		return err
	}
	form := strings.NewReader(url.Values{"token": {held(h, args[1:])}}.Encode())
	r, err := http.NewRequest(http.MethodPost, s.house.Admin+"/admin/oauth2/introspect", form)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+s.house.Token)
	a, err := h.Do(r)
	if err := answered(ts, a, err); err != nil {
		return err
	}
	if strings.TrimSpace(string(a.Body)) == `{"active":false}` {
		return fmt.Errorf("the token is dead")
	}
	return nil
}

// call uses an API with the hand's access token: call phone DELETE /path
// [body].
func call(s *story, ts *testscript.TestScript, args []string) error {
	h, err := s.hand(args[0])
	if err != nil {
		return err
	}
	a, err := h.Call(args[1], args[2], strings.Join(args[3:], " "))
	return answered(ts, a, err)
}

// event fails unless an event of that type, with these reasons, is told. Events
// are shown in order, so those of a transaction wait for older ones to end.
func event(s *story, ts *testscript.TestScript, args []string) error {
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		line, others := s.told(args[0], args[1:])
		if line != "" {
			fmt.Fprintln(ts.Stdout(), line)
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("no %s among %s", strings.Join(args, " "), strings.Join(others, ", "))
		}
	}
}

// told returns the first event that fits, or what there is instead.
func (s *story) told(kind string, reasons []string) (line string, others []string) {
	var list []struct {
		Type    string   `json:"type"`
		Reasons []string `json:"reasons"`
		Device  string   `json:"device_id"`
	}
	s.house.Prints(&list, "events", "list")
	for _, e := range list {
		lacks := func(reason string) bool { return !slices.Contains(e.Reasons, reason) }
		if e.Type == kind && !slices.ContainsFunc(reasons, lacks) {
			return strings.Join(append([]string{e.Type, e.Device}, e.Reasons...), " "), nil
		}
		others = append(others, fmt.Sprintf("%s %v", e.Type, e.Reasons))
	}
	return "", others
}

// untold fails if there is an event of that type, shown already or not.
func untold(s *story, _ *testscript.TestScript, args []string) error {
	var n int
	err := s.locks.query(&n, "SELECT count(*) FROM events WHERE type = $1", args[0])
	if err == nil && n > 0 {
		err = fmt.Errorf("%d of %s", n, args[0])
	}
	return err
}

func pause(_ *story, _ *testscript.TestScript, args []string) error {
	d, err := time.ParseDuration(args[0])
	time.Sleep(d)
	return err
}

// server starts, stops, kills or restarts the server.
func server(s *story, _ *testscript.TestScript, args []string) error {
	switch args[0] {
	case "start":
		return s.house.Launch()
	case "stop":
		return s.house.Terminate()
	case "kill":
		return s.house.Kill()
	case "restart":
		if err := s.house.Terminate(); err != nil {
			return err
		}
		return s.house.Launch()
	}
	return fmt.Errorf("server start, stop, kill or restart, not %s", args[0])
}

// change sets settings for the next start: settings KEY JSON.
func change(s *story, _ *testscript.TestScript, args []string) error {
	var value any
	if err := json.Unmarshal([]byte(args[1]), &value); err != nil {
		return err
	}
	s.house.Change(house.Set(args[0], value))
	return nil
}
