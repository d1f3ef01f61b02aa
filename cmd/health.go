package cmd

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

type healthCmd struct{}

// Run asks the server that the configuration describes. It is what a
// container runs to know how the server is.
func (*healthCmd) Run(a *app) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(a.ctx, 3*time.Second)
	defer cancel()
	target := "http://" + dialable(c.Public.Listen) + "/health/ready"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	defer w.Body.Close()
	if w.StatusCode != http.StatusOK {
		return fmt.Errorf("the server is not ready (%s); see its log", w.Status)
	}
	return a.say(map[string]string{"status": "ok"}, "ok")
}
