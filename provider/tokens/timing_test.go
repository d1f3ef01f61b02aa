package tokens_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/provider/tokens"
)

// TestVerifyTellsNothingByTime compares how long two kinds of forgeries take, as
// dudect does (Reparaz et al. 2017): those whose MAC is wrong from its first
// byte on, and those that only the last byte gives away. Where the comparison
// stopped early, a MAC could be guessed byte by byte.
func TestVerifyTellsNothingByTime(t *testing.T) {
	const samples, unlikely, tries = 100_000, 4.5, 5
	codec := tokens.Codec{Keys: ring{newKey}}
	g := grant()
	good, err := codec.Refresh(g, g.Generation)
	if err != nil {
		t.Fatal(err)
	}
	text := good.Reveal()
	size := len(text)
	var forged [2]tokens.Token
	for i, at := range []int{size - 42, size - 1} { // 42 characters of base64url are in the MAC alone
		other := []byte(text)
		other[at] = 'A' + (other[at]+1-'A')%26
		if forged[i], err = tokens.Parse(string(other)); err != nil {
			t.Fatal(err)
		}
	}
	least := math.Inf(1)
	for range tries { // a machine that is busy looks different by chance; a leak always does
		var took [2][]float64
		for range samples {
			class := rand.IntN(2)
			start := time.Now()
			err := codec.Verify(t.Context(), forged[class], g.Secret)
			took[class] = append(took[class], float64(time.Since(start)))
			if !errors.Is(err, tokens.ErrForged) {
				t.Fatalf("forgery %d: %v", class, err)
			}
		}
		if least = min(least, math.Abs(welch(cropped(took)))); least < unlikely {
			return
		}
	}
	t.Errorf("the two take different times: |t| = %.1f, want less than %v", least, unlikely)
}

// cropped leaves out what took longest: the machine was doing something else.
func cropped(took [2][]float64) [2][]float64 {
	all := slices.Sorted(slices.Values(slices.Concat(took[0], took[1])))
	limit := all[len(all)*9/10]
	for i := range took {
		took[i] = slices.DeleteFunc(took[i], func(d float64) bool { return d > limit })
	}
	return took
}

// welch returns the t of Welch's test.
func welch(took [2][]float64) float64 {
	var mean, spread [2]float64
	for i, sample := range took {
		n := float64(len(sample))
		for _, d := range sample {
			mean[i] += d / n
		}
		for _, d := range sample {
			spread[i] += (d - mean[i]) * (d - mean[i]) / (n - 1) / n
		}
	}
	return (mean[0] - mean[1]) / math.Sqrt(spread[0]+spread[1])
}
