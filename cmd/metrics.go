package cmd

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics is what /metrics/prometheus serves.
type metrics struct {
	registry  *prometheus.Registry
	wrongKeys *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		wrongKeys: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lanyard_wrong_keys_total",
			Help: "Requests with a wrong hook key or admin token, or without a hook key.",
		}, []string{"key"}),
	}
	for _, kind := range []string{"hook", "gateway_check", "admin_api", "operator_pages"} {
		m.wrongKeys.WithLabelValues(kind) // shown from the start, as zero
	}
	m.registry.MustRegister(m.wrongKeys,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
