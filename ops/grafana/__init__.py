"""The Grafana dashboards as code: `python -m ops.grafana` writes what `ops/grafana/dashboards` holds."""
